/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host memory that guests are made of: one memfd and one shared, writable host view of it, in which
 * stretches may be copies of another arena, made page by page as they are written. Knows sizes and
 * offsets only, nothing of guest addresses.
 */
#ifndef SCONCE_CORE_ARENA_H
#define SCONCE_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#include "common/page-set.h"

/* Bytes [start, end) of an arena. */
struct sconce_stretch {
    uint64_t start;
    uint64_t end;
};

/* Each splits the view, and takes up to two mappings more. */
#define SCONCE_ARENA_MAX_SHARED 3u

struct sconce_arena {
    uint8_t *host;  /* NULL when empty */
    uint64_t bytes; /* multiple of the granule */
    int fd;         /* sealed against resizing; -1 when empty */

    struct sconce_stretch shared[SCONCE_ARENA_MAX_SHARED]; /* rising; see sconce_arena_share */
    uint32_t shared_count;

    /* What the host has written there since whoever keeps it has last cleared it; zeroed: nobody
     * does. */
    struct sconce_page_set written;
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
 * sconce_arena_share - show @of's pages at @stretch: read in common, copied when they are written.
 * @stretch: behind those before it; never touched here. @of may go away, and must not change.
 * A view of private pages has no descriptor: what maps @arena->fd does not see them.
 * Returns 1; 0 where the system refuses, for want of mappings or of memory that is charged in
 *   advance: the arena then is as it was. Errors: SYSTEM; it can then only be given up.
 */
int sconce_arena_share(struct sconce_arena *arena, const struct sconce_arena *of,
                       const struct sconce_stretch *stretch, struct sconce_error *err);

/**
 * sconce_arena_drop - forget what was written in all that is shared: it is again what it was shown
 * of, and costs nothing. Whoever maps the view otherwise than by its page tables does not notice.
 * False where the kernel would not, as of locked memory: it may then have been dropped in part.
 */
bool sconce_arena_drop(struct sconce_arena *arena);

/**
 * sconce_arena_unshared - the next part of [@from, @end) that is not shared. False: there is none.
 */
bool sconce_arena_unshared(const struct sconce_arena *arena, uint64_t from, uint64_t end,
                           uint64_t *ret_start, uint64_t *ret_end);

/**
 * sconce_arena_populated - the next stretch of pages in [@from, @end) that were ever touched, or
 * are shared. Returns false when there is none; outside it everything is zero. A kernel or file
 * system that cannot tell reports the whole range.
 */
bool sconce_arena_populated(const struct sconce_arena *arena, uint64_t from, uint64_t end,
                            uint64_t *ret_start, uint64_t *ret_end);

/* Stretches in rising order with a gap between any two; kept for the next survey. Zeroes are none.
 */
struct sconce_stretches {
    struct sconce_stretch *at;
    size_t count;
    size_t room;
    uint64_t bytes; /* in all of them */
};

/**
 * sconce_arena_survey - all populated stretches of @arena's first @bytes.
 * The kernel is asked each time: how many pages there are does not tell whether they are the same
 * ones, as it may take back a page that was only ever read.
 * Errors: NO_MEMORY.
 */
int sconce_arena_survey(const struct sconce_arena *arena, uint64_t bytes,
                        struct sconce_stretches *ret_stretches, struct sconce_error *err);

/**
 * sconce_arena_content - the stretches of @arena outside of which every byte is zero. Their ends
 * are those of cache lines, and a short gap does not part them: of a page that is zero but for some
 * words, only the line with these has to be read to put it back. Reads all that was ever touched.
 * Errors: NO_MEMORY.
 */
int sconce_arena_content(const struct sconce_arena *arena, struct sconce_stretches *ret_stretches,
                         struct sconce_error *err);

/**
 * sconce_arena_holds_just - are the pages of @stretches, which a survey has found and the host has
 * written since, all that is populated? One system call: what was written is never taken back, so
 * that it is enough to count.
 */
bool sconce_arena_holds_just(const struct sconce_arena *arena,
                             const struct sconce_stretches *stretches);

void sconce_stretches_fini(struct sconce_stretches *stretches);

/** sconce_arena_wrote - the host has written, or will, [@offset, @offset + @bytes) by itself. */
void sconce_arena_wrote(struct sconce_arena *arena, uint64_t offset, uint64_t bytes);

/** sconce_arena_zero - make [@offset, @offset + @bytes) zero, touching populated pages only. */
void sconce_arena_zero(struct sconce_arena *arena, uint64_t offset, uint64_t bytes);

/**
 * sconce_arena_copy - @bytes from offset @from to @to, touching populated pages only: where @from
 * has none, @to stays as it is. The two do not overlap.
 */
void sconce_arena_copy(struct sconce_arena *arena, uint64_t to, uint64_t from, uint64_t bytes);

#endif
