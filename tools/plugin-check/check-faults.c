/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Misbehaving guests: each ends as a fault that says what it was, the sandbox is POISONED, and
 * restoring it works. Where machines differ by right, the row takes each of what is right.
 */
#include <stdio.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

/* Sets of fault kinds. */
#define K(kind) (1u << SCONCE_FAULT_##kind)
#define P_OR_I (K(PRIVILEGE) | K(ILLEGAL))
/* A fault by any name: for what only must not have an effect. */
#define ANY_FAULT (~1u)
/* It may also succeed and do nothing. */
#define OR_NOTHING 1u

#define NO_ADDRESS UINT64_MAX

struct bad {
    const char *function;
    char type; /* of its one argument: 'm' u64, 'u' u32; 0: none */
    uint64_t argument;
    uint32_t kinds;
    uint32_t access;  /* of MEMORY; SCONCE_ACCESS_UNKNOWN: do not look */
    uint64_t address; /* of MEMORY; NO_ADDRESS: do not look */
};

static int call_bad(struct check_box *box, const struct bad *bad)
{
    const struct sconce_value wide = check_u64(bad->argument);
    const struct sconce_value narrow = check_u32((uint32_t)bad->argument);

    return check_call(box, bad->function, bad->type == 'm' ? &wide : &narrow, bad->type ? 1 : 0);
}

static enum check_outcome right_fault(struct check *check, const struct bad *bad,
                                      const struct sconce_error *err)
{
    const struct sconce_fault *fault = &err->fault;

    CHECK(check, fault->kind != 0 && (bad->kinds & 1u << fault->kind),
          "%s(0x%llx) is a %s fault: %s", bad->function, (unsigned long long)bad->argument,
          sconce_fault_name(fault->kind), err->text);
    if (fault->kind != SCONCE_FAULT_MEMORY)
        return CHECK_OK;
    CHECK(check, bad->access == SCONCE_ACCESS_UNKNOWN || fault->access == bad->access,
          "%s(0x%llx) is an access %u, not %u: %s", bad->function,
          (unsigned long long)bad->argument, fault->access, bad->access, err->text);
    CHECK(check, bad->address == NO_ADDRESS || fault->address == bad->address,
          "%s(0x%llx) faults at 0x%llx, not 0x%llx", bad->function,
          (unsigned long long)bad->argument, (unsigned long long)fault->address,
          (unsigned long long)bad->address);
    return CHECK_OK;
}

static enum check_outcome run_bad(struct check *check, struct check_box *box, const struct bad *bad)
{
    int code = call_bad(box, bad);

    if (code == 0 && (bad->kinds & OR_NOTHING))
        return check_box_recover(check, box);
    CHECK(check, code == SCONCE_E_GUEST_FAULT, "%s(0x%llx) ended with %s%s%s", bad->function,
          (unsigned long long)bad->argument, code == 0 ? "success" : sconce_error_name(code),
          code == 0 ? "" : ": ", box->err.text);
    CHECK_STEP(check_error(check, &box->err, code, bad->function));
    CHECK_STEP(right_fault(check, bad, &box->err));
    CHECK(check, sconce_sandbox_state(box->sandbox) == SCONCE_STATE_POISONED,
          "%s left the sandbox in state %u", bad->function, sconce_sandbox_state(box->sandbox));
    return check_box_recover(check, box);
}

/* All of them in one sandbox, restored each time; then a new sandbox must work as well. */
static enum check_outcome run_all(struct check *check, struct check_box *box, const char *file,
                                  const struct bad *bads)
{
    const struct sconce_limits limits = {.deadline_ns = 2000000000ull};
    struct sconce_sandbox *other = NULL;

    if (!box->sandbox) {
        CHECK_STEP(check_box_open(check, box, file, &limits));
        CHECK_STEP(check_box_keep_start(check, box));
    }
    for (; bads->function; bads++)
        CHECK_STEP(run_bad(check, box, bads));
    CHECK(check, check_box_new(box, &limits, &other) == 0, "a new sandbox cannot be made: %s",
          box->err.text);
    sconce_sandbox_free(other);
    return CHECK_OK;
}

