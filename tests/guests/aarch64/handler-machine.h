/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of aarch64 in a fault report, and how long the instructions of handler.S are. */
#ifndef SCONCE_TESTS_HANDLER_MACHINE_H
#define SCONCE_TESTS_HANDLER_MACHINE_H

#define MACHINE_PC pc
#define MACHINE_SP sp
#define MACHINE_ARGUMENT x[0]
#define MACHINE_RESULT x[0]
#define MACHINE_READ_BYTES 4
#define MACHINE_UNDEFINED_BYTES 4

#define MACHINE_VECTORS 32
/* NZCV, FPCR, then X3 to X15, X19 to X28. */
#define MACHINE_FLAGS 0xa0000000u
#define MACHINE_FLAGS_MASK 0xf0000000u
#define MACHINE_CONTROL 0xc00000u /* rounding to zero */
#define MACHINE_WORDS 23

/* As a handler of C may do to all of them. */
#define MACHINE_CLOBBER_VECTORS                                                                    \
    "movi v0.2d, #0\n movi v1.2d, #0\n movi v7.2d, #0\n movi v16.2d, #0\n movi v31.2d, #0"
#define MACHINE_VECTOR_CLOBBERS "v0", "v1", "v7", "v16", "v31", "memory"

#endif
