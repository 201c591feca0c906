/* SPDX-License-Identifier: Apache-2.0 */
#include "core/baseline.h"

#include <string.h>

#include "common/attributes.h"
#include "sconce-plugin.h"

/*
 * Stretches of this size on are shared. To share one costs two system calls' worth, and a fault for
 * each page that is used; to copy one, some microseconds a page (docs/design.md). Here both cost
 * the same when most of it is used, and a copy still is a small part of what a sandbox costs.
 */
#define LARGE_BYTES (64ull * SCONCE_SET_PAGE_BYTES)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What of @stretch lies in @region; false when nothing does. */
SCONCE_HOT static bool clip(const struct sconce_stretch *stretch,
                            const struct sconce_region *region, uint64_t *ret_start,
                            uint64_t *ret_end)
{
    *ret_start = most(stretch->start, region->offset);
    *ret_end = least(stretch->end, region->offset + region->bytes);
    return *ret_start < *ret_end;
}

static void copy_region(const struct sconce_arena *to, const struct sconce_arena *from,
                        const struct sconce_region *region, const struct sconce_stretches *touched)
{
    uint64_t start, end;

    for (size_t i = 0; i < touched->count; i++)
        if (clip(&touched->at[i], region, &start, &end))
            memcpy(to->host + start, from->host + start, end - start);
}

/* [@start, @end) becomes zero, and what @kept has of it a copy of @from; NULL: stays as it is.
 * @next: the first of @kept that does not end before @start, or one before that. */
SCONCE_HOT static void fill_range(struct sconce_arena *arena, uint64_t start, uint64_t end,
                                  const struct sconce_stretches *kept, size_t next,
                                  const uint8_t *from)
{
    while (start < end) {
        uint64_t stop = end, behind = end;

        while (next < kept->count && kept->at[next].end <= start)
            next++;
        if (next < kept->count && kept->at[next].start < end) {
            stop = most(start, kept->at[next].start);
            behind = least(end, kept->at[next].end);
        }
        memset(arena->host + start, 0, stop - start);
        if (from)
            memcpy(arena->host + stop, from + stop, behind - stop);
        start = behind;
    }
}

/* What of @region was touched, but for what @kept has: that is copied. */
static void zero_region(struct sconce_arena *arena, const struct sconce_region *region,
                        const struct sconce_stretches *touched, const struct sconce_stretches *kept)
{
    size_t next = 0;
    uint64_t start, end;

    for (size_t i = 0; i < touched->count; i++) {
        if (!clip(&touched->at[i], region, &start, &end))
            continue;
        while (next < kept->count && kept->at[next].end <= start)
            next++;
        fill_range(arena, start, end, kept, next, NULL);
    }
}

/* ---- Taking ---------------------------------------------------------------------------------- */

static uint64_t length(const struct sconce_stretch *stretch)
{
    return stretch->end - stretch->start;
}

/* Keeps @stretch among the largest, if it is one of them; those before it lie before it. */
static void keep_large(struct sconce_baseline *baseline, const struct sconce_stretch *stretch)
{
    uint32_t smallest = 0;

    if (baseline->large_count < SCONCE_ARENA_MAX_SHARED) {
        baseline->large[baseline->large_count++] = *stretch;
        return;
    }
    for (uint32_t i = 1; i < SCONCE_ARENA_MAX_SHARED; i++)
        if (length(&baseline->large[i]) < length(&baseline->large[smallest]))
            smallest = i;
    if (length(stretch) <= length(&baseline->large[smallest]))
        return;
    for (; smallest + 1 < SCONCE_ARENA_MAX_SHARED; smallest++)
        baseline->large[smallest] = baseline->large[smallest + 1];
    baseline->large[smallest] = *stretch;
}

/* The region of STATE with the least offset of those that end behind @at, or NULL. */
static const struct sconce_region *next_state(const struct sconce_layout *layout, uint64_t at)
{
    const struct sconce_region *found = NULL;

    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (!region->shared && region->role == SCONCE_MEM_STATE &&
            region->offset + region->bytes > at && (!found || region->offset < found->offset))
            found = region;
    }
    return found;
}

