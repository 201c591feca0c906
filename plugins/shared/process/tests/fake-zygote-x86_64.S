/* SPDX-License-Identifier: Apache-2.0 */
/* A zygote's text that starts none: a stub's head (plugins/shared/process/stub-head.h) whose raw_start
 * comes back with what the test has put into fake_start_result. */
#include "plugins/shared/process/stub-head.h"

    .text
    .balign 4096
    .globl sconce_zygote_text
sconce_zygote_text:
    .long SCONCE_STUB_MAGIC, 0, 0, start - sconce_zygote_text
    .quad 0, 0, 0, 0
start:
    movq fake_start_result(%rip), %rax
    ret
    .globl sconce_zygote_text_end
sconce_zygote_text_end:

    .data
    .balign 8
    .globl fake_start_result
fake_start_result:
    .quad 0

    .section .note.GNU-stack, "", @progbits
