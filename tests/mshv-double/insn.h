/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths and memory operands of the instructions that make KVM leave for an access to memory that
 * is not there. Pure: bytes and registers in, facts out. 64-bit code alone.
 */
#ifndef MSHV_DOUBLE_INSN_H
#define MSHV_DOUBLE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct double_insn {
    uint8_t length;
    bool store;  /* writes its memory operand */
    bool string; /* STOS or MOVS: the operand is at RDI */
    bool rep;
    uint8_t size; /* of a string's element, bytes */
    uint64_t gva; /* where the operand is; FS and GS bases are not in it */
};

/**
 * double_insn_decode - the instruction at @bytes.
 * @gp: RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15, as they are before it.
 * @rip: of its first byte.
 * Returns false for one that is not known, or has no memory operand.
 */
bool double_insn_decode(const uint8_t *bytes, size_t count, const uint64_t gp[16], uint64_t rip,
                        struct double_insn *ret_insn);

#endif
