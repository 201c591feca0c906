/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system registers of a vCPU that runs an EL0 guest: what is in them and why. Each value is a
 * function of what the machine tells of itself.
 */
#ifndef SCONCE_ARCH_AARCH64_SYSREGS_H
#define SCONCE_ARCH_AARCH64_SYSREGS_H

#include <stdbool.h>
#include <stdint.h>

/* A system register's number, as MRS and MSR encode it in bits 20:5, op0 in two bits: Arm ARM
 * D18.1. */
#define SCONCE_A64_SYSREG(op0, op1, crn, crm, op2)                                                 \
    ((uint16_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

#define SCONCE_A64_MDCCINT_EL1 SCONCE_A64_SYSREG(2, 0, 0, 2, 0)
#define SCONCE_A64_MDSCR_EL1 SCONCE_A64_SYSREG(2, 0, 0, 2, 2)
#define SCONCE_A64_DBGBVR_EL1(n) SCONCE_A64_SYSREG(2, 0, 0, n, 4)
#define SCONCE_A64_DBGBCR_EL1(n) SCONCE_A64_SYSREG(2, 0, 0, n, 5)
#define SCONCE_A64_DBGWVR_EL1(n) SCONCE_A64_SYSREG(2, 0, 0, n, 6)
#define SCONCE_A64_DBGWCR_EL1(n) SCONCE_A64_SYSREG(2, 0, 0, n, 7)
#define SCONCE_A64_ID_AA64DFR0_EL1 SCONCE_A64_SYSREG(3, 0, 0, 5, 0)
#define SCONCE_A64_ID_AA64MMFR0_EL1 SCONCE_A64_SYSREG(3, 0, 0, 7, 0)
#define SCONCE_A64_ID_AA64MMFR1_EL1 SCONCE_A64_SYSREG(3, 0, 0, 7, 1)
#define SCONCE_A64_SCTLR_EL1 SCONCE_A64_SYSREG(3, 0, 1, 0, 0)
#define SCONCE_A64_CPACR_EL1 SCONCE_A64_SYSREG(3, 0, 1, 0, 2)
#define SCONCE_A64_TTBR0_EL1 SCONCE_A64_SYSREG(3, 0, 2, 0, 0)
#define SCONCE_A64_TTBR1_EL1 SCONCE_A64_SYSREG(3, 0, 2, 0, 1)
#define SCONCE_A64_TCR_EL1 SCONCE_A64_SYSREG(3, 0, 2, 0, 2)
#define SCONCE_A64_ESR_EL1 SCONCE_A64_SYSREG(3, 0, 5, 2, 0)
#define SCONCE_A64_FAR_EL1 SCONCE_A64_SYSREG(3, 0, 6, 0, 0)
#define SCONCE_A64_MAIR_EL1 SCONCE_A64_SYSREG(3, 0, 10, 2, 0)
#define SCONCE_A64_AMAIR_EL1 SCONCE_A64_SYSREG(3, 0, 10, 3, 0)
#define SCONCE_A64_VBAR_EL1 SCONCE_A64_SYSREG(3, 0, 12, 0, 0)
#define SCONCE_A64_CONTEXTIDR_EL1 SCONCE_A64_SYSREG(3, 0, 13, 0, 1)
#define SCONCE_A64_TPIDR_EL1 SCONCE_A64_SYSREG(3, 0, 13, 0, 4)
#define SCONCE_A64_CNTKCTL_EL1 SCONCE_A64_SYSREG(3, 0, 14, 1, 0)
#define SCONCE_A64_TPIDR_EL0 SCONCE_A64_SYSREG(3, 3, 13, 0, 2)
#define SCONCE_A64_TPIDRRO_EL0 SCONCE_A64_SYSREG(3, 3, 13, 0, 3)

/* Fields of ID registers: Arm ARM D17.2.59 (ID_AA64DFR0_EL1), D17.2.64 (ID_AA64MMFR0_EL1),
 * D17.2.65 (ID_AA64MMFR1_EL1). The first two count from 0. */
#define SCONCE_A64_DFR0_BREAKPOINTS(dfr0) ((unsigned)((dfr0) >> 12 & 15) + 1)
#define SCONCE_A64_DFR0_WATCHPOINTS(dfr0) ((unsigned)((dfr0) >> 20 & 15) + 1)
#define SCONCE_A64_MMFR0_PARANGE(mmfr0) ((unsigned)((mmfr0)&15))
#define SCONCE_A64_MMFR0_TGRAN4(mmfr0) ((unsigned)((mmfr0) >> 28 & 15)) /* 15: no 4 KiB granule */
#define SCONCE_A64_MMFR1_PAN(mmfr1) ((unsigned)((mmfr1) >> 20 & 15))

/* What of the machine the values depend on. */
struct sconce_a64_features {
    uint64_t dfr0;
    uint64_t mmfr0;
    uint64_t mmfr1;
};

struct sconce_a64_sysreg {
    uint16_t id;
    bool needed; /* else a hypervisor that does not have it does no harm */
    uint64_t value;
};

#define SCONCE_A64_SYSREG_COUNT 17u

/** sconce_a64_sysregs - every system register that is set at reset: what the guest runs by, what it
 * could write, and what a hypervisor may leave with a pattern. */
void sconce_a64_sysregs(const struct sconce_a64_features *features, uint64_t ttbr0, uint64_t vbar,
                        struct sconce_a64_sysreg regs[SCONCE_A64_SYSREG_COUNT]);

/** sconce_a64_address_bits - how many bits of physical address the machine has, from
 * ID_AA64MMFR0_EL1; 0 for a value that is none. */
unsigned sconce_a64_address_bits(const struct sconce_a64_features *features);

/** sconce_a64_small_pages - has the machine the 4 KiB granule? */
bool sconce_a64_small_pages(const struct sconce_a64_features *features);

#endif
