/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

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
