/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of x86_64 in a fault report, and how long the instructions of handler.S are. */
#ifndef SCONCE_TESTS_HANDLER_MACHINE_H
#define SCONCE_TESTS_HANDLER_MACHINE_H

#define MACHINE_PC rip
#define MACHINE_SP rsp
#define MACHINE_ARGUMENT rdi
#define MACHINE_RESULT rax
#define MACHINE_READ_BYTES 3
#define MACHINE_UNDEFINED_BYTES 2

#define MACHINE_VECTORS 16
/* Flags, MXCSR, then RAX RBX RCX RBP R8 to R15. */
#define MACHINE_FLAGS 0xcd5u /* CF PF AF ZF SF DF OF, which are all that nothing happens by */
#define MACHINE_FLAGS_MASK 0xcd5u
#define MACHINE_CONTROL 0x5f80u /* rounding up */
#define MACHINE_WORDS 12

/* As a handler of C may do to all of them. */
#define MACHINE_CLOBBER_VECTORS                                                                    \
    "xorps %%xmm0, %%xmm0\n xorps %%xmm1, %%xmm1\n xorps %%xmm7, %%xmm7\n"                         \
    "xorps %%xmm8, %%xmm8\n xorps %%xmm15, %%xmm15\n fninit"
#define MACHINE_VECTOR_CLOBBERS "xmm0", "xmm1", "xmm7", "xmm8", "xmm15", "memory"

#endif
