/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Called by the pool's thread as well as by the test's. */
static void keep_key(void *ctx, uint32_t level, const char *key, const char *text)
{
    struct pool_world *world = ctx;

    (void)level;
    (void)text;
    atomic_store(&world->told, key);
}

static struct pool_world *open_world(struct sconce_runtime *runtime, const char *name,
                                     const struct sconce_pool_options *wanted)
{
    struct pool_world *world = calloc(1, sizeof *world);
    struct sconce_host_function offers[E2E_MOST_IMPORTS];
    struct sconce_sandbox_options sandbox_options = {0};
    struct sconce_pool_options options = wanted ? *wanted : (struct sconce_pool_options){0};
    struct sconce_error err = {0};

    assert_non_null(world);
    world->runtime = runtime;
    world->guest = e2e_guest(runtime, name);
    e2e_offer(world->guest, offers, &sandbox_options);
    if (!options.sandbox)
        options.sandbox = &sandbox_options;
    options.size = sizeof options;
    options.log = keep_key;
    options.log_ctx = world;
    e2e_ok(sconce_pool_new(world->guest, &options, &world->pool, &err), &err);
    return world;
}

/* Settings are the backend's, not one runtime's: those that live keep their script. */
static struct sconce_runtime *script_runtime(const char *script)
{
    struct sconce_runtime_options options = {.size = sizeof options};
    char path[] = "/tmp/sconce-pool-XXXXXX";
    struct sconce_runtime *runtime;
    struct sconce_config *config;
    struct sconce_error err = {0};
    int fd = mkstemp(path);

    assert_int_equal(write(fd, script, strlen(script)), strlen(script));
    close(fd);
    config = e2e_config("runtime.backend", "stub", "runtime.isolation", "any",
                        "backend.stub.script", path, (char *)NULL);
    options.config = config;
    e2e_ok(sconce_runtime_new(&options, &runtime, &err), &err);
    sconce_config_free(config);
    sconce_guest_free(e2e_guest(runtime, "counter")); /* reads it */
    unlink(path);
    return runtime;
}

struct pool_world *pool_script_world(const char *script, const struct sconce_pool_options *options)
{
    return open_world(script_runtime(script), "counter", options);
}

struct pool_world *pool_world(const char *name, const struct sconce_pool_options *options)
{
    return open_world(e2e_runtime(), name, options);
}

void pool_change_script(const char *script)
{
    sconce_runtime_free(script_runtime(script));
}

void pool_close_world(struct pool_world *world)
{
    sconce_pool_free(world->pool);
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
    free(world);
}

struct sconce_sandbox *pool_take(const struct pool_world *world)
{
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};

    e2e_ok(sconce_pool_take(world->pool, UINT64_MAX, &sandbox, &err), &err);
    assert_int_equal(sconce_sandbox_state(sandbox), SCONCE_STATE_READY);
    return sandbox;
}

struct sconce_pool_counts pool_count(const struct pool_world *world)
{
    struct sconce_pool_counts counts = {.size = sizeof counts};

    assert_int_equal(sconce_pool_count(world->pool, &counts), 0);
    return counts;
}

int pool_call(struct sconce_sandbox *sandbox)
{
    struct sconce_error err;

    return sconce_sandbox_call(sandbox, "next", NULL, 0, NULL, &err);
}

uint64_t pool_next(struct sconce_sandbox *sandbox)
{
    struct sconce_value result;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &err), &err);
    return result.as.u64;
}

/* ---- Many turns ------------------------------------------------------------------------------ */

#define THREADS 4u
#define TURNS 50u

/* A thread that takes turns. Its sandbox is here while it may be kicked: whoever gives one back
 * knows that no kick comes. */
struct worker {
    struct pool_world *world;
    pthread_t thread;
    pthread_mutex_t lock;
    struct sconce_sandbox *sandbox;
    struct pool_tally tally;
};

struct workers {
    struct worker all[THREADS];
    atomic_bool done;
};

static void expose(struct worker *worker, struct sconce_sandbox *sandbox)
{
    pthread_mutex_lock(&worker->lock);
    worker->sandbox = sandbox;
    pthread_mutex_unlock(&worker->lock);
}

/* A clean sandbox says 101; a kick may come before that. */
static void take_a_turn(struct worker *worker)
{
    struct sconce_sandbox *sandbox = pool_take(worker->world);
    struct sconce_value result;
    struct sconce_error err = {0};
    int r;

    expose(worker, sandbox);
    r = sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &err);
    worker->tally.calls++;
    if (r == SCONCE_E_KICKED)
        worker->tally.kicked++;
    else if (r < 0 || result.as.u64 != 101)
        worker->tally.wrong++;
    expose(worker, NULL);
    sconce_pool_give(worker->world->pool, sandbox);
}

static void *work(void *arg)
{
    for (unsigned i = 0; i < TURNS; i++)
        take_a_turn(arg);
    return NULL;
}

static void *kick_around(void *arg)
{
    struct workers *workers = arg;

    while (!atomic_load(&workers->done)) {
        for (unsigned i = 0; i < THREADS; i++) {
            struct worker *worker = &workers->all[i];

            pthread_mutex_lock(&worker->lock);
            if (worker->sandbox)
                sconce_sandbox_kick(worker->sandbox);
            pthread_mutex_unlock(&worker->lock);
        }
        sched_yield();
    }
    return NULL;
}

struct pool_tally pool_share(struct pool_world *world, bool kick)
{
    struct workers workers = {.done = false};
    struct pool_tally sum = {0};
    pthread_t kicker;

    for (unsigned i = 0; i < THREADS; i++) {
        workers.all[i].world = world;
        pthread_mutex_init(&workers.all[i].lock, NULL);
    }
    if (kick)
        assert_int_equal(pthread_create(&kicker, NULL, kick_around, &workers), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers.all[i].thread, NULL, work, &workers.all[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers.all[i].thread, NULL);
        sum.calls += workers.all[i].tally.calls;
        sum.kicked += workers.all[i].tally.kicked;
        sum.wrong += workers.all[i].tally.wrong;
    }
    atomic_store(&workers.done, true);
    if (kick)
        pthread_join(kicker, NULL);
    assert_int_equal(sum.calls, THREADS * TURNS);
    return sum;
}
