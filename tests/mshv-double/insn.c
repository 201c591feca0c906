/* SPDX-License-Identifier: Apache-2.0 */
/* Just as much of SDM vol 2A chapter 2 as loads, stores and read-modify-writes need. */
#include "tests/mshv-double/insn.h"

#include <string.h>

struct cursor {
    const uint8_t *at, *end;
    const uint8_t *start;
    uint8_t rex;
    bool operand16, rep;
};

static bool next(struct cursor *c, uint8_t *ret_byte)
{
    if (c->at == c->end)
        return false;
    *ret_byte = *c->at++;
    return true;
}

static bool skip(struct cursor *c, size_t bytes)
{
    if ((size_t)(c->end - c->at) < bytes)
        return false;
    c->at += bytes;
    return true;
}

static bool signed_number(struct cursor *c, size_t bytes, int64_t *ret_value)
{
    int32_t wide;
    int8_t narrow;

    if ((size_t)(c->end - c->at) < bytes)
        return false;
    memcpy(&wide, c->at, bytes == 4 ? 4 : 0);
    memcpy(&narrow, c->at, bytes == 1 ? 1 : 0);
    *ret_value = bytes == 4 ? wide : narrow;
    c->at += bytes;
    return true;
}

/* SIB, SDM vol 2A 2.1.5 and 2.2.1.2. */
static bool sib(struct cursor *c, uint8_t mod, const uint64_t gp[16], uint64_t *ret_base)
{
    uint64_t base = 0;
    int64_t number = 0;
    uint8_t byte;
    unsigned index;

    if (!next(c, &byte))
        return false;
    index = (byte >> 3 & 7u) | (c->rex & 2u) << 2;
    if ((byte & 7) == 5 && mod == 0) {
        if (!signed_number(c, 4, &number))
            return false;
        base = (uint64_t)number;
    } else {
        base = gp[(byte & 7u) | (c->rex & 1u) << 3];
    }
    if (index != 4)
        base += gp[index] << (byte >> 6);
    *ret_base = base;
    return true;
}

/* ModRM's memory operand. @ret_rip_relative: the address of the next instruction is to be added. */
static bool operand(struct cursor *c, const uint64_t gp[16], uint8_t *ret_reg, uint64_t *ret_gva,
                    bool *ret_rip_relative)
{
    uint64_t base = 0;
    int64_t number = 0;
    uint8_t modrm, mod, rm;

    *ret_rip_relative = false;
    if (!next(c, &modrm))
        return false;
    mod = modrm >> 6;
    rm = modrm & 7;
    *ret_reg = modrm >> 3 & 7;
    if (mod == 3)
        return false;
    if (rm == 4) {
        if (!sib(c, mod, gp, &base))
            return false;
    } else if (rm == 5 && mod == 0) {
        *ret_rip_relative = true;
    } else {
        base = gp[rm | (c->rex & 1u) << 3];
    }
    if (mod == 1 && !signed_number(c, 1, &number))
        return false;
    if ((mod == 2 || *ret_rip_relative) && !signed_number(c, 4, &number))
        return false;
    *ret_gva = base + (uint64_t)number;
    return true;
}

/* Behind 0x0f: is it known, and does it store? */
static bool two_byte(uint8_t opcode, bool *ret_store)
{
    switch (opcode) {
    case 0x10: /* MOVUPS and its kin, from memory */
    case 0x28:
    case 0x6e:
    case 0x6f:
    case 0xb6: /* MOVZX, MOVSX */
    case 0xb7:
    case 0xbe:
    case 0xbf:
        *ret_store = false;
        return true;
    case 0x11: /* to memory */
    case 0x29:
    case 0x2b:
    case 0x7e:
    case 0x7f:
    case 0xc3: /* MOVNTI */
    case 0xe7:
    case 0xb0: /* CMPXCHG, XADD */
    case 0xb1:
    case 0xc0:
    case 0xc1:
        *ret_store = true;
        return true;
    default:
        return false;
    }
}

/* One byte, with ModRM: is it known, does it store, how many immediate bytes follow? */
static bool one_byte(const struct cursor *c, uint8_t opcode, bool *ret_store, size_t *ret_immediate)
{
    size_t word = c->operand16 ? 2 : 4;

    *ret_immediate = 0;
    *ret_store = true;
    if (opcode < 0x40 && (opcode & 7) < 4) { /* ADD to CMP; CMP stores nothing */
        *ret_store = (opcode & 7) < 2 && opcode < 0x38;
        return true;
    }
    switch (opcode) {
    case 0x63:
    case 0x84:
    case 0x85:
    case 0x8a:
    case 0x8b:
        *ret_store = false;
        return true;
    case 0x80:
    case 0x83:
    case 0xc0:
    case 0xc1:
    case 0xc6:
        *ret_immediate = 1;
        return true;
    case 0x81:
    case 0xc7:
        *ret_immediate = word;
        return true;
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xfe:
    case 0xff:
        return true;
    default:
        return false;
    }
}

static bool string(struct cursor *c, uint8_t opcode, const uint64_t gp[16],
                   struct double_insn *insn)
{
    if ((opcode & 0xfe) != 0xaa && (opcode & 0xfe) != 0xa4)
        return false;
    insn->string = true;
    insn->store = true;
    insn->rep = c->rep;
    insn->size = 1;
    if (opcode & 1)
        insn->size = c->rex & 8 ? 8 : c->operand16 ? 2 : 4;
    insn->gva = gp[7];
    return true;
}

static void prefixes(struct cursor *c, uint8_t *opcode)
{
    bool more = true;

    while (more) {
        switch (*opcode) {
        case 0x66:
            c->operand16 = true;
            break;
        case 0xf2:
        case 0xf3:
            c->rep = true;
            break;
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
        case 0x64:
        case 0x65:
        case 0xf0:
            break;
        default:
            more = false;
            continue;
        }
        more = next(c, opcode);
    }
    if ((*opcode & 0xf0) == 0x40) {
        c->rex = *opcode;
        next(c, opcode);
    }
}

bool double_insn_decode(const uint8_t *bytes, size_t count, const uint64_t gp[16], uint64_t rip,
                        struct double_insn *ret_insn)
{
    struct cursor c = {.at = bytes, .end = bytes + (count < 15 ? count : 15), .start = bytes};
    struct double_insn insn = {0};
    bool rip_relative = false, known;
    size_t immediate = 0;
    uint8_t opcode, reg = 0;

    if (!next(&c, &opcode))
        return false;
    prefixes(&c, &opcode);
    if (!string(&c, opcode, gp, &insn)) {
        known = opcode == 0x0f ? next(&c, &opcode) && two_byte(opcode, &insn.store)
                               : one_byte(&c, opcode, &insn.store, &immediate);
        if (!known || !operand(&c, gp, &reg, &insn.gva, &rip_relative) || !skip(&c, immediate))
            return false;
        /* CMP is /7 of the immediate group; CALL and JMP of 0xff load. */
        if (((opcode & 0xfc) == 0x80 && opcode != 0x82 && reg == 7) || (opcode == 0xff && reg > 1))
            insn.store = false;
    }
    insn.length = (uint8_t)(c.at - c.start);
    if (rip_relative)
        insn.gva += rip + insn.length;
    *ret_insn = insn;
    return true;
}
