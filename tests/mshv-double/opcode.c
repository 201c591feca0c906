/* SPDX-License-Identifier: Apache-2.0 */
/* SDM vol 2A and 2B, the opcode maps of appendix A: stores, sizes, immediates. */
#include "tests/mshv-double/opcode.h"

uint8_t double_opcode_word(const struct double_cursor *c)
{
    return c->rex & 8 ? 8 : c->operand16 ? 2 : 4;
}

/* Immediates are no wider than 32 bits. */
static uint8_t word_immediate(const struct double_cursor *c)
{
    return c->operand16 && !(c->rex & 8) ? 2 : 4;
}

/* Bit n: with n in ModRM's reg it stores. SDM vol 2A B.17; d8, da, dc and de do not. */
static const uint8_t x87_stores[8] = {0, 0xcc, 0, 0x8e, 0, 0xce, 0, 0xce};

static bool one_byte(const struct double_cursor *c, struct double_insn *insn, size_t *ret_immediate)
{
    uint8_t op = c->opcode, word = double_opcode_word(c);

    insn->size = op & 1 ? word : 1;
    if (op < 0x40) { /* ADD to CMP; CMP stores nothing */
        insn->store = (op & 7) < 2 && op < 0x38;
        return (op & 7) < 4;
    }
    switch (op) {
    case 0x63: /* MOVSXD */
    case 0x8e:
        insn->size = op == 0x63 ? 4 : 2;
        return true;
    case 0x69: /* IMUL */
    case 0x6b:
        insn->size = word;
        *ret_immediate = op == 0x6b ? 1 : word_immediate(c);
        return true;
    case 0x84: /* TEST */
    case 0x85:
    case 0x8a:
    case 0x8b:
        return true;
    case 0x80:
    case 0x81:
    case 0x83:
        insn->store = c->reg != 7; /* CMP */
        *ret_immediate = op == 0x81 ? word_immediate(c) : 1;
        return true;
    case 0x8c: /* a segment's selector */
        insn->store = true;
        insn->size = 2;
        return true;
    case 0x8f:
        insn->store = insn->pops = true;
        insn->size = c->operand16 ? 2 : 8;
        return c->reg == 0;
    case 0xc0:
    case 0xc1:
        insn->store = true;
        *ret_immediate = 1;
        return true;
    case 0xc6:
    case 0xc7:
        insn->store = true;
        *ret_immediate = op & 1 ? word_immediate(c) : 1;
        return c->reg == 0;
    case 0x86: /* XCHG */
    case 0x87:
    case 0x88:
    case 0x89:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        insn->store = true;
        return true;
    case 0xf6: /* TEST NOT NEG MUL IMUL DIV IDIV */
    case 0xf7:
        insn->store = c->reg == 2 || c->reg == 3;
        if (c->reg < 2)
            *ret_immediate = op & 1 ? word_immediate(c) : 1;
        return true;
    case 0xfe:
    case 0xff: /* and CALL, JMP, PUSH */
        insn->store = c->reg < 2;
        return true;
    default:
        break;
    }
    if (op >= 0xd8 && op <= 0xdf) {
        insn->size = 0;
        insn->store = x87_stores[op & 7] >> c->reg & 1;
        return true;
    }
    return false;
}

/* BT and its kin with a register: a bit far from the operand. */
static uint64_t bit_offset(const struct double_cursor *c, uint8_t size)
{
    uint64_t bit = c->regs->gp[c->reg | (c->rex & 4u) << 1];

    if (size == 2)
        bit = (uint64_t)(int16_t)bit;
    else if (size == 4)
        bit = (uint64_t)(int32_t)bit;
    return (uint64_t)((int64_t)bit >> 3) & ~(uint64_t)(size - 1u);
}

/* Of the stores that KVM emulates, and of those like them; without VEX. */
static uint8_t vector_size(const struct double_cursor *c)
{
    switch (c->opcode) {
    case 0x11:
        return c->repeat == DOUBLE_REPEAT_F3 ? 4 : c->repeat == DOUBLE_REPEAT_F2 ? 8 : 16;
    case 0x29:
    case 0x2b:
        return 16;
    case 0x7e:
        return c->rex & 8 ? 8 : 4;
    case 0x7f:
    case 0xe7: /* MMX without a prefix */
        return c->operand16 || c->repeat == DOUBLE_REPEAT_F3 ? 16 : 8;
    default:
        return 8;
    }
}

