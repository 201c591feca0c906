/* SPDX-License-Identifier: Apache-2.0 */
/* The register files of "sconce.regs/1" on aarch64. */
#ifndef SCONCE_REGS_AARCH64_H
#define SCONCE_REGS_AARCH64_H

#include <stddef.h>
#include <stdint.h>

/* SCONCE_REGS_STANDARD: as EL0 sees them. */
struct sconce_a64_standard {
    uint64_t x[31];
    uint64_t sp; /* SP_EL0 */
    uint64_t pc;
    uint64_t pstate;
};

/* SCONCE_REGS_SPECIAL: what the vCPU has, host-owned system registers included (read-only: set
 * takes tpidr_el0 and refuses a change of the others). */
struct sconce_a64_special {
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
    uint64_t sctlr_el1, cpacr_el1, tcr_el1, ttbr0_el1, mair_el1, vbar_el1;
    uint64_t esr_el1, far_el1, contextidr_el1, cntkctl_el1;
};

/* SCONCE_REGS_FLOAT: V0-V31, little-endian, with their controls. */
struct sconce_a64_float {
    uint8_t v[32][16];
    uint64_t fpsr, fpcr;
};

/* SCONCE_REGS_DEBUG: breakpoints and watchpoints; those that the processor lacks are zero. */
struct sconce_a64_debug {
    uint64_t bvr[16], bcr[16];
    uint64_t wvr[16], wcr[16];
    uint64_t mdscr_el1;
};

#endif