#define MEMORY(function, access, address)                                                          \
    {                                                                                              \
        function, 0, 0, K(MEMORY), SCONCE_ACCESS_##access, address                                 \
    }
#define AT(function, argument, access)                                                             \
    {                                                                                              \
        function, 'm', argument, K(MEMORY), SCONCE_ACCESS_##access, argument                       \
    }
#define OTHER(function, kinds)                                                                     \
    {                                                                                              \
        function, 0, 0, kinds, 0, NO_ADDRESS                                                       \
    }
#define WITH_M(function, argument, kinds)                                                          \
    {                                                                                              \
        function, 'm', argument, kinds, 0, NO_ADDRESS                                              \
    }
#define WITH_U(function, argument, kinds)                                                          \
    {                                                                                              \
        function, 'u', argument, kinds, 0, NO_ADDRESS                                              \
    }
#define LAST                                                                                       \
    {                                                                                              \
        NULL, 0, 0, 0, 0, 0                                                                        \
    }

static enum check_outcome check_memory(struct check *check)
{
    static const struct bad bads[] = {
        MEMORY("null_read", READ, 0),
        MEMORY("null_write", WRITE, 0),
        MEMORY("null_call", EXEC, 0),
        AT("read_at", 8, READ),
        AT("write_at", 8, WRITE),
        AT("jump_to", 8, EXEC),
        AT("read_at", 0xffff0, READ),
        AT("write_at", 0x800000000, WRITE),
        AT("read_at", 0xfff000000, READ), /* the plugin's own range, from its start to its end */
        AT("write_at", 0xfff000000, WRITE),
        AT("jump_to", 0xfff000000, EXEC),
        AT("read_at", 0xffffff000, READ),
        AT("write_at", 0xffffff000, WRITE),
        AT("jump_to", 0xffffff000, EXEC),
        AT("read_at", 0x1000000000, READ), /* behind what 36 bits reach */
        AT("write_at", 0x7fffffffe000, WRITE),
        WITH_M("read_at", 0x800000000000, ANY_FAULT), /* not canonical */
        WITH_M("write_at", 0xffff7fffffffffff, ANY_FAULT),
        WITH_M("jump_to", 0x8000000000000000, ANY_FAULT),
        WITH_M("read_at", 0xffffffff80000000, K(MEMORY) | K(PRIVILEGE)), /* the kernel's half */
        WITH_M("write_at", 0xffff800000000000, K(MEMORY) | K(PRIVILEGE)),
        WITH_M("jump_to", 0xffffffffff600000, K(MEMORY) | K(PRIVILEGE)),
        MEMORY("write_code", WRITE, NO_ADDRESS),
        MEMORY("write_constant", WRITE, NO_ADDRESS),
        MEMORY("write_boot", WRITE, NO_ADDRESS),
        MEMORY("write_in", WRITE, NO_ADDRESS),
        MEMORY("write_below_stack", WRITE, NO_ADDRESS),
        MEMORY("jump_unmapped", EXEC, NO_ADDRESS),
        LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    return run_all(check, &box, "faults.elf", bads);
}

static enum check_outcome check_execute(struct check *check)
{
    static const struct bad bads[] = {
        MEMORY("execute_data", EXEC, NO_ADDRESS),     MEMORY("execute_stack", EXEC, NO_ADDRESS),
        MEMORY("execute_heap", EXEC, NO_ADDRESS),     MEMORY("execute_out", EXEC, NO_ADDRESS),
        MEMORY("execute_constant", EXEC, NO_ADDRESS), LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    if (!(check->setup->probe.caps & SCONCE_CAP_EXEC_ENFORCED))
        return check_skip(check, "it does not declare exec_enforced");
    CHECK_STEP(run_all(check, &box, "faults.elf", bads));
    CHECK(check,
          check_call(&box, "execute_in", WITH(sconce_bytes("\xc3", 1))) == SCONCE_E_GUEST_FAULT,
          "code in IN was executed");
    return CHECK_OK;
}

static enum check_outcome check_instructions(struct check *check)
{
    static const struct bad bads[] = {
        OTHER("divide_by_zero", K(ARITHMETIC)),
        OTHER("divide_overflow", K(ARITHMETIC)),
        OTHER("float_divide_by_zero", K(FLOAT)),
        OTHER("x87_divide_by_zero", K(FLOAT)),
        OTHER("misaligned_sse", K(PRIVILEGE) | K(ALIGNMENT)),
        OTHER("ud2", K(ILLEGAL)),
        OTHER("undefined_opcode", K(ILLEGAL)),
        OTHER("overlong_instruction", K(MEMORY) | K(PRIVILEGE) | K(ILLEGAL)),
        OTHER("int3", K(BREAKPOINT)),
        OTHER("icebp", K(STEP) | K(BREAKPOINT)),
        OTHER("int_0x00", P_OR_I),
        OTHER("int_0x01", P_OR_I),
        OTHER("int_0x02", P_OR_I),
        OTHER("int_0x03", P_OR_I | K(BREAKPOINT)),
        OTHER("int_0x06", P_OR_I),
        OTHER("int_0x08", P_OR_I),
        OTHER("int_0x0d", P_OR_I),
        OTHER("int_0x0e", P_OR_I),
        OTHER("int_0x20", P_OR_I),
        OTHER("int_0x80", P_OR_I),
        OTHER("int_0xff", P_OR_I),
        OTHER("sysenter", P_OR_I),
        LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    return run_all(check, &box, "faults.elf", bads);
}

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
    struct bad bads[sizeof functions / sizeof functions[0] + 3] = {LAST};
    uint32_t ignored;
    unsigned count = 0;

