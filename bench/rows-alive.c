/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others that are alive cost a sandbox: calls of each of many in turn, beside calls of each of
 * ten; and the memory that one of many takes, beside one of SOME. All begin as one snapshot. The
 * ten live in the same process as the many, so what they share is in both. SOME are not few: the
 * first hundreds fit into what the kernel's allocators have left, and seem to take less.
 */
#include <stdlib.h>

#include "many.h"
#include "memory.h"
#include "metric.h"

#define FEW 10u
#define SOME 1000u
#define WARM_CALLS 2u

struct alive_row {
    struct many few, many;
    uint32_t export_i;
};

static int call_few(void *ctx)
{
    struct alive_row *row = ctx;

    return many_call(&row->few, row->export_i);
}

static int call_many(void *ctx)
{
    struct alive_row *row = ctx;

    return many_call(&row->many, row->export_i);
}

/* A sandbox's first calls touch what it will need. */
static int warm(struct many *many, uint32_t export_i)
{
    for (unsigned i = 0; i < WARM_CALLS * many->count; i++)
        if (many_call(many, export_i) < 0)
            return -1;
    return 0;
}

static int make_all(const struct subject *subject, unsigned wanted, struct alive_row *row)
{
    struct sconce_snapshot *snapshot;
    int r;

    if (many_snapshot(subject, &snapshot) < 0)
        return -1;
    r = many_make(subject, snapshot, FEW, &row->few);
    if (r == 0)
        r = many_make(subject, snapshot, wanted, &row->many);
    sconce_snapshot_free(snapshot);
    if (r == 0)
        r = warm(&row->few, row->export_i);
    return r < 0 ? -1 : warm(&row->many, row->export_i);
}

int row_alive_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct alive_row *row = calloc(1, sizeof *row);

    if (!row)
        return -1;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] = (struct measure_contestant){.op = call_few, .ctx = row};
    contest->contestants[CONTEST_OURS] = (struct measure_contestant){.op = call_many, .ctx = row};
    if (subject_find(&bench->subject, "nothing", &row->export_i) < 0 ||
        make_all(&bench->subject, m->at, row) < 0)
        return -1;
    contest->at = row->many.count;
    return 0;
}

void row_alive_close(struct contest *contest)
{
    struct alive_row *row = contest->state;

    if (!row)
        return;
    many_free(&row->few);
    many_free(&row->many);
    free(row);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

struct alive_memory_row {
    const struct subject *subject;
    struct sconce_snapshot *snapshot;
    struct contest *contest;
    struct many many;
    uint64_t bytes; /* for each */
};

static int fill(struct alive_memory_row *row, unsigned wanted)
{
    uint64_t before, after;

    if (memory_used(&before) < 0 || many_make(row->subject, row->snapshot, wanted, &row->many) < 0)
        return -1;
    memory_settle();
    if (memory_used(&after) < 0)
        return -1;
    row->bytes = after > before ? (after - before) / row->many.count : 0;
    return 0;
}

static int fill_some(void *ctx)
{
    return fill(ctx, SOME);
}

static int fill_many(void *ctx)
{
    struct alive_memory_row *row = ctx;
    int r = fill(row, row->contest->at);

    row->contest->at = row->many.count;
    return r;
}

static int free_all(void *ctx)
{
    many_free(&((struct alive_memory_row *)ctx)->many);
    memory_settle();
    return 0;
}

static uint64_t bytes(void *ctx)
{
    return ((struct alive_memory_row *)ctx)->bytes;
}

int row_alive_memory_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct alive_memory_row *row = calloc(1, sizeof *row);

    (void)m;
    if (!row)
        return -1;
    *row = (struct alive_memory_row){.subject = &bench->subject, .contest = contest};
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = fill_some, .after = free_all, .value = bytes, .ctx = row};
    contest->contestants[CONTEST_OURS] =
        (struct measure_contestant){.op = fill_many, .after = free_all, .value = bytes, .ctx = row};
    return many_snapshot(&bench->subject, &row->snapshot);
}

void row_alive_memory_close(struct contest *contest)
{
    struct alive_memory_row *row = contest->state;

    if (!row)
        return;
    many_free(&row->many);
    sconce_snapshot_free(row->snapshot);
    free(row);
}
