/* SPDX-License-Identifier: Apache-2.0 */
/* What is aarch64's alone: code, and what only its guests can do wrong. */
#include "sconce-guest-abi.h"
#include "tools/plugin-check/arch.h"

#define FAR_AWAY 0x800000000ull /* nothing is mapped there */
#define RESERVED 0xfff000000ull /* the plugin's own range */
#define OF_KERNEL 0xffff800000000000ull

/* Accesses whose syndrome does not say which register they were for, and maintenance of caches,
 * which counts as reading, and which some machines have nothing to do for. */
#define MAINTAIN(function, address)                                                                \
    {                                                                                              \
        function, 'm', address, K(MEMORY) | OR_NOTHING, SCONCE_ACCESS_READ, NO_ADDRESS             \
    }
#define ZERO(address)                                                                              \
    {                                                                                              \
        "zero_line_at", 'm', address, K(MEMORY), SCONCE_ACCESS_WRITE, NO_ADDRESS                   \
    }

static const struct check_bad accesses[] = {
    AT("pair_read_at", FAR_AWAY, READ),
    AT("pair_write_at", FAR_AWAY, WRITE),
    AT("pair_read_at", RESERVED, READ),
    AT("pair_write_at", RESERVED, WRITE),
    AT("writeback_read_at", FAR_AWAY, READ),
    AT("writeback_write_at", FAR_AWAY, WRITE),
    AT("vector_read_at", FAR_AWAY, READ),
    AT("vector_write_at", RESERVED, WRITE),
    AT("exclusive_read_at", FAR_AWAY, READ),
    AT("pair_write_at", 0, WRITE),
    WITH_M("pair_write_at", OF_KERNEL, K(MEMORY)),
    ZERO(FAR_AWAY),
    ZERO(RESERVED),
    ZERO(OF_KERNEL),
    MEMORY("zero_boot", WRITE, NO_ADDRESS),
    MEMORY("pair_write_code", WRITE, NO_ADDRESS),
    MEMORY("vector_write_in", WRITE, NO_ADDRESS),
    MEMORY("push_below_stack", WRITE, NO_ADDRESS),
    MAINTAIN("clean_line_at", FAR_AWAY),
    MAINTAIN("clean_line_at", RESERVED),
    MAINTAIN("clean_invalidate_line_at", FAR_AWAY),
    MAINTAIN("clean_invalidate_line_at", RESERVED),
    MAINTAIN("clean_invalidate_line_at", OF_KERNEL),
    MAINTAIN("invalidate_code_at", FAR_AWAY),
    MAINTAIN("invalidate_code_at", RESERVED),
    LAST,
};

static const struct check_bad instructions[] = {
    OTHER("misaligned_jump", K(ALIGNMENT)),
    OTHER("misaligned_stack", K(ALIGNMENT)),
    OTHER("misaligned_exclusive", K(ALIGNMENT)),
    OTHER("float_divide_by_zero", K(FLOAT) | OR_NOTHING),
    OTHER("udf_0xffff", K(ILLEGAL)),
    OTHER("brk_0x4", K(BREAKPOINT)),
    OTHER("brk_0x5", K(BREAKPOINT)),
    OTHER("brk_0x400", K(BREAKPOINT)),
    OTHER("brk_0x800", K(BREAKPOINT)),
    OTHER("brk_0x900", K(BREAKPOINT)),
    OTHER("brk_0xf000", K(BREAKPOINT)),
    OTHER("brk_0xffff", K(BREAKPOINT)),
    OTHER("sve", P_OR_I | OR_NOTHING),
    OTHER("sme", P_OR_I | OR_NOTHING),
    LAST,
};

static const struct check_good harmless[] = {
    {"divide_gives_zero", 'm', 0},
    {"misaligned_read", 'm', 0x0807060504030201},
    {"maintain_own_memory", 'n', 0},
    {NULL, 0, 0},
};

#define PRIVILEGED(function) OTHER(function, P_OR_I)
/* A kernel may let programs have it, or do it for them. */
#define PERHAPS(function) OTHER(function, P_OR_I | OR_NOTHING)

