/* SPDX-License-Identifier: Apache-2.0 */
/* What a call costs in exits: held exactly, since it is what makes calls fast. */
#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

static enum check_outcome stats(struct check *check, struct check_box *box,
                                struct sconce_stats *ret)
{
    ret->size = sizeof *ret;
    CHECK(check, sconce_sandbox_stats(box->sandbox, ret) == 0, "no statistics");
    return CHECK_OK;
}

/* @calls calls of @function must take @exits exits each. */
static enum check_outcome count(struct check *check, struct check_box *box, const char *function,
                                uint64_t calls, uint64_t exits, uint64_t host_calls)
{
    struct sconce_stats before, after;
    uint64_t taken;

    CHECK_STEP(check_call_done(check, box, function, WITHOUT)); /* the first may set things up */
    CHECK_STEP(stats(check, box, &before));
    for (uint64_t i = 0; i < calls; i++)
        CHECK_STEP(check_call_done(check, box, function, WITHOUT));
    CHECK_STEP(stats(check, box, &after));
    taken = after.exits - before.exits - (after.cancelled_exits - before.cancelled_exits);
    CHECK(check, after.calls - before.calls == calls, "%llu calls were counted as %llu",
          (unsigned long long)calls, (unsigned long long)(after.calls - before.calls));
    CHECK(check, taken == calls * exits, "%llu calls of %s took %llu exits, not %llu",
          (unsigned long long)calls, function, (unsigned long long)taken,
          (unsigned long long)(calls * exits));
    CHECK(check, after.host_calls - before.host_calls == calls * host_calls,
          "%llu host calls were counted",
          (unsigned long long)(after.host_calls - before.host_calls));
    return CHECK_OK;
}

static void choose_exits(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->exitless = SCONCE_EXITLESS_OFF;
}

static enum check_outcome check_exits(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.choose = choose_exits};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(count(check, &box, "nothing", 1000, 1, 0));
    CHECK_STEP(count(check, &box, "via_host_nothing", 1000, 2, 1));
    return check_note(check, "1 exit a call, 2 with a host call");
}

const struct check_row check_counts_rows[] = {
    {"counts.exits", "a call takes one exit, one more for each host call", CHECK_NEEDS_SANDBOX,
     check_exits},
    {NULL, NULL, 0, NULL},
};
