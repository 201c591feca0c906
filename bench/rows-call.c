/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a warm sandbox, with what the core does by default: the deadline is armed. */
#include <stdlib.h>
#include <string.h>

#include "metric.h"

#define GIVEN_BYTES 24576u
#define TAKEN_BYTES 8192u

struct call_row {
    struct sconce_sandbox *sandbox;
    struct floor_guest *guest;
    uint32_t export_i;
    struct sconce_error err;
    unsigned char given[GIVEN_BYTES];
    unsigned char taken[TAKEN_BYTES]; /* the floor's copy of what the guest gives */
};

static int turn(struct call_row *row)
{
    struct floor_error err;

    return row->guest->ops->turn(row->guest, &err) < 0 ? metric_floor_failed(&err) : 0;
}

static int floor_once(void *ctx)
{
    return turn(ctx);
}

static int floor_twice(void *ctx)
{
    return turn(ctx) < 0 ? -1 : turn(ctx);
}

/* One copy in, one copy out: what the guest does with them is not the call's. */
static int floor_copies(void *ctx)
{
    struct call_row *row = ctx;
    char *memory = row->guest->memory;

    memcpy(memory, row->given, sizeof row->given);
    if (turn(row) < 0)
        return -1;
    memcpy(row->taken, memory + sizeof row->given, sizeof row->taken);
    __asm__ volatile("" : : "r"(row->taken) : "memory"); /* somebody reads them */
    return 0;
}

static uint64_t floor_exits(void *ctx)
{
    return ((struct call_row *)ctx)->guest->exits;
}

static int ours_plain(void *ctx)
{
    struct call_row *row = ctx;

    if (sconce_sandbox_call_index(row->sandbox, row->export_i, NULL, 0, NULL, &row->err) < 0)
        return subject_failed("a call", &row->err);
    return 0;
}

static int ours_bytes(void *ctx)
{
    struct call_row *row = ctx;
    const struct sconce_value given = sconce_bytes(row->given, sizeof row->given);
    struct sconce_value taken;

    if (sconce_sandbox_call_index(row->sandbox, row->export_i, &given, 1, &taken, &row->err) < 0)
        return subject_failed("a call with bytes", &row->err);
    return taken.as.span.length == sizeof row->taken ? 0 : -1;
}

static uint64_t ours_exits(void *ctx)
{
    return subject_exits(((struct call_row *)ctx)->sandbox);
}

static int open_row(const struct bench *bench, struct contest *contest, const char *export_name,
                    int (*floor_op)(void *ctx), int (*ours_op)(void *ctx))
{
    struct call_row *row = calloc(1, sizeof *row);
    struct floor_error err;

    if (!row)
        return -1;
    row->given[0] = 1;
    row->given[GIVEN_BYTES - 1] = 2;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] =
        (struct measure_contestant){.op = floor_op, .exits = floor_exits, .ctx = row};
    contest->contestants[CONTEST_OURS] =
        (struct measure_contestant){.op = ours_op, .exits = ours_exits, .ctx = row};
    if (bench->floor->ops->start(bench->floor, false, &row->guest, &err) < 0)
        return metric_floor_failed(&err);
    return subject_start(&bench->subject, export_name, &row->sandbox, &row->export_i);
}

int row_call_null_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    (void)m;
    return open_row(bench, contest, "nothing", floor_once, ours_plain);
}

int row_call_host_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    (void)m;
    return open_row(bench, contest, "ask", floor_twice, ours_plain);
}

int row_call_bytes_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    (void)m;
    return open_row(bench, contest, "exchange", floor_copies, ours_bytes);
}

void row_call_close(struct contest *contest)
{
    struct call_row *row = contest->state;

    if (!row)
        return;
    sconce_sandbox_free(row->sandbox);
    if (row->guest)
        row->guest->ops->stop(row->guest);
    free(row);
}
