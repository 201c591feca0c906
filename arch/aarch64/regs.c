/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on register values. */
#include "arch/aarch64/regs.h"

#include <stddef.h>

#include "sconce-ext-regs.h"

#define USER_BITS 47

/* DBGBCR<n>_EL1, Arm ARM D17.3.2: E 0, PMC 2:1, BAS 8:5; HMC, SSC, LBN and BT stay zero (an
 * unlinked address match). DBGWCR<n>_EL1, D17.3.11: E 0, PAC 2:1, LSC 4:3, BAS 12:5, MASK 28:24. */
#define BCR_VARIES 0x000001e7ull
#define WCR_VARIES 0x1f001fffull
#define CONTROL_ENABLE 1ull
#define CONTROL_LEVELS (3ull << 1)
#define CONTROL_LEVEL_EL0 (2ull << 1)

/* MDSCR_EL1, Arm ARM D17.3.20: TDCC 12, MDE 15. Not SS: a step wants PSTATE.SS as well, which no
 * register file here can set, and without it each instruction would be one that has been stepped.
 */
#define MDSCR_VARIES (1ull << 12 | 1ull << 15)

/* FPCR, Arm ARM C5.2.8: FIZ, AH, NEP 2:0, trap enables 15 and 12:8, Len 18:16, FZ16 19, Stride
 * 21:20, RMode 23:22, FZ, DN, AHP 26:24. FPSR, C5.2.9: flags 7 and 4:0, QC 27, and NZCV of AArch32.
 */
#define FPCR_VARIES 0x07ff9f07ull
#define FPSR_VARIES 0xf800009full

bool sconce_a64_user_address(uint64_t address)
{
    return address >> USER_BITS == 0;
}

bool sconce_a64_untagged(uint64_t address)
{
    uint64_t top = address >> USER_BITS;

    return top == 0 || top == UINT64_MAX >> USER_BITS;
}

uint64_t sconce_a64_user_pstate(uint64_t pstate)
{
    return pstate & SCONCE_A64_PSTATE_USER;
}

bool sconce_a64_standard_valid(const struct sconce_a64_standard *regs)
{
    return sconce_a64_user_address(regs->pc) && (regs->pstate & ~SCONCE_A64_PSTATE_USER) == 0;
}

bool sconce_a64_float_valid(const struct sconce_a64_float *regs)
{
    return (regs->fpcr & ~FPCR_VARIES) == 0 && (regs->fpsr & ~FPSR_VARIES) == 0;
}

static bool control_valid(uint64_t control, uint64_t varies)
{
    if (control & ~varies)
        return false;
    return !(control & CONTROL_ENABLE) || (control & CONTROL_LEVELS) == CONTROL_LEVEL_EL0;
}

bool sconce_a64_debug_valid(const struct sconce_a64_debug *regs)
{
    for (int i = 0; i < 16; i++) {
        if (!sconce_a64_user_address(regs->bvr[i]) || !sconce_a64_user_address(regs->wvr[i]))
            return false;
        if (!control_valid(regs->bcr[i], BCR_VARIES) || !control_valid(regs->wcr[i], WCR_VARIES))
            return false;
    }
    return (regs->mdscr_el1 & ~MDSCR_VARIES) == 0;
}

const char *sconce_a64_entry_problem(const struct sconce_entry *entry, uint64_t *ret_value)
{
    *ret_value = entry->pc;
    if (!sconce_a64_user_address(entry->pc))
        return "PC";
    *ret_value = entry->sp;
    if (!sconce_a64_user_address(entry->sp))
        return "SP";
    *ret_value = entry->tls;
    return sconce_a64_untagged(entry->tls) ? NULL : "thread pointer";
}

uint64_t sconce_a64_file_bytes(uint32_t file)
{
    switch (file) {
    case SCONCE_REGS_STANDARD:
        return sizeof(struct sconce_a64_standard);
    case SCONCE_REGS_SPECIAL:
        return sizeof(struct sconce_a64_special);
    case SCONCE_REGS_FLOAT:
        return sizeof(struct sconce_a64_float);
    case SCONCE_REGS_DEBUG:
        return sizeof(struct sconce_a64_debug);
    default:
        return 0;
    }
}
