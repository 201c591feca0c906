/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of x86_64 Linux (psABI A.2.1) for the zygote: plugins/shared/process/raw.h. */
#include <asm/unistd.h>

#define ARCH_SHSTK_DISABLE 0x5002 /* arch/x86/include/uapi/asm/prctl.h, Linux 6.6 */
#define ARCH_SHSTK_SHSTK 1

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

    .globl raw_prepare
    .hidden raw_prepare
raw_prepare:
    movl $ARCH_SHSTK_DISABLE, %edi
    movl $ARCH_SHSTK_SHSTK, %esi
    movl $__NR_arch_prctl, %eax
    syscall
    ret

    .section .note.GNU-stack, "", @progbits
