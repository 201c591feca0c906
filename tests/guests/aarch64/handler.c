/* SPDX-License-Identifier: Apache-2.0 */
/* What only aarch64 has of the guest "handler": a division never faults, a stack pointer may. */
#include "../handler.h"

static void align(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    if (report->kind == SCONCE_FAULT_ALIGNMENT)
        regs->sp &= ~(uint64_t)15;
}

/* 5: the handler aligns SP, as nothing can be pushed before it is. */
SCONCE_EXPORT(uint64_t, misaligned_stack, (void))
{
    uint64_t value = 0;

    if (handler_with(align))
        return 0;
    __asm__ volatile("mov x9, sp\n"
                     "sub sp, sp, #24\n"
                     "ldr xzr, [sp]\n"
                     "mov sp, x9\n"
                     "mov %0, #5"
                     : "=r"(value)
                     :
                     : "x9", "memory");
    return value;
}
