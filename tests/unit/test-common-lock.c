/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/emulator.h"

#define THREADS 4u
#define ROUNDS 2000u

static struct sconce_lock lock;
static unsigned guarded;

static void *count(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sconce_lock_take(&lock);
        guarded++;
        sconce_lock_give(&lock);
    }
    return NULL;
}

static void count_together(void)
{
    pthread_t threads[THREADS];

    guarded = 0;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_lock_keeps_threads_apart(void **state)
{
    (void)state;
    count_together();
    assert_int_equal(guarded, THREADS * ROUNDS);
}

static void expect_child(pid_t child)
{
    int status;

    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Whoever holds it is not there to give it. */
static void test_lock_held_at_fork_is_free_in_the_child(void **state)
{
    pid_t child;

    (void)state;
    sconce_lock_take(&lock);
    child = fork();
    if (!child) {
        sconce_lock_take(&lock);
        sconce_lock_give(&lock);
        count_together();
        _exit(guarded == THREADS * ROUNDS ? 0 : 1);
    }
    expect_child(child);
    /* And is still ours. */
    assert_int_not_equal(pthread_mutex_trylock(&lock.mutex), 0);
    sconce_lock_give(&lock);
}

/* All of a child's threads may be the first at once. */
static void test_lock_is_made_anew_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        pid_t child;

        sconce_lock_take(&lock);
        child = fork();
        if (!child) {
            count_together();
            _exit(guarded == THREADS * ROUNDS ? 0 : 1);
        }
        sconce_lock_give(&lock);
        expect_child(child);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock_keeps_threads_apart),
        cmocka_unit_test(test_lock_held_at_fork_is_free_in_the_child),
        cmocka_unit_test(test_lock_is_made_anew_once),
    };

    if (under_emulator(EMULATOR_FORK))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
