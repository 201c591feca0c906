/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls without exits: the guest waits for them on another processor. An operation is a lot of
 * them, since its first finds the other side asleep; the guest of one contestant must not spin
 * while it is the other's turn.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "metric.h"
#include "options.h"

#define CALLS 1000u
#define WARM_UP 2000u
#define UNTIL_ASLEEP_NS 3000000 /* a guest that is not called gives its processor back by then */

struct exitless_row {
    struct sconce_sandbox *sandbox;
    struct floor_guest *guest;
    uint32_t export_i;
    pthread_t thread; /* in which the floor's guest answers */
    uint64_t took_ns; /* one call of the last operation */
    struct sconce_error err;
};

/* ---- The floor ------------------------------------------------------------------------------- */

static _Atomic uint32_t *word_of(const struct exitless_row *row)
{
    return (_Atomic uint32_t *)(void *)((char *)row->guest->memory + FLOOR_WORD_AT);
}

static void ask(const struct exitless_row *row)
{
    _Atomic uint32_t *word = word_of(row);

    atomic_store_explicit(word, FLOOR_WORD_ASK, memory_order_release);
    while (atomic_load_explicit(word, memory_order_acquire) == FLOOR_WORD_ASK)
        __builtin_ia32_pause();
}

static void *answer(void *ctx)
{
    struct exitless_row *row = ctx;
    struct floor_error err;

    options_pin_other();
    if (row->guest->ops->answer(row->guest, &err) < 0) {
        metric_floor_failed(&err);
        exit(STATUS_FAILED); /* who waits for an answer gets none */
    }
    return NULL;
}

static int floor_before(void *ctx)
{
    struct exitless_row *row = ctx;

    atomic_store(word_of(row), 0);
    if (pthread_create(&row->thread, NULL, answer, row))
        return -1;
    ask(row);
    return 0;
}

static int floor_calls(void *ctx)
{
    struct exitless_row *row = ctx;
    uint64_t start = measure_now_ns();

    for (unsigned i = 0; i < CALLS; i++)
        ask(row);
    row->took_ns = (measure_now_ns() - start) / CALLS;
    return 0;
}

static int floor_after(void *ctx)
{
    struct exitless_row *row = ctx;

    atomic_store(word_of(row), FLOOR_WORD_LEAVE);
    pthread_join(row->thread, NULL);
    return 0;
}

/* ---- Ours ------------------------------------------------------------------------------------ */

static int call_often(struct exitless_row *row, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        if (sconce_sandbox_call_index(row->sandbox, row->export_i, NULL, 0, NULL, &row->err) < 0)
            return subject_failed("a call", &row->err);
    return 0;
}

static uint64_t exitless_calls(const struct exitless_row *row)
{
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(row->sandbox, &stats);
    return stats.exitless_calls;
}

static int ours_before(void *ctx)
{
    struct exitless_row *row = ctx;
    uint64_t before = exitless_calls(row);

    for (unsigned i = 0; i < WARM_UP && exitless_calls(row) == before; i++)
        if (call_often(row, 1) < 0)
            return -1;
    return 0;
}

static int ours_calls(void *ctx)
{
    struct exitless_row *row = ctx;
    uint64_t start = measure_now_ns();

    if (call_often(row, CALLS) < 0)
        return -1;
    row->took_ns = (measure_now_ns() - start) / CALLS;
    return 0;
}

static int ours_after(void *ctx)
{
    const struct timespec moment = {.tv_nsec = UNTIL_ASLEEP_NS};

    (void)ctx;
    nanosleep(&moment, NULL);
    return 0;
}

static uint64_t took(void *ctx)
{
    return ((struct exitless_row *)ctx)->took_ns;
}

static uint64_t floor_exits(void *ctx)
{
    return ((struct exitless_row *)ctx)->guest->exits;
}

static uint64_t ours_exits(void *ctx)
{
    return subject_exits(((struct exitless_row *)ctx)->sandbox);
}

/* The sandbox's thread runs where the thread of its first such call may: elsewhere. */
static int start(struct bench *bench, struct exitless_row *row)
{
    struct sconce_sandbox_options options = subject_options();
    int r = subject_find(&bench->subject, "nothing", &row->export_i);

    options.exitless = SCONCE_EXITLESS_ON;
    options_unpin();
    if (r == 0)
        r = subject_make(&bench->subject, &options, &row->sandbox);
    options_pin_other();
    if (r == 0)
        r = call_often(row, 3);
    options_pin_back();
    return r;
}

int row_exitless_open(struct bench *bench, const struct metric *m, struct contest *contest)
{
    struct exitless_row *row = calloc(1, sizeof *row);
    struct floor_error err;

    (void)m;
    if (!row)
        return -1;
    contest->state = row;
    contest->count = 2;
    contest->contestants[CONTEST_FLOOR] = (struct measure_contestant){.op = floor_calls,
                                                                      .before = floor_before,
                                                                      .after = floor_after,
                                                                      .value = took,
                                                                      .exits = floor_exits,
                                                                      .ctx = row};
    contest->contestants[CONTEST_OURS] = (struct measure_contestant){.op = ours_calls,
                                                                     .before = ours_before,
                                                                     .after = ours_after,
                                                                     .value = took,
                                                                     .exits = ours_exits,
                                                                     .ctx = row};
    if (bench->floor->ops->start(bench->floor, false, &row->guest, &err) < 0)
        return metric_floor_failed(&err);
    return start(bench, row);
}

void row_exitless_close(struct contest *contest)
{
    struct exitless_row *row = contest->state;

    if (!row)
        return;
    sconce_sandbox_free(row->sandbox);
    if (row->guest)
        row->guest->ops->stop(row->guest);
    free(row);
}
