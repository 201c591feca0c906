/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of the heap the guest has mapped: sorted ranges, merged where they touch. Pure
 * bookkeeping: addresses and lengths are whole pages already, and nothing here touches memory.
 */
#ifndef SCONCE_PERSONALITY_MAPPINGS_H
#define SCONCE_PERSONALITY_MAPPINGS_H

#include "personality/personality.h"

/** mappings_find_gap - the highest @bytes free bytes within [@floor, @ceiling). */
bool mappings_find_gap(const struct sconce_personality_state *state, uint64_t floor,
                       uint64_t ceiling, uint64_t bytes, uint64_t *ret_start);

/** mappings_free - is nothing of [@start, @end) mapped? */
bool mappings_free(const struct sconce_personality_state *state, uint64_t start, uint64_t end);

/** mappings_cover - is all of [@start, @end) mapped? */
bool mappings_cover(const struct sconce_personality_state *state, uint64_t start, uint64_t end);

/** mappings_add - [@start, @end), which is free. False: too many, or no memory. */
bool mappings_add(struct sconce_personality_state *state, uint64_t start, uint64_t end);

/** mappings_remove - whatever of [@start, @end) is mapped. False, and nothing is changed, when a
 * split would make too many, or there is no memory for it. */
bool mappings_remove(struct sconce_personality_state *state, uint64_t start, uint64_t end);

/** mappings_next - the first mapped part of [@at, @end). */
bool mappings_next(const struct sconce_personality_state *state, uint64_t at, uint64_t end,
                   struct sconce_personality_range *ret);

/** mappings_lowest - where the first mapping starts; @none when there is none. */
uint64_t mappings_lowest(const struct sconce_personality_state *state, uint64_t none);

#endif
