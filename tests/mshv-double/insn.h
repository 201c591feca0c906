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

/* Registers as they are before it. */
struct double_insn_regs {
    uint64_t gp[16]; /* RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15 */
    uint64_t rip;    /* of its first byte */
    uint64_t fs, gs; /* their bases */
};

struct double_insn {
    uint8_t length;
    uint8_t opcode; /* the last byte of it */
    bool store;     /* writes its memory operand, perhaps after it has read it */
    bool string;    /* STOS or MOVS: what is written is at RDI */
    bool rep;
    bool pops;      /* POP to memory: RSP moves, too */
    uint8_t size;   /* of the operand or a string's element, bytes; 0: not told */
    bool valued;    /* what is stored is known */
    uint64_t value; /* and this, its lowest bytes */
    uint64_t gva;   /* where the operand is; a string's that is read, if @write is not set */
};

/**
 * double_insn_decode - the instruction at @bytes; of a string's two operands the one that is
 * written, or the one that is read.
 * Returns false for one that is not known, or has no memory operand.
 */
bool double_insn_decode(const uint8_t *bytes, size_t count, const struct double_insn_regs *regs,
                        bool write, struct double_insn *ret_insn);

#endif
