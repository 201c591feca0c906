/* SPDX-License-Identifier: Apache-2.0 */
/* From a guest's file in memory, from a guest, or from a snapshot of one, to the first result; and
 * all taken back. */
#include <stdlib.h>

#include "metric.h"

struct start_row {
    const struct bench *bench;
    bool load;
    unsigned heap_mib;                /* 0: the configuration's */
    struct sconce_guest *guest;       /* NULL where each start loads its own */
    struct sconce_snapshot *snapshot; /* NULL: the guest's start-up code runs */
    uint64_t exits, floor_exits;
    struct sconce_error err;
};

static int run_floor(struct start_row *row, bool bare)
{
    struct floor *floor = row->bench->floor;
    struct floor_guest *guest;
    struct floor_error err;

    if (floor->ops->start(floor, bare, &guest, &err) < 0)
        return metric_floor_failed(&err);
    row->floor_exits += guest->exits;
    floor->ops->stop(guest);
    return 0;
}

static int start_floor(void *ctx)
{
    return run_floor(ctx, false);
}

static int start_bare(void *ctx)
{
    return run_floor(ctx, true);
}

static uint64_t floor_exits(void *ctx)
{
    return ((struct start_row *)ctx)->floor_exits;
}

static int start_sandbox(struct start_row *row, struct sconce_guest *guest)
{
    const struct sconce_sandbox_options options = {.size = sizeof options,
                                                   .limits.heap_bytes = (uint64_t)row->heap_mib
                                                                        << 20,
                                                   .snapshot = row->snapshot};
    struct sconce_sandbox *sandbox = NULL;
    int r = sconce_sandbox_new(guest, &options, &sandbox, &row->err);

    if (r == 0)
        r = sconce_sandbox_call(sandbox, "nothing", NULL, 0, NULL, &row->err);
    if (r < 0)
        subject_failed("starting a sandbox", &row->err);
    else
        row->exits += subject_exits(sandbox);
    sconce_sandbox_free(sandbox);
    return r;
}

static int start_ours(void *ctx)
{
    struct start_row *row = ctx;
    struct sconce_guest *guest = row->guest;
    int r;

    if (row->load && subject_load_null(&row->bench->subject, &guest) < 0)
        return -1;
    r = start_sandbox(row, guest);
    if (row->load)
        sconce_guest_free(guest);
    return r;
}

static uint64_t ours_exits(void *ctx)
{
    return ((struct start_row *)ctx)->exits;
}

static int take_snapshot(struct start_row *row)
{
    struct sconce_sandbox *sandbox = NULL;
    int r = sconce_sandbox_new(row->guest, NULL, &sandbox, &row->err);

    if (r == 0)
        r = sconce_sandbox_snapshot(sandbox, &row->snapshot, &row->err);
    sconce_sandbox_free(sandbox);
    return r < 0 ? subject_failed("taking a snapshot", &row->err) : 0;
}

int row_start_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct start_row *row = calloc(1, sizeof *row);

    if (!row)
        return -1;
    *row = (struct start_row){.bench = bench, .load = m->load, .heap_mib = m->heap_mib};
    bench->floor->more_bytes = m->heap_mib ? (uint64_t)(m->heap_mib - METRIC_HEAP_MIB) << 20 : 0;
    contest->state = row;
    contest->count = 3;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = start_floor, .exits = floor_exits, .ctx = row};
    contest->contestants[CONTEST_OURS] =
        (struct measure_contestant){.op = start_ours, .exits = ours_exits, .ctx = row};
    contest->contestants[CONTEST_BARE] =
        (struct measure_contestant){.op = start_bare, .exits = floor_exits, .ctx = row};
    if (subject_read_null(&bench->subject) < 0)
        return -1;
    if (row->load)
        return 0;
    if (subject_load_null(&bench->subject, &row->guest) < 0)
        return -1;
    return m->from_snapshot ? take_snapshot(row) : 0;
}

void row_start_close(struct contest *contest)
{
    struct start_row *row = contest->state;

    if (!row)
        return;
    row->bench->floor->more_bytes = 0;
    sconce_snapshot_free(row->snapshot);
    sconce_guest_free(row->guest);
    free(row);
}
