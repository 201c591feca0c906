/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU that is running, and how it is made to stop: the kick signal, its handler, the per-thread
 * deadline timer, and the word in which runners and kickers meet. Knows the backend's kick op,
 * nothing of calls or guests.
 */
#ifndef SCONCE_CORE_RUN_H
#define SCONCE_CORE_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sconce/error.h>

#include "core/backend.h"

/* How often a run is looked at by its @watch. */
#define SCONCE_RUN_WATCH_NS 10000000ull

/* Lives in the sandbox, or where its vCPU's thread is kept. All members are run.c's, but for those
 * that say otherwise. */
struct sconce_run {
    _Atomic uint64_t word;        /* RUNNING, KICKED, kickers under way: run.c */
    _Atomic uint64_t deadline_ns; /* CLOCK_MONOTONIC; UINT64_MAX for none */
    _Atomic pid_t tid;            /* of the thread that runs */
    _Atomic bool in_vcpu;         /* between _guest_in and _guest_out */
    int signal;
    uint32_t process; /* sconce_process_id() of the owner */
    uint32_t kick_style;
    void (*kick_local)(struct sconce_plugin_vm *vm);
    struct sconce_plugin_vm *vm;
    struct sconce_run *outer; /* the run that this thread's host function interrupted */
    /* Set by the owner behind sconce_run_init, or NULL. Async-signal-safe, on the thread that runs.
     * @relay: stop the vCPU, which need not be in this thread; called again until the run is out
     *   of it.
     * @watch: called each SCONCE_RUN_WATCH_NS of the run: must it stop? */
    void (*relay)(struct sconce_run *run);
    void *relay_ctx;
    bool (*watch)(struct sconce_run *run);
};

#define SCONCE_STOP_NONE 0u
#define SCONCE_STOP_KICKED 1u
#define SCONCE_STOP_DEADLINE 2u

/**
 * sconce_kick_signal_install - make @signal interrupt runs. Once for each signal in a process; the
 * handler stays, and passes on what is not its own to the one that was there.
 */
int sconce_kick_signal_install(int signal, struct sconce_error *err);

/** sconce_run_init - before any other use; @vm is what kick_local gets. */
void sconce_run_init(struct sconce_run *run, int signal, const struct sconce_backend *backend,
                     struct sconce_plugin_vm *vm);

/**
 * sconce_run_begin - the calling thread runs the vCPU until @timeout_ns from now, at most.
 * The caller has the sandbox to itself. @timeout_ns: UINT64_MAX for no deadline.
 */
int sconce_run_begin(struct sconce_run *run, uint64_t timeout_ns, struct sconce_error *err);

/** sconce_run_stop_reason - must the run end now? Checked on every turn of the exit loop. */
uint32_t sconce_run_stop_reason(const struct sconce_run *run);

/** Around the last look at the stop reason and vcpu_run: while between, a kick that is not answered
 * is repeated where the style says so. */
static inline void sconce_run_guest_in(struct sconce_run *run)
{
    atomic_store_explicit(&run->in_vcpu, true, memory_order_relaxed);
    /* Before the look at the stop reason that follows: a signal between the two is repeated. */
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void sconce_run_guest_out(struct sconce_run *run)
{
    atomic_store_explicit(&run->in_vcpu, false, memory_order_relaxed);
}

/** sconce_run_is_here - does the calling thread run it, or a host function of it? */
bool sconce_run_is_here(const struct sconce_run *run);

/** sconce_run_end - true when a kick fell into this run: it then counts, whatever happened. */
bool sconce_run_end(struct sconce_run *run);

/** sconce_run_kick - see sconce_sandbox_kick. Any thread, async-signal-safe. */
bool sconce_run_kick(struct sconce_run *run);

#endif
