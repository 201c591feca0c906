/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of pages of some memory, by their offsets. What it costs to walk and to clear goes by the
 * pages in it, hardly by the memory's size. Pure bookkeeping: who has written them, and what is to
 * be done about it, is not known here.
 */
#ifndef SCONCE_COMMON_PAGE_SET_H
#define SCONCE_COMMON_PAGE_SET_H

#include <stdbool.h>
#include <stdint.h>

#define SCONCE_SET_PAGE_BYTES 4096u

/* Zeroed: one that keeps nothing. */
struct sconce_page_set {
    uint64_t *words; /* page i is bit i % 64 of word i / 64 */
    uint64_t *used;  /* word i is not 0: bit i % 64 of this one's word i / 64 */
    uint64_t word_count;
    bool any; /* is there a page in it? */
};

/** sconce_page_set_init - an empty set of the pages of @bytes. False: no memory. */
bool sconce_page_set_init(struct sconce_page_set *set, uint64_t bytes);

/** sconce_page_set_fini - takes a zeroed one too, and leaves it so. */
void sconce_page_set_fini(struct sconce_page_set *set);

/** sconce_page_set_add - each page that has a byte of [@offset, @offset + @bytes), which lies
 * within the memory. */
void sconce_page_set_add(struct sconce_page_set *set, uint64_t offset, uint64_t bytes);

/** sconce_page_set_next - the first run of pages at @from, a multiple of the page, or behind it.
 * False when there is none. */
bool sconce_page_set_next(const struct sconce_page_set *set, uint64_t from, uint64_t *ret_start,
                          uint64_t *ret_end);

void sconce_page_set_clear(struct sconce_page_set *set);

#endif