static const struct check_bad privileged[] = {
    PRIVILEGED("hvc"),
    PRIVILEGED("smc"),
    PRIVILEGED("psci_off_hvc"),
    PRIVILEGED("psci_off_smc"),
    PRIVILEGED("psci_reset_hvc"),
    PRIVILEGED("semihosting_exit"),
    PRIVILEGED("semihosting_version"),
    PRIVILEGED("hlt"),
    PRIVILEGED("dcps1"),
    PRIVILEGED("dcps2"),
    PRIVILEGED("dcps3"),
    PRIVILEGED("drps"),
    PRIVILEGED("eret"),
    PRIVILEGED("daif_set"),
    PRIVILEGED("daif_clear"),
    PRIVILEGED("read_daif"),
    PRIVILEGED("write_daif"),
    PRIVILEGED("write_spsel"),
    PRIVILEGED("read_spsel"),
    PRIVILEGED("read_currentel"),
    PRIVILEGED("read_sp_el0"),
    PRIVILEGED("write_sp_el0"),
    PRIVILEGED("write_pan"),
    PRIVILEGED("write_uao"),
    PRIVILEGED("read_sctlr"),
    PRIVILEGED("write_sctlr"),
    PRIVILEGED("read_tcr"),
    PRIVILEGED("write_tcr"),
    PRIVILEGED("read_ttbr0"),
    PRIVILEGED("write_ttbr0"),
    PRIVILEGED("write_ttbr1"),
    PRIVILEGED("write_mair"),
    PRIVILEGED("read_vbar"),
    PRIVILEGED("write_vbar"),
    PRIVILEGED("write_cpacr"),
    PRIVILEGED("read_elr"),
    PRIVILEGED("write_elr"),
    PRIVILEGED("read_spsr"),
    PRIVILEGED("write_spsr"),
    PRIVILEGED("read_esr"),
    PRIVILEGED("read_far"),
    PRIVILEGED("read_par"),
    PRIVILEGED("read_tpidr_el1"),
    PRIVILEGED("write_tpidr_el1"),
    PRIVILEGED("write_tpidrro"),
    PRIVILEGED("write_contextidr"),
    PRIVILEGED("write_actlr"),
    PRIVILEGED("write_csselr"),
    PRIVILEGED("read_hcr"),
    PRIVILEGED("write_hcr"),
    PRIVILEGED("write_vttbr"),
    PRIVILEGED("write_scr"),
    PRIVILEGED("read_mdscr"),
    PRIVILEGED("write_mdscr"),
    PRIVILEGED("write_dbgbvr"),
    PRIVILEGED("write_dbgbcr"),
    PRIVILEGED("write_dbgwvr"),
    PRIVILEGED("write_oslar"),
    PRIVILEGED("tlbi_all"),
    PRIVILEGED("tlbi_all_inner"),
    PRIVILEGED("tlbi_address"),
    PRIVILEGED("at_read"),
    PRIVILEGED("at_user_write"),
    PRIVILEGED("ic_all"),
    PRIVILEGED("ic_all_inner"),
    PRIVILEGED("dc_invalidate"),
    PRIVILEGED("dc_set_way"),
    PRIVILEGED("dc_invalidate_set_way"),
    PRIVILEGED("write_pmcr"),
    PRIVILEGED("write_pmuserenr"),
    PRIVILEGED("write_timer"),
    PRIVILEGED("write_timer_value"),
    PRIVILEGED("write_physical_timer"),
    PRIVILEGED("write_cntkctl"),
    PRIVILEGED("write_counter_frequency"),
    PRIVILEGED("write_icc_sre"),
    PRIVILEGED("read_icc_iar1"),
    PRIVILEGED("write_icc_eoir1"),
    PRIVILEGED("write_icc_sgi1r"),
    PRIVILEGED("write_icc_pmr"),
    PRIVILEGED("write_implementation_defined"),
    PRIVILEGED("call_implementation_defined"),
    PRIVILEGED("read_cycles"),
    PRIVILEGED("read_event_counter"),
    PERHAPS("wfi"),
    PERHAPS("wfe"),
    PERHAPS("read_virtual_counter"),
    PERHAPS("read_physical_counter"),
    PERHAPS("read_counter_frequency"),
    PERHAPS("read_midr"),
    PERHAPS("read_mpidr"),
    PERHAPS("read_revidr"),
    PERHAPS("read_isar0"),
    PERHAPS("read_pfr0"),
    PERHAPS("read_mmfr0"),
    PERHAPS("read_dfr0"),
    LAST,
};

static const struct check_good permitted[] = {{"read_user_registers", 'm', 1}, {NULL, 0, 0}};

static const struct check_good handled[] = {{"misaligned_stack", 'm', 5}, {NULL, 0, 0}};

/* PC; PSTATE with EL1, its masks, AArch32, IL, SS. */
static const struct check_word unholdable[] = {
    {32, 1ull << 47}, {32, UINT64_MAX}, {33, 5},        {33, 0x3c0}, {33, 0x10},
    {33, 1u << 20},   {33, UINT64_MAX}, {33, 1u << 21}, {0, 0},
};

/* No flag traps: single steps are the debugger's. N, Z, C, V; and what POPF would call flags is not
 * there. */
static const struct check_bad flag_traps[] = {LAST};
static const uint64_t flags[] = {0x80000000, 0x40000000, 0x20000000, 0x10000000, 0xf0000000, 0};

/* SVC with another number is a system call. */
static enum check_outcome no_doorbell(struct check *check, struct check_box *box)
{
    static const struct check_good others[] = {{"other_svc", 'u', 0}, {NULL, 0, 0}};

    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    return check_run_good(check, box, others);
}

#define WORD(word) (word) & 0xff, (word) >> 8 & 0xff, (word) >> 16 & 0xff, (word) >> 24
#define DOORBELL (0xd4000001u | SCONCE_DOORBELL_SVC_AARCH64 << 5) /* svc #; Arm ARM C6.2.377 */

const struct check_arch check_arch_aarch64 = {
    .machine = 183,
    .code =
        {
            /* mov x0, #1; svc; b back */
            [CHECK_CODE_DOORBELL] = {{WORD(0xd2800020u), WORD(DOORBELL), WORD(0x17fffffeu)}, 12},
            /* b . */
            [CHECK_CODE_SPIN] = {{WORD(0x14000000u)}, 4},
            /* udf #0 */
            [CHECK_CODE_ILLEGAL] = {{WORD(0x00000000u)}, 4},
            /* mov x8, #39; svc #0; cmn x0, #38; b.ne 1f; mov x0, #1; svc; 1: udf #0 */
            [CHECK_CODE_SYSCALL] = {{WORD(0xd28004e8u), WORD(0xd4000001u), WORD(0xb100981fu),
                                     WORD(0x54000061u), WORD(0xd2800020u), WORD(DOORBELL),
                                     WORD(0x00000000u)},
                                    28},
        },
    /* ret */
    .return_code = {{WORD(0xd65f03c0u)}, 4},
    .accesses = accesses,
    .instructions = instructions,
    .harmless = harmless,
    .privileged = privileged,
    .permitted = permitted,
    .flag_traps = flag_traps,
    .flags = flags,
    .handled = handled,
    .unholdable = unholdable,
    .no_doorbell = no_doorbell,
    .no_doorbell_guest = "faults.elf",
    .scrub = &check_scrub_aarch64,
};
