/* SPDX-License-Identifier: Apache-2.0 */
/* An address in code, which has to be relocated there. */
    .text
    .balign 8
    .globl address_in_code
address_in_code:
    .quad address_in_code
    .section .note.GNU-stack, "", %progbits
