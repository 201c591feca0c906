/* SPDX-License-Identifier: Apache-2.0 */
#include "core/layout.h"

#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/overflow.h"
#include "sconce-plugin.h"

#define GUARD_BYTES (16 * (uint64_t)SCONCE_GUEST_GRANULE)
#define LARGE_LEAF_BYTES (2ull << 20)

/* A place to put the next region; counts on with every one placed. */
struct cursor {
    uint64_t gpa;
    uint64_t arena_base; /* the guest address of the arena's first byte */
    bool full;
};

static struct sconce_region *add(struct sconce_layout *layout, const struct sconce_region *region)
{
    struct sconce_region *added = &layout->regions[layout->region_count++];

    *added = *region;
    return added;
}

/* Place a region of the sandbox's arena at the cursor, large ones where large leaves can map them.
 */
static void place(struct sconce_layout *layout, struct cursor *cursor, uint32_t role, uint32_t prot,
                  uint64_t bytes, struct sconce_region *ret_region)
{
    struct sconce_region region = {.role = role, .prot = prot};
    uint64_t unit = bytes >= LARGE_LEAF_BYTES ? LARGE_LEAF_BYTES : SCONCE_GUEST_GRANULE;
    uint64_t end;

    if (!sconce_round_up_u64(bytes, SCONCE_GUEST_GRANULE, &region.bytes) ||
        !sconce_round_up_u64(cursor->gpa, unit, &region.gpa) ||
        !sconce_add_u64(region.gpa, region.bytes, &end) || end > SCONCE_GPA_MAX) {
        cursor->full = true;
        return;
    }
    region.offset = region.gpa - cursor->arena_base;
    *ret_region = *add(layout, &region);
    cursor->gpa = end;
}

static void leave_gap(struct cursor *cursor)
{
    if (!sconce_add_u64(cursor->gpa, GUARD_BYTES, &cursor->gpa))
        cursor->full = true;
}

/* The arena starts with the first writable segment when nothing read-only comes behind that: then
 * data, buffers, stack and heap run on without a seam. */
static uint64_t arena_base_of(const struct sconce_image *image)
{
    uint64_t base = image->end;

    for (uint32_t i = image->segment_count; i-- > 0;) {
        if (!(image->segments[i].prot & SCONCE_PROT_WRITE))
            break;
        base = image->segments[i].gpa;
    }
    return base;
}

static void place_segments(const struct sconce_image *image, const struct cursor *cursor,
                           struct sconce_layout *layout)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *segment = &image->segments[i];
        struct sconce_region region = {
            .prot = segment->prot, .gpa = segment->gpa, .bytes = segment->bytes};

        if (!(segment->prot & SCONCE_PROT_WRITE)) {
            region.role = SCONCE_MEM_IMAGE;
            region.shared = true;
            region.offset = segment->gpa - image->start;
            layout->image_arena_bytes = region.offset + region.bytes;
        } else {
            region.role = SCONCE_MEM_STATE;
            region.offset = segment->gpa - cursor->arena_base;
        }
        add(layout, &region);
    }
}

/* Writable segments among read-only ones cannot run with the arena: they go behind all else. */
static bool move_stray_segments(const struct sconce_image *image, uint64_t arena_base,
                                struct sconce_layout *layout)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        struct sconce_region *region = &layout->regions[i];

        if (region->shared || region->gpa >= arena_base)
            continue;
        region->offset = layout->arena_bytes;
        if (!sconce_add_u64(layout->arena_bytes, region->bytes, &layout->arena_bytes))
            return false;
    }
    return true;
}

int sconce_layout_make(const struct sconce_image *image, const struct sconce_limits *limits,
                       struct sconce_layout *ret_layout, struct sconce_error *err)
{
    struct sconce_layout layout = {0};
    struct cursor cursor = {.gpa = image->end, .arena_base = arena_base_of(image)};
    const uint32_t read_write = SCONCE_PROT_READ | SCONCE_PROT_WRITE;

    place_segments(image, &cursor, &layout);
    leave_gap(&cursor);
    place(&layout, &cursor, SCONCE_MEM_BOOT, SCONCE_PROT_READ, SCONCE_GUEST_GRANULE, &layout.boot);
    place(&layout, &cursor, SCONCE_MEM_IO, SCONCE_PROT_READ, limits->io_bytes, &layout.in);
    place(&layout, &cursor, SCONCE_MEM_IO, read_write, limits->io_bytes, &layout.out);
    leave_gap(&cursor);
    place(&layout, &cursor, SCONCE_MEM_STATE, read_write, limits->stack_bytes, &layout.stack);
    leave_gap(&cursor);
    place(&layout, &cursor, SCONCE_MEM_STATE, read_write, limits->heap_bytes, &layout.heap);

