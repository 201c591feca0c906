/* SPDX-License-Identifier: Apache-2.0 */
/* Misbehaving guests: what belongs to kernels, and what is to confuse them. */
#include "common/cleanup.h"
#include "tools/plugin-check/bad.h"

static enum check_outcome check_privileged(struct check *check)
{
    static const char *const functions[] = {
        "cli",
        "sti",
        "hlt",
        "clts",
        "invd",
        "wbinvd",
        "swapgs",
        "sysret",
        "sysexit",
        "rsm",
        "read_cr0",
        "write_cr0",
        "read_cr3",
        "write_cr3",
        "read_cr4",
        "write_cr4",
        "write_cr8",
        "read_dr7",
        "write_dr7",
        "lmsw",
        "rdpmc",
        "xsetbv",
        "rdmsr_efer",
        "wrmsr_efer",
        "wrmsr_lstar",
        "wrmsr_apic_base",
        "invlpg",
        "ltr",
        "lldt",
        "lgdt",
        "lidt",
        "iret_to_ring_0",
        "far_return_to_ring_0",
        "load_kernel_ss",
        "load_bad_ds",
        "vmxoff",
        "vmlaunch",
        "vmrun",
        "vmload",
        "clgi",
        "stgi",
        "skinit",
        "monitor",
        "mwait",
        "clac",
        "stac",
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct check_bad bads[sizeof functions / sizeof functions[0] + 3] = {LAST};
    uint32_t ignored;
    unsigned count = 0;

    CHECK_STEP(check_box_load(check, &box, "privileged.elf"));
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (sconce_guest_find(box.guest, functions[i], &ignored, &box.err) == 0)
            bads[count++] = (struct check_bad)OTHER(functions[i], P_OR_I | K(MEMORY));
    }
    bads[count++] = (struct check_bad)OTHER("vmcall", ANY_FAULT | OR_NOTHING);
    bads[count++] = (struct check_bad)OTHER("vmmcall", ANY_FAULT | OR_NOTHING);
    CHECK(check, check_box_new(&box, NULL, &box.sandbox) == 0, "no sandbox: %s", box.err.text);
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_run_all(check, &box, "privileged.elf", bads));
    CHECK_STEP(check_call_done(check, &box, "popf_iopl", WITHOUT));
    CHECK(check, box.result.as.u64 == 0, "POPF changed IOPL or IF: 0x%llx",
          (unsigned long long)box.result.as.u64);
    return check_note(check, "%u instructions", count);
}

static enum check_outcome check_ports(struct check *check)
{
    static const uint32_t ports[] = {0,    0x20, 0x59, 0x5a,  0x5b,  0x5d,  0x60,   0x61,   0x64,
                                     0x70, 0x80, 0x92, 0xcf8, 0xcfc, 0x3f8, 0x5658, 0xfffc, 0xffff};
    static const char *const narrow[] = {"in_8"};
    static const char *const wide[] = {"in_16", "in_32"};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "privileged.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        const struct sconce_value args[] = {check_u32(ports[i]), check_u32(1)};
        static const char *const outs[] = {"out_8", "out_16", "out_32"};
        const struct check_bad in = WITH_U(narrow[0], ports[i], P_OR_I);

        CHECK_STEP(check_run_bad(check, &box, &in));
        for (size_t w = 0; w < 2; w++) {
            const struct check_bad bad = WITH_U(wide[w], ports[i], P_OR_I);

            CHECK_STEP(check_run_bad(check, &box, &bad));
        }
        for (size_t w = 0; w < 3; w++) {
            int code = check_call(&box, outs[w], args, 2);

            CHECK(check, code == SCONCE_E_GUEST_FAULT, "%s(0x%x) ended with %s", outs[w], ports[i],
                  code == 0 ? "success" : sconce_error_name(code));
            CHECK_STEP(check_box_recover(check, &box));
        }
    }
    for (size_t w = 0; w < 2; w++) { /* too wide for the doorbell's port */
        const struct check_bad bad = WITH_U(wide[w], 0x5c, ANY_FAULT);

        CHECK_STEP(check_run_bad(check, &box, &bad));
    }
    return CHECK_OK;
}

