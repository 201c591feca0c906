/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is. Takers that must wait do so in the order in which they came, each on a
 * condition of its own: a thread that gives and takes again at once cannot overtake those that
 * wait, and nobody is woken who cannot go on.
 */
#include "pool/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "common/error.h"

/* On the stack of the taker. */
struct sconce_pool_waiter {
    pthread_cond_t turn;
    struct sconce_pool_waiter *next;
};

static bool has_place(const struct sconce_pool *pool)
{
    return pool->ready.first || pool->empty.first;
}

static struct sconce_pool_place *get_place(struct sconce_pool *pool)
{
    struct sconce_pool_place *place = sconce_pool_pop(&pool->ready);

    return place ? place : sconce_pool_pop(&pool->empty);
}

void sconce_pool_wake(struct sconce_pool *pool)
{
    if (pool->first_waiter && has_place(pool))
        pthread_cond_signal(&pool->first_waiter->turn);
}

void sconce_pool_wake_all(struct sconce_pool *pool)
{
    for (struct sconce_pool_waiter *waiter = pool->first_waiter; waiter; waiter = waiter->next)
        pthread_cond_signal(&waiter->turn);
}

static void join_line(struct sconce_pool *pool, struct sconce_pool_waiter *waiter)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter->turn, &attributes);
    pthread_condattr_destroy(&attributes);
    waiter->next = NULL;
    if (pool->last_waiter)
        pool->last_waiter->next = waiter;
    else
        pool->first_waiter = waiter;
    pool->last_waiter = waiter;
    pool->counts.waits++;
}

static void leave_line(struct sconce_pool *pool, struct sconce_pool_waiter *waiter)
{
    struct sconce_pool_waiter *before = NULL;

    for (struct sconce_pool_waiter *w = pool->first_waiter; w != waiter; w = w->next)
        before = w;
    if (before)
        before->next = waiter->next;
    else
        pool->first_waiter = waiter->next;
    if (pool->last_waiter == waiter)
        pool->last_waiter = before;
    pthread_cond_destroy(&waiter->turn);
}

/* When @timeout_ns from now is; false for never. */
static bool deadline_of(uint64_t timeout_ns, struct timespec *ret_due)
{
    struct timespec now;
    uint64_t due;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (timeout_ns == UINT64_MAX ||
        __builtin_add_overflow((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
                               timeout_ns, &due))
        return false;
    ret_due->tv_sec = (time_t)(due / 1000000000u);
    ret_due->tv_nsec = (long)(due % 1000000000u);
    return true;
}

/* Until it is this waiter's turn, the time is over, or the pool is closed. */
static void wait_for_turn(struct sconce_pool *pool, struct sconce_pool_waiter *waiter,
                          uint64_t timeout_ns)
{
    struct timespec due;
    bool ends = deadline_of(timeout_ns, &due);
    int r = 0;

    while (!pool->closed && r != ETIMEDOUT && !(pool->first_waiter == waiter && has_place(pool)))
        r = ends ? pthread_cond_timedwait(&waiter->turn, &pool->lock, &due)
                 : pthread_cond_wait(&waiter->turn, &pool->lock);
}

struct sconce_pool_place *sconce_pool_await_turn(struct sconce_pool *pool, uint64_t timeout_ns,
                                                 struct sconce_error *err)
{
    struct sconce_pool_place *place = NULL;
    struct sconce_pool_waiter self;

    if (!pool->first_waiter && has_place(pool))
        return get_place(pool);
    if (timeout_ns) {
        join_line(pool, &self);
        wait_for_turn(pool, &self, timeout_ns);
        if (!pool->closed && pool->first_waiter == &self)
            place = get_place(pool);
        leave_line(pool, &self);
        sconce_pool_wake(pool);
    }
    if (place)
        return place;
    if (pool->closed) {
        sconce_fail(err, SCONCE_E_STATE, "the pool was freed while a thread waited for a sandbox");
        return NULL;
    }
    pool->counts.timeouts++;
    sconce_fail_hint(err, SCONCE_E_BUSY,
                     "give sandboxes back sooner, wait longer, or let more of them be alive (most)",
                     "none of the pool's %" PRIu32 " sandboxes came free in time (%" PRIu32
                     " are lent)",
                     pool->most, pool->lent.count);
    return NULL;
}
