/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Either the runner is in the guest, or it rests; and either the guest's last doorbell was rung by
 * memory and is not answered yet (@rung), or there is none such. The guest's word on what it does
 * counts for nothing else: whatever exit comes instead of what it promised is handled as any other.
 */
#include "core/exitless.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/process.h"
#include "common/spin.h"
#include "core/runner.h"
#include "core/spare.h"

/* Looks at the word, of the guest's and of ours; one takes some ten nanoseconds. */
#define SPINS_FIRST 4096u
#define SPINS_LEAST 1024u
#define SPINS_MOST 16384u
#define LOOKS 4096u

/* Runs on the caller's thread after too many misses; twice as many the next time. */
#define REST_FIRST 16u
#define REST_MOST 1024u
#define GOOD_STREAK 64u /* hits in a row after which that is forgotten */

struct sconce_exitless {
    struct sconce_vm *vm;
    struct sconce_run *run;
    struct sconce_stats *stats;
    struct sconce_turn turn;
    struct sconce_runner runner;
    uint32_t process;
    uint32_t most;      /* guests of this process that may spin */
    bool has_runner;    /* its thread was started */
    bool gives_up;      /* it could not be */
    bool guest_knows;   /* of the turn word: it was seen to use it */
    volatile bool here; /* the vCPU runs on the caller's thread; for its signal handler */
    uint32_t rung;
    uint32_t spins;
    uint32_t rest;      /* so many runs are on the caller's thread yet */
    uint32_t next_rest; /* what rest is set to next */
    uint32_t streak;    /* hits since the last miss */
};

bool sconce_exitless_fits(const struct sconce_backend *backend)
{
    return !strcmp(backend->isolation, "vm") && backend->thread_model == SCONCE_THREADS_PER_VM &&
           sconce_spare_most() > 0;
}

/* In the signal handler of the caller's thread, again and again until the run is out of the guest:
 * a kick that comes before the runner is in it may be lost. */
static void relay(struct sconce_run *run)
{
    struct sconce_exitless *exitless = run->relay_ctx;

    if (exitless->here)
        run->kick_local(run->vm);
    else
        sconce_runner_kick(&exitless->runner);
}

struct sconce_exitless *sconce_exitless_new(struct sconce_vm *vm, struct sconce_run *run,
                                            const struct sconce_turn *turn,
                                            struct sconce_stats *stats)
{
    struct sconce_exitless *exitless = calloc(1, sizeof *exitless);

    if (!exitless)
        return NULL;
    exitless->vm = vm;
    exitless->run = run;
    exitless->stats = stats;
    exitless->turn = *turn;
    exitless->process = sconce_process_id();
    exitless->most = sconce_spare_most();
    exitless->spins = SPINS_FIRST;
    exitless->next_rest = REST_FIRST;
    sconce_runner_init(&exitless->runner, vm, turn, run);
    run->relay_ctx = exitless;
    run->relay = relay;
    return exitless;
}

void sconce_exitless_free(struct sconce_exitless *exitless)
{
    if (!exitless)
        return;
    if (exitless->has_runner)
        sconce_runner_fini(&exitless->runner);
    free(exitless);
}

/* ---- How long, and whether --------------------------------------------------------------------
 */

static void hit(struct sconce_exitless *exitless)
{
    exitless->spins += exitless->spins / 16;
    if (exitless->spins > SPINS_MOST)
        exitless->spins = SPINS_MOST;
    if (++exitless->streak >= GOOD_STREAK)
        exitless->next_rest = REST_FIRST;
}

/* One of the two waited in vain, and was woken by the system. */
static void miss(struct sconce_exitless *exitless)
{
    exitless->streak = 0;
    exitless->spins /= 2;
    if (exitless->spins >= SPINS_LEAST)
        return;
    exitless->spins = SPINS_FIRST;
    exitless->rest = exitless->next_rest;
    if (exitless->next_rest < REST_MOST)
        exitless->next_rest *= 2;
}

/* Is the runner to take the guest on? It then has a place among those that spin. */
static bool takes_runner(struct sconce_exitless *exitless)
{
    if (!exitless->guest_knows || exitless->gives_up)
        return false;
    if (exitless->rest) {
        exitless->rest--;
        return false;
    }
    if (!exitless->has_runner) {
        exitless->has_runner = sconce_runner_start(&exitless->runner, NULL) == 0;
        exitless->gives_up = !exitless->has_runner;
    }
    return exitless->has_runner && sconce_spare_take(exitless->most);
}

void sconce_exitless_begin(struct sconce_exitless *exitless)
{
    if (exitless)
        sconce_runner_begin_call(&exitless->runner);
}

/* ---- Running ----------------------------------------------------------------------------------
 */

static int take(struct sconce_exitless *exitless, struct sconce_exit *ret_exit,
                struct sconce_error *err)
{
    exitless->stats->exits++;
    return sconce_runner_take(&exitless->runner, ret_exit, err);
}

/* On this thread. A guest that looks at the word once, and falls asleep, knows what it is. */
static int run_here(struct sconce_exitless *exitless, struct sconce_exit *ret_exit,
                    struct sconce_error *err)
{
    int r;

    sconce_turn_let(&exitless->turn, exitless->guest_knows ? 0 : 1);
    exitless->here = true;
    atomic_signal_fence(memory_order_seq_cst);
    r = sconce_vm_run(exitless->vm, ret_exit, err);
    atomic_signal_fence(memory_order_seq_cst);
    exitless->here = false;
    exitless->stats->exits++;
    if (!r && ret_exit->kind == SCONCE_EXIT_DOORBELL && sconce_turn_asleep(&exitless->turn))
        exitless->guest_knows = true;
    return r;
}

