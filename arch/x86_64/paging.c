/* SPDX-License-Identifier: Apache-2.0 */
/* Building page tables. Every table is a page of the caller's; nothing is allocated. */
#include "arch/x86_64/paging.h"

#include <string.h>

#include "common/overflow.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "entries are stored as they are");

#define ENTRIES 512u
#define LEVELS 4u

/* The most that upper levels allow; leaves decide (SDM vol 3A 4.6: rights are the AND). */
#define TABLE_BITS                                                                                 \
    (SCONCE_X86_PTE_PRESENT | SCONCE_X86_PTE_WRITE | SCONCE_X86_PTE_USER | SCONCE_X86_PTE_ACCESSED)

struct builder {
    uint8_t *tables;
    uint64_t bytes;
    uint64_t used;
    uint64_t gpa;
};

static int check_range(const struct sconce_x86_range *range)
{
    uint64_t end;

    if (range->bytes == 0 || range->gpa % SCONCE_X86_PAGE || range->bytes % SCONCE_X86_PAGE)
        return SCONCE_X86_PAGING_E_RANGE;
    if (!sconce_add_u64(range->gpa, range->bytes, &end) || end > SCONCE_X86_PAGING_END)
        return SCONCE_X86_PAGING_E_RANGE;
    if (range->prot != SCONCE_PROT_READ && range->prot != (SCONCE_PROT_READ | SCONCE_PROT_WRITE) &&
        range->prot != (SCONCE_PROT_READ | SCONCE_PROT_EXEC))
        return SCONCE_X86_PAGING_E_PROT;
    return SCONCE_X86_PAGING_OK;
}

/* How many aligned blocks of 1 << @shift bytes the range touches. */
static uint64_t blocks_touched(const struct sconce_x86_range *range, unsigned shift)
{
    return ((range->gpa + range->bytes - 1) >> shift) - (range->gpa >> shift) + 1;
}

uint64_t sconce_x86_paging_bytes(const struct sconce_x86_range *ranges, size_t count)
{
    uint64_t pages = 1; /* the root */

    for (size_t i = 0; i < count; i++) {
        if (check_range(&ranges[i]) != SCONCE_X86_PAGING_OK)
            return 0;
        /* A pointer table per 512 GiB, a directory per 1 GiB, and a table of small pages at each
         * end: all between is large pages. */
        pages += blocks_touched(&ranges[i], 39) + blocks_touched(&ranges[i], 30) + 2;
    }
    return pages * SCONCE_X86_PAGE;
}

static uint64_t *entry_at(const struct builder *b, uint64_t table, uint64_t index)
{
    return (uint64_t *)(void *)(b->tables + table) + index;
}

/* A zeroed table; its offset in the span. */
static int new_table(struct builder *b, uint64_t *ret_offset)
{
    if (b->bytes - b->used < SCONCE_X86_PAGE)
        return SCONCE_X86_PAGING_E_SPACE;
    *ret_offset = b->used;
    memset(b->tables + b->used, 0, SCONCE_X86_PAGE);
    b->used += SCONCE_X86_PAGE;
    return SCONCE_X86_PAGING_OK;
}

/* The table that the entry points at, made if need be. */
static int descend(struct builder *b, uint64_t *entry, uint64_t *ret_table)
{
    uint64_t offset;
    int r;

    if (*entry & SCONCE_X86_PTE_LARGE)
        return SCONCE_X86_PAGING_E_OVERLAP;
    if (*entry & SCONCE_X86_PTE_PRESENT) {
        *ret_table = (*entry & SCONCE_X86_PTE_ADDRESS) - b->gpa;
        return SCONCE_X86_PAGING_OK;
    }
    r = new_table(b, &offset);
    if (r != SCONCE_X86_PAGING_OK)
        return r;
    *entry = (b->gpa + offset) | TABLE_BITS;
    *ret_table = offset;
    return SCONCE_X86_PAGING_OK;
}

/* One leaf for @gpa at @leaf_level: 1 for 4 KiB, 2 for 2 MiB. */
static int map_leaf(struct builder *b, uint64_t gpa, unsigned leaf_level, uint64_t bits)
{
    uint64_t table = 0;
    uint64_t *entry = NULL;
    int r;

    for (unsigned level = LEVELS; level >= leaf_level; level--) {
        entry = entry_at(b, table, (gpa >> (12 + 9 * (level - 1))) & (ENTRIES - 1));
        if (level == leaf_level)
            break;
        r = descend(b, entry, &table);
        if (r != SCONCE_X86_PAGING_OK)
            return r;
    }
    if (*entry & SCONCE_X86_PTE_PRESENT)
        return SCONCE_X86_PAGING_E_OVERLAP;
    *entry = gpa | bits | (leaf_level == 2 ? SCONCE_X86_PTE_LARGE : 0);
    return SCONCE_X86_PAGING_OK;
}

static uint64_t leaf_bits(const struct sconce_x86_range *range)
{
    uint64_t bits = SCONCE_X86_PTE_PRESENT | SCONCE_X86_PTE_ACCESSED | SCONCE_X86_PTE_DIRTY;

    if (range->prot & SCONCE_PROT_WRITE)
        bits |= SCONCE_X86_PTE_WRITE;
    if (!(range->prot & SCONCE_PROT_EXEC))
        bits |= SCONCE_X86_PTE_NX;
    if (range->user)
        bits |= SCONCE_X86_PTE_USER;
    return bits;
}

static int map_range(struct builder *b, const struct sconce_x86_range *range)
{
    uint64_t gpa = range->gpa;
    uint64_t end = range->gpa + range->bytes;
    uint64_t bits = leaf_bits(range);

    while (gpa < end) {
        bool large = gpa % SCONCE_X86_LARGE_PAGE == 0 && end - gpa >= SCONCE_X86_LARGE_PAGE;
        int r = map_leaf(b, gpa, large ? 2 : 1, bits);

        if (r != SCONCE_X86_PAGING_OK)
            return r;
        gpa += large ? SCONCE_X86_LARGE_PAGE : SCONCE_X86_PAGE;
    }
    return SCONCE_X86_PAGING_OK;
}

int sconce_x86_paging_build(const struct sconce_x86_range *ranges, size_t count, void *tables,
                            uint64_t bytes, uint64_t tables_gpa, uint64_t *ret_used)
{
    struct builder b = {.tables = tables, .bytes = bytes, .gpa = tables_gpa};
    uint64_t end;
    uint64_t root;
    int r;

    if (tables_gpa % SCONCE_X86_PAGE || !sconce_add_u64(tables_gpa, bytes, &end) ||
        end - 1 > SCONCE_X86_PTE_ADDRESS)
        return SCONCE_X86_PAGING_E_RANGE;
    r = new_table(&b, &root);
    for (size_t i = 0; r == SCONCE_X86_PAGING_OK && i < count; i++) {
        r = check_range(&ranges[i]);
        if (r == SCONCE_X86_PAGING_OK)
            r = map_range(&b, &ranges[i]);
    }
    if (r == SCONCE_X86_PAGING_OK)
        *ret_used = b.used;
    return r;
}
