/* SPDX-License-Identifier: Apache-2.0 */
/* A section that can be written and executed, and its segment with it. */
    .section .patchable, "awx", %progbits
    ret
    .section .note.GNU-stack, "", %progbits
