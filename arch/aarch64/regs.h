/* SPDX-License-Identifier: Apache-2.0 */
/* What an EL0 guest may hold in its registers. */
#ifndef SCONCE_ARCH_AARCH64_REGS_H
#define SCONCE_ARCH_AARCH64_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-plugin.h"
#include "sconce-regs-aarch64.h"

/* PSTATE as SPSR_EL1 holds it: Arm ARM C5.2.18 (SPSR_EL1). */
#define SCONCE_A64_PSTATE_EL0T 0ull
#define SCONCE_A64_PSTATE_EL1H 5ull
#define SCONCE_A64_PSTATE_MODE 0x1full /* M[4:0]; M[4] is AArch32 */
#define SCONCE_A64_PSTATE_DAIF (15ull << 6)
#define SCONCE_A64_PSTATE_BTYPE (3ull << 10)
#define SCONCE_A64_PSTATE_SSBS (1ull << 12)
#define SCONCE_A64_PSTATE_DIT (1ull << 24)
#define SCONCE_A64_PSTATE_TCO (1ull << 25)
#define SCONCE_A64_PSTATE_NZCV (15ull << 28)

/* What EL0 can change, DAIF being closed to it (SCTLR_EL1.UMA is 0). All else is zero: EL0t. */
#define SCONCE_A64_PSTATE_USER                                                                     \
    (SCONCE_A64_PSTATE_NZCV | SCONCE_A64_PSTATE_TCO | SCONCE_A64_PSTATE_DIT |                      \
     SCONCE_A64_PSTATE_SSBS | SCONCE_A64_PSTATE_BTYPE)

/**
 * sconce_a64_user_address - in the half that guests live in?
 * That half ends at 2^47, on every backend and as on x86_64, so that one entry is refused alike
 * everywhere; the registers hold 64 bits, and translation reaches less (sysregs.h).
 */
bool sconce_a64_user_address(uint64_t address);

/** sconce_a64_untagged - an address of either half, as translation wants its top bits? */
bool sconce_a64_untagged(uint64_t address);

/** sconce_a64_user_pstate - @pstate with all that EL0 cannot hold taken out. */
uint64_t sconce_a64_user_pstate(uint64_t pstate);

/**
 * sconce_a64_entry_problem - what of an entry no unprivileged guest can use: "PC", "SP", "thread
 * pointer", or NULL when all is well. A thread pointer is an address of either half, untagged:
 * TPIDR_EL0 would hold anything, but nothing else can be pointed with.
 * @ret_value: the value that it has.
 */
const char *sconce_a64_entry_problem(const struct sconce_entry *entry, uint64_t *ret_value);

/** sconce_a64_file_bytes - the size of a file of sconce.regs/1 (SCONCE_REGS_*); 0 for none. */
uint64_t sconce_a64_file_bytes(uint32_t file);

/* Could an unprivileged guest hold this? Any value can be moved to SP; using it is what faults. */
bool sconce_a64_standard_valid(const struct sconce_a64_standard *regs);

/* Members of a struct sconce_ext_fault. BTYPE would want a landing pad of another kind than a call
 * does; DIT and TCO only change what code costs and what a tag check does. */
#define SCONCE_A64_FAULT_PLACES                                                                    \
    .regs_bytes = sizeof(struct sconce_a64_standard),                                              \
    .pc_at = offsetof(struct sconce_a64_standard, pc),                                             \
    .sp_at = offsetof(struct sconce_a64_standard, sp),                                             \
    .argument_at = offsetof(struct sconce_a64_standard, x),                                        \
    .flags_at = offsetof(struct sconce_a64_standard, pstate),                                      \
    .flags_clear = SCONCE_A64_PSTATE_BTYPE

/** sconce_a64_float_valid - FPSR and FPCR without reserved bits. */
bool sconce_a64_float_valid(const struct sconce_a64_float *regs);

/** sconce_a64_debug_valid - breakpoints and watchpoints on guest addresses, of EL0 alone, unlinked,
 * all else zero; of MDSCR_EL1 what breakpoints and
 * watchpoints want. There is no stepping. */
bool sconce_a64_debug_valid(const struct sconce_a64_debug *regs);

#endif
