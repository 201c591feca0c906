/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lending and taking back.
 *
 * A sandbox is restored by the thread that gives it back, and not in the background: that thread
 * has its memory in the cache and its vCPU at hand, a tenant's data is gone at once, and whoever
 * dirties faster than can be cleaned is slowed down himself. The result is out of use by then. One
 * thread that cleans for all serves a single user well who leaves it a processor; when several are
 * busy it falls behind, and they wait in take for longer than a restore would have cost them. What
 * takes long and can wait (making, freeing) is the background's: maker.c.
 */
#include "pool/pool.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/options.h"
#include "common/process.h"

#define DEFAULT_READY 4u

void sconce_pool_push(struct sconce_pool_list *list, struct sconce_pool_place *place)
{
    place->next = list->first;
    list->first = place;
    list->count++;
}

struct sconce_pool_place *sconce_pool_pop(struct sconce_pool_list *list)
{
    struct sconce_pool_place *place = list->first;

    if (place) {
        list->first = place->next;
        list->count--;
    }
    return place;
}

void sconce_pool_tell(const struct sconce_pool *pool, const char *key, const char *text)
{
    if (pool->log)
        pool->log(pool->log_ctx, SCONCE_LOG_WARNING, key, text);
}

static int check_process(const struct sconce_pool *pool, struct sconce_error *err)
{
    if (pool->process == sconce_process_id())
        return 0;
    return sconce_fail_hint(err, SCONCE_E_FORKED, "make a pool of its own in the child",
                            "this pool belongs to another process, which forked this one");
}

/* ---- Life ------------------------------------------------------------------------------------ */

