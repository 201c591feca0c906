/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an idle sandbox takes of memory, its processes' and the kernel's: the difference that many
 * of them make. The kernel's part is the machine's, so others on it can be seen in it.
 */
#include <stdlib.h>
#include <sys/resource.h>

#include "memory.h"
#include "metric.h"

#define SANDBOXES 200u

struct memory_row {
    const struct bench *bench;
    struct sconce_sandbox *sandboxes[SANDBOXES];
    struct floor_guest *guests[SANDBOXES];
    uint64_t bytes; /* for each */
};

static int free_all(void *ctx)
{
    struct memory_row *row = ctx;

    for (unsigned i = 0; i < SANDBOXES; i++) {
        sconce_sandbox_free(row->sandboxes[i]);
        row->sandboxes[i] = NULL;
        if (row->guests[i])
            row->guests[i]->ops->stop(row->guests[i]);
        row->guests[i] = NULL;
    }
    memory_settle();
    return 0;
}

static int conclude(struct memory_row *row, uint64_t before)
{
    uint64_t after;

    memory_settle();
    if (memory_used(&after) < 0)
        return -1;
    row->bytes = after > before ? (after - before) / SANDBOXES : 0;
    return 0;
}

static int fill_floor(void *ctx)
{
    struct memory_row *row = ctx;
    struct floor *floor = row->bench->floor;
    struct floor_error err;
    uint64_t before;

    if (memory_used(&before) < 0)
        return -1;
    for (unsigned i = 0; i < SANDBOXES; i++)
        if (floor->ops->start(floor, false, &row->guests[i], &err) < 0)
            return metric_floor_failed(&err);
    return conclude(row, before);
}

static int fill_ours(void *ctx)
{
    struct memory_row *row = ctx;
    uint64_t before;
    uint32_t export_i;

    if (memory_used(&before) < 0)
        return -1;
    for (unsigned i = 0; i < SANDBOXES; i++)
        if (subject_start(&row->bench->subject, "nothing", &row->sandboxes[i], &export_i) < 0)
            return -1;
    return conclude(row, before);
}

static uint64_t bytes(void *ctx)
{
    return ((struct memory_row *)ctx)->bytes;
}

int row_memory_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct memory_row *row = calloc(1, sizeof *row);
    struct rlimit files;

    (void)m;
    if (!row)
        return -1;
    row->bench = bench;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] = (struct measure_contestant){
        .op = fill_floor, .after = free_all, .value = bytes, .ctx = row};
    contest->contestants[CONTEST_OURS] =
        (struct measure_contestant){.op = fill_ours, .after = free_all, .value = bytes, .ctx = row};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* up to six a guest */
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return 0;
}

void row_memory_close(struct contest *contest)
{
    struct memory_row *row = contest->state;

    if (!row)
        return;
    free_all(row);
    free(row);
}
