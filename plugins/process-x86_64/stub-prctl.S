/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub where the kernel keeps the bases of FS and GS to itself: before Linux 5.9, with nofsgsbase,
 * on processors without FSGSBASE, under some hypervisors. There arch_prctl(2) is the only way to them
 * that a switch to another process does not undo. Setting one makes its selector null.
 */
#include <asm/prctl.h>
#include <asm/unistd.h>

#include "plugins/process-x86_64/control.h"

#define STUB_SECTION .stub.prctl
#define STUB_FILTERS "process-x86_64-prctl-filters.h"

    .macro save_bases
    jmp get_bases
bases_saved:
    .endm

    .macro load_bases
    cmpl $0, control + SCONCE_CONTROL_KEEP_BASES(%rip)
    je set_bases
bases_loaded:
    .endm

    /* To the one address that the wall lets each have. What cannot be saved is not gone on from. */
    .macro get_base option, at
    movl $\option, %edi
    leaq control + \at(%rip), %rsi
    movl $__NR_arch_prctl, %eax
    syscall
    testq %rax, %rax
    jnz deaf
    .endm

    /* Refused are bases in the kernel's half and such as are no addresses. The host writes neither:
     * it is the guest's own, beside one of the host's, and stays or goes as the kernel likes. */
    .macro set_base option, at
    movl $\option, %edi
    movq control + \at(%rip), %rsi
    movl $__NR_arch_prctl, %eax
    syscall
    .endm

    .macro bases_calls
get_bases:
    movq %rdi, %r8
    get_base ARCH_GET_FS, SCONCE_CONTROL_FS_BASE
    get_base ARCH_GET_GS, SCONCE_CONTROL_GS_BASE
    movq %r8, %rdi
    jmp bases_saved
set_bases:
    set_base ARCH_SET_FS, SCONCE_CONTROL_FS_BASE
    set_base ARCH_SET_GS, SCONCE_CONTROL_GS_BASE
    jmp bases_loaded
    .endm

#include "plugins/process-x86_64/stub-page.S"
