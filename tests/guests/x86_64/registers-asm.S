/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills every register that ring 3 can write, rings READY, and looks at them again: right behind
 * the doorbell (then nothing was scrubbed), or at the place of resumption (then all must be).
 */
#include "registers.h"
#include "sconce-guest-abi.h"

#define PATTERN 0xa5a5a5a5a5a5a5a5
#define PATTERN_RAX 0xa5a5a5a5a5a5a501  /* its low byte is the doorbell's number */
#define PATTERN_BASE 0x00005a5a5a5a5000
#define PATTERN_PKRU 0x55555554 /* key 0, that of all memory here, stays open */
#define PATTERN_FLAGS 0x244cd5  /* ID AC NT OF DF SF ZF AF PF CF; SDM vol 1 3.4.3 */

    .section .rodata
    .balign 64
pattern_vector:
    .fill 64, 1, 0xa5
pattern_real:
    .quad 0xc90fdaa22168c235
    .word 0x4000
pattern_control:
    .word 0x0f7f                /* all masked, round to zero, 64 bits */
pattern_mxcsr:
    .long 0xffbf                /* all flags and masks, round to zero, flush to zero */
initial_mxcsr:
    .long 0x1f80

    .text
    .globl registers_fill_and_ready
registers_fill_and_ready:
    movq %rsp, kept_rsp(%rip)

    testb $CLASS_SELECTORS, %dil
    jz 1f
    movl %ss, %eax
    .irp selector, ds, es, fs, gs
    movl %eax, %\selector
    .endr
1:
    testb $CLASS_BASES, %dil
    jz 1f
    movabsq $PATTERN_BASE, %rax
    wrfsbase %rax
    wrgsbase %rax
1:
    testb $CLASS_PKRU, %dil
    jz 1f
    movl $PATTERN_PKRU, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    wrpkru
1:
    testb $CLASS_X87, %dil
    jz 1f
    fninit
    fldcw pattern_control(%rip)
    .rept 8
    fldt pattern_real(%rip)
    .endr
1:
    testb $CLASS_SSE, %dil
    jz 1f
    ldmxcsr pattern_mxcsr(%rip)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqa pattern_vector(%rip), %xmm\n
    .endr
1:
    testb $CLASS_AVX, %dil
    jz 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqa pattern_vector(%rip), %ymm\n
    .endr
1:
    testb $CLASS_AVX512, %dil
    jz 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    vmovdqa64 pattern_vector(%rip), %zmm\n
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    kmovw pattern_vector(%rip), %k\n
    .endr
1:
    pushq $PATTERN_FLAGS
    popfq
    movabsq $PATTERN_RAX, %rax
    .irp register, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    movabsq $PATTERN, %\register
    .endr
    outb %al, $SCONCE_DOORBELL_PORT_X86_64

    movq $CAPTURED_AFTER_READY, captured + CAPTURED_HOW(%rip)
    jmp capture

    .globl registers_capture
registers_capture:
    movq $CAPTURED_AT_RESUME, captured + CAPTURED_HOW(%rip)
capture:
    .set offset, CAPTURED_GENERAL
    .irp register, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    movq %\register, captured + offset(%rip)
    .set offset, offset + 8
    .endr
    pushfq
    popq captured + CAPTURED_FLAGS(%rip)
    .set offset, CAPTURED_SELECTORS
    .irp selector, ds, es, fs, gs
    movl %\selector, %eax
    movq %rax, captured + offset(%rip)
    .set offset, offset + 8
    .endr
    pushq $2
    popfq
    fxsave64 captured + CAPTURED_FX(%rip)

    testb $CLASS_AVX, capture_classes(%rip)
    jz 1f
    movl $-1, %eax              /* every component that is enabled */
    movl $-1, %edx
    xsave64 captured + CAPTURED_XSAVE(%rip)
1:
    testb $CLASS_BASES, capture_classes(%rip)
    jz 1f
    rdfsbase %rax
    movq %rax, captured + CAPTURED_FS_BASE(%rip)
    rdgsbase %rax
    movq %rax, captured + CAPTURED_GS_BASE(%rip)
1:
    testb $CLASS_PKRU, capture_classes(%rip)
    jz 1f
    xorl %eax, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    wrpkru
1:
    fninit
    ldmxcsr initial_mxcsr(%rip)
    movq sconce_boot_page(%rip), %rdi
    jmp sconce_resume

    .bss
    .balign 8
kept_rsp:
    .quad 0

    .section .note.GNU-stack, "", @progbits
