/* SPDX-License-Identifier: Apache-2.0 */
/* What is x86_64's alone: code, and what only its guests can do wrong. */
#include "sconce-guest-abi.h"
#include "tools/plugin-check/arch.h"

static const struct check_bad accesses[] = {
    LAST,
};

static const struct check_bad instructions[] = {
    OTHER("divide_by_zero", K(ARITHMETIC)),
    OTHER("divide_overflow", K(ARITHMETIC)),
    OTHER("float_divide_by_zero", K(FLOAT)),
    OTHER("x87_divide_by_zero", K(FLOAT)),
    OTHER("misaligned_sse", K(PRIVILEGE) | K(ALIGNMENT)),
    OTHER("overlong_instruction", K(MEMORY) | K(PRIVILEGE) | K(ILLEGAL)),
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

#define PRIVILEGED(function) OTHER(function, P_OR_I | K(MEMORY))

static const struct check_bad privileged[] = {
    PRIVILEGED("cli"),
    PRIVILEGED("sti"),
    PRIVILEGED("hlt"),
    PRIVILEGED("clts"),
    PRIVILEGED("invd"),
    PRIVILEGED("wbinvd"),
    PRIVILEGED("swapgs"),
    PRIVILEGED("sysret"),
    PRIVILEGED("sysexit"),
    PRIVILEGED("rsm"),
    PRIVILEGED("read_cr0"),
    PRIVILEGED("write_cr0"),
    PRIVILEGED("read_cr3"),
    PRIVILEGED("write_cr3"),
    PRIVILEGED("write_cr4"),
    PRIVILEGED("write_cr8"),
    PRIVILEGED("read_dr7"),
    PRIVILEGED("write_dr7"),
    PRIVILEGED("lmsw"),
    PRIVILEGED("rdpmc"),
    PRIVILEGED("xsetbv"),
    PRIVILEGED("rdmsr_efer"),
    PRIVILEGED("wrmsr_efer"),
    PRIVILEGED("wrmsr_lstar"),
    PRIVILEGED("wrmsr_apic_base"),
    PRIVILEGED("invlpg"),
    PRIVILEGED("ltr"),
    PRIVILEGED("lldt"),
    PRIVILEGED("lgdt"),
    PRIVILEGED("lidt"),
    PRIVILEGED("iret_to_ring_0"),
    PRIVILEGED("iret_with_nt"),
    PRIVILEGED("far_return_to_ring_0"),
    PRIVILEGED("load_kernel_ss"),
    PRIVILEGED("load_bad_ds"),
    PRIVILEGED("vmxoff"),
    PRIVILEGED("vmlaunch"),
    PRIVILEGED("vmrun"),
    PRIVILEGED("vmload"),
    PRIVILEGED("clgi"),
    PRIVILEGED("stgi"),
    PRIVILEGED("skinit"),
    PRIVILEGED("monitor"),
    PRIVILEGED("mwait"),
    PRIVILEGED("clac"),
    PRIVILEGED("stac"),
    OTHER("vmcall", ANY_FAULT | OR_NOTHING),
    OTHER("vmmcall", ANY_FAULT | OR_NOTHING),
    LAST,
};

#define FLAG_TF 0x100u

/* TF traps behind the next instruction: when that faults, its fault comes first. */
static const struct check_bad flag_traps[] = {
    WITH_M("fault_with_flags", FLAG_TF, K(STEP) | K(ILLEGAL)),
    WITH_M("page_fault_with_flags", FLAG_TF, K(STEP) | K(MEMORY)),
    WITH_M("breakpoint_with_flags", FLAG_TF, K(STEP) | K(BREAKPOINT)),
    WITH_M("doorbell_with_flags", FLAG_TF, K(STEP)),
    LAST,
};

static const uint64_t flags[] = {0x1,     0x400,    0x3000,   0x4000, 0x10000,
                                 0x40000, 0x200000, 0x254401, 0};

static const struct check_good harmless[] = {{NULL, 0, 0}};

/* Without privilege POPF leaves IOPL and IF alone. */
static const struct check_good permitted[] = {{"popf_iopl", 'm', 0}, {NULL, 0, 0}};

static const struct check_good handled[] = {{"divide", 'm', 21}, {NULL, 0, 0}};

/* RIP; RFLAGS with IOPL, VM, VIF, and what is reserved. */
static const struct check_word unholdable[] = {
    {16, 1ull << 47}, {16, 0xffff800000000000}, {16, UINT64_MAX}, {17, 0x3202}, {17, 0x20202},
    {17, 0x80202},    {17, 0x400202},           {17, UINT64_MAX}, {0, 0},
};

/* Ports; and at the doorbell's, what is too wide for it. */
static enum check_outcome no_doorbell(struct check *check, struct check_box *box)
{
    static const uint32_t ports[] = {0,    0x20, 0x59, 0x5a,  0x5b,  0x5d,  0x60,   0x61,   0x64,
                                     0x70, 0x80, 0x92, 0xcf8, 0xcfc, 0x3f8, 0x5658, 0xfffc, 0xffff};
    static const char *const narrow[] = {"in_8"};
    static const char *const wide[] = {"in_16", "in_32"};

    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        const struct sconce_value args[] = {check_u32(ports[i]), check_u32(1)};
        static const char *const outs[] = {"out_8", "out_16", "out_32"};
        const struct check_bad in = WITH_U(narrow[0], ports[i], P_OR_I);

        CHECK_STEP(check_run_bad(check, box, &in));
        for (size_t w = 0; w < 2; w++) {
            const struct check_bad bad = WITH_U(wide[w], ports[i], P_OR_I);

            CHECK_STEP(check_run_bad(check, box, &bad));
        }
        for (size_t w = 0; w < 3; w++) {
            int code = check_call(box, outs[w], args, 2);

            CHECK(check, code == SCONCE_E_GUEST_FAULT, "%s(0x%x) ended with %s", outs[w], ports[i],
                  code == 0 ? "success" : sconce_error_name(code));
            CHECK_STEP(check_box_recover(check, box));
        }
    }
    for (size_t w = 0; w < 2; w++) { /* too wide for the doorbell's port */
        const struct check_bad bad = WITH_U(wide[w], 0x5c, ANY_FAULT);

        CHECK_STEP(check_run_bad(check, box, &bad));
    }
    return CHECK_OK;
}

