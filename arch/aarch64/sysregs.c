/* SPDX-License-Identifier: Apache-2.0 */
/* Values of system registers. */
#include "arch/aarch64/sysregs.h"

#include "arch/aarch64/paging.h"

/* SCTLR_EL1: Arm ARM D17.2.118. What is not here is zero: no alignment checks of data accesses
 * (A), interrupt masks closed to EL0 (UMA), WFI and WFE trapped (nTWI, nTWE), little-endian (EE,
 * E0E), no pointer authentication keys (EnIA and others), no tags (ATA0), no BTI of EL0 (BT0). */
#define SCTLR_M (1ull << 0)
#define SCTLR_C (1ull << 2)
#define SCTLR_SA (1ull << 3)  /* SP is aligned at EL1 */
#define SCTLR_SA0 (1ull << 4) /* and at EL0 */
#define SCTLR_EOS (1ull << 11)
#define SCTLR_I (1ull << 12)
#define SCTLR_DZE (1ull << 14) /* EL0 may DC ZVA */
#define SCTLR_UCT (1ull << 15) /* and read CTR_EL0 */
#define SCTLR_WXN (1ull << 19) /* what is writable is not executable: no table says so anyway */
#define SCTLR_TSCXT (1ull << 20)
#define SCTLR_EIS (1ull << 22)
#define SCTLR_SPAN (1ull << 23) /* an exception leaves PAN alone */
#define SCTLR_UCI (1ull << 26)  /* EL0 may maintain caches by address */
#define SCTLR_NTLSMD (1ull << 28)
#define SCTLR_LSMAOE (1ull << 29)
/* One where the feature that gives them a meaning is missing, and harmless where it is there:
 * SCXTNUM_EL0 is closed to EL0, loads and stores of several registers are as in ARMv8.0. */
#define SCTLR_RES1 (SCTLR_EOS | SCTLR_TSCXT | SCTLR_EIS | SCTLR_NTLSMD | SCTLR_LSMAOE)

/* TCR_EL1: Arm ARM D17.2.131. TTBR0 alone, tables read as inner-shareable write-back memory; no
 * tags (TBI0), no hardware management of access flag or dirty state (HA, HD). */
#define TCR_T0SZ (64ull - SCONCE_A64_ADDRESS_BITS)
#define TCR_IRGN0_WBWA (1ull << 8)
#define TCR_ORGN0_WBWA (1ull << 10)
#define TCR_SH0_INNER (3ull << 12)
#define TCR_TG0_4K (0ull << 14)
#define TCR_T1SZ (TCR_T0SZ << 16)
#define TCR_EPD1 (1ull << 23) /* the upper half faults */
#define TCR_TG1_4K (2ull << 30)
#define TCR_IPS_SHIFT 32

/* IPS and PARange have the same values: Arm ARM D17.2.64, D17.2.131. */
#define PARANGE_36 1u
static const uint8_t parange_bits[16] = {32, 36, 40, 42, 44, 48, 52};

/* MAIR_EL1: Arm ARM D17.2.97. Normal, inner and outer write-back, non-transient, allocating; and
 * Device-nGnRE. */
#define MAIR (0xffull << (8 * SCONCE_A64_ATTR_NORMAL) | 0x04ull << (8 * SCONCE_A64_ATTR_DEVICE))

/* CPACR_EL1: Arm ARM D17.2.32. FP and SIMD at EL0 too; SVE (ZEN) and SME (SMEN) at neither. */
#define CPACR_FPEN (3ull << 20)

/* CNTKCTL_EL1: Arm ARM D17.11.16. EL0 reads the virtual counter, as RDTSC is open on x86_64; the
 * physical one and the timers are closed to it. */
#define CNTKCTL_EL0VCTEN (1ull << 1)

/* MDSCR_EL1: Arm ARM D17.3.20. EL0 is kept from the debug communications channel; monitor debug
 * and step are off. */
#define MDSCR_TDCC (1ull << 12)

static uint64_t sctlr(const struct sconce_a64_features *features)
{
    uint64_t value = SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_I | SCTLR_DZE |
                     SCTLR_UCT | SCTLR_WXN | SCTLR_UCI;

    /* The shim has no business on the guest's pages: with SPAN zero an exception shuts them. */
    return SCONCE_A64_MMFR1_PAN(features->mmfr1) ? value : value | SCTLR_SPAN;
}

/* Guests end at 2^36; a machine that reaches less gets what it has. */
static uint64_t tcr(const struct sconce_a64_features *features)
{
    uint64_t range = SCONCE_A64_MMFR0_PARANGE(features->mmfr0);
    uint64_t ips = range < PARANGE_36 ? range : PARANGE_36;

    return TCR_T0SZ | TCR_IRGN0_WBWA | TCR_ORGN0_WBWA | TCR_SH0_INNER | TCR_TG0_4K | TCR_T1SZ |
           TCR_EPD1 | TCR_TG1_4K | ips << TCR_IPS_SHIFT;
}

void sconce_a64_sysregs(const struct sconce_a64_features *features, uint64_t ttbr0, uint64_t vbar,
                        struct sconce_a64_sysreg regs[SCONCE_A64_SYSREG_COUNT])
{
    const struct sconce_a64_sysreg all[SCONCE_A64_SYSREG_COUNT] = {
        {SCONCE_A64_MAIR_EL1, true, MAIR},
        {SCONCE_A64_TCR_EL1, true, tcr(features)},
        {SCONCE_A64_TTBR0_EL1, true, ttbr0},
        {SCONCE_A64_TTBR1_EL1, true, 0},
        {SCONCE_A64_VBAR_EL1, true, vbar},
        {SCONCE_A64_CPACR_EL1, true, CPACR_FPEN},
        {SCONCE_A64_CNTKCTL_EL1, true, CNTKCTL_EL0VCTEN},
        {SCONCE_A64_MDSCR_EL1, true, MDSCR_TDCC},
        {SCONCE_A64_SCTLR_EL1, true, sctlr(features)},
        /* The guest's own. */
        {SCONCE_A64_TPIDR_EL0, true, 0},
        {SCONCE_A64_TPIDRRO_EL0, true, 0},
        /* Shown by sconce.regs/1. */
        {SCONCE_A64_ESR_EL1, true, 0},
        {SCONCE_A64_FAR_EL1, true, 0},
        {SCONCE_A64_TPIDR_EL1, true, 0},
        {SCONCE_A64_CONTEXTIDR_EL1, true, 0},
        /* The processor's own additions to MAIR_EL1, and a channel that nobody uses. */
        {SCONCE_A64_AMAIR_EL1, false, 0},
        {SCONCE_A64_MDCCINT_EL1, false, 0},
    };

    for (unsigned i = 0; i < SCONCE_A64_SYSREG_COUNT; i++)
        regs[i] = all[i];
}

unsigned sconce_a64_address_bits(const struct sconce_a64_features *features)
{
    return parange_bits[SCONCE_A64_MMFR0_PARANGE(features->mmfr0)];
}

bool sconce_a64_small_pages(const struct sconce_a64_features *features)
{
    return SCONCE_A64_MMFR0_TGRAN4(features->mmfr0) != 15;
}
