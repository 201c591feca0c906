/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host memory that guests are made of: one memfd and one shared, writable host view of it. Knows
 * sizes and offsets only, nothing of guest addresses.
 */
#ifndef SCONCE_CORE_ARENA_H
#define SCONCE_CORE_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce/error.h>

struct sconce_arena {
    uint8_t *host;  /* NULL when empty */
    uint64_t bytes; /* multiple of the granule */
    int fd;         /* sealed against resizing; -1 when empty */
};

#define SCONCE_ARENA_EMPTY                                                                         \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/** sconce_arena_init - zeroed memory, populated on touch. @name shows in /proc. */
int sconce_arena_init(struct sconce_arena *arena, const char *name, uint64_t bytes,
                      struct sconce_error *err);

/** sconce_arena_fini - takes an empty one too, and leaves it empty. */
void sconce_arena_fini(struct sconce_arena *arena);

/**
 * sconce_arena_populated - the next stretch of pages in [@from, @end) that were ever touched.
 * Returns false when there is none; outside it everything is zero. A kernel or file system that
 * cannot tell reports the whole range.
 */
bool sconce_arena_populated(const struct sconce_arena *arena, uint64_t from, uint64_t end,
                            uint64_t *ret_start, uint64_t *ret_end);

/** sconce_arena_zero - make [@offset, @offset + @bytes) zero, touching populated pages only. */
void sconce_arena_zero(struct sconce_arena *arena, uint64_t offset, uint64_t bytes);

#endif
