/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of the guest SDK that is aarch64: the entry point, the way back in after a restore, and the
 * doorbell.
 */
#include "sconce-guest-abi.h"

    .section .text.hot.sconce_start, "ax", @progbits

#ifdef SCONCE_PROCESS

/*
 * In a sandbox: entered with the stack pointer at the top of the stack and the boot page's address
 * in X0. By Linux: with a stack of its making and X0 0 (start_thread clears all registers).
 */
    .globl sconce_start
    .hidden sconce_start
    .type sconce_start, %function
sconce_start:
    bti c
    mov x29, xzr                /* the end of every backtrace */
    mov x30, xzr
    cbz x0, 1f
    mov x9, sp
    and x20, x9, #-16
    mov sp, x20
    mov x19, x0
    bl sconce_process_bytes
    sub x1, x20, x0             /* what is written lies above what its writer uses */
    mov sp, x1
    mov x0, x19
    mov x2, x20
    bl sconce_process_stack
    mov x0, xzr                 /* nothing to run at exit */
    mov x29, xzr
    mov x30, xzr
1:  b _start                    /* the C library's */
    .size sconce_start, . - sconce_start

/* uint64_t sconce_thread_pointer(void) */
    .globl sconce_thread_pointer
    .hidden sconce_thread_pointer
    .type sconce_thread_pointer, %function
sconce_thread_pointer:
    bti c
    mrs x0, tpidr_el0
    ret
    .size sconce_thread_pointer, . - sconce_thread_pointer

#else

/* Entered with the stack pointer at the top of the stack and the boot page's address in X0. */
    .globl _start
    .type _start, %function
_start:
    bti c
    mov x29, xzr                /* the end of every backtrace */
    mov x30, xzr
    mov x9, sp
    and sp, x9, #-16
    bl sconce_guest_start       /* does not return */
    udf #0
    .size _start, . - _start

#endif

/* The same state as _start; a call is waiting in IN. */
    .globl sconce_resume_entry
    .hidden sconce_resume_entry
    .type sconce_resume_entry, %function
sconce_resume_entry:
    .globl sconce_resume
    .type sconce_resume, %function
sconce_resume:
    bti c
    mov x29, xzr
    mov x30, xzr
    mov x9, sp
    and sp, x9, #-16
    bl sconce_guest_resume      /* does not return */
    udf #0
    .size sconce_resume_entry, . - sconce_resume_entry
    .size sconce_resume, . - sconce_resume

    .macro keep first, second, offset
    stp \first, \second, [sp, #\offset]
    .cfi_rel_offset \first, \offset
    .cfi_rel_offset \second, \offset + 8
    .endm
    .macro give_back first, second, offset
    ldp \first, \second, [sp, #\offset]
    .cfi_restore \first
    .cfi_restore \second
    .endm

/*
 * void sconce_doorbell(uint32_t number)
 * READY may lose every register but PC, SP and TLS, so what a callee keeps (AAPCS64 6.1: X19-X29 and
 * the low halves of V8-V15), and the way back in X30, are kept on the stack. It may also find all
 * memory put back to a snapshot, the stack too: then what SP points to is another's, and the way
 * back in is taken, with the floating-point control that a program starts with.
 * Where the host looks at the turn word, it is rung there first.
 */
    .globl sconce_doorbell
    .type sconce_doorbell, %function
sconce_doorbell:
    .cfi_startproc
    bti c
    sub sp, sp, #160
    .cfi_adjust_cfa_offset 160
    keep x29, x30, 0
    keep x19, x20, 16
    keep x21, x22, 32
    keep x23, x24, 48
    keep x25, x26, 64
    keep x27, x28, 80
    keep d8, d9, 96
    keep d10, d11, 112
    keep d12, d13, 128
    keep d14, d15, 144
    mov w0, w0                  /* what is above a 32-bit argument is anything */
    adrp x9, sconce_boot_page
    ldr x9, [x9, #:lo12:sconce_boot_page]
    ldr w10, [x9, #SCONCE_BOOT_TURN_SPINS_AT]
    cbz w10, 4f
    mov w11, #SCONCE_TURN_DOORBELLS
    lsr w11, w11, w0
    tbz w11, #0, 4f
    ldr x9, [x9, #SCONCE_BOOT_TURN_ADDR_AT]
    stlr w0, [x9]
1:  ldar w11, [x9]
    cmp w11, w0
    b.ne 3f
    yield
    subs w10, w10, #1
    b.ne 1b
    mov w12, #SCONCE_TURN_ASLEEP
2:  ldaxr w11, [x9]
    cmp w11, w0
    b.ne 3f
    stlxr w13, w12, [x9]
    cbnz w13, 2b
    b 4f
3:  clrex
    cmp w11, #SCONCE_TURN_ANSWERED
    b.ne 4f
    adrp x9, sconce_boot_page   /* the host has read the last frame: have its lines back */
    ldr x9, [x9, #:lo12:sconce_boot_page]
    ldr x9, [x9, #SCONCE_BOOT_OUT_ADDR_AT]
    prfm pstl1keep, [x9]
    prfm pstl1keep, [x9, #64]
    b 5f
4:  svc #SCONCE_DOORBELL_SVC_AARCH64
5:  adrp x0, sconce_boot_page
    ldr x0, [x0, #:lo12:sconce_boot_page]
    ldr x9, [x0, #SCONCE_BOOT_REWOUND_SP_AT]
    cbnz x9, sconce_rewound
    give_back d14, d15, 144
    give_back d12, d13, 128
    give_back d10, d11, 112
    give_back d8, d9, 96
    give_back x27, x28, 80
    give_back x25, x26, 64
    give_back x23, x24, 48
    give_back x21, x22, 32
    give_back x19, x20, 16
    give_back x29, x30, 0
    add sp, sp, #160
    .cfi_adjust_cfa_offset -160
    ret
    .cfi_endproc
    .size sconce_doorbell, . - sconce_doorbell

    .type sconce_rewound, %function
sconce_rewound:
    mov sp, x9
    msr fpcr, xzr
    msr fpsr, xzr
    b sconce_resume_entry
    .size sconce_rewound, . - sconce_rewound

    .section .note.GNU-stack, "", %progbits
