/* SPDX-License-Identifier: Apache-2.0 */
/* The zygote's code, in the plugin's own: the stub's page first. It runs here in the launcher, and
 * in the copy of this mapping that is all that the zygote keeps of its host. */
    .section .text.zygote, "ax", %progbits
    .balign 4096
    .globl sconce_zygote_text
    .hidden sconce_zygote_text
sconce_zygote_text:
#include "process-aarch64-zygote.h"
    .globl sconce_zygote_text_end
    .hidden sconce_zygote_text_end
sconce_zygote_text_end:
    .balign 4096
    .section .note.GNU-stack, "", %progbits
