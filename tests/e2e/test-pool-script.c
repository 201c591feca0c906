/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools over guests that do as they are told: the stub plays them. What is lent when, what becomes
 * of sandboxes that come back in each state, and what the counts say of it.
 */
#include "../unit/emulator.h"
#include "pool.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first call after a start or a restore gives 101, as with the guest counter. */
#define GOOD                                                                                       \
    "ready\n"                                                                                      \
    "on-reset:\n"                                                                                  \
    "return u64 101\nreturn u64 102\nfault memory 0x10 write\n"

static void test_pool_gives_a_clean_sandbox_each_turn(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1});
    struct sconce_pool_counts counts;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct sconce_sandbox *sandbox = pool_take(world);

        assert_int_equal(pool_next(sandbox), 101);
        assert_int_equal(pool_next(sandbox), 102);
        sconce_pool_give(world->pool, sandbox);
    }
    counts = pool_count(world);
    assert_int_equal(counts.made, 1);
    assert_int_equal(counts.recycled, 5);
    assert_int_equal(counts.ready, 1);
    assert_int_equal(counts.lent, 0);
    assert_int_equal(counts.alive, 1);
    assert_int_equal(counts.waits, 0);
    assert_null(world->told);
    pool_close_world(world);
}

static void test_pool_fills_up_in_the_background(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, NULL);
    struct sconce_sandbox *lent[8], *one_more;
    struct sconce_error err = {0};

    (void)state;
    POOL_AWAIT(world, ready, 4);
    assert_int_equal(pool_count(world).made, 4);
    for (unsigned i = 0; i < 8; i++)
        lent[i] = pool_take(world);
    assert_int_equal(sconce_pool_take(world->pool, 0, &one_more, &err), SCONCE_E_BUSY);
    for (unsigned i = 0; i < 8; i++)
        sconce_pool_give(world->pool, lent[i]);
    assert_int_equal(pool_count(world).ready, 8);
    assert_int_equal(pool_count(world).made, 8);
    pool_close_world(world);
}

static void test_pool_at_its_bound_says_so(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 1, .most = 2});
    struct sconce_sandbox *a = pool_take(world), *b = pool_take(world), *c = NULL;
    /* The second may have been waited for, until the pool's thread had made it. */
    uint64_t waits = pool_count(world).waits;
    struct sconce_error err = {0};
    struct sconce_pool_counts counts;

    (void)state;
    assert_int_equal(sconce_pool_take(world->pool, 0, &c, &err), SCONCE_E_BUSY);
    e2e_says(&err, "2 sandboxes");
    e2e_says(&err, "2 are lent");
    assert_int_equal(sconce_pool_take(world->pool, 1000000, &c, NULL), SCONCE_E_BUSY);
    assert_null(c);
    counts = pool_count(world);
    assert_int_equal(counts.waits, waits + 1);
    assert_int_equal(counts.timeouts, 2);
    assert_int_equal(counts.alive, 2);
    sconce_pool_give(world->pool, b);
    assert_ptr_equal(pool_take(world), b);
    sconce_pool_give(world->pool, b);
    sconce_pool_give(world->pool, a);
    pool_close_world(world);
}

static void test_pool_keeps_the_last_one_at_hand(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 2, .most = 2});
    struct sconce_sandbox *a = pool_take(world), *b = pool_take(world);

    (void)state;
    sconce_pool_give(world->pool, a);
    sconce_pool_give(world->pool, b);
    assert_ptr_equal(pool_take(world), b);
    assert_ptr_equal(pool_take(world), a);
    sconce_pool_give(world->pool, a);
    sconce_pool_give(world->pool, b);
    pool_close_world(world);
}

/* ---- Those that come back in a bad state ----------------------------------------------------- */

static void test_pool_restores_a_poisoned_sandbox(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world);

    (void)state;
    assert_int_equal(pool_next(sandbox), 101);
    assert_int_equal(pool_next(sandbox), 102);
    assert_int_equal(pool_call(sandbox), SCONCE_E_GUEST_FAULT);
    sconce_pool_give(world->pool, sandbox);
    assert_ptr_equal(pool_take(world), sandbox);
    assert_int_equal(pool_next(sandbox), 101);
    sconce_pool_give(world->pool, sandbox);
    assert_int_equal(pool_count(world).made, 1);
    pool_close_world(world);
}

