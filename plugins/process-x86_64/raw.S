/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of x86_64 Linux (psABI A.2.1) for the zygote: plugins/shared/process/raw.h. */
#include <asm/unistd.h>

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

    .section .note.GNU-stack, "", @progbits
