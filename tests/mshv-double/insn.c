/* SPDX-License-Identifier: Apache-2.0 */
/* As much of SDM vol 2A chapter 2 and its opcode maps as accesses to memory need. */
#include "tests/mshv-double/insn.h"

#include <string.h>

#include "tests/mshv-double/opcode.h"

static bool next(struct double_cursor *c, uint8_t *ret_byte)
{
    if (c->at == c->end)
        return false;
    *ret_byte = *c->at++;
    return true;
}

/* @bytes of a number, sign-extended. */
static bool number(struct double_cursor *c, size_t bytes, uint64_t *ret_value)
{
    uint64_t value = 0;

    if ((size_t)(c->end - c->at) < bytes)
        return false;
    memcpy(&value, c->at, bytes);
    c->at += bytes;
    if (bytes && bytes < 8 && value >> (8 * bytes - 1))
        value |= ~0ull << 8 * bytes;
    *ret_value = value;
    return true;
}

/* ---- Prefixes and opcodes ------------------------------------------------------------------- */

static bool prefix(struct double_cursor *c, uint8_t byte)
{
    switch (byte) {
    case 0x66:
        c->operand16 = true;
        return true;
    case 0x67:
        c->address32 = true;
        return true;
    case 0xf2:
        c->repeat = DOUBLE_REPEAT_F2;
        return true;
    case 0xf3:
        c->repeat = DOUBLE_REPEAT_F3;
        return true;
    case 0x64:
        c->base = c->regs->fs;
        return true;
    case 0x65:
        c->base = c->regs->gs;
        return true;
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x26:
    case 0xf0:
        return true;
    default:
        return false;
    }
}

/* SDM vol 2A 2.3.5: two or three bytes; inverted bits of REX, the map, and a prefix. */
static bool vex(struct double_cursor *c, bool three)
{
    uint8_t first, second = 0;

    if (c->rex || !next(c, &first) || (three && !next(c, &second)))
        return false;
    c->vex = true;
    c->rex = (uint8_t)(~first >> 5 & 4);
    c->map = DOUBLE_MAP_TWO;
    if (three) {
        c->rex = (uint8_t)((~first >> 5 & 7) | (second >> 4 & 8));
        if ((first & 31) < DOUBLE_MAP_TWO || (first & 31) > DOUBLE_MAP_3A)
            return false;
        c->map = (enum double_map)(first & 31);
    }
    switch ((three ? second : first) & 3) {
    case 1:
        c->operand16 = true;
        break;
    case 2:
        c->repeat = DOUBLE_REPEAT_F3;
        break;
    case 3:
        c->repeat = DOUBLE_REPEAT_F2;
        break;
    default:
        break;
    }
    return next(c, &c->opcode);
}

static bool opcode(struct double_cursor *c)
{
    uint8_t byte;

    do {
        if (!next(c, &byte))
            return false;
    } while (prefix(c, byte));
    if ((byte & 0xf0) == 0x40) {
        c->rex = byte;
        if (!next(c, &byte))
            return false;
    }
    if (byte == 0xc4 || byte == 0xc5)
        return vex(c, byte == 0xc4);
    c->opcode = byte;
    if (byte != 0x0f)
        return true;
    c->map = DOUBLE_MAP_TWO;
    if (!next(c, &c->opcode))
        return false;
    if (c->opcode != 0x38 && c->opcode != 0x3a)
        return true;
    c->map = c->opcode == 0x38 ? DOUBLE_MAP_38 : DOUBLE_MAP_3A;
    return next(c, &c->opcode);
}

/* ---- ModRM and SIB: SDM vol 2A 2.1.5 and 2.2.1.2 -------------------------------------------- */

static bool sib(struct double_cursor *c, uint64_t *ret_base)
{
    uint64_t base;
    uint8_t byte;
    unsigned index;

    if (!next(c, &byte))
        return false;
    index = (byte >> 3 & 7u) | (c->rex & 2u) << 2;
    if ((byte & 7) == 5 && c->mod == 0) {
        if (!number(c, 4, &base))
            return false;
    } else {
        base = c->regs->gp[(byte & 7u) | (c->rex & 1u) << 3];
    }
    if (index != 4)
        base += c->regs->gp[index] << (byte >> 6);
    *ret_base = base;
    return true;
}

