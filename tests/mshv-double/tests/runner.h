/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine whose guest counts, and a thread that runs it. No time is looked at: that the guest
 * runs is seen by its count; a signal is sent again until it has had its effect, where the
 * interface makes that necessary.
 */
#ifndef MSHV_RUNNER_H
#define MSHV_RUNNER_H

#include "client.h"

#include <pthread.h>
#include <signal.h>

struct runner {
    struct machine m;
    pthread_t thread;
    bool ready, done;
    uint32_t type; /* what RUN_VP gave */
    int error;
};

/* How often SIGUSR1 or what else runner_take() was told has been handled. */
extern volatile sig_atomic_t runner_handled;
void runner_take(int signal, int flags);

/** runner_new - a guest that counts at DATA_AT without an end. */
void runner_new(struct runner *r);
/** runner_start - one RUN_VP in a thread of its own. */
void runner_start(struct runner *r);
/** runner_wait - until the guest has counted on. */
void runner_wait(struct runner *r);
/** runner_stop - SIGUSR1 until the run has ended. */
void runner_stop(struct runner *r);

#endif
