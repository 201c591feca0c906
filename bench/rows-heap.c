/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a larger heap costs a sandbox whose guest touches as little as one with the default's: that
 * one stands in the floor's place. Creation is rows-start.c's.
 */
#include <stdlib.h>

#include "metric.h"

struct heap_side {
    const struct metric *metric;
    struct sconce_sandbox *sandbox;
    struct sconce_snapshot *start; /* it is put back to this */
    struct sconce_snapshot *taken; /* by the last operation */
    uint32_t dirty_i;
    uint32_t word; /* that the next call writes */
    struct sconce_error err;
};

struct heap_row {
    struct heap_side small, large;
};

static int take(void *ctx)
{
    struct heap_side *side = ctx;

    if (sconce_sandbox_snapshot(side->sandbox, &side->taken, &side->err) < 0)
        return subject_failed("taking a snapshot", &side->err);
    return 0;
}

static int drop(void *ctx)
{
    struct heap_side *side = ctx;

    sconce_snapshot_free(side->taken);
    side->taken = NULL;
    return 0;
}

static int dirty(struct heap_side *side)
{
    const struct sconce_value args[] = {sconce_u32(side->metric->pages), sconce_u32(++side->word)};

    if (sconce_sandbox_call_index(side->sandbox, side->dirty_i, args, 2, NULL, &side->err) < 0)
        return subject_failed("dirtying pages", &side->err);
    return 0;
}

static int restore(void *ctx)
{
    struct heap_side *side = ctx;

    if (dirty(side) < 0)
        return -1;
    if (sconce_sandbox_restore(side->sandbox, side->start, &side->err) < 0)
        return subject_failed("restoring", &side->err);
    return 0;
}

static uint64_t exits(void *ctx)
{
    return subject_exits(((struct heap_side *)ctx)->sandbox);
}

static int open_side(const struct subject *subject, const struct metric *metric, unsigned heap_mib,
                     struct heap_side *side)
{
    struct sconce_sandbox_options options = subject_options();

    options.limits.heap_bytes = (uint64_t)heap_mib << 20;
    side->metric = metric;
    if (subject_find(subject, "dirty", &side->dirty_i) < 0 ||
        subject_make(subject, &options, &side->sandbox) < 0 || dirty(side) < 0)
        return -1;
    if (sconce_sandbox_snapshot(side->sandbox, &side->start, &side->err) < 0)
        return subject_failed("taking a snapshot", &side->err);
    return 0;
}

static int open_row(const struct bench *bench, const struct metric *m, struct contest *contest,
                    int (*op)(void *ctx), int (*after)(void *ctx))
{
    struct heap_row *row = calloc(1, sizeof *row);

    if (!row)
        return -1;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = op, .after = after, .exits = exits, .ctx = &row->small};
    contest->contestants[CONTEST_OURS] =
        (struct measure_contestant){.op = op, .after = after, .exits = exits, .ctx = &row->large};
    if (open_side(&bench->subject, m, METRIC_HEAP_MIB, &row->small) < 0)
        return -1;
    return open_side(&bench->subject, m, m->heap_mib, &row->large);
}

int row_heap_snapshot_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    return open_row(bench, m, contest, take, drop);
}

int row_heap_restore_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    return open_row(bench, m, contest, restore, NULL);
}

static void close_side(struct heap_side *side)
{
    sconce_snapshot_free(side->taken);
    sconce_snapshot_free(side->start);
    sconce_sandbox_free(side->sandbox);
}

void row_heap_close(struct contest *contest)
{
    struct heap_row *row = contest->state;

    if (!row)
        return;
    close_side(&row->small);
    close_side(&row->large);
    free(row);
}
