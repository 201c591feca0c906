/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler for the guest's own faults: registering it, and running it on its stack. The
 * architecture's stub, crt/ARCH/fault.S, is what the host enters. Linked only where it is used.
 */
#include "internal.h"

/* Populated on touch, like all memory. */
#define STACK_BYTES 65536u
/* An instruction that is left out is at most so long: 15 bytes on x86_64. */
#define INSTRUCTION_BYTES 16u

static unsigned char stack[STACK_BYTES] __attribute__((aligned(64)));
static sconce_fault_fn handler;
static bool is_running;          /* or left for good */
static uint64_t begun_before_it; /* sconce_out_begun when it was entered */

extern void sconce_fault_entry(void);

/* Called by the stub. */
void sconce_fault_run(struct sconce_fault_report *report);

void sconce_fault_run(struct sconce_fault_report *report)
{
    struct sconce_guest_regs *regs = (struct sconce_guest_regs *)(report + 1);
    uint64_t pc = regs->SCONCE_GUEST_REGS_PC; /* behind a breakpoint it is not the report's */

    if (is_running) /* it is entered anew: nobody goes back to what it interrupted before */
        sconce_out_left = begun_before_it;
    begun_before_it = sconce_out_begun;
    is_running = true;
    handler(report, regs);
    is_running = false;
    if (regs->SCONCE_GUEST_REGS_PC - pc > INSTRUCTION_BYTES) /* sent elsewhere, as by longjmp */
        sconce_out_left = begun_before_it;
}

static void tell(uint64_t entry, uint64_t start, uint64_t bytes)
{
    sconce_print_flush();
    sconce_out_begin(SCONCE_FRAME_ON_FAULT, 0, 3);
    sconce_out_scalar(0, SCONCE_TYPE_U64, entry);
    sconce_out_scalar(1, SCONCE_TYPE_U64, start);
    sconce_out_scalar(2, SCONCE_TYPE_U64, bytes);
    sconce_out_frame()->reply_at = sconce_serve_in_used();
    sconce_out_ring(SCONCE_DOORBELL_ON_FAULT);
}

int sconce_on_fault(sconce_fault_fn fn)
{
    uint64_t at;

    if (!sconce_boot_page || sconce_boot_page->abi < 2) /* nobody would know the doorbell */
        return SCONCE_FAILED_UNSUPPORTED;
    at = sconce_boot_page->in_addr + sconce_serve_in_used();
    if (fn)
        tell((uintptr_t)sconce_fault_entry, (uintptr_t)stack, sizeof stack);
    else
        tell(0, 0, 0);
    if (((const struct sconce_frame *)at)->kind != SCONCE_FRAME_HOST_RETURN)
        return SCONCE_FAILED_UNSUPPORTED;
    handler = fn;
    sconce_fault_stack = fn ? (uintptr_t)stack : 0;
    sconce_fault_stack_bytes = fn ? sizeof stack : 0;
    return 0;
}
