/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives until the running export returns: allocations from the heap, in a list.
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

void sconce_arena_free(void)
{
    while (pieces) {
        struct piece *piece = pieces;

        pieces = piece->next;
        free(piece);
    }
}