static void test_pool_replaces_a_dead_sandbox(void **state)
{
    struct pool_world *world =
        pool_script_world("ready\non-reset:\nreturn u64 101\nsystem-failure 5 \"it broke\"\n",
                          &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world);

    (void)state;
    assert_int_equal(pool_next(sandbox), 101);
    assert_int_equal(pool_call(sandbox), SCONCE_E_BACKEND);
    sconce_pool_give(world->pool, sandbox);
    assert_string_equal(world->told, "pool.restore");
    sandbox = pool_take(world); /* waits for the place */
    assert_int_equal(pool_next(sandbox), 101);
    sconce_pool_give(world->pool, sandbox);
    assert_int_equal(pool_count(world).failed_restores, 1);
    assert_int_equal(pool_count(world).thrown_away, 1);
    assert_int_equal(pool_count(world).made, 2);
    pool_close_world(world);
}

static void test_pool_throws_away_what_is_used_up(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1, .uses = 2});

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct sconce_sandbox *sandbox = pool_take(world);

        assert_int_equal(pool_next(sandbox), 101);
        sconce_pool_give(world->pool, sandbox);
    }
    POOL_AWAIT(world, thrown_away, 3);
    assert_int_equal(pool_count(world).recycled, 3);
    assert_int_equal(pool_count(world).failed_restores, 0);
    assert_null(world->told);
    pool_close_world(world);
}

static void test_pool_ignores_what_it_has_not_lent(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, &(struct sconce_pool_options){.most = 1});
    struct sconce_sandbox *sandbox = pool_take(world);

    (void)state;
    sconce_pool_give(world->pool, NULL);
    assert_null(world->told);
    sconce_pool_give(world->pool, sandbox);
    sconce_pool_give(world->pool, sandbox);
    assert_string_equal(world->told, "pool.give");
    assert_int_equal(pool_count(world).ready, 1);
    assert_int_equal(pool_count(world).recycled, 1);
    pool_close_world(world);
}

/* ---- When no more can be made ---------------------------------------------------------------- */

static void test_pool_that_cannot_refill_says_why_and_rests(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 1, .most = 2});
    struct sconce_sandbox *sandbox, *other = NULL;
    struct sconce_error err = {0};

    (void)state;
    pool_change_script("abort 3 \"not today\"\n");
    sandbox = pool_take(world);
    POOL_AWAIT(world, failed, 1);
    POOL_AWAIT_TOLD(world, "pool.make");
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sconce_pool_take(world->pool, UINT64_MAX, &other, &err),
                         SCONCE_E_GUEST_ABORT);
        e2e_says(&err, "cannot make one");
        e2e_says(&err, "not today");
    }
    /* Each of these was an occasion for the thread to try again; there was no other. */
    assert_in_range(pool_count(world).failed, 11, 21);
    assert_null(other);

    /* The one that there is works on. */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pool_next(sandbox), 101);
        sconce_pool_give(world->pool, sandbox);
        sandbox = pool_take(world);
    }
    pool_change_script(GOOD);
    other = pool_take(world);
    assert_int_equal(pool_next(other), 101);
    sconce_pool_give(world->pool, other);
    sconce_pool_give(world->pool, sandbox);
    pool_close_world(world);
}

static void test_pool_of_a_guest_that_does_not_start_is_an_error(void **state)
{
    struct pool_world *world = pool_script_world(GOOD, NULL);
    struct sconce_pool *pool = NULL;
    struct sconce_error err = {0};
    unsigned fds;

    (void)state;
    POOL_AWAIT(world, ready, 4);
    pool_change_script("abort 3 \"not today\"\n");
    fds = e2e_fds();
    assert_int_equal(sconce_pool_new(world->guest, NULL, &pool, &err), SCONCE_E_GUEST_ABORT);
    e2e_says(&err, "not today");
    assert_null(pool);
    assert_int_equal(e2e_fds(), fds);
    pool_close_world(world);
}