    layout.arena_bytes = cursor.gpa - cursor.arena_base;
    if (cursor.full || !move_stray_segments(image, cursor.arena_base, &layout)) {
        sconce_fail_hint(err, SCONCE_E_LIMIT, "lower limits.heap_bytes, stack_bytes or io_bytes",
                         "the guest's address space is too small for the image (up to 0x%llx), a "
                         "heap of %llu bytes, a stack of %llu and buffers of 2 x %llu",
                         (unsigned long long)image->end, (unsigned long long)limits->heap_bytes,
                         (unsigned long long)limits->stack_bytes,
                         (unsigned long long)limits->io_bytes);
        if (err)
            err->limit = SCONCE_LIMIT_MEMORY;
        return SCONCE_E_LIMIT;
    }
    *ret_layout = layout;
    return 0;
}

int sconce_layout_add_window(struct sconce_layout *layout, uint64_t bytes, struct sconce_error *err)
{
    const uint64_t heap_end = layout->heap.gpa + layout->heap.bytes;
    struct cursor cursor = {.gpa = heap_end};
    const uint64_t own_bytes = layout->arena_bytes;
    struct sconce_region *window = &layout->window;

    if (!bytes)
        return 0;
    if (bytes > SCONCE_WINDOW_MOST_BYTES) {
        sconce_fail_hint(err, SCONCE_E_LIMIT, "attach what the guest needs of it, part by part",
                         "a window has at most %llu bytes, not %llu",
                         (unsigned long long)SCONCE_WINDOW_MOST_BYTES, (unsigned long long)bytes);
        if (err)
            err->limit = SCONCE_LIMIT_MEMORY;
        return SCONCE_E_LIMIT;
    }
    leave_gap(&cursor);
    place(layout, &cursor, SCONCE_MEM_WINDOW, SCONCE_PROT_READ, bytes, window);
    if (cursor.full || !sconce_add_u64(own_bytes, window->bytes, &layout->arena_bytes)) {
        sconce_fail_hint(err, SCONCE_E_LIMIT, "lower limits.window_bytes or heap_bytes",
                         "the guest's address space is too small for a window of %llu bytes behind "
                         "a heap that ends at 0x%llx",
                         (unsigned long long)bytes, (unsigned long long)heap_end);
        if (err)
            err->limit = SCONCE_LIMIT_MEMORY;
        return SCONCE_E_LIMIT;
    }
    window->offset = own_bytes;
    layout->regions[layout->region_count - 1] = *window;
    return 0;
}

void sconce_layout_drop_window(struct sconce_layout *layout)
{
    if (!layout->window.bytes)
        return;
    layout->arena_bytes = layout->window.offset;
    layout->regions[--layout->region_count] = (struct sconce_region){0};
    layout->window = (struct sconce_region){0};
}

uint64_t sconce_layout_own_bytes(const struct sconce_layout *layout)
{
    return layout->window.bytes ? layout->window.offset : layout->arena_bytes;
}

/* The window is the last of them. */
static uint32_t own_regions(const struct sconce_layout *layout)
{
    return layout->region_count - (layout->window.bytes ? 1 : 0);
}

bool sconce_layout_same_state(const struct sconce_layout *a, const struct sconce_layout *b)
{
    if (own_regions(a) != own_regions(b) ||
        sconce_layout_own_bytes(a) != sconce_layout_own_bytes(b))
        return false;
    for (uint32_t i = 0; i < own_regions(a); i++) {
        const struct sconce_region *x = &a->regions[i], *y = &b->regions[i];

        if (x->role != y->role || x->gpa != y->gpa || x->bytes != y->bytes ||
            x->offset != y->offset)
            return false;
    }
    return true;
}

SCONCE_HOT bool sconce_layout_own(const struct sconce_region *region, uint64_t gpa, uint64_t end,
                                  uint64_t *ret_start, uint64_t *ret_end)
{
    uint64_t from = gpa > region->gpa ? gpa : region->gpa;
    uint64_t to = end < region->gpa + region->bytes ? end : region->gpa + region->bytes;

    if (region->shared || region->role == SCONCE_MEM_WINDOW || from >= to)
        return false;
    *ret_start = region->offset + (from - region->gpa);
    *ret_end = region->offset + (to - region->gpa);
    return true;
}

SCONCE_HOT bool sconce_layout_allows(const struct sconce_layout *layout, uint64_t gpa,
                                     uint32_t prot)
{
    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (gpa >= region->gpa && gpa - region->gpa < region->bytes)
            return (region->prot & prot) == prot;
    }
    return false;
}

const struct sconce_region *sconce_layout_state(const struct sconce_layout *layout, uint64_t gpa,
                                                uint64_t bytes)
{
    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (region->role == SCONCE_MEM_STATE && (region->prot & SCONCE_PROT_WRITE) &&
            gpa >= region->gpa && sconce_range_within(gpa - region->gpa, bytes, region->bytes))
            return region;
    }
    return NULL;
}