/* Of general registers: those that KVM emulates. The rest is SSE's or AVX's. */
static bool two_byte(const struct double_cursor *c, struct double_insn *insn, size_t *ret_immediate)
{
    uint8_t op = c->opcode;

    insn->size = 0;
    switch (op) {
    case 0x00: /* SLDT STR LLDT LTR VERR VERW */
        insn->store = c->reg < 2;
        insn->size = 2;
        return true;
    case 0x01: /* SGDT SIDT LGDT LIDT SMSW LMSW; INVLPG is no access */
        insn->store = c->reg < 2 || c->reg == 4;
        return c->reg < 5 || c->reg == 6;
    case 0x0d: /* hints */
    case 0x18:
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x1f:
        return false;
    case 0xa4: /* SHLD, SHRD */
    case 0xa5:
    case 0xac:
    case 0xad:
        insn->store = true;
        insn->size = double_opcode_word(c);
        *ret_immediate = op & 1 ? 0 : 1;
        return true;
    case 0xa3:
    case 0xab:
    case 0xb3:
    case 0xbb:
        insn->store = op != 0xa3;
        insn->size = double_opcode_word(c);
        insn->gva = bit_offset(c, insn->size);
        return true;
    case 0xba:
        insn->store = c->reg > 4;
        insn->size = double_opcode_word(c);
        *ret_immediate = 1;
        return c->reg >= 4;
    case 0xae: /* FXSAVE and XSAVE, their ways back, MXCSR */
        insn->store = c->vex ? c->reg == 3 : 0x59 >> c->reg & 1;
        return c->reg < 7;
    case 0xb0: /* CMPXCHG, XADD */
    case 0xb1:
    case 0xc0:
    case 0xc1:
        insn->store = true;
        insn->size = op & 1 ? double_opcode_word(c) : 1;
        return true;
    case 0xc3: /* MOVNTI */
    case 0xc7: /* CMPXCHG8B; XSAVEC, XSAVES */
        insn->store = op == 0xc3 || c->reg == 1 || c->reg == 4 || c->reg == 5;
        insn->size = op == 0xc3 ? double_opcode_word(c) : 0;
        return true;
    case 0x11: /* MOVUPS and its kin, to memory */
    case 0x13:
    case 0x17:
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xd6:
    case 0xe7:
        insn->store = true;
        insn->size = c->vex ? 0 : vector_size(c);
        return true;
    case 0x7e: /* MOVD, and with f3 MOVQ from memory */
        insn->store = c->repeat != DOUBLE_REPEAT_F3;
        insn->size = insn->store && !c->vex ? vector_size(c) : 0;
        return true;
    default:
        break;
    }
    if (op >= 0x90 && op <= 0x9f) { /* SETcc */
        insn->store = true;
        insn->size = 1;
        return true;
    }
    if ((op >= 0x70 && op <= 0x73) || op == 0xc2 || (op >= 0xc4 && op <= 0xc6))
        *ret_immediate = 1;
    return (op >= 0x10 && op <= 0x17) || (op >= 0x28 && op <= 0x2f) || (op >= 0x40 && op <= 0x76) ||
           op == 0x7c || op == 0x7d || (op >= 0xaf && op <= 0xc6) || op >= 0xd0;
}

bool double_opcode_operation(const struct double_cursor *c, struct double_insn *insn,
                             size_t *ret_immediate)
{
    switch (c->map) {
    case DOUBLE_MAP_ONE:
        return one_byte(c, insn, ret_immediate);
    case DOUBLE_MAP_TWO:
        return two_byte(c, insn, ret_immediate);
    case DOUBLE_MAP_38: /* MOVBE stores, and a masked move of AVX */
        insn->store = (c->opcode == 0xf1 && c->repeat != DOUBLE_REPEAT_F2) || c->opcode == 0x2e ||
                      c->opcode == 0x2f || c->opcode == 0x8e;
        insn->size = insn->store && c->opcode == 0xf1 ? double_opcode_word(c) : 0;
        return true;
    case DOUBLE_MAP_3A: /* PEXTR and its kin store */
    default:
        insn->store = (c->opcode >= 0x14 && c->opcode <= 0x17) || c->opcode == 0x19 ||
                      c->opcode == 0x1d || c->opcode == 0x39;
        *ret_immediate = 1;
        return true;
    }
}