static void test_pool_refuses_options_that_contradict_each_other(void **state)
{
    const struct {
        struct sconce_pool_options options;
        const char *says;
    } cases[] = {
        {{.size = sizeof cases[0].options, .ready = 3, .most = 2}, "keep 3 ready"},
        {{.size = sizeof cases[0].options, .most = SCONCE_POOL_MOST + 1}, "65537"},
        {{.size = 4}, "has size 4"},
        {{.size = sizeof cases[0].options, .sandbox = &(struct sconce_sandbox_options){.size = 4}},
         "has size 4"},
    };
    struct pool_world *world = pool_script_world(GOOD, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sconce_pool *pool = NULL;
        struct sconce_error err = {0};

        assert_int_equal(sconce_pool_new(world->guest, &cases[i].options, &pool, &err),
                         SCONCE_E_INVALID);
        e2e_says(&err, cases[i].says);
        assert_null(pool);
    }
    pool_close_world(world);
}

/* ---- The end, and other processes ------------------------------------------------------------ */

static void test_pool_freed_leaves_lent_sandboxes_to_those_who_have_them(void **state)
{
    unsigned fds = e2e_fds();
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 2, .most = 3});
    struct sconce_sandbox *a = pool_take(world), *b = pool_take(world);

    (void)state;
    sconce_pool_free(world->pool);
    assert_int_equal(pool_next(a), 101);
    sconce_pool_give(world->pool, b);
    assert_int_equal(pool_next(a), 102);
    assert_int_equal(pool_call(a), SCONCE_E_GUEST_FAULT);
    sconce_pool_give(world->pool, a);
    world->pool = NULL;
    pool_close_world(world);
    assert_int_equal(e2e_fds(), fds);
}

static void test_pool_outlives_the_handles_that_it_stands_on(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 1, .most = 2});
    struct sconce_sandbox *a, *b;

    (void)state;
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
    world->guest = NULL;
    world->runtime = NULL;
    a = pool_take(world);
    b = pool_take(world);
    assert_int_equal(pool_next(a), 101);
    assert_int_equal(pool_next(b), 101);
    sconce_pool_give(world->pool, a);
    sconce_pool_give(world->pool, b);
    pool_close_world(world);
}

/* In the child: the number of the first thing that is not so. */
static int look_from_child(const struct pool_world *world, struct sconce_sandbox *lent)
{
    struct sconce_pool_counts counts = {.size = sizeof counts};
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};

    if (sconce_pool_take(world->pool, UINT64_MAX, &sandbox, &err) != SCONCE_E_FORKED)
        return 1;
    if (!strstr(err.text, "forked"))
        return 2;
    if (sconce_pool_count(world->pool, &counts) != SCONCE_E_FORKED)
        return 3;
    sconce_pool_give(world->pool, lent);
    sconce_pool_free(world->pool);
    return 0;
}

static void test_pool_inherited_over_fork_is_refused(void **state)
{
    struct pool_world *world =
        pool_script_world(GOOD, &(struct sconce_pool_options){.ready = 1, .most = 1});
    struct sconce_sandbox *sandbox = pool_take(world);
    int status = -1;
    pid_t child;

    (void)state;
    if (under_emulator(EMULATOR_FORK)) {
        sconce_pool_give(world->pool, sandbox);
        pool_close_world(world);
        skip();
    }
    child = fork();
    if (!child)
        _exit(look_from_child(world, sandbox));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(pool_next(sandbox), 101);
    sconce_pool_give(world->pool, sandbox);
    assert_int_equal(pool_count(world).recycled, 1);
    pool_close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_gives_a_clean_sandbox_each_turn),
        cmocka_unit_test(test_pool_fills_up_in_the_background),
        cmocka_unit_test(test_pool_at_its_bound_says_so),
        cmocka_unit_test(test_pool_keeps_the_last_one_at_hand),
        cmocka_unit_test(test_pool_restores_a_poisoned_sandbox),
        cmocka_unit_test(test_pool_replaces_a_dead_sandbox),
        cmocka_unit_test(test_pool_throws_away_what_is_used_up),
        cmocka_unit_test(test_pool_ignores_what_it_has_not_lent),
        cmocka_unit_test(test_pool_that_cannot_refill_says_why_and_rests),
        cmocka_unit_test(test_pool_of_a_guest_that_does_not_start_is_an_error),
        cmocka_unit_test(test_pool_refuses_options_that_contradict_each_other),
        cmocka_unit_test(test_pool_freed_leaves_lent_sandboxes_to_those_who_have_them),
        cmocka_unit_test(test_pool_outlives_the_handles_that_it_stands_on),
        cmocka_unit_test(test_pool_inherited_over_fork_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