static const uint64_t wild_sps[] = {0,
                                    8,
                                    0xfff000000,
                                    0x800000000,
                                    0x1000,
                                    0x7ffffffffff8,
                                    0x800000000000,
                                    0x8000000000000000,
                                    0xffffffffffffff00,
                                    UINT64_MAX};

static enum check_outcome check_stack(struct check *check)
{
    static const struct check_bad overflow[] = {MEMORY("overflow", WRITE, NO_ADDRESS), LAST};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_run_all(check, &box, "stack.elf", overflow));
    for (size_t i = 0; i < sizeof wild_sps / sizeof wild_sps[0]; i++) {
        const struct check_bad bads[] = {
            WITH_M("fault_with_sp", wild_sps[i], K(ILLEGAL)),
            WITH_M("int3_with_sp", wild_sps[i], K(BREAKPOINT)),
            {"page_fault_with_sp", 'm', wild_sps[i], K(MEMORY), SCONCE_ACCESS_WRITE, 0},
            WITH_M("push_with_sp", wild_sps[i], K(MEMORY) | K(STACK) | K(PRIVILEGE)),
            LAST,
        };

        CHECK_STEP(check_run_all(check, &box, "stack.elf", bads));
        CHECK_STEP(check_call_done(check, &box, "doorbell_with_sp", WITH(check_u64(wild_sps[i]))));
        CHECK(check, box.result.as.u64 == wild_sps[i], "SP 0x%llx is 0x%llx behind a doorbell",
              (unsigned long long)wild_sps[i], (unsigned long long)box.result.as.u64);
        CHECK_STEP(check_call_done(check, &box, "ready_with_sp", WITH(check_u64(wild_sps[i]))));
        CHECK_STEP(check_call_done(check, &box, "recurse", WITH(check_u64(10))));
    }
    return CHECK_OK;
}

#define FLAG_TF 0x100u

static enum check_outcome check_flags(struct check *check)
{
    static const uint64_t flags[] = {0x1,     0x400,   0x3000,   0x4000,
                                     0x10000, 0x40000, 0x200000, 0x254401};
    static const struct check_bad stepping[] = {
        /* TF traps behind the next instruction: when that faults, its fault comes first. */
        WITH_M("fault_with_flags", FLAG_TF, K(STEP) | K(ILLEGAL)),
        WITH_M("page_fault_with_flags", FLAG_TF, K(STEP) | K(MEMORY)),
        WITH_M("int3_with_flags", FLAG_TF, K(STEP) | K(BREAKPOINT)),
        WITH_M("doorbell_with_flags", FLAG_TF, K(STEP)),
        OTHER("iret_with_nt", P_OR_I),
        LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_run_all(check, &box, "flags.elf", stepping));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const struct check_bad bads[] = {
            WITH_M("fault_with_flags", flags[i], K(ILLEGAL)),
            {"page_fault_with_flags", 'm', flags[i], K(MEMORY), SCONCE_ACCESS_WRITE, 0},
            WITH_M("int3_with_flags", flags[i], K(BREAKPOINT)),
            WITH_M("misaligned_with_flags", flags[i], K(ALIGNMENT) | OR_NOTHING),
            LAST,
        };

        CHECK_STEP(check_run_all(check, &box, "flags.elf", bads));
        CHECK_STEP(check_call_done(check, &box, "doorbell_with_flags", WITH(check_u64(flags[i]))));
        CHECK_STEP(check_call_done(check, &box, "ready_with_flags", WITH(check_u64(flags[i]))));
    }
    return CHECK_OK;
}

const struct check_row check_privilege_rows[] = {
    {"fault.privilege", "privileged instructions have no effect but a fault", CHECK_NEEDS_SANDBOX,
     check_privileged},
    {"fault.port", "no port but the doorbell can be reached", CHECK_NEEDS_SANDBOX, check_ports},
    {"fault.stack", "wild stack pointers hurt only the guest", CHECK_NEEDS_SANDBOX, check_stack},
    {"fault.flags", "flags that bite hurt only the guest", CHECK_NEEDS_SANDBOX, check_flags},
    {NULL, NULL, 0, NULL},
};
