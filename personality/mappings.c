/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/mappings.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16u

/* The first mapping that ends behind @at; mapping_count when there is none. */
static uint32_t first_behind(const struct sconce_personality_state *state, uint64_t at)
{
    uint32_t low = 0, high = state->mapping_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (state->mappings[middle].end > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool make_room(struct sconce_personality_state *state, uint32_t count)
{
    struct sconce_personality_range *grown;
    uint32_t room = state->mapping_room ? state->mapping_room : FIRST_ROOM;

    if (count > SCONCE_PERSONALITY_MAPPINGS)
        return false;
    if (count <= state->mapping_room)
        return true;
    while (room < count)
        room *= 2;
    grown = reallocarray(state->mappings, room, sizeof *grown);
    if (!grown)
        return false;
    state->mappings = grown;
    state->mapping_room = room;
    return true;
}

/* Put @with_count ranges in the place of @count ones at @i; the room is there. */
static void replace(struct sconce_personality_state *state, uint32_t i, uint32_t count,
                    const struct sconce_personality_range *with, uint32_t with_count)
{
    struct sconce_personality_range *at = state->mappings + i;

    memmove(at + with_count, at + count, (state->mapping_count - i - count) * sizeof *at);
    if (with_count)
        memcpy(at, with, with_count * sizeof *at);
    state->mapping_count = state->mapping_count - count + with_count;
}

bool mappings_find_gap(const struct sconce_personality_state *state, uint64_t floor,
                       uint64_t ceiling, uint64_t bytes, uint64_t *ret_start)
{
    uint64_t top = ceiling;

    for (uint32_t i = state->mapping_count;; i--) {
        uint64_t bottom = i ? state->mappings[i - 1].end : floor;

        if (bottom < floor)
            bottom = floor;
        if (top >= bottom && top - bottom >= bytes) {
            *ret_start = top - bytes;
            return true;
        }
        if (!i || state->mappings[i - 1].start <= floor)
            return false;
        top = state->mappings[i - 1].start;
    }
}

bool mappings_next(const struct sconce_personality_state *state, uint64_t at, uint64_t end,
                   struct sconce_personality_range *ret)
{
    uint32_t i = first_behind(state, at);
    struct sconce_personality_range range;

    if (at >= end || i == state->mapping_count || state->mappings[i].start >= end)
        return false;
    range = state->mappings[i];
    *ret = (struct sconce_personality_range){range.start > at ? range.start : at,
                                             range.end < end ? range.end : end};
    return true;
}

bool mappings_free(const struct sconce_personality_state *state, uint64_t start, uint64_t end)
{
    struct sconce_personality_range part;

    return !mappings_next(state, start, end, &part);
}

bool mappings_cover(const struct sconce_personality_state *state, uint64_t start, uint64_t end)
{
    struct sconce_personality_range part;

    return mappings_next(state, start, end, &part) && part.start == start && part.end == end;
}

bool mappings_add(struct sconce_personality_state *state, uint64_t start, uint64_t end)
{
    uint32_t i = first_behind(state, start), from = i, count = 0;
    struct sconce_personality_range range = {start, end};

    if (i > 0 && state->mappings[i - 1].end == start) {
        range.start = state->mappings[i - 1].start;
        from--;
        count++;
    }
    if (i < state->mapping_count && state->mappings[i].start == end) {
        range.end = state->mappings[i].end;
        count++;
    }
    if (!count && !make_room(state, state->mapping_count + 1))
        return false;
    replace(state, from, count, &range, 1);
    return true;
}

bool mappings_remove(struct sconce_personality_state *state, uint64_t start, uint64_t end)
{
    struct sconce_personality_range left[2];
    uint32_t i = first_behind(state, start), count = 0, left_count = 0;

    if (start >= end) /* else a mapping around that place would be cut there */
        return true;
    while (i + count < state->mapping_count && state->mappings[i + count].start < end)
        count++;
    if (!count)
        return true;
    if (state->mappings[i].start < start)
        left[left_count++] = (struct sconce_personality_range){state->mappings[i].start, start};
    if (state->mappings[i + count - 1].end > end)
        left[left_count++] =
            (struct sconce_personality_range){end, state->mappings[i + count - 1].end};
    if (left_count > count && !make_room(state, state->mapping_count + 1))
        return false;
    replace(state, i, count, left, left_count);
    return true;
}

uint64_t mappings_lowest(const struct sconce_personality_state *state, uint64_t none)
{
    return state->mapping_count ? state->mappings[0].start : none;
}
