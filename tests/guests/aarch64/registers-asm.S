/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills every register that EL0 can write, rings READY, and looks at them again: right behind the
 * doorbell (then nothing was scrubbed), or at the place of resumption (then all must be).
 */
#include "registers.h"
#include "sconce-guest-abi.h"

#define PATTERN 0xa5a5a5a5a5a5a5a5
#define PATTERN_TLS 0x00005a5a5a5a5000
#define PATTERN_FPCR 0x07c00000 /* AHP DN FZ, round to zero; Arm ARM C5.2.8 */
#define PATTERN_FPSR 0x0800009f /* QC and every exception; Arm ARM C5.2.10 */
#define PATTERN_NZCV 0xf0000000

#define EACH_X 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
    25, 26, 27, 28, 29, 30
#define EACH_V 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
    24, 25, 26, 27, 28, 29, 30, 31

    .text
    .globl registers_fill_and_ready
    .type registers_fill_and_ready, %function
registers_fill_and_ready:
    bti c
    tst x0, #CLASS_TLS
    b.eq 1f
    ldr x1, =PATTERN_TLS
    msr tpidr_el0, x1
1:
    tst x0, #CLASS_FLOAT
    b.eq 1f
    ldr x1, =PATTERN_FPCR
    msr fpcr, x1
    ldr x1, =PATTERN_FPSR
    msr fpsr, x1
    .irp n, EACH_V
    movi v\n\().16b, #0xa5
    .endr
1:
    ldr x1, =PATTERN_NZCV
    msr nzcv, x1
    ldr x1, =PATTERN
    .irp n, EACH_X
    mov x\n, x1
    .endr
    mov x0, #SCONCE_DOORBELL_READY
    svc #SCONCE_DOORBELL_SVC_AARCH64

    stp x0, x1, [sp, #-16]!
    mov x1, #CAPTURED_AFTER_READY
    b capture

    .globl registers_capture
    .type registers_capture, %function
registers_capture:
    bti c
    stp x0, x1, [sp, #-16]!
    mov x1, #CAPTURED_AT_RESUME
capture:
    /* The stack has X0 and X1; X2 to X30 are as they were. */
    adrp x0, captured
    add x0, x0, :lo12:captured
    str x1, [x0, #CAPTURED_HOW]
    .irp n, EACH_X
    .if \n > 1
    str x\n, [x0, #CAPTURED_GENERAL + 8 * \n]
    .endif
    .endr
    ldp x1, x2, [sp], #16
    stp x1, x2, [x0, #CAPTURED_GENERAL]
    mov x1, sp
    str x1, [x0, #CAPTURED_SP]
    mrs x1, nzcv
    str x1, [x0, #CAPTURED_NZCV]
    mrs x1, tpidr_el0
    str x1, [x0, #CAPTURED_TLS]
    mrs x1, fpcr
    str x1, [x0, #CAPTURED_FPCR]
    mrs x1, fpsr
    str x1, [x0, #CAPTURED_FPSR]
    .irp n, EACH_V
    str q\n, [x0, #CAPTURED_VECTORS + 16 * \n]
    .endr

    msr tpidr_el0, xzr
    msr fpcr, xzr
    msr fpsr, xzr
    msr nzcv, xzr
    adrp x0, sconce_boot_page
    ldr x0, [x0, :lo12:sconce_boot_page]
    b sconce_resume

    .section .note.GNU-stack, "", %progbits
