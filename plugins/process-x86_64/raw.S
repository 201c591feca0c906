/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of x86_64 Linux (psABI A.2.1) for the zygote: plugins/shared/process/raw.h. */
#include <asm/unistd.h>

#include "plugins/shared/process/raw.h"

    .text
    .globl raw_syscall
    .hidden raw_syscall
raw_syscall:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
    syscall
    ret

    /* RDI: the start's description; RSI: the stack's end. */
    .globl raw_start
    .hidden raw_start
raw_start:
    leaq -16(%rsi), %rsi
    movq %rdi, (%rsi)
    movl $RAW_START_FLAGS, %edi
    xorl %edx, %edx
    xorl %r10d, %r10d
    xorl %r8d, %r8d
    movl $__NR_clone, %eax
    syscall
    testq %rax, %rax
    jnz 1f
    xorl %ebp, %ebp
    movq (%rsp), %rdi
    call raw_launch
    xorl %edi, %edi
    movl $__NR_exit, %eax
    syscall
1:
    ret

    .section .note.GNU-stack, "", @progbits
