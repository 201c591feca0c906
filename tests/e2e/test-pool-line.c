/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that want a pool's sandboxes at the same time: who waits, who gets one next, and what
 * becomes of them when the pool ends or a sandbox is in use still. The stub plays the guests.
 */
#include "pool.h"

#include <pthread.h>

#define GOOD "ready\non-reset:\nreturn u64 101\nreturn u64 102\n"

/* A thread that takes one, and keeps it until it may go. */
struct taker {
    struct pool_world *world;
    pthread_t thread;
    struct sconce_sandbox *sandbox;
    atomic_bool has, may_go;
    int result;
};

static void *take_and_keep(void *arg)
{
    struct taker *taker = arg;
    struct sconce_error err = {0};

    taker->result = sconce_pool_take(taker->world->pool, UINT64_MAX, &taker->sandbox, &err);
    if (taker->result < 0)
        return NULL;
    atomic_store(&taker->has, true);
    while (!atomic_load(&taker->may_go))
        sched_yield();
    sconce_pool_give(taker->world->pool, taker->sandbox);
    return NULL;
}

static void start(struct taker *taker, struct pool_world *world)
{
    uint64_t waits = pool_count(world).waits;

    *taker = (struct taker){.world = world};
    assert_int_equal(pthread_create(&taker->thread, NULL, take_and_keep, taker), 0);
    POOL_AWAIT(world, waits, waits + 1);
}

static void end(struct taker *taker)
{
    atomic_store(&taker->may_go, true);
    pthread_join(taker->thread, NULL);
}

static void test_pool_serves_those_who_wait_in_their_order(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world), *mine = NULL;
    struct taker takers[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        start(&takers[i], world);
    sconce_pool_give(world->pool, sandbox);
    /* Nobody overtakes them, however quick. */
    assert_int_equal(sconce_pool_take(world->pool, 0, &mine, NULL), SCONCE_E_BUSY);
    for (unsigned i = 0; i < 3; i++) {
        while (!atomic_load(&takers[i].has))
            sched_yield();
        for (unsigned j = i + 1; j < 3; j++)
            assert_false(atomic_load(&takers[j].has));
        assert_ptr_equal(takers[i].sandbox, sandbox);
        assert_int_equal(pool_next(sandbox), 101);
        end(&takers[i]);
        assert_int_equal(takers[i].result, 0);
    }
    assert_int_equal(pool_count(world).recycled, 4);
    assert_int_equal(pool_count(world).timeouts, 1);
    pool_close_world(world);
}

/* Whoever gives up in the middle of the line breaks nothing. */
static void test_pool_goes_on_behind_one_who_gave_up(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world), *mine;
    struct taker first, last;
    struct sconce_error err = {0};

    (void)state;
    start(&first, world);
    assert_int_equal(sconce_pool_take(world->pool, 1, &mine, &err), SCONCE_E_BUSY);
    start(&last, world);
    assert_int_equal(sconce_pool_take(world->pool, 1, &mine, &err), SCONCE_E_BUSY);
    sconce_pool_give(world->pool, sandbox);
    end(&first);
    end(&last);
    assert_int_equal(first.result, 0);
    assert_int_equal(last.result, 0);
    assert_int_equal(pool_count(world).ready, 1);
    pool_close_world(world);
}

static void test_pool_freed_sends_those_who_wait_away(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world);
    struct sconce_pool *pool = world->pool;
    struct taker takers[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        start(&takers[i], world);
    sconce_pool_free(pool);
    for (unsigned i = 0; i < 2; i++) {
        end(&takers[i]);
        assert_int_equal(takers[i].result, SCONCE_E_STATE);
    }
    assert_int_equal(pool_next(sandbox), 101);
    sconce_pool_give(pool, sandbox);
    world->pool = NULL;
    pool_close_world(world);
}

/* A place that a dead sandbox leaves is had by whoever waits for it. */
static void test_pool_wakes_a_taker_for_an_empty_place(void **state)
{
    struct pool_world *world =
        pool_script_world("ready\non-reset:\nsystem-failure 5 \"it broke\"\n",
                          &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world);
    struct taker taker;

    (void)state;
    start(&taker, world);
    assert_int_equal(pool_call(sandbox), SCONCE_E_BACKEND);
    sconce_pool_give(world->pool, sandbox);
    end(&taker);
    assert_int_equal(taker.result, 0);
    assert_int_equal(pool_count(world).made, 2);
    pool_close_world(world);
}

/* ---- All at once ------------------------------------------------------------------------------
 */

static void test_pool_gives_each_of_four_threads_a_clean_one(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 2, .most = 3, .uses = 7});
    struct pool_tally tally = pool_share(world, false);
    struct sconce_pool_counts counts = pool_count(world);

    (void)state;
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.kicked, 0);
    assert_int_equal(counts.lent, 0);
    assert_int_equal(counts.timeouts, 0);
    assert_in_range(counts.recycled, 1, tally.calls);
    pool_close_world(world);
}

static void test_pool_cleans_what_threads_kick(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 1, .most = 3});
    struct pool_tally tally = pool_share(world, true);

    (void)state;
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(pool_count(world).recycled, tally.calls);
    assert_null(world->told);
    pool_close_world(world);
}

/* ---- In use still ---------------------------------------------------------------------------- */

struct caller {
    struct sconce_sandbox *sandbox;
    int result;
};

static void *call(void *arg)
{
    struct caller *caller = arg;

    caller->result = pool_call(caller->sandbox);
    return NULL;
}

static void test_pool_does_not_take_back_what_is_running(void **state)
{
    struct pool_world *world = pool_script_world("ready\non-reset:\nwait-kick\nreturn u64 101\n",
                                                 &(struct sconce_pool_options){.most = 1});
    struct caller caller = {.sandbox = pool_take(world)};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, call, &caller), 0);
    while (sconce_sandbox_state(caller.sandbox) != SCONCE_STATE_RUNNING)
        sched_yield();
    sconce_pool_give(world->pool, caller.sandbox);
    assert_string_equal(world->told, "pool.give");
    assert_int_equal(pool_count(world).lent, 1);
    while (sconce_sandbox_kick(caller.sandbox) != 1)
        sched_yield();
    pthread_join(thread, NULL);
    assert_int_equal(caller.result, SCONCE_E_KICKED);
    sconce_pool_give(world->pool, caller.sandbox);
    assert_int_equal(pool_count(world).ready, 1);
    pool_close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_serves_those_who_wait_in_their_order),
        cmocka_unit_test(test_pool_goes_on_behind_one_who_gave_up),
        cmocka_unit_test(test_pool_freed_sends_those_who_wait_away),
        cmocka_unit_test(test_pool_wakes_a_taker_for_an_empty_place),
        cmocka_unit_test(test_pool_gives_each_of_four_threads_a_clean_one),
        cmocka_unit_test(test_pool_cleans_what_threads_kick),
        cmocka_unit_test(test_pool_does_not_take_back_what_is_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