/* Within STATE: where the kernel populates memory by huge pages (shmem_enabled), there is some
 * beyond it as well, where others' offsets have the boot page, the window or no memory at all. */
static void find_large(struct sconce_baseline *baseline, const struct sconce_layout *layout)
{
    const struct sconce_region *region;
    uint64_t end = 0;

    baseline->large_count = 0;
    while ((region = next_state(layout, end))) {
        struct sconce_stretch pages = {.end = region->offset};

        end = region->offset + region->bytes;
        while (sconce_arena_populated(&baseline->arena, pages.end, end, &pages.start, &pages.end))
            if (length(&pages) >= LARGE_BYTES)
                keep_large(baseline, &pages);
    }
}

int sconce_baseline_survey(struct sconce_baseline *baseline, const struct sconce_layout *layout,
                           struct sconce_error *err)
{
    find_large(baseline, layout);
    return sconce_arena_content(&baseline->arena, &baseline->content, err);
}

static int fill(struct sconce_baseline *baseline, const struct sconce_layout *layout,
                const struct sconce_arena *arena, const struct sconce_stretches *touched,
                struct sconce_error *err)
{
    int r = sconce_arena_init(&baseline->arena, "sconce-baseline", arena->bytes, err);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < layout->region_count; i++)
        if (layout->regions[i].role == SCONCE_MEM_STATE)
            copy_region(&baseline->arena, arena, &layout->regions[i], touched);
    return sconce_baseline_survey(baseline, layout, err);
}

int sconce_baseline_take(struct sconce_baseline *ret_baseline, const struct sconce_layout *layout,
                         const struct sconce_arena *arena, const struct sconce_stretches *touched,
                         struct sconce_error *err)
{
    int r = fill(ret_baseline, layout, arena, touched, err);

    if (r < 0)
        sconce_baseline_fini(ret_baseline);
    return r;
}

void sconce_baseline_fini(struct sconce_baseline *baseline)
{
    sconce_arena_fini(&baseline->arena);
    sconce_stretches_fini(&baseline->content);
    baseline->large_count = 0;
}

/* ---- Putting back ---------------------------------------------------------------------------- */

int sconce_baseline_share(const struct sconce_baseline *baseline, struct sconce_arena *arena,
                          struct sconce_error *err)
{
    int r = 1;

    for (uint32_t i = 0; r > 0 && i < baseline->large_count; i++)
        r = sconce_arena_share(arena, &baseline->arena, &baseline->large[i], err);
    return r < 0 ? r : 0;
}

static void put_state(const struct sconce_baseline *baseline, const struct sconce_region *region,
                      struct sconce_arena *arena, const struct sconce_stretches *touched)
{
    zero_region(arena, region, touched, &baseline->content);
    copy_region(arena, &baseline->arena, region, &baseline->content);
}

/* Part by part of what is not shown. */
static void put_unshared(const struct sconce_baseline *baseline, const struct sconce_region *region,
                         struct sconce_arena *arena, const struct sconce_stretches *touched)
{
    const uint64_t end = region->offset + region->bytes;
    struct sconce_region part = *region;
    uint64_t at = region->offset, stop;

    for (; sconce_arena_unshared(arena, at, end, &part.offset, &stop); at = stop) {
        part.bytes = stop - part.offset;
        put_state(baseline, &part, arena, touched);
    }
}

void sconce_baseline_put(const struct sconce_baseline *baseline, const struct sconce_layout *layout,
                         struct sconce_arena *arena, const struct sconce_stretches *touched,
                         bool shown)
{
    const struct sconce_stretches none = {0};

    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (region->role == SCONCE_MEM_IO)
            zero_region(arena, region, touched, &none);
        if (region->role == SCONCE_MEM_STATE && shown)
            put_unshared(baseline, region, arena, touched);
        else if (region->role == SCONCE_MEM_STATE)
            put_state(baseline, region, arena, touched);
    }
}

