/* SPDX-License-Identifier: Apache-2.0 */
#include "common/page-set.h"

#include <stdlib.h>

#include "common/attributes.h"

#define WORD_BYTES (64ull * SCONCE_SET_PAGE_BYTES) /* of the memory, a word tells of so many */

bool sconce_page_set_init(struct sconce_page_set *set, uint64_t bytes)
{
    uint64_t count = bytes / WORD_BYTES + 1, used_count = count / 64 + 1;

    set->words = calloc(count + used_count, sizeof *set->words);
    set->used = set->words ? set->words + count : NULL;
    set->word_count = set->words ? count : 0;
    set->any = false;
    return set->words != NULL;
}

void sconce_page_set_fini(struct sconce_page_set *set)
{
    free(set->words);
    *set = (struct sconce_page_set){0};
}

SCONCE_HOT void sconce_page_set_add(struct sconce_page_set *set, uint64_t offset, uint64_t bytes)
{
    uint64_t page = offset / SCONCE_SET_PAGE_BYTES, last;

    if (!set->words || !bytes)
        return;
    set->any = true;
    last = (offset + bytes - 1) / SCONCE_SET_PAGE_BYTES;
    for (; page <= last; page++) {
        set->words[page / 64] |= 1ull << page % 64;
        set->used[page / 4096] |= 1ull << page / 64 % 64;
    }
}

/* The first bit from @from on that is set in @words. One past all @count words when there is none.
 */
SCONCE_HOT static uint64_t find_bit(const uint64_t *words, uint64_t count, uint64_t from)
{
    uint64_t word = from / 64, left;

    if (word >= count)
        return count * 64;
    for (left = words[word] >> from % 64 << from % 64; !left; left = words[word])
        if (++word >= count)
            return count * 64;
    return word * 64 + (uint64_t)__builtin_ctzll(left);
}

/* The first page from @page on that is in the set. */
SCONCE_HOT static uint64_t find_in(const struct sconce_page_set *set, uint64_t page)
{
    uint64_t word = page / 64, left = set->words[word] >> page % 64;

    if (left)
        return page + (uint64_t)__builtin_ctzll(left);
    word = find_bit(set->used, set->word_count / 64 + 1, word + 1);
    if (word >= set->word_count)
        return set->word_count * 64;
    return word * 64 + (uint64_t)__builtin_ctzll(set->words[word]);
}

/* The first page from @page on that is not. */
SCONCE_HOT static uint64_t find_out(const struct sconce_page_set *set, uint64_t page)
{
    uint64_t word = page / 64, left = ~set->words[word] >> page % 64;

    if (left)
        return page + (uint64_t)__builtin_ctzll(left);
    while (++word < set->word_count)
        if (~set->words[word])
            return word * 64 + (uint64_t)__builtin_ctzll(~set->words[word]);
    return set->word_count * 64;
}

SCONCE_HOT bool sconce_page_set_next(const struct sconce_page_set *set, uint64_t from,
                                     uint64_t *ret_start, uint64_t *ret_end)
{
    uint64_t end = set->word_count * 64, first = from / SCONCE_SET_PAGE_BYTES;

    if (!set->any || first >= end)
        return false;
    first = find_in(set, first);
    if (first >= end)
        return false;
    *ret_start = first * SCONCE_SET_PAGE_BYTES;
    *ret_end = find_out(set, first) * SCONCE_SET_PAGE_BYTES;
    return true;
}

SCONCE_HOT void sconce_page_set_clear(struct sconce_page_set *set)
{
    uint64_t end = set->word_count;

    if (!set->any)
        return;
    set->any = false;
    for (uint64_t word = find_bit(set->used, end / 64 + 1, 0); word < end;
         word = find_bit(set->used, end / 64 + 1, word + 1)) {
        set->words[word] = 0;
        set->used[word / 64] &= ~(1ull << word % 64);
    }
}
