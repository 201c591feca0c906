/* SPDX-License-Identifier: Apache-2.0 */
/* An address in code, which has to be relocated there. */
    .text
    .globl address_in_code
address_in_code:
    movabsq $address_in_code, %rax
    ret
    .section .note.GNU-stack, "", @progbits
