/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything is in a guest's address space, and where in which memory it comes from. Pure.
 *
 *   image (code, constants, data) | gap | boot | IN | OUT | gap | stack | gap | heap | gap | window
 *
 * The sandbox's memory is one arena whose offsets run with the guest's addresses wherever the image
 * allows it, gaps included (they cost nothing), so that a backend may map it as one range. The
 * window does not run on: it is a range of its own, which guests cannot write and no snapshot has.
 */
#ifndef SCONCE_CORE_LAYOUT_H
#define SCONCE_CORE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce/sconce.h>

#include "core/image.h"

/* One mapping: [gpa, gpa + bytes) shows [offset, offset + bytes) of the sandbox's or image's arena.
 */
struct sconce_region {
    uint32_t role; /* SCONCE_MEM_* */
    uint32_t prot; /* SCONCE_PROT_* */
    uint64_t gpa;
    uint64_t bytes;
    uint64_t offset;
    bool shared; /* in the image's arena, which all sandboxes of a guest use */
};

#define SCONCE_WINDOW_MOST_BYTES (32ull << 30) /* as limits.window_bytes has it */
#define SCONCE_LAYOUT_MAX_REGIONS (SCONCE_IMAGE_MAX_SEGMENTS + 6)

struct sconce_layout {
    struct sconce_region regions[SCONCE_LAYOUT_MAX_REGIONS];
    uint32_t region_count;
    uint64_t image_arena_bytes; /* 0 when the image has no read-only segment */
    uint64_t arena_bytes;
    struct sconce_region boot, in, out, stack, heap; /* copies, for those who look for one */
    struct sconce_region window; /* likewise; the last one, where there is one, else 0 bytes */
};

/**
 * sconce_layout_make - place the image and what a sandbox needs beside it.
 * @limits: heap_bytes, stack_bytes and io_bytes, rounded up to the granule here.
 * Errors: SCONCE_E_LIMIT when the address space is too small.
 */
int sconce_layout_make(const struct sconce_image *image, const struct sconce_limits *limits,
                       struct sconce_layout *ret_layout, struct sconce_error *err);

/**
 * sconce_layout_add_window - place a window of @bytes, rounded up to the granule, behind all else;
 * 0: none. What is placed already stays where it is. Once. Errors: SCONCE_E_LIMIT when the address
 * space is too small, or a window is never so large.
 */
int sconce_layout_add_window(struct sconce_layout *layout, uint64_t bytes,
                             struct sconce_error *err);

/** sconce_layout_drop_window - as if none had been placed. */
void sconce_layout_drop_window(struct sconce_layout *layout);

/** sconce_layout_own_bytes - of the sandbox's arena, how much lies before the window: all that the
 * guest can write, and that a restore has to do with. */
uint64_t sconce_layout_own_bytes(const struct sconce_layout *layout);

/** sconce_layout_same_state - may a snapshot of a sandbox laid out as @a go into one as @b? Windows
 * make no difference. */
bool sconce_layout_same_state(const struct sconce_layout *a, const struct sconce_layout *b);

/** sconce_layout_own - the part of [@gpa, @end) that lies in @region, as offsets in the arena.
 * False when there is none, when the memory is not the sandbox's own, and of its window, which is
 * emptied as a whole. */
bool sconce_layout_own(const struct sconce_region *region, uint64_t gpa, uint64_t end,
                       uint64_t *ret_start, uint64_t *ret_end);

/** sconce_layout_allows - does @gpa lie in a region that has all of @prot? */
bool sconce_layout_allows(const struct sconce_layout *layout, uint64_t gpa, uint32_t prot);

/** sconce_layout_state - the region of writable state that has all of [@gpa, @gpa + @bytes), which
 * is not empty; NULL when there is none. */
const struct sconce_region *sconce_layout_state(const struct sconce_layout *layout, uint64_t gpa,
                                                uint64_t bytes);

#endif