/* Not canonical. Nothing of the architecture's forbids it where nothing is pushed, but there are
 * hypervisors that cannot return to it. */
static bool strands(uint64_t sp)
{
    return sp >> 47 != 0 && sp >> 47 != 0x1ffff;
}

const struct check_arch check_arch_x86_64 = {
    .machine = 62,
    .code =
        {
            /* mov $1,%al; out %al,$0x5c; jmp back */
            [CHECK_CODE_DOORBELL] = {{0xb0, 0x01, 0xe6, SCONCE_DOORBELL_PORT_X86_64, 0xeb, 0xfa},
                                     6},
            /* jmp . */
            [CHECK_CODE_SPIN] = {{0xeb, 0xfe}, 2},
            /* ud2 */
            [CHECK_CODE_ILLEGAL] = {{0x0f, 0x0b}, 2},
            /* mov $39,%eax; syscall; cmp $-38,%rax; jne 1f; mov $1,%al; out %al,$0x5c; 1: ud2 */
            [CHECK_CODE_SYSCALL] = {{0xb8, 0x27, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x48, 0x83, 0xf8,
                                     0xda, 0x75, 0x04, 0xb0, 0x01, 0xe6,
                                     SCONCE_DOORBELL_PORT_X86_64, 0x0f, 0x0b},
                                    19},
        },
    /* ret */
    .return_code = {{0xc3}, 1},
    .accesses = accesses,
    .instructions = instructions,
    .privileged = privileged,
    .flag_traps = flag_traps,
    .flags = flags,
    .strands = strands,
    .harmless = harmless,
    .permitted = permitted,
    .handled = handled,
    .unholdable = unholdable,
    .no_doorbell = no_doorbell,
    .no_doorbell_guest = "privileged.elf",
    .scrub = &check_scrub_x86_64,
};
