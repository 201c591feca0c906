/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for whom: the caller sets the phase to GO and the runner sets it back to REST; each
 * looks at it for a while before it sleeps. What lies beside the phase belongs to the one whose
 * turn it is.
 */
#include "core/runner.h"

#include <stddef.h>
#include <time.h>

#include "common/error.h"
#include "common/spin.h"
#include "common/thread.h"
#include "core/spare.h"

#define PHASE_REST 0u
#define PHASE_GO 1u
#define PHASE_END 2u

/* Looks at the phase before a sleep: about what waking a thread takes. */
#define LOOKS 1000u

/* A guest behind a call has so much of the processor's time to fall asleep, which takes it a few
 * instructions; then it is asked, so often. */
#define OVERSTAY_NS 10000000ull
#define ASKS_MOST 10u

/* What a guest that nobody waits for gets of the processor's time to fall asleep. */
#define BRIEF_NS 1000000u

/* How long a kick may be under way, when it may have come too early. */
#define AGAIN_NS 200000

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool in_call(const struct sconce_runner *runner)
{
    return atomic_load_explicit(&runner->turns, memory_order_acquire) & 1;
}

/* The caller sees to its deadline itself, unless its thread is in a host function that blocks the
 * signal, or that it does not come back from. */
static bool past_callers_deadline(const struct sconce_runner *runner)
{
    return clock_ns(CLOCK_MONOTONIC) >=
           atomic_load_explicit(&runner->caller->deadline_ns, memory_order_relaxed);
}

/* In the signal handler of the runner's thread. Behind a call its own time counts, not the clock's:
 * a thread that gets no processor does not overstay. */
static bool watch(struct sconce_run *run)
{
    struct sconce_runner *runner =
        (struct sconce_runner *)((char *)run - offsetof(struct sconce_runner, run));
    uint64_t turns = atomic_load_explicit(&runner->turns, memory_order_acquire);
    uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);

    if (turns & 1)
        return past_callers_deadline(runner);
    if (turns != runner->seen_turns) {
        runner->seen_turns = turns;
        runner->seen_cpu_ns = cpu_ns;
        return false;
    }
    if (cpu_ns - runner->seen_cpu_ns < OVERSTAY_NS)
        return false;
    runner->seen_cpu_ns = cpu_ns;
    return true;
}

void sconce_runner_init(struct sconce_runner *runner, struct sconce_vm *vm,
                        const struct sconce_turn *turn, const struct sconce_run *caller)
{
    runner->vm = vm;
    runner->turn = *turn;
    runner->caller = caller;
    runner->started = runner->has_exit = runner->overstayed = false;
    atomic_init(&runner->phase, PHASE_REST);
    atomic_init(&runner->turns, 0);
    atomic_init(&runner->is_stopping, false);
    runner->seen_turns = UINT64_MAX;
    sconce_run_init(&runner->run, caller->signal, vm->backend, vm->handle);
    runner->run.watch = watch;
}

/* ---- The runner's thread --------------------------------------------------------------------- */

static void set_phase(struct sconce_runner *runner, uint32_t phase)
{
    pthread_mutex_lock(&runner->lock);
    atomic_store_explicit(&runner->phase, phase, memory_order_release);
    pthread_cond_broadcast(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
}

/* Sleeps at last while the phase is @phase; returns the one that came. */
static uint32_t wait_past(struct sconce_runner *runner, uint32_t phase)
{
    uint32_t now = atomic_load_explicit(&runner->phase, memory_order_acquire);

    for (uint32_t i = 0; i < LOOKS && now == phase; i++) {
        sconce_spin_pause();
        now = atomic_load_explicit(&runner->phase, memory_order_acquire);
    }
    if (now != phase)
        return now;
    pthread_mutex_lock(&runner->lock);
    while ((now = atomic_load_explicit(&runner->phase, memory_order_acquire)) == phase)
        pthread_cond_wait(&runner->changed, &runner->lock);
    pthread_mutex_unlock(&runner->lock);
    return now;
}

/* Once in the guest. A kick belongs to one run: the next does not know of it. */
static int run_once(struct sconce_runner *runner)
{
    int r = sconce_run_begin(&runner->run, UINT64_MAX, &runner->why);

    if (r < 0)
        return r;
    sconce_run_guest_in(&runner->run);
    runner->exit.kind = SCONCE_EXIT_CANCELLED;
    if (sconce_run_stop_reason(&runner->run) == SCONCE_STOP_NONE)
        r = sconce_vm_run(runner->vm, &runner->exit, &runner->why);
    sconce_run_guest_out(&runner->run);
    sconce_run_end(&runner->run);
    return r;
}

/* Was it stopped by nobody but the watch? */
static bool asks(struct sconce_runner *runner)
{
    if (in_call(runner) || atomic_load_explicit(&runner->is_stopping, memory_order_acquire))
        return false;
    if (runner->asked == ASKS_MOST) {
        runner->overstayed = true;
        return false;
    }
    runner->asked++;
    sconce_turn_ask(&runner->turn);
    return true;
}

static void run_to_exit(struct sconce_runner *runner)
{
    runner->asked = 0;
    do
        runner->result = run_once(runner);
    while (!runner->result && runner->exit.kind == SCONCE_EXIT_CANCELLED && asks(runner));
    runner->has_exit = true;
    sconce_spare_give();
}

/* All that a run needs of the system is there once one has begun. */
static void *work(void *ctx)
{
    struct sconce_runner *runner = ctx;

    runner->result = sconce_run_begin(&runner->run, UINT64_MAX, &runner->why);
    if (!runner->result)
        sconce_run_end(&runner->run);
    set_phase(runner, PHASE_REST);
    while (wait_past(runner, PHASE_REST) == PHASE_GO) {
        run_to_exit(runner);
        set_phase(runner, PHASE_REST);
    }
    return NULL;
}

/* ---- The caller's side ----------------------------------------------------------------------- */

static void end_locks(struct sconce_runner *runner)
{
    pthread_cond_destroy(&runner->changed);
    pthread_mutex_destroy(&runner->lock);
}

int sconce_runner_start(struct sconce_runner *runner, struct sconce_error *err)
{
    pthread_condattr_t monotonic;
    int r;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&runner->lock, NULL);
    pthread_cond_init(&runner->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_store_explicit(&runner->phase, PHASE_GO, memory_order_relaxed);
    r = sconce_thread_start(&runner->thread, "sconce-vcpu", work, runner);
    if (r) {
        atomic_store_explicit(&runner->phase, PHASE_REST, memory_order_relaxed);
        end_locks(runner);
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, r, "cannot start a thread for the vCPU");
    }
    runner->started = true;
    sconce_runner_wait(runner);
    if (!runner->result)
        return 0;
    if (err)
        *err = runner->why;
    sconce_runner_fini(runner);
    return SCONCE_E_SYSTEM;
}

