/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that a snapshot keeps, and how it gets back into a sandbox. Knows arenas and layouts;
 * nothing of vCPUs, of what the guest is, or of when a restore is allowed.
 *
 * A baseline is an arena whose offsets are those of the sandbox that it was taken from, with a page
 * for each page of STATE that had ever been touched there: holes cost nothing, and whoever can map
 * memory by its handle can share it. It is not written after it was surveyed: sandboxes may show
 * its pages, and go on doing so when it is gone.
 */
#ifndef SCONCE_CORE_BASELINE_H
#define SCONCE_CORE_BASELINE_H

#include "core/arena.h"
#include "core/layout.h"

struct sconce_baseline {
    struct sconce_arena arena;       /* empty: none was taken */
    struct sconce_stretches content; /* of @arena */
    /* Whole pages of it, of STATE alone, that are worth being shared; rising. */
    struct sconce_stretch large[SCONCE_ARENA_MAX_SHARED];
    uint32_t large_count;
};

#define SCONCE_BASELINE_EMPTY                                                                      \
    {                                                                                              \
        .arena = SCONCE_ARENA_EMPTY                                                                \
    }

/**
 * sconce_baseline_take - copy the STATE of a sandbox that is laid out as @layout in @arena.
 * @touched: of @arena, surveyed since its guest last ran. @ret_baseline: an empty one, and left so
 * on failure. Errors: NO_MEMORY, SYSTEM.
 */
int sconce_baseline_take(struct sconce_baseline *ret_baseline, const struct sconce_layout *layout,
                         const struct sconce_arena *arena, const struct sconce_stretches *touched,
                         struct sconce_error *err);

/** sconce_baseline_survey - find out what is in @baseline->arena, which was filled otherwise.
 * @layout: as above. Errors: NO_MEMORY. */
int sconce_baseline_survey(struct sconce_baseline *baseline, const struct sconce_layout *layout,
                           struct sconce_error *err);

/** sconce_baseline_fini - takes an empty one too, and leaves it empty. */
void sconce_baseline_fini(struct sconce_baseline *baseline);

/**
 * sconce_baseline_share - have @arena, of which nothing was touched, show the large stretches of
 * @baseline, for a view that only its own host and what follows that sees. The rest, and what
 * cannot be shared, is for sconce_baseline_put. Errors: SYSTEM; the arena can then only be given
 * up.
 */
int sconce_baseline_share(const struct sconce_baseline *baseline, struct sconce_arena *arena,
                          struct sconce_error *err);

/**
 * sconce_baseline_put - make STATE what it was when @baseline was taken, and the call buffers zero.
 * @layout, @arena, @touched: as above, of the sandbox that it goes into, whose STATE lies where
 * that of the other did. Each page that was touched here or is kept in @baseline is written once.
 * @shown: what @arena shares is of @baseline, and nothing was written there: it stays as it is.
 */
void sconce_baseline_put(const struct sconce_baseline *baseline, const struct sconce_layout *layout,
                         struct sconce_arena *arena, const struct sconce_stretches *touched,
                         bool shown);

/**
 * sconce_baseline_puts_all - does a put write all pages of @touched, but for the boot page's, which
 * the host has written? A guest may have others populated by reading what is no part of a snapshot.
 */
bool sconce_baseline_puts_all(const struct sconce_layout *layout,
                              const struct sconce_stretches *touched);

/** sconce_baseline_put_range - the same of bytes [@start, @end) of @arena alone, which lie in one
 * region of @role. */
void sconce_baseline_put_range(const struct sconce_baseline *baseline, uint32_t role,
                               struct sconce_arena *arena, uint64_t start, uint64_t end);

/** sconce_baseline_put_back - the same of the pages of @arena->written. */
void sconce_baseline_put_back(const struct sconce_baseline *baseline,
                              const struct sconce_layout *layout, struct sconce_arena *arena);

/**
 * sconce_baseline_differs - is a byte of STATE another than in @baseline, or one of the call
 * buffers or the window not zero? @touched: of @arena, surveyed. @ret_offset: the page with the
 * first one found.
 */
bool sconce_baseline_differs(const struct sconce_baseline *baseline,
                             const struct sconce_layout *layout, const struct sconce_arena *arena,
                             const struct sconce_stretches *touched, uint64_t *ret_offset);

#endif
