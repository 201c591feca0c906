/* SPDX-License-Identifier: Apache-2.0 */
/* Kicks: each ends exactly the call that it was meant for. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

static enum check_outcome check_idle(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    for (int i = 0; i < 100; i++) {
        CHECK(check, sconce_sandbox_kick(box.sandbox) == 0, "a kick said that a call was running");
        CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    }
    return CHECK_OK;
}

static void kick_self(struct check_box *box)
{
    *(int *)box->ctx = sconce_sandbox_kick(box->sandbox);
}

static enum check_outcome check_host_function(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    int said = 0;

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    box.ctx = &said;
    box.on_nothing = kick_self;
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_KICKED, SCONCE_STATE_POISONED,
                               "via_host_nothing", WITHOUT));
    CHECK(check, said == 1, "the kick said %d", said);
    CHECK(check, box.served == 1, "the host function ran %llu times",
          (unsigned long long)box.served);
    box.on_nothing = NULL;
    CHECK_STEP(check_box_recover(check, &box));
    return check_call_done(check, &box, "via_host_nothing", WITHOUT);
}

#define ALARM_US 2000u

static struct sconce_sandbox *volatile alarmed;

/* Again when it came before the call: that never ends by itself. */
static void on_alarm(int signal)
{
    struct sconce_sandbox *sandbox = alarmed;

    (void)signal;
    if (sandbox && sconce_sandbox_kick(sandbox) == 0)
        ualarm(ALARM_US, 0);
}

static enum check_outcome check_handler(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = UINT64_MAX};
    const struct sigaction action = {.sa_handler = on_alarm};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "hang.elf", &limits));
    CHECK_STEP(check_box_keep_start(check, &box));
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 10; i++) {
        enum check_outcome outcome;

        alarmed = box.sandbox;
        ualarm(ALARM_US, 0);
        outcome =
            check_call_ends(check, &box, SCONCE_E_KICKED, SCONCE_STATE_POISONED, "spin", WITHOUT);
        alarmed = NULL;
        CHECK_STEP(outcome);
        CHECK_STEP(check_box_recover(check, &box));
    }
    return CHECK_OK;
}

/* ---- the race ---- */

/*
 * Calls are numbered. A kick that hit (returned 1) is kept with the number of the call that had
 * started last, as seen before and after it. Then
 *  - a kick that saw the same number twice belongs to that call, which must have been kicked: else
 *    it was lost;
 *  - a call that ended as kicked needs a kick that may belong to it: else an old one was stale.
 */
struct hit {
    uint32_t before, after;
};

struct race {
    struct sconce_sandbox *sandbox;
    _Atomic uint32_t started; /* number of the last call */
    atomic_bool over;
    bool *kicked; /* by call: it ended as kicked */
    uint32_t calls, max_calls;
    struct hit *hits;
    _Atomic uint32_t hit_count;
    uint32_t max_hits;
    uint64_t tries;
};

static void end_race(struct race *race)
{
    free(race->kicked);
    free(race->hits);
}

static void *keep_kicking(void *ctx)
{
    struct race *race = ctx;
    uint64_t state = 88172645463325252ull;

    while (!atomic_load(&race->over) && race->hit_count < race->max_hits) {
        struct hit hit;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        /* Anywhere in a call, and between calls: no pattern in time. */
        for (volatile uint64_t wait = state % 20000; wait > 0; wait--)
            ;
        hit.before = atomic_load(&race->started);
        if (sconce_sandbox_kick(race->sandbox) == 1) {
            hit.after = atomic_load(&race->started);
            race->hits[race->hit_count] = hit;
            atomic_fetch_add(&race->hit_count, 1);
        }
        race->tries++;
        if (state % 4 == 0)
            sched_yield();
    }
    return NULL;
}

static enum check_outcome call_under_fire(struct check *check, struct check_box *box,
                                          struct race *race)
{
    while (atomic_load(&race->hit_count) < check->setup->kicks && race->calls < race->max_calls) {
        bool endless = race->calls % 7 == 0; /* some calls end only by a kick */
        int code;

        atomic_store(&race->started, race->calls);
        code = endless ? check_call(box, "spin", WITHOUT)
                       : check_call(box, "work", WITH(check_u64(2000)));
        CHECK(check, code == SCONCE_E_KICKED || (code == 0 && !endless), "a call ended with %s: %s",
              code == 0 ? "success" : sconce_error_name(code), box->err.text);
        race->kicked[race->calls++] = code == SCONCE_E_KICKED;
        if (code == SCONCE_E_KICKED)
            CHECK_STEP(check_box_recover(check, box));
    }
    return CHECK_OK;
}

static enum check_outcome judge(struct check *check, const struct race *race)
{
    SCONCE_CLEANUP(sconce_cleanup_free) bool *explained = calloc(race->max_calls + 1u, 1);
    uint32_t lost = 0, stale = 0, ended = 0;

    CHECK(check, explained, "no memory");
    for (uint32_t h = 0; h < race->hit_count; h++) {
        const struct hit *hit = &race->hits[h];

        for (uint32_t call = hit->before; call <= hit->after; call++)
            explained[call] = true;
        lost += hit->before == hit->after && !race->kicked[hit->before];
    }
    for (uint32_t call = 0; call < race->calls; call++) {
        ended += race->kicked[call];
        stale += race->kicked[call] && !explained[call];
    }
    CHECK(check, lost == 0, "%u of %u kicks were lost", lost, race->hit_count);
    CHECK(check, stale == 0, "%u of %u calls were ended by no kick of theirs", stale, ended);
    return check_note(check, "%llu kicks, %u hit and ended %u of %u calls",
                      (unsigned long long)race->tries, race->hit_count, ended, race->calls);
}

static enum check_outcome check_race(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = 20000000000ull, .heap_bytes = 1u << 20};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(end_race)
    struct race race = {.max_calls = check->setup->kicks * 50, .max_hits = check->setup->kicks * 4};
    enum check_outcome outcome;
    pthread_t kicker;

    race.kicked = calloc(race.max_calls + 1u, sizeof *race.kicked);
    race.hits = calloc(race.max_hits + 1u, sizeof *race.hits);
    CHECK(check, race.kicked && race.hits, "no memory");
    CHECK_STEP(check_box_open(check, &box, "hang.elf", &limits));
    CHECK_STEP(check_box_keep_start(check, &box));
    race.sandbox = box.sandbox;
    CHECK(check, pthread_create(&kicker, NULL, keep_kicking, &race) == 0, "no thread");
    outcome = call_under_fire(check, &box, &race);
    atomic_store(&race.over, true);
    pthread_join(kicker, NULL);
    if (outcome != CHECK_OK)
        return outcome;
    /* Quiet again: a kick that is still around would end this call. */
    CHECK_STEP(check_call_done(check, &box, "work", WITH(check_u64(100000))));
    return judge(check, &race);
}

const struct check_row check_kick_rows[] = {
    {"kick.idle", "a kick between calls does nothing", CHECK_NEEDS_SANDBOX, check_idle},
    {"kick.host", "a kick during a host function ends the call after it", CHECK_NEEDS_SANDBOX,
     check_host_function},
    {"kick.handler", "a signal handler may kick", CHECK_NEEDS_SANDBOX, check_handler},
    {"kick.race", "of kicks that race calls none is lost and none is stale", CHECK_NEEDS_SANDBOX,
     check_race},
    {NULL, NULL, 0, NULL},
};