void sconce_runner_fini(struct sconce_runner *runner)
{
    if (!runner->started)
        return;
    sconce_runner_stop(runner);
    set_phase(runner, PHASE_END);
    pthread_join(runner->thread, NULL);
    end_locks(runner);
    runner->started = false;
    atomic_store_explicit(&runner->phase, PHASE_REST, memory_order_relaxed);
}

void sconce_runner_go(struct sconce_runner *runner)
{
    set_phase(runner, PHASE_GO);
}

bool sconce_runner_rests(const struct sconce_runner *runner)
{
    return atomic_load_explicit(&runner->phase, memory_order_acquire) == PHASE_REST;
}

bool sconce_runner_has_exit(const struct sconce_runner *runner)
{
    return sconce_runner_rests(runner) && runner->has_exit;
}

void sconce_runner_wait(struct sconce_runner *runner)
{
    wait_past(runner, PHASE_GO);
}

int sconce_runner_take(struct sconce_runner *runner, struct sconce_exit *ret_exit,
                       struct sconce_error *err)
{
    runner->has_exit = false;
    *ret_exit = runner->exit;
    if (runner->overstayed) {
        runner->overstayed = false;
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest ran on after it had returned, and was stopped");
    }
    if (runner->result < 0 && err)
        *err = runner->why;
    return runner->result;
}

void sconce_runner_begin_call(struct sconce_runner *runner)
{
    uint64_t turns = atomic_load_explicit(&runner->turns, memory_order_relaxed);

    atomic_store_explicit(&runner->turns, turns + 1, memory_order_release);
}

void sconce_runner_end_call(struct sconce_runner *runner)
{
    sconce_runner_begin_call(runner);
}

/* Until @runner rests, or for a moment. */
static void wait_a_moment(struct sconce_runner *runner)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += AGAIN_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&runner->lock);
    if (!sconce_runner_rests(runner))
        pthread_cond_timedwait(&runner->changed, &runner->lock, &until);
    pthread_mutex_unlock(&runner->lock);
}

bool sconce_runner_wait_briefly(struct sconce_runner *runner)
{
    clockid_t clock;
    uint64_t before;

    if (sconce_runner_rests(runner))
        return true;
    if (pthread_getcpuclockid(runner->thread, &clock))
        clock = CLOCK_MONOTONIC;
    before = clock_ns(clock);
    for (uint32_t i = 0; i < LOOKS && !sconce_runner_rests(runner); i++)
        sconce_spin_pause();
    while (!sconce_runner_rests(runner) && clock_ns(clock) - before < BRIEF_NS)
        wait_a_moment(runner);
    return sconce_runner_rests(runner);
}

void sconce_runner_stop(struct sconce_runner *runner)
{
    atomic_store_explicit(&runner->is_stopping, true, memory_order_release);
    while (!sconce_runner_rests(runner)) {
        sconce_runner_kick(runner);
        wait_a_moment(runner);
    }
    atomic_store_explicit(&runner->is_stopping, false, memory_order_release);
}

void sconce_runner_kick(struct sconce_runner *runner)
{
    sconce_run_kick(&runner->run);
}
