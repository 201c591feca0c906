/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's thread: keeps enough sandboxes ready, and frees those that are spoiled. It has no
 * clock: whatever it could do becomes possible by a take, a give or a free, which wake it. One that
 * it could not make it does not try again before the next of these.
 */
#include "pool/pool.h"

#include "common/error.h"
#include "common/thread.h"

int sconce_pool_make(const struct sconce_pool *pool, struct sconce_sandbox **ret_sandbox,
                     struct sconce_error *err)
{
    struct sconce_sandbox *sandbox;
    int r = sconce_sandbox_new(pool->guest, pool->options, &sandbox, err);

    if (r < 0)
        return r;
    /* What a guest makes of its start may differ; what is lent does not. */
    if (!pool->options->snapshot)
        r = sconce_sandbox_restore(sandbox, pool->start, err);
    if (r < 0)
        sconce_sandbox_free(sandbox);
    else
        *ret_sandbox = sandbox;
    return r;
}

/* Called and left under the lock, as the next. */
static void make_one(struct sconce_pool *pool)
{
    struct sconce_pool_place *place = sconce_pool_pop(&pool->empty);
    struct sconce_error err = {0};
    int r;

    pthread_mutex_unlock(&pool->lock);
    r = sconce_pool_make(pool, &place->sandbox, &err);
    if (r < 0)
        sconce_pool_tell(pool, "pool.make", err.text);
    pthread_mutex_lock(&pool->lock);
    if (r < 0) {
        pool->counts.failed++;
        pool->stuck = true;
        sconce_pool_push(&pool->empty, place);
    } else {
        pool->counts.made++;
        sconce_pool_push(&pool->ready, place);
    }
    sconce_pool_wake(pool);
}

static void free_one(struct sconce_pool *pool)
{
    struct sconce_pool_place *place = sconce_pool_pop(&pool->spoiled);

    pthread_mutex_unlock(&pool->lock);
    sconce_sandbox_free(place->sandbox);
    pthread_mutex_lock(&pool->lock);
    place->sandbox = NULL;
    place->turns = 0;
    pool->counts.thrown_away++;
    sconce_pool_push(&pool->empty, place);
    sconce_pool_wake(pool);
}

static bool lacks_one(const struct sconce_pool *pool)
{
    return !pool->stuck && pool->empty.first && pool->ready.count < pool->ready_least;
}

void sconce_pool_wake_maker(struct sconce_pool *pool)
{
    pool->stuck = false;
    if (pool->spoiled.first || lacks_one(pool))
        pthread_cond_signal(&pool->work);
}

static void *work(void *arg)
{
    struct sconce_pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    while (!pool->closed) {
        if (pool->spoiled.first)
            free_one(pool);
        else if (lacks_one(pool))
            make_one(pool);
        else
            pthread_cond_wait(&pool->work, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int sconce_pool_start_maker(struct sconce_pool *pool, struct sconce_error *err)
{
    int r = sconce_thread_start(&pool->thread, "sconce-pool", work, pool);

    if (r)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, r, "cannot start the pool's thread");
    return 0;
}
