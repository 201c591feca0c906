/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the host enters a guest's fault handler: on the handler's own stack, the report's address in
 * RDI, RSP as a call leaves it. The general registers are in the report and come back by FAULT_DONE;
 * what C may use besides is kept here.
 *
 * Of the XSAVE area (SDM vol 1, 13.4) the components x87, SSE, AVX and AVX-512: they end at 2688
 * bytes in the standard format, on any processor (AMD's end earlier). Its size is not asked of
 * CPUID, which may know of other components than XCR0 has.
 */
#include "sconce-guest-abi.h"

#define COMPONENTS 0xe7
#define AREA_BYTES 2688
#define HEADER 512 /* 64 bytes: XSAVE writes a part of them, XRSTOR wants the rest at zero */

    .section .text.sconce_fault_entry, "ax", @progbits
    .globl sconce_fault_entry
    .hidden sconce_fault_entry
    .type sconce_fault_entry, @function
sconce_fault_entry:
    .cfi_startproc
    .cfi_undefined rip          /* nothing can be thrown through here */
    endbr64
    movq %rdi, %r12
    leaq -AREA_BYTES(%rsp), %rbp
    andq $-64, %rbp
    movq %rbp, %rsp
    movl $1, %eax
    xorl %ecx, %ecx
    cpuid
    xorl %r13d, %r13d
    btl $27, %ecx               /* OSXSAVE */
    jnc 1f
    movl $COMPONENTS, %r13d
    xorl %eax, %eax
    leaq HEADER(%rbp), %rdi
    movl $8, %ecx
    rep stosq
    movl %r13d, %eax
    xorl %edx, %edx
    xsave64 (%rbp)
    jmp 2f
1:  fxsave64 (%rbp)
    /* As a program starts: no exception is unmasked or waits. psABI 3.4.1. */
2:  fninit
    pushq $0x1f80
    ldmxcsr (%rsp)
    popq %rax
    movq %rbp, %rbx
    xorl %ebp, %ebp             /* the end of every backtrace */
    movq %r12, %rdi
    call sconce_fault_run
    testl %r13d, %r13d
    jz 3f
    movl %r13d, %eax
    xorl %edx, %edx
    xrstor64 (%rbx)
    jmp 4f
3:  fxrstor64 (%rbx)
4:  movl $SCONCE_DOORBELL_FAULT_DONE, %eax
    outb %al, $SCONCE_DOORBELL_PORT_X86_64
    ud2
    .cfi_endproc
    .size sconce_fault_entry, . - sconce_fault_entry

    .section .note.GNU-stack, "", @progbits
