/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the host enters a guest's fault handler: on the handler's own stack, the report's address in
 * X0. The general registers are in the report and come back by FAULT_DONE; what C may use besides is
 * kept here. Of SVE registers that is the part that they share with the SIMD ones.
 */
#include "sconce-guest-abi.h"

#define AREA_BYTES (32 * 16)

    .section .text.sconce_fault_entry, "ax", @progbits
    .globl sconce_fault_entry
    .hidden sconce_fault_entry
    .type sconce_fault_entry, %function
sconce_fault_entry:
    .cfi_startproc
    .cfi_undefined x30          /* nothing can be thrown through here */
    bti c
    sub sp, sp, #AREA_BYTES
    stp q0, q1, [sp, #0]
    stp q2, q3, [sp, #32]
    stp q4, q5, [sp, #64]
    stp q6, q7, [sp, #96]
    stp q8, q9, [sp, #128]
    stp q10, q11, [sp, #160]
    stp q12, q13, [sp, #192]
    stp q14, q15, [sp, #224]
    stp q16, q17, [sp, #256]
    stp q18, q19, [sp, #288]
    stp q20, q21, [sp, #320]
    stp q22, q23, [sp, #352]
    stp q24, q25, [sp, #384]
    stp q26, q27, [sp, #416]
    stp q28, q29, [sp, #448]
    stp q30, q31, [sp, #480]
    mrs x19, fpcr
    mrs x20, fpsr
    msr fpcr, xzr               /* as a program starts: no exception is trapped */
    mov x29, xzr                /* the end of every backtrace */
    mov x30, xzr
    bl sconce_fault_run
    msr fpsr, x20
    msr fpcr, x19
    ldp q0, q1, [sp, #0]
    ldp q2, q3, [sp, #32]
    ldp q4, q5, [sp, #64]
    ldp q6, q7, [sp, #96]
    ldp q8, q9, [sp, #128]
    ldp q10, q11, [sp, #160]
    ldp q12, q13, [sp, #192]
    ldp q14, q15, [sp, #224]
    ldp q16, q17, [sp, #256]
    ldp q18, q19, [sp, #288]
    ldp q20, q21, [sp, #320]
    ldp q22, q23, [sp, #352]
    ldp q24, q25, [sp, #384]
    ldp q26, q27, [sp, #416]
    ldp q28, q29, [sp, #448]
    ldp q30, q31, [sp, #480]
    mov x0, #SCONCE_DOORBELL_FAULT_DONE
    svc #SCONCE_DOORBELL_SVC_AARCH64
    udf #0
    .cfi_endproc
    .size sconce_fault_entry, . - sconce_fault_entry

    .section .note.GNU-stack, "", %progbits
