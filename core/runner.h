/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that runs one VM's vCPU for whoever calls the sandbox, so that the guest goes on while
 * the caller works: a remote hand for sconce_vm_run. It hands back each exit and rests; what an
 * exit means is the caller's affair. Between two calls it keeps a guest from computing on: see
 * sconce_runner_end_call.
 *
 * All functions are for the thread that holds the sandbox, but for sconce_runner_kick.
 */
#ifndef SCONCE_CORE_RUNNER_H
#define SCONCE_CORE_RUNNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/run.h"
#include "core/turn.h"
#include "core/vm.h"

/* All members are runner.c's. */
struct sconce_runner {
    struct sconce_vm *vm;
    struct sconce_turn turn;
    const struct sconce_run *caller;
    struct sconce_run run; /* of the runner's thread, one for each time that it is in the guest */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic uint32_t phase;
    /* Of the last exit; the caller's while the runner rests. */
    bool has_exit;
    bool overstayed;
    int result;
    struct sconce_exit exit;
    struct sconce_error why;
    /* Odd during a call. */
    _Atomic uint64_t turns;
    atomic_bool is_stopping;
    uint32_t asked; /* how often the guest was asked to rest since the last exit */
    /* The watch's, on the runner's thread: since when the guest has run behind a call. */
    uint64_t seen_turns;
    uint64_t seen_cpu_ns;
};

/** sconce_runner_init - no thread yet. @caller: the run of whoever calls, with its signal and its
 * deadline. @vm, @turn's memory, @caller: borrowed until sconce_runner_fini. */
void sconce_runner_init(struct sconce_runner *runner, struct sconce_vm *vm,
                        const struct sconce_turn *turn, const struct sconce_run *caller);

/** sconce_runner_start - the thread, at rest. Once. SYSTEM, NO_MEMORY. */
int sconce_runner_start(struct sconce_runner *runner, struct sconce_error *err);

/** sconce_runner_fini - waits for the thread, whatever the guest does. */
void sconce_runner_fini(struct sconce_runner *runner);

/** sconce_runner_go - run the guest; only at rest, when the last exit was taken. */
void sconce_runner_go(struct sconce_runner *runner);

/** sconce_runner_rests - is it out of the guest? True before the first sconce_runner_go. */
bool sconce_runner_rests(const struct sconce_runner *runner);

/** sconce_runner_has_exit - it rests, and its exit was not taken yet. */
bool sconce_runner_has_exit(const struct sconce_runner *runner);

/** sconce_runner_wait - until it rests: for the guest's next exit, or until it is stopped. */
void sconce_runner_wait(struct sconce_runner *runner);

/** sconce_runner_wait_briefly - the same, but no longer than the guest takes for a millisecond of
 * its processor's time, a thousand times what it needs to fall asleep. Does it rest? */
bool sconce_runner_wait_briefly(struct sconce_runner *runner);

/** sconce_runner_take - what the last run came back with, as sconce_vm_run has it; only when it
 * has an exit. GUEST_PROTOCOL: the guest would not rest behind a call, and was stopped. */
int sconce_runner_take(struct sconce_runner *runner, struct sconce_exit *ret_exit,
                       struct sconce_error *err);

/** sconce_runner_begin_call - from now on the guest may run until the caller's deadline. */
void sconce_runner_begin_call(struct sconce_runner *runner);

/** sconce_runner_end_call - from now on it is asked to rest when it has run for some milliseconds,
 * and stopped when it does not. */
void sconce_runner_end_call(struct sconce_runner *runner);

/** sconce_runner_stop - have it rest, at whatever point the guest is. An exit may be there then. */
void sconce_runner_stop(struct sconce_runner *runner);

/** sconce_runner_kick - stop the vCPU if it runs now. Any thread, async-signal-safe. To be called
 * again until the runner rests: it may be on its way into the guest. */
void sconce_runner_kick(struct sconce_runner *runner);

#endif
