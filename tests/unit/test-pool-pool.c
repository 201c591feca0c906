/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool/pool.c and pool/maker.c where something fails that real sandboxes do not fail at when asked:
 * memory, the thread, a restore. Linked with -Wl,--wrap for these. tests/e2e/ has the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pool-fakes.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *arg);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *arg);

static _Thread_local long until_failure = -1; /* allocations that still succeed; negative: all */
static bool no_thread;

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *arg)
{
    return no_thread ? EAGAIN : __real_pthread_create(thread, attributes, fn, arg);
}

/* Of no guest: the fakes do not ask for one. */
static struct sconce_pool *pool_of(uint32_t ready, uint32_t most)
{
    const struct sconce_pool_options options = {
        .size = sizeof options, .ready = ready, .most = most};
    struct sconce_pool *pool;
    struct sconce_error err = {0};

    assert_int_equal(sconce_pool_new(NULL, &options, &pool, &err), 0);
    return pool;
}

static struct sconce_pool_counts count(struct sconce_pool *pool)
{
    struct sconce_pool_counts counts = {.size = sizeof counts};

    assert_int_equal(sconce_pool_count(pool, &counts), 0);
    return counts;
}

static void expect_nothing_alive(void)
{
    assert_int_equal(atomic_load(&pool_fakes.sandboxes), 0);
    assert_int_equal(atomic_load(&pool_fakes.snapshots), 0);
}

static void test_pool_without_memory_is_not_made(void **state)
{
    struct sconce_pool *pool = NULL;
    struct sconce_error err = {0};
    int r = SCONCE_E_NO_MEMORY;
    long n;

    (void)state;
    for (n = 0; r == SCONCE_E_NO_MEMORY; n++) {
        until_failure = n;
        r = sconce_pool_new(NULL, NULL, &pool, &err);
        until_failure = -1;
        if (r < 0) {
            assert_non_null(strstr(err.text, "out of memory"));
            assert_null(pool);
            expect_nothing_alive();
        }
    }
    assert_int_equal(r, 0);
    assert_int_equal(n, 5); /* the pool, the first sandbox, its snapshot, the options, and none */
    sconce_pool_free(pool);
    expect_nothing_alive();
}

static void test_pool_without_a_thread_is_not_made(void **state)
{
    struct sconce_pool *pool = NULL;
    struct sconce_error err = {0};

    (void)state;
    no_thread = true;
    assert_int_equal(sconce_pool_new(NULL, NULL, &pool, &err), SCONCE_E_SYSTEM);
    no_thread = false;
    assert_non_null(strstr(err.text, "cannot start the pool's thread"));
    assert_null(pool);
    expect_nothing_alive();
}

static void test_pool_of_what_cannot_be_copied_is_not_made(void **state)
{
    struct sconce_pool *pool = NULL;
    struct sconce_error err = {0};

    (void)state;
    atomic_store(&pool_fakes.snapshot_result, SCONCE_E_STATE);
    assert_int_equal(sconce_pool_new(NULL, NULL, &pool, &err), SCONCE_E_STATE);
    assert_non_null(strstr(err.text, "cannot be copied"));
    expect_nothing_alive();
}

static void test_pool_throws_away_what_cannot_be_restored(void **state)
{
    struct sconce_pool *pool = pool_of(1, 1);
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_pool_take(pool, 0, &sandbox, &err), 0);
    atomic_store(&pool_fakes.restore_result, SCONCE_E_NO_MEMORY);
    sconce_pool_give(pool, sandbox);
    while (!count(pool).thrown_away)
        sched_yield();
    assert_int_equal(count(pool).failed_restores, 1);
    assert_int_equal(count(pool).recycled, 0);
    /* What is made anew cannot be brought to the state that is lent, either. */
    assert_int_equal(sconce_pool_take(pool, UINT64_MAX, &sandbox, &err), SCONCE_E_NO_MEMORY);
    assert_non_null(strstr(err.text, "cannot make one: the fake cannot be restored"));
    while (count(pool).alive)
        sched_yield();
    assert_int_equal(atomic_load(&pool_fakes.sandboxes), 0);
    sconce_pool_free(pool);
    expect_nothing_alive();
}

/* Never lent as it started: always as the snapshot is. */
static void test_pool_restores_before_it_lends(void **state)
{
    struct sconce_pool *pool = pool_of(1, 3);
    struct sconce_sandbox *sandboxes[3];
    struct sconce_error err = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) /* the pool's thread may be making one of them just now */
        assert_int_equal(sconce_pool_take(pool, UINT64_MAX, &sandboxes[i], &err), 0);
    assert_int_equal(atomic_load(&pool_fakes.made), 3);
    assert_int_equal(atomic_load(&pool_fakes.restored), 2); /* the first is the snapshot's own */
    for (unsigned i = 0; i < 3; i++)
        sconce_pool_give(pool, sandboxes[i]);
    assert_int_equal(atomic_load(&pool_fakes.restored), 5);
    sconce_pool_free(pool);
    expect_nothing_alive();
}

static void test_pool_freed_first_frees_the_last_one_when_it_comes_back(void **state)
{
    struct sconce_pool *pool = pool_of(2, 2);
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_pool_take(pool, 0, &sandbox, &err), 0);
    sconce_pool_free(pool);
    assert_int_equal(atomic_load(&pool_fakes.sandboxes), 1);
    sconce_pool_give(pool, sandbox);
    expect_nothing_alive();
}

static void test_pool_counts_keep_to_the_callers_size(void **state)
{
    struct sconce_pool *pool = pool_of(1, 1);
    struct sconce_pool_counts counts = {
        .size = offsetof(struct sconce_pool_counts, lent), .lent = 77, .made = 77};

    (void)state;
    assert_int_equal(sconce_pool_count(pool, &counts), 0);
    assert_int_equal(counts.ready, 1);
    assert_int_equal(counts.lent, 77);
    assert_int_equal(counts.made, 77);
    counts.size = 3;
    assert_int_equal(sconce_pool_count(pool, &counts), SCONCE_E_INVALID);
    sconce_pool_free(pool);
}

#define POOL_TEST(name) cmocka_unit_test_setup(name, pool_fakes_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(test_pool_without_memory_is_not_made),
        POOL_TEST(test_pool_without_a_thread_is_not_made),
        POOL_TEST(test_pool_of_what_cannot_be_copied_is_not_made),
        POOL_TEST(test_pool_throws_away_what_cannot_be_restored),
        POOL_TEST(test_pool_restores_before_it_lends),
        POOL_TEST(test_pool_freed_first_frees_the_last_one_when_it_comes_back),
        POOL_TEST(test_pool_counts_keep_to_the_callers_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
