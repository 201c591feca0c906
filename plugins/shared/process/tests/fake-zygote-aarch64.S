/* SPDX-License-Identifier: Apache-2.0 */
/* fake-zygote-x86_64.S, on aarch64. */
#include "plugins/shared/process/stub-head.h"

    .text
    .balign 4096
    .globl sconce_zygote_text
sconce_zygote_text:
    .long SCONCE_STUB_MAGIC, 0, 0, start - sconce_zygote_text
    .quad 0, 0, 0, 0
start:
    adrp x0, fake_start_result
    ldr x0, [x0, #:lo12:fake_start_result]
    ret
    .globl sconce_zygote_text_end
sconce_zygote_text_end:

    .data
    .balign 8
    .globl fake_start_result
fake_start_result:
    .quad 0

    .section .note.GNU-stack, "", %progbits
