/* SPDX-License-Identifier: Apache-2.0 */
/* The machine code of the guest "handler"; ../handler.h tells what each part does. */
    .text

    .macro function name
    .globl \name
    .type \name, %function
\name:
    .endm

    /* Its first instruction is the one that faults: called directly alone. */
    function handler_read
    ldr x0, [x0]
    ret

    function handler_undefined
    udf #0
    mov w0, #7
    ret

    .macro word register, n
    ldr \register, =(0x0101010101010101 * (\n + 1))
    .endm

    function handler_keep
    stp x29, x30, [sp, #-160]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    ldp q0, q1, [x0, #0]
    ldp q2, q3, [x0, #32]
    ldp q4, q5, [x0, #64]
    ldp q6, q7, [x0, #96]
    ldp q8, q9, [x0, #128]
    ldp q10, q11, [x0, #160]
    ldp q12, q13, [x0, #192]
    ldp q14, q15, [x0, #224]
    ldp q16, q17, [x0, #256]
    ldp q18, q19, [x0, #288]
    ldp q20, q21, [x0, #320]
    ldp q22, q23, [x0, #352]
    ldp q24, q25, [x0, #384]
    ldp q26, q27, [x0, #416]
    ldp q28, q29, [x0, #448]
    ldp q30, q31, [x0, #480]
    mov x16, #0xc00000
    msr fpcr, x16
    mov x16, #0xa0000000
    msr nzcv, x16
    word x3, 0
    word x4, 1
    word x5, 2
    word x6, 3
    word x7, 4
    word x8, 5
    word x9, 6
    word x10, 7
    word x11, 8
    word x12, 9
    word x13, 10
    word x14, 11
    word x15, 12
    word x19, 13
    word x20, 14
    word x21, 15
    word x22, 16
    word x23, 17
    word x24, 18
    word x25, 19
    word x26, 20
    word x27, 21
    word x28, 22
    udf #0
    mrs x16, nzcv
    mrs x17, fpcr
    stp x16, x17, [x2]
    msr fpcr, xzr
    str x3, [x2, #16]
    str x4, [x2, #24]
    str x5, [x2, #32]
    str x6, [x2, #40]
    str x7, [x2, #48]
    str x8, [x2, #56]
    str x9, [x2, #64]
    str x10, [x2, #72]
    str x11, [x2, #80]
    str x12, [x2, #88]
    str x13, [x2, #96]
    str x14, [x2, #104]
    str x15, [x2, #112]
    str x19, [x2, #120]
    str x20, [x2, #128]
    str x21, [x2, #136]
    str x22, [x2, #144]
    str x23, [x2, #152]
    str x24, [x2, #160]
    str x25, [x2, #168]
    str x26, [x2, #176]
    str x27, [x2, #184]
    str x28, [x2, #192]
    stp q0, q1, [x1, #0]
    stp q2, q3, [x1, #32]
    stp q4, q5, [x1, #64]
    stp q6, q7, [x1, #96]
    stp q8, q9, [x1, #128]
    stp q10, q11, [x1, #160]
    stp q12, q13, [x1, #192]
    stp q14, q15, [x1, #224]
    stp q16, q17, [x1, #256]
    stp q18, q19, [x1, #288]
    stp q20, q21, [x1, #320]
    stp q22, q23, [x1, #352]
    stp q24, q25, [x1, #384]
    stp q26, q27, [x1, #416]
    stp q28, q29, [x1, #448]
    stp q30, q31, [x1, #480]
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    ldp x25, x26, [sp, #64]
    ldp x23, x24, [sp, #48]
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #160
    ret

    function handler_mark
    stp x19, x20, [x0]
    stp x21, x22, [x0, #16]
    stp x23, x24, [x0, #32]
    stp x25, x26, [x0, #48]
    stp x27, x28, [x0, #64]
    stp x29, x30, [x0, #80]
    stp d8, d9, [x0, #96]
    stp d10, d11, [x0, #112]
    stp d12, d13, [x0, #128]
    stp d14, d15, [x0, #144]
    mov x1, sp
    str x1, [x0, #160]
    mov w0, #0
    ret

    function handler_return
    ldp x19, x20, [x0]
    ldp x21, x22, [x0, #16]
    ldp x23, x24, [x0, #32]
    ldp x25, x26, [x0, #48]
    ldp x27, x28, [x0, #64]
    ldp x29, x30, [x0, #80]
    ldp d8, d9, [x0, #96]
    ldp d10, d11, [x0, #112]
    ldp d12, d13, [x0, #128]
    ldp d14, d15, [x0, #144]
    ldr x1, [x0, #160]
    mov sp, x1
    mov w0, #1
    ret

    .section .note.GNU-stack, "", %progbits
