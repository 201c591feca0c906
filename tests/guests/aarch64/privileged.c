/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions and registers that belong to kernels and to what is above them. Every export is
 * GUEST_FAULT: PRIVILEGE, or ILLEGAL where the mechanism has it so, unless its comment says
 * otherwise. Sections are the Arm ARM's (DDI 0487).
 */
#include <sconce/guest.h>

#define PRIVILEGED(name, instructions)                                                             \
    SCONCE_EXPORT(void, name, (void))                                                              \
    {                                                                                              \
        register uint64_t x0 __asm__("x0") = 0;                                                    \
                                                                                                   \
        __asm__ volatile(instructions : "+r"(x0) : : "x1", "memory", "cc");                        \
    }                                                                                              \
    _Static_assert(1, "")

/* ---- Calls upwards: never an effect ---------------------------------------------------------- */

PRIVILEGED(hvc, "hvc #0");
PRIVILEGED(smc, "smc #0");
/* PSCI's SYSTEM_OFF and SYSTEM_RESET (DEN 0022, 5.1.9 and 5.1.11), as a kernel would ask for them.
 */
PRIVILEGED(psci_off_hvc, "movz x0, #0x8400, lsl #16\n\tmovk x0, #8\n\thvc #0");
PRIVILEGED(psci_off_smc, "movz x0, #0x8400, lsl #16\n\tmovk x0, #8\n\tsmc #0");
PRIVILEGED(psci_reset_hvc, "movz x0, #0x8400, lsl #16\n\tmovk x0, #9\n\thvc #0");
/* Semihosting: SYS_EXIT, and SYS_OPEN of a file; a debugger's or an emulator's door to its host. */
PRIVILEGED(semihosting_exit,
           "mov x0, #0x18\n\tmovz x1, #2, lsl #16\n\tmovk x1, #0x26\n\thlt #0xf000");
PRIVILEGED(semihosting_version, "mov x0, #0x01\n\tmov x1, sp\n\thlt #0xf000");
PRIVILEGED(hlt, "hlt #0");
PRIVILEGED(dcps1, "dcps1");
PRIVILEGED(dcps2, "dcps2");
PRIVILEGED(dcps3, "dcps3");
PRIVILEGED(drps, "drps");
PRIVILEGED(eret, "eret");

/* ---- Interrupt masks and modes --------------------------------------------------------------- */

PRIVILEGED(daif_set, "msr daifset, #0xf");
PRIVILEGED(daif_clear, "msr daifclr, #0xf");
PRIVILEGED(read_daif, "mrs x0, daif");
PRIVILEGED(write_daif, "msr daif, x0");
PRIVILEGED(write_spsel, "msr spsel, #1");
PRIVILEGED(read_spsel, "mrs x0, spsel");
PRIVILEGED(read_currentel, "mrs x0, currentel");
PRIVILEGED(read_sp_el0, "mrs x0, sp_el0");
PRIVILEGED(write_sp_el0, "msr sp_el0, x0");
PRIVILEGED(write_pan, ".inst 0xd500419f"); /* msr pan, #1 */
PRIVILEGED(write_uao, ".inst 0xd500417f"); /* msr uao, #1 */

/* ---- The kernel's registers ------------------------------------------------------------------ */

PRIVILEGED(read_sctlr, "mrs x0, sctlr_el1");
PRIVILEGED(write_sctlr, "msr sctlr_el1, x0");
PRIVILEGED(read_tcr, "mrs x0, tcr_el1");
PRIVILEGED(write_tcr, "msr tcr_el1, x0");
PRIVILEGED(read_ttbr0, "mrs x0, ttbr0_el1");
PRIVILEGED(write_ttbr0, "msr ttbr0_el1, x0");
PRIVILEGED(write_ttbr1, "msr ttbr1_el1, x0");
PRIVILEGED(write_mair, "msr mair_el1, x0");
PRIVILEGED(read_vbar, "mrs x0, vbar_el1");
PRIVILEGED(write_vbar, "msr vbar_el1, x0");
PRIVILEGED(write_cpacr, "msr cpacr_el1, x0");
PRIVILEGED(read_elr, "mrs x0, elr_el1");
PRIVILEGED(write_elr, "msr elr_el1, x0");
PRIVILEGED(read_spsr, "mrs x0, spsr_el1");
PRIVILEGED(write_spsr, "msr spsr_el1, x0");
PRIVILEGED(read_esr, "mrs x0, esr_el1");
PRIVILEGED(read_far, "mrs x0, far_el1");
PRIVILEGED(read_par, "mrs x0, par_el1");
PRIVILEGED(read_tpidr_el1, "mrs x0, tpidr_el1");
PRIVILEGED(write_tpidr_el1, "msr tpidr_el1, x0");
PRIVILEGED(write_tpidrro, "msr tpidrro_el0, x0");
PRIVILEGED(write_contextidr, "msr contextidr_el1, x0");
PRIVILEGED(write_actlr, "msr actlr_el1, x0");
PRIVILEGED(write_csselr, "msr csselr_el1, x0");

/* Registers of levels above. */
PRIVILEGED(read_hcr, "mrs x0, hcr_el2");
PRIVILEGED(write_hcr, "msr hcr_el2, x0");
PRIVILEGED(write_vttbr, "msr vttbr_el2, x0");
PRIVILEGED(write_scr, "msr scr_el3, x0");

