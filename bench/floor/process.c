/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of a process backend, as one: children of process-child.c behind floor.h. */
#include <errno.h>
#include <stdlib.h>

#include "process-child.h"

/* Text, constants, data with heap, stack, the call's two buffers as one, and the signal stack: as
 * many as a child of process-x86_64 has. */
#define MAPPINGS 6u

/* The host's view is one piece; the child has the beginning of each mapping. */
#define MEMORY_AT (2 * FLOOR_STRIDE_BYTES)
_Static_assert(MAPPINGS *FLOOR_STRIDE_BYTES >= MEMORY_AT + FLOOR_MEMORY_BYTES, "memory is there");

struct process_floor {
    struct floor base;
    struct floor_zygote zygote;
};

struct process_guest {
    struct floor_guest base;
    struct floor_child child;
};

static int no_memory(struct floor_error *err)
{
    *err = (struct floor_error){"making room for a floor", ENOMEM};
    return -1;
}

static int open_zygote(const char *program, struct floor **ret_floor, struct floor_error *err)
{
    struct process_floor *floor = calloc(1, sizeof *floor);

    if (!floor)
        return no_memory(err);
    floor->base.ops = &floor_process;
    if (floor_zygote_start(program, &floor->zygote, err) < 0) {
        free(floor);
        return -1;
    }
    *ret_floor = &floor->base;
    return 0;
}

static void close_zygote(struct floor *base)
{
    struct process_floor *floor = (struct process_floor *)base;

    floor_zygote_stop(&floor->zygote);
    free(floor);
}

static int start(struct floor *base, bool bare, struct floor_guest **ret_guest,
                 struct floor_error *err)
{
    const struct process_floor *floor = (const struct process_floor *)base;
    struct process_guest *guest = malloc(sizeof *guest);

    (void)bare;
    if (!guest)
        return no_memory(err);
    if (floor_child_start(&floor->zygote, MAPPINGS, floor->base.more_bytes, &guest->child, err) <
        0) {
        free(guest);
        return -1;
    }
    guest->base = (struct floor_guest){
        .ops = &floor_process, .memory = (char *)guest->child.view + MEMORY_AT, .exits = 1};
    *ret_guest = &guest->base;
    return 0;
}

static void stop(struct floor_guest *base)
{
    struct process_guest *guest = (struct process_guest *)base;

    floor_child_stop(&guest->child);
    free(guest);
}

static int turn(struct floor_guest *base, struct floor_error *err)
{
    base->exits++;
    return floor_child_turn(&((struct process_guest *)base)->child, err);
}

static int scrub(struct floor_guest *base, struct floor_error *err)
{
    (void)err;
    floor_child_scrub(&((struct process_guest *)base)->child);
    return 0;
}

static int spin(struct floor_guest *base, struct floor_error *err)
{
    base->exits++;
    return floor_child_spin(&((struct process_guest *)base)->child, err);
}

static void kick(struct floor_guest *base)
{
    floor_child_kick(&((struct process_guest *)base)->child);
}

const struct floor_ops floor_process = {
    .open = open_zygote,
    .close = close_zygote,
    .start = start,
    .stop = stop,
    .turn = turn,
    .scrub = scrub,
    .spin = spin,
    .kick = kick,
};