/* Where what a put writes, or the boot page, ends that begins at @at or before; 0: @at is in none.
 */
static uint64_t put_end(const struct sconce_layout *layout, uint64_t at)
{
    if (at - layout->boot.offset < SCONCE_SET_PAGE_BYTES)
        return layout->boot.offset + SCONCE_SET_PAGE_BYTES;
    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (!region->shared &&
            (region->role == SCONCE_MEM_STATE || region->role == SCONCE_MEM_IO) &&
            at - region->offset < region->bytes)
            return region->offset + region->bytes;
    }
    return 0;
}

bool sconce_baseline_puts_all(const struct sconce_layout *layout,
                              const struct sconce_stretches *touched)
{
    for (size_t i = 0; i < touched->count; i++)
        for (uint64_t at = touched->at[i].start; at < touched->at[i].end;) {
            at = put_end(layout, at);
            if (!at)
                return false;
        }
    return true;
}

/* The first of @kept that does not end before @offset. */
SCONCE_HOT static size_t find_kept(const struct sconce_stretches *kept, uint64_t offset)
{
    size_t low = 0, high = kept->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (kept->at[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

SCONCE_HOT void sconce_baseline_put_range(const struct sconce_baseline *baseline, uint32_t role,
                                          struct sconce_arena *arena, uint64_t start, uint64_t end)
{
    const struct sconce_stretches *kept = &baseline->content;

    if (role == SCONCE_MEM_STATE)
        fill_range(arena, start, end, kept, find_kept(kept, start), baseline->arena.host);
    else if (role == SCONCE_MEM_IO)
        memset(arena->host + start, 0, end - start);
}

void sconce_baseline_put_back(const struct sconce_baseline *baseline,
                              const struct sconce_layout *layout, struct sconce_arena *arena)
{
    struct sconce_stretch run = {0};
    uint64_t start, end;

    while (sconce_page_set_next(&arena->written, run.end, &run.start, &run.end))
        for (uint32_t i = 0; i < layout->region_count; i++)
            if (!layout->regions[i].shared && clip(&run, &layout->regions[i], &start, &end))
                sconce_baseline_put_range(baseline, layout->regions[i].role, arena, start, end);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool in_page(const struct sconce_stretches *content, uint64_t at)
{
    size_t i = find_kept(content, at);

    return i < content->count && content->at[i].start < at + SCONCE_SET_PAGE_BYTES;
}

static bool page_differs(const struct sconce_baseline *baseline, uint32_t role,
                         const struct sconce_arena *arena, uint64_t at)
{
    static const uint8_t zeros[SCONCE_SET_PAGE_BYTES];
    bool kept = role == SCONCE_MEM_STATE && in_page(&baseline->content, at);

    return memcmp(arena->host + at, kept ? baseline->arena.host + at : zeros, sizeof zeros) != 0;
}

/* The pages of @stretches in @region. */
static bool region_differs(const struct sconce_baseline *baseline,
                           const struct sconce_region *region, const struct sconce_arena *arena,
                           const struct sconce_stretches *stretches, uint64_t *ret_offset)
{
    uint64_t start, end;

    for (size_t i = 0; i < stretches->count; i++) {
        if (!clip(&stretches->at[i], region, &start, &end))
            continue;
        for (start -= start % SCONCE_SET_PAGE_BYTES; start < end; start += SCONCE_SET_PAGE_BYTES) {
            if (!page_differs(baseline, region->role, arena, start))
                continue;
            *ret_offset = start;
            return true;
        }
    }
    return false;
}

bool sconce_baseline_differs(const struct sconce_baseline *baseline,
                             const struct sconce_layout *layout, const struct sconce_arena *arena,
                             const struct sconce_stretches *touched, uint64_t *ret_offset)
{
    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (region->shared || region->role == SCONCE_MEM_BOOT)
            continue;
        if (region_differs(baseline, region, arena, touched, ret_offset))
            return true;
        if (region->role == SCONCE_MEM_STATE &&
            region_differs(baseline, region, arena, &baseline->content, ret_offset))
            return true;
    }
    return false;
}
