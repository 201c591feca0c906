/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a kick to the return of what it ends. A second thread kicks, on another processor where
 * there is one, once the guest has had the time to get into its loop.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "metric.h"
#include "options.h"

/* What the kicker is told. */
#define KICK_FLOOR 'f'
#define KICK_OURS 'o'
#define LEAVE 'l'

#define INTO_THE_LOOP_NS 100000

struct kick_row {
    struct sconce_sandbox *sandbox;
    struct sconce_snapshot *fresh; /* a kicked sandbox is poisoned */
    struct floor_guest *guest;
    uint32_t spin_i;
    pthread_t thread;
    bool has_thread;
    int orders[2];
    atomic_bool running; /* ours: else there is nothing to kick any more */
    _Atomic uint64_t kicked_ns;
    uint64_t took_ns;
    struct sconce_error err;
};

static void order(const struct kick_row *row, char what)
{
    while (write(row->orders[1], &what, 1) < 0)
        continue;
}

static void *kicker(void *ctx)
{
    const struct timespec moment = {.tv_nsec = INTO_THE_LOOP_NS};
    struct kick_row *row = ctx;
    char what;

    options_pin_other();
    while (read(row->orders[0], &what, 1) == 1 && what != LEAVE) {
        nanosleep(&moment, NULL);
        do
            atomic_store(&row->kicked_ns, measure_now_ns());
        while (what == KICK_OURS && atomic_load(&row->running) &&
               !sconce_sandbox_kick(row->sandbox));
        if (what == KICK_FLOOR)
            row->guest->ops->kick(row->guest);
    }
    return NULL;
}

static int spin_floor(void *ctx)
{
    struct kick_row *row = ctx;
    struct floor_error err;

    order(row, KICK_FLOOR);
    if (row->guest->ops->spin(row->guest, &err) < 0)
        return metric_floor_failed(&err);
    row->took_ns = measure_now_ns() - atomic_load(&row->kicked_ns);
    return 0;
}

/* The guest's last word before its loop. */
static int on_host(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                   size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)call, (void)args, (void)arg_count, (void)ret, (void)err;
    order(ctx, KICK_OURS);
    return 0;
}

static int spin_ours(void *ctx)
{
    struct kick_row *row = ctx;
    int r;

    atomic_store(&row->running, true);
    r = sconce_sandbox_call_index(row->sandbox, row->spin_i, NULL, 0, NULL, &row->err);
    row->took_ns = measure_now_ns() - atomic_load(&row->kicked_ns);
    atomic_store(&row->running, false);
    return r == SCONCE_E_KICKED ? 0 : subject_failed("computing until a kick", &row->err);
}

static int revive(void *ctx)
{
    struct kick_row *row = ctx;

    if (sconce_sandbox_restore(row->sandbox, row->fresh, &row->err) < 0)
        return subject_failed("restoring", &row->err);
    return 0;
}

static uint64_t took(void *ctx)
{
    return ((struct kick_row *)ctx)->took_ns;
}

static uint64_t floor_exits(void *ctx)
{
    return ((struct kick_row *)ctx)->guest->exits;
}

static uint64_t ours_exits(void *ctx)
{
    return subject_exits(((struct kick_row *)ctx)->sandbox);
}

int row_kick_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct kick_row *row = calloc(1, sizeof *row);
    struct floor_error err;

    (void)m;
    if (!row)
        return -1;
    row->orders[0] = row->orders[1] = -1;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] = (struct measure_contestant){
        .op = spin_floor, .value = took, .exits = floor_exits, .ctx = row};
    contest->contestants[CONTEST_OURS] = (struct measure_contestant){
        .op = spin_ours, .after = revive, .value = took, .exits = ours_exits, .ctx = row};
    if (bench->floor->ops->start(bench->floor, false, &row->guest, &err) < 0)
        return metric_floor_failed(&err);
    if (subject_start_serving(&bench->subject, "spin", on_host, row, &row->sandbox, &row->spin_i) <
        0)
        return -1;
    if (sconce_sandbox_snapshot(row->sandbox, &row->fresh, &row->err) < 0)
        return subject_failed("taking a snapshot", &row->err);
    row->has_thread =
        pipe(row->orders) == 0 && pthread_create(&row->thread, NULL, kicker, row) == 0;
    return row->has_thread ? 0 : -1;
}

void row_kick_close(struct contest *contest)
{
    struct kick_row *row = contest->state;

    if (!row)
        return;
    if (row->has_thread) {
        order(row, LEAVE);
        pthread_join(row->thread, NULL);
    }
    close(row->orders[0]);
    close(row->orders[1]);
    sconce_snapshot_free(row->fresh);
    sconce_sandbox_free(row->sandbox);
    if (row->guest)
        row->guest->ops->stop(row->guest);
    free(row);
}
