/* SPDX-License-Identifier: Apache-2.0 */
/* Building page tables. Every table is a page of the caller's; nothing is allocated. */
#include "arch/shared/page-tables.h"

#include <stdbool.h>
#include <string.h>

#include "common/overflow.h"
#include "sconce-plugin.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "entries are stored as they are");

#define ENTRIES 512u
#define LARGE_LEVEL 2u

/* How far an entry of a level reaches, as a shift: 4 KiB at level 1. */
static unsigned shift_of(unsigned level)
{
    return 12 + 9 * (level - 1);
}

int sconce_pages_check(const struct sconce_pages_format *format, uint64_t gpa, uint64_t bytes,
                       uint32_t prot)
{
    uint64_t end;

    if (bytes == 0 || gpa % SCONCE_PAGES_PAGE || bytes % SCONCE_PAGES_PAGE)
        return SCONCE_PAGES_E_RANGE;
    if (!sconce_add_u64(gpa, bytes, &end) || end > format->end)
        return SCONCE_PAGES_E_RANGE;
    if (prot != SCONCE_PROT_READ && prot != (SCONCE_PROT_READ | SCONCE_PROT_WRITE) &&
        prot != (SCONCE_PROT_READ | SCONCE_PROT_EXEC))
        return SCONCE_PAGES_E_PROT;
    return SCONCE_PAGES_OK;
}

uint64_t sconce_pages_bytes_of(const struct sconce_pages_format *format, uint64_t gpa,
                               uint64_t bytes)
{
    uint64_t last = gpa + bytes - 1;
    uint64_t pages = 2; /* a table of small pages at each end: all between is large pages */

    for (unsigned level = LARGE_LEVEL + 1; level <= format->levels; level++)
        pages += (last >> shift_of(level)) - (gpa >> shift_of(level)) + 1;
    return pages * SCONCE_PAGES_PAGE;
}

static uint64_t *entry_at(const struct sconce_pages_builder *b, uint64_t table, uint64_t index)
{
    return (uint64_t *)(void *)(b->tables + table) + index;
}

/* A zeroed table; its offset in the span. */
static int new_table(struct sconce_pages_builder *b, uint64_t *ret_offset)
{
    if (b->bytes - b->used < SCONCE_PAGES_PAGE)
        return SCONCE_PAGES_E_SPACE;
    *ret_offset = b->used;
    memset(b->tables + b->used, 0, SCONCE_PAGES_PAGE);
    b->used += SCONCE_PAGES_PAGE;
    return SCONCE_PAGES_OK;
}

/* The table that the entry points at, made if need be. */
static int descend(struct sconce_pages_builder *b, uint64_t *entry, unsigned level,
                   uint64_t *ret_table)
{
    const struct sconce_pages_format *format = b->format;
    uint64_t offset;
    int r;

    if (*entry & format->present) {
        if (level == LARGE_LEVEL && (*entry & format->type_mask) == format->large_type)
            return SCONCE_PAGES_E_OVERLAP;
        *ret_table = (*entry & format->address) - b->gpa;
        return SCONCE_PAGES_OK;
    }
    r = new_table(b, &offset);
    if (r != SCONCE_PAGES_OK)
        return r;
    *entry = (b->gpa + offset) | format->table_bits;
    *ret_table = offset;
    return SCONCE_PAGES_OK;
}

/* One leaf for @gpa at @leaf_level: 1 for 4 KiB, 2 for 2 MiB. */
static int map_leaf(struct sconce_pages_builder *b, uint64_t gpa, unsigned leaf_level,
                    uint64_t bits)
{
    uint64_t table = 0;
    uint64_t *entry = NULL;
    int r;

    for (unsigned level = b->format->levels; level >= leaf_level; level--) {
        entry = entry_at(b, table, (gpa >> shift_of(level)) & (ENTRIES - 1));
        if (level == leaf_level)
            break;
        r = descend(b, entry, level, &table);
        if (r != SCONCE_PAGES_OK)
            return r;
    }
    if (*entry & b->format->present)
        return SCONCE_PAGES_E_OVERLAP;
    *entry = gpa | bits | (leaf_level == 1 ? b->format->page_type : b->format->large_type);
    return SCONCE_PAGES_OK;
}

int sconce_pages_start(struct sconce_pages_builder *builder,
                       const struct sconce_pages_format *format, void *tables, uint64_t bytes,
                       uint64_t gpa)
{
    uint64_t end, root;

    if (gpa % SCONCE_PAGES_PAGE || !sconce_add_u64(gpa, bytes, &end) || end - 1 > format->address)
        return SCONCE_PAGES_E_RANGE;
    *builder = (struct sconce_pages_builder){
        .format = format, .tables = tables, .bytes = bytes, .gpa = gpa};
    return new_table(builder, &root);
}

int sconce_pages_add(struct sconce_pages_builder *builder, uint64_t gpa, uint64_t bytes,
                     uint64_t bits)
{
    uint64_t end = gpa + bytes;

    while (gpa < end) {
        bool large = gpa % SCONCE_PAGES_LARGE_PAGE == 0 && end - gpa >= SCONCE_PAGES_LARGE_PAGE;
        int r = map_leaf(builder, gpa, large ? LARGE_LEVEL : 1, bits);

        if (r != SCONCE_PAGES_OK)
            return r;
        gpa += large ? SCONCE_PAGES_LARGE_PAGE : SCONCE_PAGES_PAGE;
    }
    return SCONCE_PAGES_OK;
}
