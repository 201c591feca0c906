/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on register values. */
#include "arch/x86_64/regs.h"

#include <stddef.h>

#include "sconce-ext-regs.h"

#define USER_END (1ull << 47)

/* DR6: B3:0, BD 13, BS 14, BT 15 vary; SDM vol 3B 17.2.3. DR7: enables, LE, GE, RTM reserved here,
 * GD 13, then four fields of type and length; bit 10 is one; SDM vol 3B 17.2.4. */
#define DR6_VARIES 0x0000e00full
#define DR6_FIXED 0xffff0ff0ull
#define DR7_VARIES 0xffff03ffull
#define DR7_FIXED 0x00000400ull

bool sconce_x86_canonical(uint64_t address)
{
    uint64_t top = address >> 47;

    return top == 0 || top == 0x1ffff;
}

bool sconce_x86_user_address(uint64_t address)
{
    return address < USER_END;
}

uint64_t sconce_x86_user_rflags(uint64_t rflags)
{
    return (rflags & SCONCE_X86_RFLAGS_USER) | SCONCE_X86_RFLAGS_INIT;
}

bool sconce_x86_standard_valid(const struct sconce_x86_standard *regs)
{
    uint64_t allowed = SCONCE_X86_RFLAGS_USER | SCONCE_X86_RFLAGS_INIT | SCONCE_X86_RFLAGS_RF;

    /* Any value can be moved to RSP; using it is what faults. */
    return sconce_x86_user_address(regs->rip) && (regs->rflags & ~allowed) == 0;
}

bool sconce_x86_debug_valid(const struct sconce_x86_debug *regs)
{
    for (int i = 0; i < 4; i++)
        if (!sconce_x86_user_address(regs->dr[i]))
            return false;
    return (regs->dr6 & ~DR6_VARIES) == DR6_FIXED && (regs->dr7 & ~DR7_VARIES) == DR7_FIXED;
}

const char *sconce_x86_entry_problem(const struct sconce_entry *entry, uint64_t *ret_value)
{
    *ret_value = entry->pc;
    if (!sconce_x86_user_address(entry->pc))
        return "PC";
    *ret_value = entry->sp;
    if (!sconce_x86_user_address(entry->sp))
        return "SP";
    *ret_value = entry->tls;
    return sconce_x86_canonical(entry->tls) ? NULL : "thread pointer";
}

uint64_t sconce_x86_file_bytes(uint32_t file)
{
    switch (file) {
    case SCONCE_REGS_STANDARD:
        return sizeof(struct sconce_x86_standard);
    case SCONCE_REGS_SPECIAL:
        return sizeof(struct sconce_x86_special);
    case SCONCE_REGS_FLOAT:
        return sizeof(struct sconce_x86_float);
    case SCONCE_REGS_DEBUG:
        return sizeof(struct sconce_x86_debug);
    default:
        return 0;
    }
}
