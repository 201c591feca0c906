/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: sandboxes of one guest that are kept ready, lent, and cleaned between users. Included by
 * sconce.h, whose conventions hold here.
 */
#ifndef SCONCE_POOL_H
#define SCONCE_POOL_H

#include <sconce/sconce.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sconce_pool;

#define SCONCE_POOL_MOST 65536u

/**
 * struct sconce_pool_options - zero it, set @size and what you need.
 * @ready: how many sandboxes are kept ready, as far as @most allows; 0: 4, or @most where that is
 *   less. What is given back stays ready, so that up to @most may be.
 * @most: how many may be alive at once, lent ones included; 0: twice @ready.
 * @uses: after so many turns a sandbox is thrown away; 0: never.
 * @sandbox: what sandboxes are made with; NULL for no host functions and the configuration's
 *   limits. Copied with all that it points to, but for functions and their contexts. These are the
 *   same for every sandbox of the pool and run on the thread that calls, so in several at once;
 *   those of the guest's start-up code run on the pool's thread as well.
 * @snapshot: what each begins as, of a sandbox of the same guest: limits on memory are its own
 *   unless @sandbox says otherwise. Copied, and may be freed. NULL: @sandbox's, or else the guest
 * as it has just started.
 * @log: told what a program does not see otherwise, as a warning each: "pool.make" (one could not
 *   be made in the background), "pool.restore" (one could not be cleaned, and is thrown away),
 *   "pool.give" (what was given back is not lent, or in use). Any thread. NULL means silence.
 */
struct sconce_pool_options {
    uint32_t size; /* sizeof this struct */
    uint32_t ready;
    uint32_t most;
    uint32_t uses;
    const struct sconce_sandbox_options *sandbox;
    const struct sconce_snapshot *snapshot;
    sconce_log_fn log;
    void *log_ctx;
};

/**
 * sconce_pool_new - a pool of sandboxes of @guest, the first of which is made at once: what is
 * wrong with guest or options is an error here.
 * @options: NULL for the defaults.
 *
 * The pool starts a thread, "sconce-pool", that makes sandboxes and frees them, and ends with it.
 * All signals are blocked in it but those of faults and, once it has made one, the kick signal.
 */
SCONCE_API int sconce_pool_new(struct sconce_guest *guest,
                               const struct sconce_pool_options *options,
                               struct sconce_pool **ret_pool, struct sconce_error *err);

/**
 * sconce_pool_free - free the pool and all sandboxes that are not lent; NULL is fine. Waits for the
 * pool's thread. A lent sandbox can be used on, and is still to be given back to this pool, which
 * frees it then; what nobody gives back stays alive. A thread that waits in sconce_pool_take gets
 * SCONCE_E_STATE. Not from callbacks or host functions of the pool's sandboxes.
 */
SCONCE_API void sconce_pool_free(struct sconce_pool *pool);

/**
 * sconce_pool_take - lend a sandbox that is as @snapshot of the options was, registers and all: the
 * one that was given back last. When none is ready and fewer than @most are alive, one is made on
 * the calling thread; else it waits for one, in the order in which threads came.
 * @timeout_ns: how long it waits for another to be given back, or to be made by the pool's thread;
 *   0: not at all; UINT64_MAX: for ever.
 * @ret_sandbox: for one thread at a time as every sandbox. It must come back by sconce_pool_give,
 *   and must not be freed.
 * Errors: SCONCE_E_BUSY when the time is over; those of sconce_sandbox_new and
 *   sconce_sandbox_restore.
 */
SCONCE_API int sconce_pool_take(struct sconce_pool *pool, uint64_t timeout_ns,
                                struct sconce_sandbox **ret_sandbox, struct sconce_error *err);

/**
 * sconce_pool_give - give back what sconce_pool_take lent, whatever state it is in; NULL is fine.
 * Any thread. It is restored at once, on the calling thread, which costs what
 * sconce_sandbox_restore does; where that fails it is replaced by a new one in the background.
 * Nobody may be using it or kick it any more: a late kick would meet its next user. Giving it back
 * twice is as a double free: its next user may have it by then, and loses it. What a call's
 * result points to is gone.
 */
SCONCE_API void sconce_pool_give(struct sconce_pool *pool, struct sconce_sandbox *sandbox);

/**
 * struct sconce_pool_counts - how a pool is, and what it has done since it was made.
 */
struct sconce_pool_counts {
    uint32_t size;  /* sizeof this struct, set by the caller */
    uint32_t ready; /* now */
    uint32_t lent;
    uint32_t alive; /* these, and those that are being made, cleaned or freed */
    uint64_t made;
    uint64_t failed;          /* to be made */
    uint64_t recycled;        /* cleaned and ready again */
    uint64_t failed_restores; /* could not be cleaned */
    uint64_t thrown_away;     /* for that, or used up */
    uint64_t waits;           /* takes that had to wait */
    uint64_t timeouts;        /* takes that got none for want of time */
};

/** sconce_pool_count - any thread. INVALID, FORKED. */
SCONCE_API int sconce_pool_count(struct sconce_pool *pool, struct sconce_pool_counts *ret_counts);

#ifdef __cplusplus
}
#endif

#endif