/* Debugging: breakpoints, the OS lock, single step (D19.3). */
PRIVILEGED(read_mdscr, "mrs x0, mdscr_el1");
PRIVILEGED(write_mdscr, "msr mdscr_el1, x0");
PRIVILEGED(write_dbgbvr, "msr dbgbvr0_el1, x0");
PRIVILEGED(write_dbgbcr, "msr dbgbcr0_el1, x0");
PRIVILEGED(write_dbgwvr, "msr dbgwvr0_el1, x0");
PRIVILEGED(write_oslar, "msr oslar_el1, x0");

/* ---- Translation and caches of the whole machine --------------------------------------------- */

PRIVILEGED(tlbi_all, "tlbi vmalle1");
PRIVILEGED(tlbi_all_inner, "tlbi vmalle1is");
PRIVILEGED(tlbi_address, "tlbi vae1, x0");
PRIVILEGED(at_read, "at s1e1r, x0");
PRIVILEGED(at_user_write, "at s1e0w, x0");
PRIVILEGED(ic_all, "ic iallu");
PRIVILEGED(ic_all_inner, "ic ialluis");
PRIVILEGED(dc_invalidate, "mov x0, sp\n\tdc ivac, x0");
PRIVILEGED(dc_set_way, "dc cisw, x0");
PRIVILEGED(dc_invalidate_set_way, "dc isw, x0");

/* ---- Counters, timers, interrupts ------------------------------------------------------------ */

PRIVILEGED(write_pmcr, "msr pmcr_el0, x0");
PRIVILEGED(write_pmuserenr, "msr pmuserenr_el0, x0");
PRIVILEGED(write_timer, "msr cntv_ctl_el0, x0");
PRIVILEGED(write_timer_value, "msr cntv_tval_el0, x0");
PRIVILEGED(write_physical_timer, "msr cntp_ctl_el0, x0");
PRIVILEGED(write_cntkctl, "msr cntkctl_el1, x0");
PRIVILEGED(write_counter_frequency, "msr cntfrq_el0, x0");
/* The interrupt controller's CPU interface (GIC, IHI 0069, 12.2): ICC_SRE, IAR1, EOIR1, SGI1R, PMR.
 */
PRIVILEGED(write_icc_sre, "msr s3_0_c12_c12_5, x0");
PRIVILEGED(read_icc_iar1, "mrs x0, s3_0_c12_c12_0");
PRIVILEGED(write_icc_eoir1, "msr s3_0_c12_c12_1, x0");
PRIVILEGED(write_icc_sgi1r, "msr s3_0_c12_c11_5, x0");
PRIVILEGED(write_icc_pmr, "msr s3_0_c4_c6_0, x0");
/* Registers that every implementation may fill as it likes (D17.3). */
PRIVILEGED(write_implementation_defined, "msr s3_0_c15_c0_0, x0");
PRIVILEGED(call_implementation_defined, "sys #0, c15, c0, #0, x0");

/* ---- As the mechanism has it: a fault of these kinds, or it succeeds ------------------------- */

/* Waiting: it ends with the next interrupt, if not before. */
PRIVILEGED(wfi, "wfi");
PRIVILEGED(wfe, "sevl\n\twfe\n\twfe");
/* What was counted, and time. */
PRIVILEGED(read_cycles, "mrs x0, pmccntr_el0");
PRIVILEGED(read_event_counter, "mrs x0, pmxevcntr_el0");
PRIVILEGED(read_virtual_counter, "isb\n\tmrs x0, cntvct_el0");
PRIVILEGED(read_physical_counter, "isb\n\tmrs x0, cntpct_el0");
PRIVILEGED(read_counter_frequency, "mrs x0, cntfrq_el0");
/* What the processor is: kernels show programs a part of it (Linux: cpu-feature-registers.rst). */
PRIVILEGED(read_midr, "mrs x0, midr_el1");
PRIVILEGED(read_mpidr, "mrs x0, mpidr_el1");
PRIVILEGED(read_revidr, "mrs x0, revidr_el1");
PRIVILEGED(read_isar0, "mrs x0, id_aa64isar0_el1");
PRIVILEGED(read_pfr0, "mrs x0, id_aa64pfr0_el1");
PRIVILEGED(read_mmfr0, "mrs x0, id_aa64mmfr0_el1");
PRIVILEGED(read_dfr0, "mrs x0, id_aa64dfr0_el1");

/* ---- What every program may ------------------------------------------------------------------ */

/* Succeeds, as user programs need them: the caches' shape, the thread pointers, the flags, hints.
 */
SCONCE_EXPORT(uint64_t, read_user_registers, (void))
{
    uint64_t value, all = 0;

#define READ(name)                                                                                 \
    do {                                                                                           \
        __asm__ volatile("mrs %0, " name : "=r"(value));                                           \
        all |= value;                                                                              \
    } while (0)
    READ("ctr_el0");
    READ("dczid_el0");
    READ("tpidr_el0");
    READ("tpidrro_el0");
    READ("nzcv");
    READ("fpcr");
    READ("fpsr");
    __asm__ volatile("nop\n\tyield\n\tsev\n\tsevl\n\tbti c\n\tisb\n\tdsb sy\n\tdmb sy\n\tclrex"
                     :
                     :
                     : "memory");
    return all != 0;
}
