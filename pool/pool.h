/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool's own state, and what its files do for each other: pool.c lends and takes back, turn.c
 * makes takers wait in order, maker.c makes and destroys sandboxes, kept-options.c keeps what they
 * are made with. All of it stands on <sconce/sconce.h> alone.
 *
 * A sandbox lives in a place. There are as many places as sandboxes may be alive at once, and each
 * is in one list or in the hands of one thread, which is making, restoring or freeing what is in
 * it. The lock guards the lists, and is never held over any of that.
 */
#ifndef SCONCE_POOL_POOL_H
#define SCONCE_POOL_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <sconce/sconce.h>

struct sconce_pool_place {
    struct sconce_sandbox *sandbox; /* NULL: free */
    uint64_t turns;                 /* that its sandbox has been lent */
    struct sconce_pool_place *next;
};

/* Last in, first out. */
struct sconce_pool_list {
    struct sconce_pool_place *first;
    uint32_t count;
};

struct sconce_pool_waiter; /* turn.c */

struct sconce_pool {
    uint32_t process; /* sconce_process_id() of the owner */
    uint32_t ready_least;
    uint32_t most;
    uint64_t uses; /* UINT64_MAX for no end */
    struct sconce_guest *guest;
    struct sconce_sandbox_options *options; /* kept-options.c */
    struct sconce_snapshot *start;          /* what every one that is lent is */
    sconce_log_fn log;                      /* may be NULL */
    void *log_ctx;
    pthread_t thread;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t work;  /* for the thread: there may be something to do */
    struct sconce_pool_list ready;
    struct sconce_pool_list lent;
    struct sconce_pool_list spoiled; /* to be freed by the thread */
    struct sconce_pool_list empty;   /* places without a sandbox */
    struct sconce_pool_waiter *first_waiter, *last_waiter;
    struct sconce_pool_counts counts; /* the sums of it */
    uint64_t users; /* the owner, each lent sandbox, each thread in a take or a give */
    bool closed;    /* by sconce_pool_free */
    bool stuck;     /* the thread could not make one: it waits for the next take or give */
    struct sconce_pool_place places[]; /* most */
};

/** sconce_pool_push, sconce_pool_pop - pop gives NULL when there is none. */
void sconce_pool_push(struct sconce_pool_list *list, struct sconce_pool_place *place);
struct sconce_pool_place *sconce_pool_pop(struct sconce_pool_list *list);

/** sconce_pool_tell - a warning to the log of the pool's options. Not under the lock. */
void sconce_pool_tell(const struct sconce_pool *pool, const char *key, const char *text);

/* ---- turn.c ---------------------------------------------------------------------------------- */

/**
 * sconce_pool_await_turn - wait, in the order of coming, until there is a place to be had: one that
 * is ready, else an empty one. Under the lock, which is given while it waits.
 * Returns the place, out of its list. NULL: BUSY when @timeout_ns is over, STATE when the pool was
 * freed meanwhile.
 */
struct sconce_pool_place *sconce_pool_await_turn(struct sconce_pool *pool, uint64_t timeout_ns,
                                                 struct sconce_error *err);

/** sconce_pool_wake - under the lock, after a place became one to be had: whose turn it is. */
void sconce_pool_wake(struct sconce_pool *pool);

/** sconce_pool_wake_all - under the lock: the pool is closed. */
void sconce_pool_wake_all(struct sconce_pool *pool);

/* ---- maker.c --------------------------------------------------------------------------------- */

/** sconce_pool_make - a sandbox in the state of the snapshot. Not under the lock; any thread. */
int sconce_pool_make(const struct sconce_pool *pool, struct sconce_sandbox **ret_sandbox,
                     struct sconce_error *err);

/** sconce_pool_start_maker - the thread, with all signals blocked that others may take. */
int sconce_pool_start_maker(struct sconce_pool *pool, struct sconce_error *err);

/** sconce_pool_wake_maker - under the lock, after a take or a give, which is an occasion to try
 * again what failed. Costs nothing where there is nothing to do. */
void sconce_pool_wake_maker(struct sconce_pool *pool);

/* ---- kept-options.c -------------------------------------------------------------------------- */

/**
 * sconce_pool_keep_options - a copy of @options with all that it points to but contexts and
 * functions, and without a snapshot; the caller's. @options: accepted by sconce_sandbox_new
 * already; NULL gives all zero.
 */
int sconce_pool_keep_options(const struct sconce_sandbox_options *options,
                             struct sconce_sandbox_options **ret_options, struct sconce_error *err);

/** sconce_pool_free_options - takes NULL. */
void sconce_pool_free_options(struct sconce_sandbox_options *options);

#endif
