/* SPDX-License-Identifier: Apache-2.0 */
/* What the descriptors are; arch/shared/page-tables.c puts them where they belong. */
#include "arch/aarch64/paging.h"

#include "arch/shared/page-tables.h"

_Static_assert(SCONCE_A64_PAGE == SCONCE_PAGES_PAGE &&
                   SCONCE_A64_LARGE_PAGE == SCONCE_PAGES_LARGE_PAGE,
               "the same pages");
/* The outcomes SCONCE_A64_PAGING_* are SCONCE_PAGES_*; the tests hold each. */

static const struct sconce_pages_format format = {
    .levels = 3,
    .end = SCONCE_A64_PAGING_END,
    .present = SCONCE_A64_PTE_VALID,
    .address = SCONCE_A64_PTE_ADDRESS,
    /* APTable, UXNTable and PXNTable are zero: leaves decide (Arm ARM D8.4.5). */
    .table_bits = SCONCE_A64_PTE_VALID | SCONCE_A64_PTE_TABLE,
    .type_mask = SCONCE_A64_PTE_TABLE,
    .large_type = 0,
    .page_type = SCONCE_A64_PTE_TABLE,
};

static int check_range(const struct sconce_a64_range *range)
{
    return sconce_pages_check(&format, range->gpa, range->bytes, range->prot);
}

uint64_t sconce_a64_paging_bytes(const struct sconce_a64_range *ranges, size_t count)
{
    uint64_t bytes = SCONCE_A64_PAGE; /* the root */

    for (size_t i = 0; i < count; i++) {
        if (check_range(&ranges[i]) != SCONCE_A64_PAGING_OK)
            return 0;
        bytes += sconce_pages_bytes_of(&format, ranges[i].gpa, ranges[i].bytes);
    }
    return bytes;
}

/* Arm ARM D8.4.1: table of stage 1 permissions by AP, UXN and PXN. */
static uint64_t leaf_bits(const struct sconce_a64_range *range)
{
    uint64_t bits = SCONCE_A64_PTE_VALID | SCONCE_A64_PTE_ACCESSED | SCONCE_A64_PTE_PXN |
                    SCONCE_A64_PTE_UXN | SCONCE_A64_PTE_INNER_SHAREABLE;

    if (!(range->prot & SCONCE_PROT_WRITE))
        bits |= SCONCE_A64_PTE_READ_ONLY;
    if (range->prot & SCONCE_PROT_EXEC)
        bits &= ~(range->user ? SCONCE_A64_PTE_UXN : SCONCE_A64_PTE_PXN);
    if (range->user)
        bits |= SCONCE_A64_PTE_EL0;
    return bits |
           SCONCE_A64_PTE_ATTR(range->device ? SCONCE_A64_ATTR_DEVICE : SCONCE_A64_ATTR_NORMAL);
}

int sconce_a64_paging_build(const struct sconce_a64_range *ranges, size_t count, void *tables,
                            uint64_t bytes, uint64_t tables_gpa, uint64_t *ret_used)
{
    struct sconce_pages_builder b;
    int r = sconce_pages_start(&b, &format, tables, bytes, tables_gpa);

    for (size_t i = 0; r == SCONCE_A64_PAGING_OK && i < count; i++) {
        r = check_range(&ranges[i]);
        if (r == SCONCE_A64_PAGING_OK)
            r = sconce_pages_add(&b, ranges[i].gpa, ranges[i].bytes, leaf_bits(&ranges[i]));
    }
    if (r == SCONCE_A64_PAGING_OK)
        *ret_used = b.used;
    return r;
}
