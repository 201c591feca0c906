/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The null call: a guest's function that does nothing, called on a warm sandbox, against the raw
 * round trip of the mechanism. The ratio is what Sconce adds to the mechanism.
 */
#include "report.h"
#include "setup.h"

struct floor_call {
    struct floor_child child;
    uint64_t turns;
};

struct sconce_call {
    struct sconce_sandbox *sandbox;
    uint32_t nothing; /* the export's number */
    struct sconce_error err;
};

static int turn_floor(void *ctx)
{
    struct floor_call *call = ctx;
    struct floor_error err;

    call->turns++;
    return floor_child_turn(&call->child, &err) < 0 ? setup_floor_failed(&err) : 0;
}

static uint64_t floor_exits(void *ctx)
{
    const struct floor_call *call = ctx;

    return call->turns;
}

static int call_nothing(void *ctx)
{
    struct sconce_call *call = ctx;

    if (sconce_sandbox_call_index(call->sandbox, call->nothing, NULL, 0, NULL, &call->err) < 0)
        return subject_failed("calling nothing()", &call->err);
    return 0;
}

static uint64_t sconce_exits(void *ctx)
{
    const struct sconce_call *call = ctx;
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(call->sandbox, &stats);
    return stats.exits;
}

static int open_sandbox(const struct setup *setup, struct sconce_call *call)
{
    struct sconce_guest *guest = setup->subject.guest;

    if (sconce_guest_find(guest, "nothing", &call->nothing, &call->err) < 0)
        return subject_failed(setup->options.guest, &call->err);
    if (sconce_sandbox_new(guest, NULL, &call->sandbox, &call->err) < 0)
        return subject_failed("making a sandbox", &call->err);
    return 0;
}

static int run(const struct setup *setup)
{
    struct floor_call floor = {0};
    struct sconce_call call = {0};
    const struct measure_contestant contestants[] = {
        {"floor: round trip", turn_floor, floor_exits, &floor, 0},
        {setup_name(setup), call_nothing, sconce_exits, &call, 0},
    };
    size_t count = setup->options.backend ? 2 : 1;
    struct measure_result results[2];
    struct floor_error err;
    int r = 0;

    if (floor_child_start(&setup->zygote, setup->options.mappings, &floor.child, &err) < 0) {
        setup_floor_failed(&err);
        return STATUS_NO_FLOOR;
    }
    if (setup->options.backend)
        r = open_sandbox(setup, &call);
    if (r == 0)
        r = measure_run(contestants, count, &setup->options.plan, results);
    if (r == 0)
        report_results("null call", &setup->options, floor.child.sync_wake_up, contestants, results,
                       count);
    sconce_sandbox_free(call.sandbox);
    floor_child_stop(&floor.child);
    return r == 0 ? STATUS_OK : STATUS_FAILED;
}

int main(int argc, char **argv)
{
    const struct measure_plan plan = {.rounds = 200, .batch = 100};
    struct setup setup;
    int status;

    if (setup_open(&setup, argc, argv, &plan, &status))
        status = run(&setup);
    setup_close(&setup);
    return status;
}
