/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cold start: a sandbox is made, runs its guest until it is ready, and is freed, against the
 * raw child that is made, rings its doorbell once, and is killed. The guest's file is loaded
 * before.
 */
#include "report.h"
#include "setup.h"

struct floor_start {
    const struct setup *setup;
    uint64_t starts;
    bool sync_wake_up;
};

struct sconce_start {
    struct sconce_guest *guest;
    uint64_t exits;
    struct sconce_error err;
};

static int start_floor(void *ctx)
{
    struct floor_start *start = ctx;
    struct floor_child child;
    struct floor_error err;

    if (floor_child_start(&start->setup->zygote, start->setup->options.mappings, &child, &err) < 0)
        return setup_floor_failed(&err);
    start->starts++;
    start->sync_wake_up = child.sync_wake_up;
    floor_child_stop(&child);
    return 0;
}

static uint64_t floor_exits(void *ctx)
{
    const struct floor_start *start = ctx;

    return start->starts;
}

static int start_sandbox(void *ctx)
{
    struct sconce_start *start = ctx;
    struct sconce_stats stats = {.size = sizeof stats};
    struct sconce_sandbox *sandbox;

    if (sconce_sandbox_new(start->guest, NULL, &sandbox, &start->err) < 0)
        return subject_failed("making a sandbox", &start->err);
    sconce_sandbox_stats(sandbox, &stats);
    start->exits += stats.exits;
    sconce_sandbox_free(sandbox);
    return 0;
}

static uint64_t sconce_exits(void *ctx)
{
    const struct sconce_start *start = ctx;

    return start->exits;
}

static int run(const struct setup *setup)
{
    struct floor_start floor = {.setup = setup};
    struct sconce_start start = {.guest = setup->subject.guest};
    const struct measure_contestant contestants[] = {
        {"floor: start, kill", start_floor, floor_exits, &floor, 0},
        {setup_name(setup), start_sandbox, sconce_exits, &start, 0},
    };
    size_t count = setup->options.backend ? 2 : 1;
    struct measure_result results[2];

    if (start_floor(&floor) < 0)
        return STATUS_NO_FLOOR;
    if (measure_run(contestants, count, &setup->options.plan, results) < 0)
        return STATUS_FAILED;
    report_results("cold start", &setup->options, floor.sync_wake_up, contestants, results, count);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    const struct measure_plan plan = {.rounds = 100, .batch = 5};
    struct setup setup;
    int status;

    if (setup_open(&setup, argc, argv, &plan, &status))
        status = run(&setup);
    setup_close(&setup);
    return status;
}
