/* SPDX-License-Identifier: Apache-2.0 */
/* The state that system calls change: made, copied for snapshots, thrown away. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "personality/personality.h"

void sconce_personality_state_init(struct sconce_personality_state *state,
                                   const struct sconce_personality_settings *settings)
{
    *state = (struct sconce_personality_state){.brk = settings->heap_addr};
}

static bool is_mapping(const struct sconce_personality_range *range, uint64_t floor, uint64_t end,
                       uint64_t page_bytes)
{
    return range->start >= floor && range->start < range->end && range->end <= end &&
           ((range->start | range->end) & (page_bytes - 1)) == 0;
}

int sconce_personality_state_check(const struct sconce_personality_state *state,
                                   const struct sconce_personality_settings *settings,
                                   struct sconce_error *err)
{
    const uint64_t start = settings->heap_addr, end = start + settings->heap_bytes;
    uint64_t floor = state->brk;

    if (state->brk < start || state->brk > end)
        return sconce_fail(err, SCONCE_E_INVALID,
                           "the heap is said to be used up to 0x%" PRIx64
                           ", but it is from 0x%" PRIx64 " to 0x%" PRIx64,
                           state->brk, start, end);
    if (state->mapping_count > SCONCE_PERSONALITY_MAPPINGS)
        return sconce_fail(err, SCONCE_E_INVALID, "there are %u mappings; %u are the most",
                           state->mapping_count, SCONCE_PERSONALITY_MAPPINGS);
    for (uint32_t i = 0; i < state->mapping_count; i++) {
        if (!is_mapping(&state->mappings[i], floor, end, settings->page_bytes))
            return sconce_fail(err, SCONCE_E_INVALID,
                               "mapping number %u, 0x%" PRIx64 " to 0x%" PRIx64
                               ", is no whole pages of the heap's behind those before it",
                               i + 1, state->mappings[i].start, state->mappings[i].end);
        floor = state->mappings[i].end + 1; /* those that touch are one */
    }
    if (state->random_at > SCONCE_PERSONALITY_RANDOM_MOST)
        return sconce_fail(err, SCONCE_E_INVALID,
                           "%" PRIu64 " random bytes are said to be used up; %llu are the most",
                           state->random_at, SCONCE_PERSONALITY_RANDOM_MOST);
    return 0;
}

void sconce_personality_state_fini(struct sconce_personality_state *state)
{
    free(state->mappings);
    *state = (struct sconce_personality_state){0};
}

SCONCE_HOT int sconce_personality_state_reserve(struct sconce_personality_state *to,
                                                const struct sconce_personality_state *from,
                                                struct sconce_error *err)
{
    struct sconce_personality_range *grown;

    if (from->mapping_count <= to->mapping_room)
        return 0;
    grown = reallocarray(to->mappings, from->mapping_count, sizeof *grown);
    if (!grown)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a guest's %u mappings",
                           from->mapping_count);
    to->mappings = grown;
    to->mapping_room = from->mapping_count;
    return 0;
}

SCONCE_HOT void sconce_personality_state_copy(struct sconce_personality_state *to,
                                              const struct sconce_personality_state *from)
{
    struct sconce_personality_range *mappings = to->mappings;
    uint32_t room = to->mapping_room;

    *to = *from;
    to->mappings = mappings;
    to->mapping_room = room;
    if (from->mapping_count)
        memcpy(mappings, from->mappings, from->mapping_count * sizeof *mappings);
}
