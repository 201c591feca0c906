/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of the guest counter and what tests do with it. Each helper fails the running test. */
#ifndef SCONCE_TESTS_POOL_H
#define SCONCE_TESTS_POOL_H

#include "e2e.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

struct pool_world {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_pool *pool;
    const char *_Atomic told; /* the last key that the pool's log was given, or NULL */
};

/** pool_script_world - on the stub, which plays @script. @options: size and log are set here; NULL
 * for the defaults. */
struct pool_world *pool_script_world(const char *script, const struct sconce_pool_options *options);

/** pool_world - of the guest @name, on the backend that this run of the test is about. */
struct pool_world *pool_world(const char *name, const struct sconce_pool_options *options);

/** pool_change_script - what stubs that are made from now on play. */
void pool_change_script(const char *script);

void pool_close_world(struct pool_world *world);

/** pool_take - waits as long as it takes. */
struct sconce_sandbox *pool_take(const struct pool_world *world);

struct sconce_pool_counts pool_count(const struct pool_world *world);

/** pool_call - next() of the guest counter, with what the call came to. */
int pool_call(struct sconce_sandbox *sandbox);

/** pool_next - the number that it gives. */
uint64_t pool_next(struct sconce_sandbox *sandbox);

/* What many turns came to. */
struct pool_tally {
    unsigned calls;
    unsigned kicked; /* of them */
    unsigned wrong;  /* of them: another failure, or a sandbox that was not clean */
};

/** pool_share - four threads take turns in the world's pool, and call next() in each. @kick: while
 * one more kicks whatever they have. */
struct pool_tally pool_share(struct pool_world *world, bool kick);

/* Until a count is what it must come to. */
#define POOL_AWAIT(world, member, value)                                                           \
    do {                                                                                           \
        while (pool_count(world).member != (value))                                                \
            sched_yield();                                                                         \
    } while (0)

#define POOL_AWAIT_TOLD(world, key)                                                                \
    do {                                                                                           \
        while (!(world)->told || strcmp((world)->told, key) != 0)                                  \
            sched_yield();                                                                         \
    } while (0)

#endif
