/* SPDX-License-Identifier: Apache-2.0 */
/* The machine code of the guest "handler"; ../handler.h tells what each part does. */
    .text

    .macro function name
    .globl \name
    .type \name, @function
\name:
    .endm

    function handler_read
    movq (%rdi), %rax
    ret

    function handler_undefined
    ud2
    movl $7, %eax
    ret

    .macro word register, n
    movabsq $(0x0101010101010101 * (\n + 1)), %\register
    .endm

    function handler_keep
    .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups 16 * \n(%rdi), %xmm\n
    .endr
    pushq $0x5f80
    ldmxcsr (%rsp)
    pushfq
    popq %rax
    orq $0xcd5, %rax
    pushq %rax
    word rax, 0
    word rbx, 1
    word rcx, 2
    word rbp, 3
    word r8, 4
    word r9, 5
    word r10, 6
    word r11, 7
    word r12, 8
    word r13, 9
    word r14, 10
    word r15, 11
    popfq
    ud2
    pushfq
    popq (%rdx)
    cld
    movq $0, 8(%rdx)
    stmxcsr 8(%rdx)
    movq %rax, 16(%rdx)
    movq %rbx, 24(%rdx)
    movq %rcx, 32(%rdx)
    movq %rbp, 40(%rdx)
    movq %r8, 48(%rdx)
    movq %r9, 56(%rdx)
    movq %r10, 64(%rdx)
    movq %r11, 72(%rdx)
    movq %r12, 80(%rdx)
    movq %r13, 88(%rdx)
    movq %r14, 96(%rdx)
    movq %r15, 104(%rdx)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups %xmm\n, 16 * \n(%rsi)
    .endr
    movl $0x1f80, (%rsp)
    ldmxcsr (%rsp)
    popq %rax
    .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
    .endr
    ret

    function handler_divide
    movq %rdi, %rax
    xorl %edx, %edx
    divq %rsi
    ret

    function handler_mark
    movq %rbx, (%rdi)
    movq %rbp, 8(%rdi)
    movq %r12, 16(%rdi)
    movq %r13, 24(%rdi)
    movq %r14, 32(%rdi)
    movq %r15, 40(%rdi)
    leaq 8(%rsp), %rax
    movq %rax, 48(%rdi)
    movq (%rsp), %rax
    movq %rax, 56(%rdi)
    xorl %eax, %eax
    ret

    function handler_return
    movq (%rdi), %rbx
    movq 8(%rdi), %rbp
    movq 16(%rdi), %r12
    movq 24(%rdi), %r13
    movq 32(%rdi), %r14
    movq 40(%rdi), %r15
    movq 48(%rdi), %rsp
    movl $1, %eax
    jmp *56(%rdi)

    .section .note.GNU-stack, "", @progbits