/* @ret_rip_relative: the address of the next instruction is to be added. */
static bool operand(struct double_cursor *c, uint64_t *ret_offset, bool *ret_rip_relative)
{
    uint64_t base = 0, displacement = 0;
    uint8_t modrm;

    if (!next(c, &modrm) || modrm >> 6 == 3)
        return false;
    c->mod = modrm >> 6;
    c->reg = modrm >> 3 & 7;
    *ret_rip_relative = false;
    if ((modrm & 7) == 4) {
        if (!sib(c, &base))
            return false;
    } else if ((modrm & 7) == 5 && c->mod == 0) {
        *ret_rip_relative = true;
    } else {
        base = c->regs->gp[(modrm & 7u) | (c->rex & 1u) << 3];
    }
    if (!number(c, c->mod == 1 ? 1 : c->mod == 2 || *ret_rip_relative ? 4 : 0, &displacement))
        return false;
    *ret_offset = base + displacement;
    return true;
}

static uint64_t address(const struct double_cursor *c, uint64_t offset)
{
    return c->base + (c->address32 ? (uint32_t)offset : offset);
}

/* ---- Without ModRM -------------------------------------------------------------------------- */

static bool string(const struct double_cursor *c, bool write, struct double_insn *insn)
{
    uint8_t op = c->opcode & 0xfe;

    if (c->map != DOUBLE_MAP_ONE || (op != 0xa4 && op != 0xa6 && op < 0xaa) || op > 0xae)
        return false;
    insn->string = true;
    insn->store = op == 0xa4 || op == 0xaa;
    insn->rep = c->repeat != DOUBLE_REPEAT_NONE;
    insn->size = c->opcode & 1 ? double_opcode_word(c) : 1;
    if (op == 0xae || (insn->store && (write || op == 0xaa)))
        insn->gva = c->address32 ? (uint32_t)c->regs->gp[7] : c->regs->gp[7];
    else
        insn->gva = address(c, c->regs->gp[6]);
    return true;
}

/* MOV of AL or its kin from and to an address that is in the instruction. */
static bool offset_move(struct double_cursor *c, struct double_insn *insn)
{
    uint64_t offset;

    if (c->map != DOUBLE_MAP_ONE || c->opcode < 0xa0 || c->opcode > 0xa3 ||
        !number(c, c->address32 ? 4 : 8, &offset))
        return false;
    insn->store = insn->valued = c->opcode >= 0xa2;
    insn->size = c->opcode & 1 ? double_opcode_word(c) : 1;
    insn->value = c->regs->gp[0];
    insn->gva = address(c, offset);
    return true;
}

/* ---- All of it ------------------------------------------------------------------------------ */

/* MOV's: a register's, AH to BH among them, or the immediate. */
static void tell_value(const struct double_cursor *c, uint64_t immediate, struct double_insn *insn)
{
    unsigned reg = c->reg | (c->rex & 4u) << 1;

    if (c->map != DOUBLE_MAP_ONE || ((c->opcode & 0xfe) != 0x88 && (c->opcode & 0xfe) != 0xc6))
        return;
    insn->valued = true;
    if ((c->opcode & 0xfe) == 0xc6)
        insn->value = immediate;
    else if (c->opcode == 0x88 && !c->rex && reg >= 4)
        insn->value = c->regs->gp[reg - 4] >> 8;
    else
        insn->value = c->regs->gp[reg];
}

bool double_insn_decode(const uint8_t *bytes, size_t count, const struct double_insn_regs *regs,
                        bool write, struct double_insn *ret_insn)
{
    struct double_cursor c = {
        .at = bytes, .end = bytes + (count < 15 ? count : 15), .start = bytes, .regs = regs};
    struct double_insn insn = {0};
    uint64_t offset, immediate = 0;
    size_t immediate_bytes = 0;
    bool relative;

    if (!opcode(&c))
        return false;
    if (!string(&c, write, &insn) && !offset_move(&c, &insn)) {
        if (!operand(&c, &offset, &relative) ||
            !double_opcode_operation(&c, &insn, &immediate_bytes) ||
            !number(&c, immediate_bytes, &immediate))
            return false;
        tell_value(&c, immediate, &insn);
        if (relative)
            offset += regs->rip + (uint64_t)(c.at - c.start);
        insn.gva = address(&c, insn.gva + offset);
    }
    insn.opcode = c.opcode;
    insn.length = (uint8_t)(c.at - c.start);
    *ret_insn = insn;
    return true;
}
