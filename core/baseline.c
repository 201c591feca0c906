/* SPDX-License-Identifier: Apache-2.0 */
#include "core/baseline.h"

#include <string.h>

#include "sconce-plugin.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What of @stretch lies in @region; false when nothing does. */
static bool clip(const struct sconce_stretch *stretch, const struct sconce_region *region,
                 uint64_t *ret_start, uint64_t *ret_end)
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

/* What of @region was touched, but for what @kept has: that is copied. */
static void zero_region(struct sconce_arena *arena, const struct sconce_region *region,
                        const struct sconce_stretches *touched, const struct sconce_stretches *kept)
{
    size_t next = 0; /* the first of @kept that does not end before @start */
    uint64_t start, end;

    for (size_t i = 0; i < touched->count; i++) {
        if (!clip(&touched->at[i], region, &start, &end))
            continue;
        while (start < end) {
            uint64_t stop = end, behind = end;

            while (next < kept->count && kept->at[next].end <= start)
                next++;
            if (next < kept->count && kept->at[next].start < end) {
                stop = most(start, kept->at[next].start);
                behind = least(end, kept->at[next].end);
            }
            memset(arena->host + start, 0, stop - start);
            start = behind;
        }
    }
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
    return sconce_arena_survey(&baseline->arena, &baseline->populated, err);
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
    sconce_stretches_fini(&baseline->populated);
}

void sconce_baseline_put(const struct sconce_baseline *baseline, const struct sconce_layout *layout,
                         struct sconce_arena *arena, const struct sconce_stretches *touched)
{
    const struct sconce_stretches none = {0};

    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];

        if (region->role == SCONCE_MEM_IO)
            zero_region(arena, region, touched, &none);
        if (region->role != SCONCE_MEM_STATE)
            continue;
        zero_region(arena, region, touched, &baseline->populated);
        copy_region(arena, &baseline->arena, region, &baseline->populated);
    }
}