static bool take_ring(struct sconce_exitless *exitless, struct sconce_exit *ret_exit)
{
    uint32_t number = sconce_turn_rung(&exitless->turn);

    if (!number)
        return false;
    exitless->rung = number;
    memset(ret_exit, 0, sizeof *ret_exit);
    ret_exit->size = sizeof *ret_exit;
    ret_exit->kind = SCONCE_EXIT_DOORBELL;
    ret_exit->u.doorbell.number = number;
    return true;
}

/* The runner is in the guest, or has an exit. Whoever rings when nobody looks any more falls asleep
 * after its spins, which is an exit. */
static int listen(struct sconce_exitless *exitless, struct sconce_exit *ret_exit, bool *ret_rung,
                  struct sconce_error *err)
{
    for (uint32_t i = 0; i < LOOKS; i++) {
        if (sconce_runner_has_exit(&exitless->runner))
            return take(exitless, ret_exit, err);
        *ret_rung = take_ring(exitless, ret_exit);
        if (*ret_rung)
            return 0;
        sconce_spin_pause();
    }
    miss(exitless);
    sconce_turn_let(&exitless->turn, 0);
    sconce_runner_wait(&exitless->runner);
    return take(exitless, ret_exit, err);
}

/* Where it was kicked on the way, and that was told. The few instructions to the doorbell need no
 * processor for themselves. */
static void go_on(struct sconce_exitless *exitless)
{
    if (sconce_runner_has_exit(&exitless->runner) || !sconce_runner_rests(&exitless->runner))
        return;
    (void)sconce_spare_take(UINT32_MAX);
    sconce_runner_go(&exitless->runner);
}

/* The guest did not wait for its answer. One that fell asleep, as it may, is at the doorbell now;
 * 1: it can go on from there. Else @ret_exit is what it did instead, or a kick on the way there. */
static int find_asleep(struct sconce_exitless *exitless, uint32_t number,
                       struct sconce_exit *ret_exit, struct sconce_error *err)
{
    int r;

    go_on(exitless);
    sconce_runner_wait(&exitless->runner);
    r = take(exitless, ret_exit, err);
    if (r < 0)
        return r;
    if (ret_exit->kind == SCONCE_EXIT_CANCELLED)
        exitless->rung = number;
    return ret_exit->kind == SCONCE_EXIT_DOORBELL && ret_exit->u.doorbell.number == number;
}

int sconce_exitless_run(struct sconce_exitless *exitless, struct sconce_exit *ret_exit,
                        bool *ret_rung, struct sconce_error *err)
{
    uint32_t number = exitless->rung;
    int r;

    *ret_rung = false;
    exitless->rung = 0;
    if (number && sconce_turn_answer(&exitless->turn, number)) {
        hit(exitless);
    } else if (number) {
        r = find_asleep(exitless, number, ret_exit, err);
        if (r != 1)
            return r;
        miss(exitless);
    }
    if (sconce_runner_rests(&exitless->runner) && !sconce_runner_has_exit(&exitless->runner)) {
        if (!takes_runner(exitless))
            return run_here(exitless, ret_exit, err);
        sconce_turn_let(&exitless->turn, exitless->spins);
        sconce_runner_go(&exitless->runner);
    }
    return listen(exitless, ret_exit, ret_rung, err);
}

/* ---- Resting ----------------------------------------------------------------------------------
 */

static void forget(struct sconce_exitless *exitless)
{
    exitless->rung = 0;
    sconce_turn_let(&exitless->turn, 0);
    sconce_turn_clear(&exitless->turn);
}

void sconce_exitless_stop(struct sconce_exitless *exitless)
{
    struct sconce_exit dropped;

    if (!exitless)
        return;
    if (exitless->has_runner) {
        sconce_runner_stop(&exitless->runner);
        if (sconce_runner_has_exit(&exitless->runner))
            take(exitless, &dropped, NULL);
    }
    forget(exitless);
}

void sconce_exitless_end(struct sconce_exitless *exitless, bool ok)
{
    if (!exitless || exitless->process != sconce_process_id())
        return; /* a child that returned from the parent's host function has no such thread */
    sconce_runner_end_call(&exitless->runner);
    if (!ok)
        sconce_exitless_stop(exitless);
}

static int did_not_rest(struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                       "the guest did not rest at its doorbell after it had returned");
}

int sconce_exitless_park(struct sconce_exitless *exitless, bool patient, struct sconce_error *err)
{
    struct sconce_exit exit;
    int r = 0;

    if (!exitless || !exitless->rung)
        return 0;
    sconce_turn_let(&exitless->turn, 0);
    sconce_turn_ask(&exitless->turn);
    /* Kicks that come late are few; one that does not rest is stopped by the runner. */
    do {
        uint32_t number = exitless->rung;

        exitless->rung = 0;
        go_on(exitless);
        if (!patient && !sconce_runner_wait_briefly(&exitless->runner)) {
            sconce_exitless_stop(exitless);
            return did_not_rest(err);
        }
        r = find_asleep(exitless, number, &exit, err);
    } while (!r && exitless->rung);
    forget(exitless);
    if (r < 0)
        return r;
    return r ? 0 : did_not_rest(err);
}
