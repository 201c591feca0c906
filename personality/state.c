/* SPDX-License-Identifier: Apache-2.0 */
/* The state that system calls change: made, copied for snapshots, thrown away. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "personality/personality.h"

void sconce_personality_state_init(struct sconce_personality_state *state,
                                   const struct sconce_personality_settings *settings)
{
    *state = (struct sconce_personality_state){.brk = settings->heap_addr};
}

void sconce_personality_state_fini(struct sconce_personality_state *state)
{
    free(state->mappings);
    *state = (struct sconce_personality_state){0};
}

int sconce_personality_state_reserve(struct sconce_personality_state *to,
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

void sconce_personality_state_copy(struct sconce_personality_state *to,
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
