/* SPDX-License-Identifier: Apache-2.0 */
/* The same source, as a guest and as a part of this program. The guest's call is in its time. */
#include <stdio.h>
#include <stdlib.h>

#include "metric.h"

struct compute_row {
    const struct metric *metric;
    struct sconce_sandbox *sandbox;
    uint32_t export_i;
    uint64_t native, ours; /* results */
    struct sconce_error err;
};

static int compute_native(void *ctx)
{
    struct compute_row *row = ctx;

    row->native = row->metric->work(row->metric->turns);
    return 0;
}

static int compute_ours(void *ctx)
{
    struct compute_row *row = ctx;
    const struct sconce_value turns = sconce_u32(row->metric->turns);
    struct sconce_value result;

    if (sconce_sandbox_call_index(row->sandbox, row->export_i, &turns, 1, &result, &row->err) < 0)
        return subject_failed("computing", &row->err);
    row->ours = result.as.u64;
    return 0;
}

static int check(void *ctx)
{
    const struct compute_row *row = ctx;

    if (row->ours == row->native)
        return 0;
    fprintf(stderr, "bench: %s: guest and host come to different results\n", row->metric->name);
    return -1;
}

static uint64_t ours_exits(void *ctx)
{
    return subject_exits(((struct compute_row *)ctx)->sandbox);
}

int row_compute_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct compute_row *row = calloc(1, sizeof *row);

    if (!row)
        return -1;
    row->metric = m;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = compute_native, .ctx = row};
    contest->contestants[CONTEST_OURS] = (struct measure_contestant){
        .op = compute_ours, .after = check, .exits = ours_exits, .ctx = row};
    if (m->needs_avx2 && !__builtin_cpu_supports("avx2")) {
        fprintf(stderr, "bench: %s: this processor has no AVX2\n", m->name);
        return 1;
    }
    return subject_start(&bench->subject, m->export_name, &row->sandbox, &row->export_i);
}

void row_compute_close(struct contest *contest)
{
    struct compute_row *row = contest->state;

    if (!row)
        return;
    sconce_sandbox_free(row->sandbox);
    free(row);
}