    CHECK_STEP(check_box_load(check, &box, "privileged.elf"));
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (sconce_guest_find(box.guest, functions[i], &ignored, &box.err) == 0)
            bads[count++] = (struct bad)OTHER(functions[i], P_OR_I | K(MEMORY));
    }
    bads[count++] = (struct bad)OTHER("vmcall", ANY_FAULT | OR_NOTHING);
    bads[count++] = (struct bad)OTHER("vmmcall", ANY_FAULT | OR_NOTHING);
    CHECK(check, check_box_new(&box, NULL, &box.sandbox) == 0, "no sandbox: %s", box.err.text);
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(run_all(check, &box, "privileged.elf", bads));
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
        const struct bad in = WITH_U(narrow[0], ports[i], P_OR_I);

        CHECK_STEP(run_bad(check, &box, &in));
        for (size_t w = 0; w < 2; w++) {
            const struct bad bad = WITH_U(wide[w], ports[i], P_OR_I);

            CHECK_STEP(run_bad(check, &box, &bad));
        }
        for (size_t w = 0; w < 3; w++) {
            int code = check_call(&box, outs[w], args, 2);

            CHECK(check, code == SCONCE_E_GUEST_FAULT, "%s(0x%x) ended with %s", outs[w], ports[i],
                  code == 0 ? "success" : sconce_error_name(code));
            CHECK_STEP(check_box_recover(check, &box));
        }
    }
    for (size_t w = 0; w < 2; w++) { /* too wide for the doorbell's port */
        const struct bad bad = WITH_U(wide[w], 0x5c, ANY_FAULT);

        CHECK_STEP(run_bad(check, &box, &bad));
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
    static const struct bad overflow[] = {MEMORY("overflow", WRITE, NO_ADDRESS), LAST};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(run_all(check, &box, "stack.elf", overflow));
    for (size_t i = 0; i < sizeof wild_sps / sizeof wild_sps[0]; i++) {
        const struct bad bads[] = {
            WITH_M("fault_with_sp", wild_sps[i], K(ILLEGAL)),
            WITH_M("int3_with_sp", wild_sps[i], K(BREAKPOINT)),
            {"page_fault_with_sp", 'm', wild_sps[i], K(MEMORY), SCONCE_ACCESS_WRITE, 0},
            WITH_M("push_with_sp", wild_sps[i], K(MEMORY) | K(STACK) | K(PRIVILEGE)),
            LAST,
        };

        CHECK_STEP(run_all(check, &box, "stack.elf", bads));
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
    static const struct bad stepping[] = {
        /* TF traps behind the next instruction: when that faults, its fault comes first. */
        WITH_M("fault_with_flags", FLAG_TF, K(STEP) | K(ILLEGAL)),
        WITH_M("page_fault_with_flags", FLAG_TF, K(STEP) | K(MEMORY)),
        WITH_M("int3_with_flags", FLAG_TF, K(STEP) | K(BREAKPOINT)),
        WITH_M("doorbell_with_flags", FLAG_TF, K(STEP)),
        OTHER("iret_with_nt", P_OR_I),
        LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(run_all(check, &box, "flags.elf", stepping));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const struct bad bads[] = {
            WITH_M("fault_with_flags", flags[i], K(ILLEGAL)),
            {"page_fault_with_flags", 'm', flags[i], K(MEMORY), SCONCE_ACCESS_WRITE, 0},
            WITH_M("int3_with_flags", flags[i], K(BREAKPOINT)),
            WITH_M("misaligned_with_flags", flags[i], K(ALIGNMENT) | OR_NOTHING),
            LAST,
        };

        CHECK_STEP(run_all(check, &box, "flags.elf", bads));
        CHECK_STEP(check_call_done(check, &box, "doorbell_with_flags", WITH(check_u64(flags[i]))));
        CHECK_STEP(check_call_done(check, &box, "ready_with_flags", WITH(check_u64(flags[i]))));
    }
    return CHECK_OK;
}

static enum check_outcome check_syscalls(struct check *check)
{
    static const uint64_t numbers[] = {0, 1, 39, 59, 231, 1000, 0x40000001, UINT32_MAX, UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    CHECK_STEP(check_box_open(check, &box, "faults.elf", NULL));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        CHECK_STEP(check_call_done(check, &box, "syscall_result", WITH(check_u64(numbers[i]))));
        CHECK(check, box.result.as.i64 == -38, "system call 0x%llx gave %lld, not ENOSYS",
              (unsigned long long)numbers[i], (long long)box.result.as.i64);
    }
    CHECK_STEP(check_call_done(check, &box, "syscall_keeps_registers", WITHOUT));
    CHECK(check, box.result.as.u32 == 0, "a system call lost %u registers", box.result.as.u32);
    return CHECK_OK;
}

static enum check_outcome check_abort(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const uint32_t poisoned = SCONCE_STATE_POISONED;

    CHECK_STEP(check_box_open(check, &box, "abort.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "abort_with",
                               WITH(sconce_string("the roof is on fire"))));
    CHECK(check, strstr(box.err.text, "the roof is on fire"), "the text is lost: %s", box.err.text);
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "call_abort", WITHOUT));
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(
        check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "smash_stack",
                        WITH(sconce_string("much more than sixteen bytes of text, by far"))));
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "assert_that",
                               WITH(check_bool(false))));
    CHECK_STEP(check_box_recover(check, &box));
    return check_call_done(check, &box, "assert_that", WITH(check_bool(true)));
}

const struct check_row check_faults_rows[] = {
    {"fault.memory", "wrong accesses fault with access and address", CHECK_NEEDS_SANDBOX,
     check_memory},
    {"fault.execute", "data is not executed", CHECK_NEEDS_SANDBOX, check_execute},
    {"fault.instruction", "traps, divisions and undefined instructions are named",
     CHECK_NEEDS_SANDBOX, check_instructions},
    {"fault.privilege", "privileged instructions have no effect but a fault", CHECK_NEEDS_SANDBOX,
     check_privileged},
    {"fault.port", "no port but the doorbell can be reached", CHECK_NEEDS_SANDBOX, check_ports},
    {"fault.stack", "wild stack pointers hurt only the guest", CHECK_NEEDS_SANDBOX, check_stack},
    {"fault.flags", "flags that bite hurt only the guest", CHECK_NEEDS_SANDBOX, check_flags},
    {"fault.syscall", "system calls are answered, with ENOSYS when nobody serves them",
     CHECK_NEEDS_SANDBOX, check_syscalls},
    {"fault.abort", "a guest that gives up is heard", CHECK_NEEDS_SANDBOX, check_abort},
    {NULL, NULL, 0, NULL},
};
