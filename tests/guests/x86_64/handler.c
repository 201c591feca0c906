/* SPDX-License-Identifier: Apache-2.0 */
/* What only x86_64 has of the guest "handler": a division that faults. */
#include "../handler.h"

uint64_t handler_divide(uint64_t dividend, uint64_t divisor);

static void by_two(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    if (report->kind == SCONCE_FAULT_ARITHMETIC)
        regs->rsi = 2;
}

/* 21: the handler makes the divisor two. */
SCONCE_EXPORT(uint64_t, divide, (void))
{
    return handler_with(by_two) ? 0 : handler_divide(42, 0);
}
