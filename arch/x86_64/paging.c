/* SPDX-License-Identifier: Apache-2.0 */
/* What the entries are; arch/shared/page-tables.c puts them where they belong. */
#include "arch/x86_64/paging.h"

#include "arch/shared/page-tables.h"

_Static_assert(SCONCE_X86_PAGE == SCONCE_PAGES_PAGE &&
                   SCONCE_X86_LARGE_PAGE == SCONCE_PAGES_LARGE_PAGE,
               "the same pages");
/* The outcomes SCONCE_X86_PAGING_* are SCONCE_PAGES_*; the tests hold each. */

static const struct sconce_pages_format format = {
    .levels = 4,
    .end = SCONCE_X86_PAGING_END,
    .present = SCONCE_X86_PTE_PRESENT,
    .address = SCONCE_X86_PTE_ADDRESS,
    /* The most that upper levels allow; leaves decide (SDM vol 3A 4.6: rights are the AND). */
    .table_bits = SCONCE_X86_PTE_PRESENT | SCONCE_X86_PTE_WRITE | SCONCE_X86_PTE_USER |
                  SCONCE_X86_PTE_ACCESSED,
    .type_mask = SCONCE_X86_PTE_LARGE,
    .large_type = SCONCE_X86_PTE_LARGE,
    .page_type = 0,
};

static int check_range(const struct sconce_x86_range *range)
{
    return sconce_pages_check(&format, range->gpa, range->bytes, range->prot);
}

uint64_t sconce_x86_paging_bytes(const struct sconce_x86_range *ranges, size_t count)
{
    uint64_t bytes = SCONCE_X86_PAGE; /* the root */

    for (size_t i = 0; i < count; i++) {
        if (check_range(&ranges[i]) != SCONCE_X86_PAGING_OK)
            return 0;
        bytes += sconce_pages_bytes_of(&format, ranges[i].gpa, ranges[i].bytes);
    }
    return bytes;
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

int sconce_x86_paging_build(const struct sconce_x86_range *ranges, size_t count, void *tables,
                            uint64_t bytes, uint64_t tables_gpa, uint64_t *ret_used)
{
    struct sconce_pages_builder b;
    int r = sconce_pages_start(&b, &format, tables, bytes, tables_gpa);

    for (size_t i = 0; r == SCONCE_X86_PAGING_OK && i < count; i++) {
        r = check_range(&ranges[i]);
        if (r == SCONCE_X86_PAGING_OK)
            r = sconce_pages_add(&b, ranges[i].gpa, ranges[i].bytes, leaf_bits(&ranges[i]));
    }
    if (r == SCONCE_X86_PAGING_OK)
        *ret_used = b.used;
    return r;
}
