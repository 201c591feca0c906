/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of aarch64 Linux (syscall(2): X8, X0-X5) for the zygote:
 * plugins/shared/process/raw.h. */
#include <asm/unistd.h>

#include "plugins/shared/process/raw.h"

    .text
    .balign 4
    .globl raw_syscall
    .hidden raw_syscall
raw_syscall:
    mov x8, x0
    mov x0, x1
    mov x1, x2
    mov x2, x3
    mov x3, x4
    mov x4, x5
    mov x5, x6
    svc #0
    ret

    /* X0: the start's description; X1: the stack's end. */
    .globl raw_start
    .hidden raw_start
raw_start:
    hint #34                    /* BTI c: stub.S */
    sub x1, x1, #16
    str x0, [x1]
    mov x0, #RAW_START_FLAGS
    mov x2, #0
    mov x3, #0
    mov x4, #0
    mov x8, #__NR_clone
    svc #0
    cbnz x0, 1f
    mov x29, #0
    mov x30, #0
    ldr x0, [sp]
    bl raw_launch
    mov x0, #0
    mov x8, #__NR_exit
    svc #0
1:
    ret

    .section .note.GNU-stack, "", %progbits
