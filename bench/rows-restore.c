/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that dirties pages, and the sandbox put back. The bytes are held to what they were: the
 * guest adds them up, outside of what is timed, after each CHECK_EACH-th.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric.h"

#define PAGE 4096u
#define CHECK_EACH 8u

struct restore_row {
    const struct metric *metric;
    struct sconce_sandbox *sandbox;
    struct sconce_snapshot *snapshot;
    struct floor_guest *guest;
    unsigned char *kept; /* what the floor puts back */
    uint32_t dirty_i, checksum_i;
    uint32_t word; /* that the next call writes */
    uint32_t since_check;
    uint64_t checksum;
    struct sconce_error err;
};

/* Registers as new, then the pages; the guest's run to its doorbell is the call. */
static int floor_restore(void *ctx)
{
    struct restore_row *row = ctx;
    const struct floor_ops *ops = row->guest->ops;
    struct floor_error err;

    if (ops->turn(row->guest, &err) < 0 || (row->metric->scrub && ops->scrub(row->guest, &err) < 0))
        return metric_floor_failed(&err);
    memcpy(row->guest->memory, row->kept, (size_t)row->metric->pages * PAGE);
    return 0;
}

static uint64_t floor_exits(void *ctx)
{
    return ((struct restore_row *)ctx)->guest->exits;
}

static int dirty(struct restore_row *row)
{
    const struct sconce_value args[] = {sconce_u32(row->metric->pages), sconce_u32(++row->word)};

    if (sconce_sandbox_call_index(row->sandbox, row->dirty_i, args, 2, NULL, &row->err) < 0)
        return subject_failed("dirtying pages", &row->err);
    return 0;
}

static int put_back(struct restore_row *row)
{
    if (row->metric->back(row->sandbox, row->snapshot, &row->err) < 0)
        return subject_failed("restoring", &row->err);
    return 0;
}

static int ours_restore(void *ctx)
{
    return dirty(ctx) < 0 ? -1 : put_back(ctx);
}

static int add_up(struct restore_row *row, uint64_t *ret_sum)
{
    const struct sconce_value count = sconce_u32(row->metric->pages);
    struct sconce_value sum;

    if (sconce_sandbox_call_index(row->sandbox, row->checksum_i, &count, 1, &sum, &row->err) < 0)
        return subject_failed("adding pages up", &row->err);
    *ret_sum = sum.as.u64;
    return 0;
}

/* The call that looks leaves traces itself, so what it did is put back, too. */
static int check(void *ctx)
{
    struct restore_row *row = ctx;
    uint64_t sum;

    if (++row->since_check < CHECK_EACH)
        return 0;
    row->since_check = 0;
    if (add_up(row, &sum) < 0)
        return -1;
    if (sum == row->checksum)
        return put_back(row);
    fprintf(stderr, "bench: %s: the pages are not what they were\n", row->metric->name);
    return -1;
}

static uint64_t ours_exits(void *ctx)
{
    return subject_exits(((struct restore_row *)ctx)->sandbox);
}

/* The snapshot, and that a sandbox that is not put back would be found out. */
static int take_snapshot(struct restore_row *row)
{
    uint64_t dirtied;

    if (add_up(row, &row->checksum) < 0)
        return -1;
    if (sconce_sandbox_snapshot(row->sandbox, &row->snapshot, &row->err) < 0)
        return subject_failed("taking a snapshot", &row->err);
    if (dirty(row) < 0 || add_up(row, &dirtied) < 0)
        return -1;
    if (dirtied == row->checksum) {
        fprintf(stderr, "bench: %s: the check sees no difference\n", row->metric->name);
        return -1;
    }
    return put_back(row);
}

static int open_sandbox(const struct subject *subject, struct restore_row *row)
{
    const struct sconce_value args[] = {sconce_u32(row->metric->pages), sconce_u32(1)};
    uint32_t fill_i;

    if (subject_start(subject, "fill", &row->sandbox, &fill_i) < 0 ||
        subject_find(subject, "dirty", &row->dirty_i) < 0 ||
        subject_find(subject, "checksum", &row->checksum_i) < 0)
        return -1;
    if (sconce_sandbox_call_index(row->sandbox, fill_i, args, 2, NULL, &row->err) < 0)
        return subject_failed("filling pages", &row->err);
    return take_snapshot(row);
}

int row_restore_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct restore_row *row = calloc(1, sizeof *row);
    size_t bytes = (size_t)m->pages * PAGE;
    struct floor_error err;

    if (!row)
        return -1;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = floor_restore, .exits = floor_exits, .ctx = row};
    contest->contestants[CONTEST_OURS] = (struct measure_contestant){
        .op = ours_restore, .after = check, .exits = ours_exits, .ctx = row};
    row->metric = m;
    row->since_check = CHECK_EACH - 1; /* the first, too */
    row->kept = malloc(bytes);
    if (!row->kept || bench->floor->ops->start(bench->floor, false, &row->guest, &err) < 0)
        return row->kept ? metric_floor_failed(&err) : -1;
    memset(row->kept, 0x5a, bytes);
    return open_sandbox(&bench->subject, row);
}

void row_restore_close(struct contest *contest)
{
    struct restore_row *row = contest->state;

    if (!row)
        return;
    sconce_snapshot_free(row->snapshot);
    sconce_sandbox_free(row->sandbox);
    if (row->guest)
        row->guest->ops->stop(row->guest);
    free(row->kept);
    free(row);
}
