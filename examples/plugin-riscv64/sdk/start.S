/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of the guest SDK that is riscv64: the entry point, the way back in after a restore, and the
 * doorbell. What it is here, guest/crt/ARCH/start.S is in Sconce's own tree.
 */
#include "sconce-guest-abi.h"

/* This backend's doorbell: ECALL with this number in A7, where a system call has its own, and the
 * doorbell's number in A0. In Sconce's tree it would stand in sconce-guest-abi.h. */
#define DOORBELL_A7_RISCV64 0x5c0e

/* Linker relaxation addresses small data by GP. */
    .macro set_gp
    .option push
    .option norelax
    lla gp, __global_pointer$
    .option pop
    .endm

    .section .text.hot.sconce_start, "ax", @progbits

/* Entered with SP at the top of the stack and the boot page's address in A0. */
    .globl _start
    .type _start, @function
_start:
    set_gp
    li s0, 0                    /* the end of every backtrace */
    li ra, 0
    andi sp, sp, -16
    call sconce_guest_start     /* does not return */
    unimp
    .size _start, . - _start

/* The same state as _start; a call is waiting in IN. */
    .globl sconce_resume_entry
    .hidden sconce_resume_entry
    .type sconce_resume_entry, @function
sconce_resume_entry:
    .globl sconce_resume
    .type sconce_resume, @function
sconce_resume:
    set_gp
    li s0, 0
    li ra, 0
    andi sp, sp, -16
    call sconce_guest_resume    /* does not return */
    unimp
    .size sconce_resume_entry, . - sconce_resume_entry
    .size sconce_resume, . - sconce_resume

/*
 * void sconce_doorbell(uint32_t number)
 * READY may lose every register but PC, SP and TP (the TLS base), so what a callee keeps is kept on
 * the stack: RA, S0 to S11, FS0 to FS11 and the rounding mode. GP is made anew. It may also find all
 * memory put back to a snapshot, the stack too: then the way back in is taken.
 */
#define FRAME_BYTES 224

    .macro each_saved integer, float
    \integer ra, 0(sp)
    \integer s0, 8(sp)
    \integer s1, 16(sp)
    \integer s2, 24(sp)
    \integer s3, 32(sp)
    \integer s4, 40(sp)
    \integer s5, 48(sp)
    \integer s6, 56(sp)
    \integer s7, 64(sp)
    \integer s8, 72(sp)
    \integer s9, 80(sp)
    \integer s10, 88(sp)
    \integer s11, 96(sp)
    \float fs0, 112(sp)
    \float fs1, 120(sp)
    \float fs2, 128(sp)
    \float fs3, 136(sp)
    \float fs4, 144(sp)
    \float fs5, 152(sp)
    \float fs6, 160(sp)
    \float fs7, 168(sp)
    \float fs8, 176(sp)
    \float fs9, 184(sp)
    \float fs10, 192(sp)
    \float fs11, 200(sp)
    .endm

    .globl sconce_doorbell
    .type sconce_doorbell, @function
sconce_doorbell:
    .cfi_startproc
    addi sp, sp, -FRAME_BYTES
    .cfi_def_cfa_offset FRAME_BYTES
    each_saved sd, fsd
    .cfi_offset ra, -FRAME_BYTES
    .cfi_offset s0, 8 - FRAME_BYTES
    frcsr t0
    sd t0, 208(sp)
    li a7, DOORBELL_A7_RISCV64
    ecall
    set_gp
    la t1, sconce_boot_page
    ld a0, 0(t1)
    ld t0, SCONCE_BOOT_REWOUND_SP_AT(a0)
    bnez t0, sconce_rewound
    ld t0, 208(sp)
    fscsr t0
    each_saved ld, fld
    .cfi_restore ra
    .cfi_restore s0
    addi sp, sp, FRAME_BYTES
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size sconce_doorbell, . - sconce_doorbell

    .type sconce_rewound, @function
sconce_rewound:
    mv sp, t0
    fscsr zero
    j sconce_resume_entry
    .size sconce_rewound, . - sconce_rewound

    .section .note.GNU-stack, "", @progbits
