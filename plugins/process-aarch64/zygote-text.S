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

    /* Where this is branched to by a register there is a landing pad: the linker need not take BTI
     * from a plugin that is built with it. ELF for the Arm 64-bit Architecture, "Program property":
     * GNU_PROPERTY_AARCH64_FEATURE_1_AND with FEATURE_1_BTI. */
    .section .note.gnu.property, "a", %note
    .balign 8
    .long 4, 16, 5 /* bytes of name and property; NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000000, 4, 1, 0

    .section .note.GNU-stack, "", %progbits
