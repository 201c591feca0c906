/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub: the one page of our code in a guest's process. It reports what stops the guest, and
 * goes on as the host says. It keeps nothing: behind its report no register is looked at but the
 * kernel's answer, since the guest may have jumped here with anything in them; all that follows comes
 * from constants and from what the host wrote while the kernel held the child.
 *
 * The page is position-independent but for SCONCE_STUB_AT, where it always lies.
 */
#include <asm/unistd.h>

#include "plugins/process-aarch64/control.h"
#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/stub-head.h"

#define STUB_NUMBER_(name) __NR_##name
#define STUB_NUMBER(name) STUB_NUMBER_(name)

    .section .stub, "ax", %progbits
    .balign SCONCE_STUB_PAGE
    .globl raw_stub
    .hidden raw_stub
raw_stub:
    .long SCONCE_STUB_MAGIC
    .long site - raw_stub
    .long filter_listener - raw_stub
    .long raw_start - raw_stub
    .long handler - raw_stub
    .long finish - raw_stub
stack_description: /* stack_t */
    .quad SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET
    .quad 0
    .quad SCONCE_ALTSTACK_BYTES

    .set control, raw_stub + SCONCE_CONTROL_DISTANCE

/*
 * Every signal arrives here, on the alternate stack: X0 its number, SP the frame that
 * rt_sigreturn(2) takes (arch/arm64/kernel/signal.c, setup_return). The kernel has cleared what of
 * PSTATE could bite (TCO) and set BTYPE as a call would. That and the landing pads count where the
 * plugin is built with BTI: the page is a piece of its text, and keeps that text's protection when it
 * moves.
 */
handler:
    hint #34                    /* BTI c */
    /* A new stop; what is reported again without this is an old one (child.h). */
    adr x9, control
    str xzr, [x9, #SCONCE_CONTROL_FRAME]
    /* Not in the signal frame. */
    mrs x10, tpidr_el0
    str x10, [x9, #SCONCE_CONTROL_TPIDR]

    /* The first two arguments: signal and frame. */
    mov x1, sp
    mov x8, #STUB_NUMBER(SCONCE_STUB_SYSCALL)
    svc #0
site:
    /* ENOSYS: nobody listens any more, and nobody will say how to go on. All signals are blocked
     * here, so the exception ends the process. */
    cbnz x0, deaf
    /* Released by the host, which has written what follows is to load. */
    adr x9, control
    ldr x10, [x9, #SCONCE_CONTROL_TPIDR]
    msr tpidr_el0, x10

    /* A guest that returned from a signal of its own making may have moved the alternate stack. The
     * kernel does not change it while the stack pointer is on it, which 0 never is. */
    mov x10, #0
    mov sp, x10
    adr x0, stack_description
    mov x1, #0
    mov x8, #__NR_sigaltstack
    svc #0

    adr x9, control
    ldr x10, [x9, #SCONCE_CONTROL_FRAME]
    mov sp, x10
    mov x8, #__NR_rt_sigreturn
    svc #0
deaf:
    udf #0

/*
 * X0, X1: the zygote's text; X2, X3: its data, the stack among it. Both go; then nothing is mapped
 * but the guest's memory, this page and the control area. The filter closes behind it.
 */
finish:
    hint #38                    /* BTI jc: no compiler says which branch a last call is */
    mov x19, x2
    mov x20, x3
    mov x8, #__NR_munmap
    svc #0
    cbnz x0, failed
    mov x0, x19
    mov x1, x20
    svc #0
    cbnz x0, failed

    mov x0, #1                  /* SECCOMP_SET_MODE_FILTER */
    mov x1, #0
    adr x2, filter_wall
    mov x8, #__NR_seccomp
    svc #0
    cbnz x0, failed
    /* The first exit. The host looks at its frame: no guest has run yet. A fault at 0, since every
     * frame tells of the thread's last fault (thread.fault_address and fault_code, which fork()
     * copies): it was the host's until now. */
    mov x0, #0
    ldr w0, [x0]
    udf #0

failed:
    neg w0, w0
    adr x9, control
    str w0, [x9, #SCONCE_CONTROL_ERROR]
    mov x0, #1
    mov x8, #__NR_exit_group
    svc #0
    udf #0

#include "process-aarch64-filters.h"

    /* Filled with zeros, which are UDF, so that a stray jump is a fault at its own address. (An error
     * when the page is too small.) */
    .org raw_stub + SCONCE_STUB_PAGE, 0
    .section .note.GNU-stack, "", %progbits
