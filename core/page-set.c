/* SPDX-License-Identifier: Apache-2.0 */
#include "core/page-set.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BYTES (64ull * SCONCE_SET_PAGE_BYTES) /* of the arena, a word tells of so many */

bool sconce_page_set_init(struct sconce_page_set *set, uint64_t bytes)
{
    uint64_t count = bytes / WORD_BYTES + 1;

    set->words = calloc(count, sizeof *set->words);
    set->word_count = set->words ? count : 0;
    return set->words != NULL;
}

void sconce_page_set_fini(struct sconce_page_set *set)
{
    free(set->words);
    *set = (struct sconce_page_set){0};
}

void sconce_page_set_add(struct sconce_page_set *set, uint64_t offset, uint64_t bytes)
{
    uint64_t page = offset / SCONCE_SET_PAGE_BYTES, last;

    if (!set->words || !bytes)
        return;
    last = (offset + bytes - 1) / SCONCE_SET_PAGE_BYTES;
    for (; page <= last; page++)
        set->words[page / 64] |= 1ull << page % 64;
}

/* The first page from @page on that is in the set, or is not. One past all when there is none. */
static uint64_t find(const struct sconce_page_set *set, uint64_t page, bool in)
{
    uint64_t word = page / 64, flip = in ? 0 : ~0ull;

    if (word >= set->word_count)
        return set->word_count * 64;
    if ((set->words[word] ^ flip) >> page % 64)
        return page + (uint64_t)__builtin_ctzll((set->words[word] ^ flip) >> page % 64);
    /* Most of a large heap is not in it. */
    for (word++; in && word + 4 <= set->word_count; word += 4)
        if (set->words[word] | set->words[word + 1] | set->words[word + 2] | set->words[word + 3])
            break;
    for (; word < set->word_count; word++)
        if (set->words[word] ^ flip)
            return word * 64 + (uint64_t)__builtin_ctzll(set->words[word] ^ flip);
    return set->word_count * 64;
}

bool sconce_page_set_next(const struct sconce_page_set *set, uint64_t from, uint64_t *ret_start,
                          uint64_t *ret_end)
{
    uint64_t first = find(set, from / SCONCE_SET_PAGE_BYTES, true);

    if (first >= set->word_count * 64)
        return false;
    *ret_start = first * SCONCE_SET_PAGE_BYTES;
    *ret_end = find(set, first, false) * SCONCE_SET_PAGE_BYTES;
    return true;
}

void sconce_page_set_clear(struct sconce_page_set *set)
{
    if (set->words)
        memset(set->words, 0, set->word_count * sizeof *set->words);
}
