/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives until the running export returns: allocations from the heap, in a list. Those
 * of a nested call come before those of the call around it.
 */
#include <stdlib.h>

#include "internal.h"

struct piece {
    struct piece *next;
    max_align_t bytes[];
};

static struct piece *pieces;

void *sconce_alloc(size_t bytes)
{
    struct piece *piece;
    size_t total;

    if (__builtin_add_overflow(bytes, sizeof *piece, &total))
        return NULL;
    piece = malloc(total);
    if (!piece)
        return NULL;
    piece->next = pieces;
    pieces = piece;
    return piece->bytes;
}

const void *sconce_arena_mark(void)
{
    return pieces;
}

SCONCE_HOT void sconce_arena_release(const void *mark)
{
    while (pieces != mark) {
        struct piece *piece = pieces;

        pieces = piece->next;
        free(piece);
    }
}
