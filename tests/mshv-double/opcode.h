/* SPDX-License-Identifier: Apache-2.0 */
/* Between reading an instruction's bytes (insn.c) and what its opcode means (opcode.c). */
#ifndef MSHV_DOUBLE_OPCODE_H
#define MSHV_DOUBLE_OPCODE_H

#include "tests/mshv-double/insn.h"

/* Opcode maps: one byte, 0f, 0f 38, 0f 3a. */
enum double_map { DOUBLE_MAP_ONE, DOUBLE_MAP_TWO, DOUBLE_MAP_38, DOUBLE_MAP_3A };

enum double_repeat { DOUBLE_REPEAT_NONE, DOUBLE_REPEAT_F2, DOUBLE_REPEAT_F3 };

struct double_cursor {
    const uint8_t *at, *end, *start;
    const struct double_insn_regs *regs;
    uint8_t rex;
    bool operand16, address32, vex;
    enum double_repeat repeat;
    uint64_t base; /* of FS or GS, if one of them is named */
    enum double_map map;
    uint8_t opcode, mod, reg;
};

/** double_opcode_word - bytes of an operand that is a word, as the prefixes have it. */
uint8_t double_opcode_word(const struct double_cursor *c);

/**
 * double_opcode_operation - what an instruction with ModRM does with its operand; ModRM has been
 * read. False for one that is not known, or makes no access.
 */
bool double_opcode_operation(const struct double_cursor *c, struct double_insn *insn,
                             size_t *ret_immediate);

#endif