/* With no user left. */
static void destroy(struct sconce_pool *pool)
{
    struct sconce_pool_place *place;

    while ((place = sconce_pool_pop(&pool->ready)) || (place = sconce_pool_pop(&pool->spoiled)))
        sconce_sandbox_free(place->sandbox);
    sconce_snapshot_free(pool->start);
    sconce_pool_free_options(pool->options);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void cleanup_pool(struct sconce_pool *const *pool)
{
    if (*pool)
        destroy(*pool);
}

/* Gives the lock, and the pool with it where that was the last user. */
static void leave(struct sconce_pool *pool)
{
    bool last = --pool->users == 0;

    pthread_mutex_unlock(&pool->lock);
    if (last)
        destroy(pool);
}

static int settle(struct sconce_pool_options *options, struct sconce_error *err)
{
    if (!options->ready)
        options->ready =
            options->most && options->most < DEFAULT_READY ? options->most : DEFAULT_READY;
    if (!options->most)
        options->most =
            options->ready <= SCONCE_POOL_MOST / 2 ? 2 * options->ready : SCONCE_POOL_MOST;
    if (options->most > SCONCE_POOL_MOST)
        return sconce_fail(err, SCONCE_E_INVALID, "a pool cannot have %u sandboxes, but %u at most",
                           options->most, SCONCE_POOL_MOST);
    if (options->ready > options->most)
        return sconce_fail_hint(err, SCONCE_E_INVALID, "set most to what may be alive at once",
                                "a pool of %u sandboxes at most cannot keep %u ready",
                                options->most, options->ready);
    return 0;
}

static struct sconce_pool *allocate(const struct sconce_pool_options *options)
{
    struct sconce_pool *pool =
        calloc(1, sizeof *pool + (size_t)options->most * sizeof pool->places[0]);

    if (!pool)
        return NULL;
    pool->process = sconce_process_id();
    pool->ready_least = options->ready;
    pool->most = options->most;
    pool->uses = options->uses ? options->uses : UINT64_MAX;
    pool->log = options->log;
    pool->log_ctx = options->log_ctx;
    pool->users = 1;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    for (uint32_t i = 0; i < options->most; i++)
        sconce_pool_push(&pool->empty, &pool->places[i]);
    return pool;
}

/* The first sandbox, by the options as they came: what is wrong with them or with the guest is
 * found here. The snapshot is the pool's own, and keeps the guest alive. */
static int make_first(struct sconce_pool *pool, const struct sconce_pool_options *options,
                      struct sconce_error *err)
{
    struct sconce_sandbox_options first = {.size = sizeof first};
    struct sconce_pool_place *place;
    int r = 0;

    if (options->sandbox)
        r = sconce_options_take(&first, sizeof first, options->sandbox, options->sandbox->size,
                                offsetof(struct sconce_sandbox_options, limits),
                                "struct sconce_sandbox_options", err);
    if (r < 0)
        return r;
    first.size = sizeof first;
    if (options->snapshot)
        first.snapshot = options->snapshot;
    place = sconce_pool_pop(&pool->empty);
    r = sconce_sandbox_new(pool->guest, &first, &place->sandbox, err);
    if (r < 0)
        return r;
    sconce_pool_push(&pool->ready, place);
    pool->counts.made++;
    return sconce_sandbox_snapshot(place->sandbox, &pool->start, err);
}

/* Then each does, and no start-up code runs. Read behind make_first(), which has taken the struct.
 */
static bool begins_as_snapshot(const struct sconce_pool_options *options)
{
    const struct sconce_sandbox_options *sandbox = options->sandbox;

    return options->snapshot ||
           (sandbox &&
            sandbox->size >= offsetof(struct sconce_sandbox_options, snapshot) + sizeof(void *) &&
            sandbox->snapshot);
}

int sconce_pool_new(struct sconce_guest *guest, const struct sconce_pool_options *wanted,
                    struct sconce_pool **ret_pool, struct sconce_error *err)
{
    struct sconce_pool_options options = {.size = sizeof options};
    SCONCE_CLEANUP(cleanup_pool) struct sconce_pool *pool = NULL;
    int r = 0;

    if (wanted)
        r = sconce_options_take(&options, sizeof options, wanted, wanted->size, sizeof options,
                                "struct sconce_pool_options", err);
    if (!r)
        r = settle(&options, err);
    if (r < 0)
        return r;
    pool = allocate(&options);
    if (!pool)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a pool");
    pool->guest = guest;
    r = make_first(pool, &options, err);
    if (!r)
        r = sconce_pool_keep_options(options.sandbox, &pool->options, err);
    if (!r && begins_as_snapshot(&options))
        pool->options->snapshot = pool->start;
    if (!r)
        r = sconce_pool_start_maker(pool, err);
    if (!r)
        *ret_pool = SCONCE_STEAL(pool);
    return r;
}

void sconce_pool_free(struct sconce_pool *pool)
{
    if (!pool || pool->process != sconce_process_id())
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    pthread_cond_signal(&pool->work);
    sconce_pool_wake_all(pool);
    pthread_mutex_unlock(&pool->lock);
    pthread_join(pool->thread, NULL);

    for (;;) {
        struct sconce_pool_place *place;

        pthread_mutex_lock(&pool->lock);
        place = sconce_pool_pop(&pool->ready);
        if (!place)
            place = sconce_pool_pop(&pool->spoiled);
        if (!place)
            break;
        pthread_mutex_unlock(&pool->lock);
        sconce_sandbox_free(place->sandbox);
    }
    leave(pool);
}

/* ---- Lending --------------------------------------------------------------------------------- */

/* A sandbox for a place that has none. Called and left under the lock. */
static int fill(struct sconce_pool *pool, struct sconce_pool_place *place, struct sconce_error *err)
{
    int r;

    pthread_mutex_unlock(&pool->lock);
    r = sconce_pool_make(pool, &place->sandbox, err);
    if (r < 0)
        sconce_error_prefix(err, "the pool has no sandbox ready and cannot make one");
    pthread_mutex_lock(&pool->lock);
    if (!r) {
        pool->counts.made++;
        return 0;
    }
    pool->counts.failed++;
    sconce_pool_push(&pool->empty, place);
    sconce_pool_wake(pool);
    return r;
}

int sconce_pool_take(struct sconce_pool *pool, uint64_t timeout_ns,
                     struct sconce_sandbox **ret_sandbox, struct sconce_error *err)
{
    struct sconce_pool_place *place;
    struct sconce_error why;
    int r = check_process(pool, err);

    if (r < 0)
        return r;
    if (!err)
        err = &why;
    pthread_mutex_lock(&pool->lock);
    pool->users++;
    place = sconce_pool_await_turn(pool, timeout_ns, err);
    r = place ? 0 : err->code;
    if (place && !place->sandbox)
        r = fill(pool, place, err);
    sconce_pool_wake_maker(pool);
    if (r < 0) {
        leave(pool);
        return r;
    }
    place->turns++;
    sconce_pool_push(&pool->lent, place);
    *ret_sandbox = place->sandbox;
    pthread_mutex_unlock(&pool->lock); /* a user more until it is given back */
    return 0;
}

/* ---- Taking back ----------------------------------------------------------------------------- */

static struct sconce_pool_place *take_out(struct sconce_pool_list *list,
                                          const struct sconce_sandbox *sandbox)
{
    for (struct sconce_pool_place **at = &list->first; *at; at = &(*at)->next) {
        struct sconce_pool_place *place = *at;

        if (place->sandbox != sandbox)
            continue;
        *at = place->next;
        list->count--;
        return place;
    }
    return NULL;
}

/* Clean again? BUSY: somebody uses it still. */
static int clean(struct sconce_pool *pool, const struct sconce_pool_place *place)
{
    struct sconce_error err;
    int r;

    if (sconce_sandbox_state(place->sandbox) == SCONCE_STATE_RUNNING)
        return SCONCE_E_BUSY;
    if (place->turns >= pool->uses)
        return SCONCE_E_STATE;
    r = sconce_sandbox_restore(place->sandbox, pool->start, &err);
    if (r < 0 && r != SCONCE_E_BUSY)
        sconce_pool_tell(pool, "pool.restore", err.text);
    return r;
}

/* Under the lock, which is left: where a place goes that came back, and was cleaned with @result.
 */
static void put_back(struct sconce_pool *pool, struct sconce_pool_place *place, int result)
{
    if (result == SCONCE_E_BUSY) {
        sconce_pool_push(&pool->lent, place);
        pthread_mutex_unlock(&pool->lock);
        return;
    }
    if (!result)
        pool->counts.recycled++;
    else if (place->turns < pool->uses)
        pool->counts.failed_restores++;
    if (pool->closed) {
        pthread_mutex_unlock(&pool->lock);
        sconce_sandbox_free(place->sandbox);
        pthread_mutex_lock(&pool->lock);
    } else if (result) {
        sconce_pool_push(&pool->spoiled, place);
    } else {
        sconce_pool_push(&pool->ready, place);
        sconce_pool_wake(pool);
    }
    sconce_pool_wake_maker(pool);
    leave(pool);
}

void sconce_pool_give(struct sconce_pool *pool, struct sconce_sandbox *sandbox)
{
    struct sconce_pool_place *place;
    int r;

    if (!sandbox || pool->process != sconce_process_id())
        return;
    pthread_mutex_lock(&pool->lock);
    place = take_out(&pool->lent, sandbox);
    pthread_mutex_unlock(&pool->lock);
    if (!place) {
        sconce_pool_tell(pool, "pool.give", "a sandbox was given back that this pool has not lent");
        return;
    }
    r = clean(pool, place);
    if (r == SCONCE_E_BUSY)
        sconce_pool_tell(pool, "pool.give",
                         "a sandbox was given back while it is in use: it stays lent");
    pthread_mutex_lock(&pool->lock);
    put_back(pool, place, r);
}

int sconce_pool_count(struct sconce_pool *pool, struct sconce_pool_counts *ret_counts)
{
    uint32_t size = ret_counts->size;
    struct sconce_pool_counts counts;

    if (size < sizeof size)
        return SCONCE_E_INVALID;
    if (pool->process != sconce_process_id())
        return SCONCE_E_FORKED;
    pthread_mutex_lock(&pool->lock);
    counts = pool->counts;
    counts.ready = pool->ready.count;
    counts.lent = pool->lent.count;
    counts.alive = pool->most - pool->empty.count;
    pthread_mutex_unlock(&pool->lock);
    counts.size = size;
    memcpy(ret_counts, &counts, size < sizeof counts ? size : sizeof counts);
    return 0;
}
