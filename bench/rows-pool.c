/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's turn with a sandbox of a pool: it is taken, called, and given back, which restores it.
 * It has to be as the snapshot was: its pages are added up, outside of what is timed, after each
 * CHECK_EACH-th.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric.h"

#define PAGE 4096u
#define CHECK_EACH 8u

struct pool_row {
    const struct metric *metric;
    struct sconce_pool *pool;
    struct floor_guest *guest;
    unsigned char *kept; /* what the floor puts back */
    uint32_t dirty_i, checksum_i;
    uint32_t word; /* that the next call writes */
    uint32_t since_check;
    uint64_t checksum;
    uint64_t exits; /* of all turns; a sandbox knows its own alone */
    struct sconce_error err;
};

/* The least that brings a sandbox to its next user: the call, and its page as it was. */
static int floor_turn(void *ctx)
{
    struct pool_row *row = ctx;
    struct floor_error err;

    if (row->guest->ops->turn(row->guest, &err) < 0)
        return metric_floor_failed(&err);
    memcpy(row->guest->memory, row->kept, (size_t)row->metric->pages * PAGE);
    return 0;
}

static uint64_t floor_exits(void *ctx)
{
    return ((struct pool_row *)ctx)->guest->exits;
}

static int dirty(struct pool_row *row, struct sconce_sandbox *sandbox)
{
    const struct sconce_value args[] = {sconce_u32(row->metric->pages), sconce_u32(++row->word)};

    if (sconce_sandbox_call_index(sandbox, row->dirty_i, args, 2, NULL, &row->err) < 0)
        return subject_failed("dirtying pages", &row->err);
    return 0;
}

static int add_up(struct pool_row *row, struct sconce_sandbox *sandbox, uint64_t *ret_sum)
{
    const struct sconce_value count = sconce_u32(row->metric->pages);
    struct sconce_value sum;

    if (sconce_sandbox_call_index(sandbox, row->checksum_i, &count, 1, &sum, &row->err) < 0)
        return subject_failed("adding pages up", &row->err);
    *ret_sum = sum.as.u64;
    return 0;
}

static int take(struct pool_row *row, struct sconce_sandbox **ret_sandbox)
{
    if (sconce_pool_take(row->pool, UINT64_MAX, ret_sandbox, &row->err) < 0)
        return subject_failed("taking a sandbox from the pool", &row->err);
    return 0;
}

static int ours_turn(void *ctx)
{
    struct pool_row *row = ctx;
    struct sconce_sandbox *sandbox;
    int r;

    if (take(row, &sandbox) < 0)
        return -1;
    row->exits -= subject_exits(sandbox);
    r = dirty(row, sandbox);
    row->exits += subject_exits(sandbox);
    sconce_pool_give(row->pool, sandbox);
    return r;
}

static int check(void *ctx)
{
    struct pool_row *row = ctx;
    struct sconce_sandbox *sandbox;
    uint64_t sum = 0;
    int r;

    if (++row->since_check < CHECK_EACH)
        return 0;
    row->since_check = 0;
    if (take(row, &sandbox) < 0)
        return -1;
    r = add_up(row, sandbox, &sum);
    sconce_pool_give(row->pool, sandbox);
    if (r == 0 && sum != row->checksum) {
        fprintf(stderr, "bench: %s: the pages are not what they were\n", row->metric->name);
        r = -1;
    }
    return r;
}

static uint64_t ours_exits(void *ctx)
{
    return ((struct pool_row *)ctx)->exits;
}

/* That a page which is not put back would be found out; @sandbox is not used again. */
static int try_check(struct pool_row *row, struct sconce_sandbox *sandbox)
{
    uint64_t dirtied;

    if (dirty(row, sandbox) < 0 || add_up(row, sandbox, &dirtied) < 0)
        return -1;
    if (dirtied != row->checksum)
        return 0;
    fprintf(stderr, "bench: %s: the check sees no difference\n", row->metric->name);
    return -1;
}

/* Of sandboxes whose pages are filled: restored is something else than new. */
static int make_pool(const struct subject *subject, struct pool_row *row,
                     struct sconce_sandbox *sandbox, uint32_t fill_i)
{
    const struct sconce_value args[] = {sconce_u32(row->metric->pages), sconce_u32(1)};
    const struct sconce_sandbox_options sandboxes = subject_options();
    struct sconce_pool_options options = {.size = sizeof options, .sandbox = &sandboxes};
    struct sconce_snapshot *snapshot = NULL;
    int r;

    if (sconce_sandbox_call_index(sandbox, fill_i, args, 2, NULL, &row->err) < 0)
        return subject_failed("filling pages", &row->err);
    if (add_up(row, sandbox, &row->checksum) < 0)
        return -1;
    if (sconce_sandbox_snapshot(sandbox, &snapshot, &row->err) < 0)
        return subject_failed("taking a snapshot", &row->err);
    options.snapshot = snapshot;
    r = sconce_pool_new(subject->guest, &options, &row->pool, &row->err);
    sconce_snapshot_free(snapshot);
    return r < 0 ? subject_failed("making a pool", &row->err) : try_check(row, sandbox);
}

static int open_pool(const struct subject *subject, struct pool_row *row)
{
    struct sconce_sandbox *sandbox;
    uint32_t fill_i;
    int r;

    if (subject_find(subject, "dirty", &row->dirty_i) < 0 ||
        subject_find(subject, "checksum", &row->checksum_i) < 0 ||
        subject_start(subject, "fill", &sandbox, &fill_i) < 0)
        return -1;
    r = make_pool(subject, row, sandbox, fill_i);
    sconce_sandbox_free(sandbox);
    return r;
}

int row_pool_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct pool_row *row = calloc(1, sizeof *row);
    struct floor_error err;

    if (!row)
        return -1;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = floor_turn, .exits = floor_exits, .ctx = row};
    contest->contestants[CONTEST_OURS] = (struct measure_contestant){
        .op = ours_turn, .after = check, .exits = ours_exits, .ctx = row};
    row->metric = m;
    row->since_check = CHECK_EACH - 1; /* the first, too */
    row->kept = calloc(m->pages, PAGE);
    if (!row->kept || bench->floor->ops->start(bench->floor, false, &row->guest, &err) < 0)
        return row->kept ? metric_floor_failed(&err) : -1;
    return open_pool(&bench->subject, row);
}

void row_pool_close(struct contest *contest)
{
    struct pool_row *row = contest->state;

    if (!row)
        return;
    sconce_pool_free(row->pool);
    if (row->guest)
        row->guest->ops->stop(row->guest);
    free(row->kept);
    free(row);
}
