/* SPDX-License-Identifier: Apache-2.0 */
/* bench/count-syscalls.c: every system call counts, and does what it does uncounted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/count-syscalls.h"

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled = (sig_atomic_t)(getppid() > 0);
}

static void *nothing(void *ctx)
{
    return ctx;
}

static void test_count_syscalls_of_known_calls_tells_how_many(void **state)
{
    char byte = 'x', came = 0;
    bool whole = false;
    int pipes[2];
    uint64_t count;
    ssize_t written, got;
    long failed;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_true(count_syscalls_begin());
    written = write(pipes[1], &byte, 1);
    got = read(pipes[0], &came, 1);
    failed = syscall(SYS_close, -1);
    count = count_syscalls_end(&whole);
    assert_int_equal(count, 3);
    assert_true(whole);
    assert_int_equal(written, 1);
    assert_int_equal(got, 1);
    assert_int_equal(came, 'x');
    assert_int_equal(failed, -1);
    assert_int_equal(errno, EBADF);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_count_syscalls_without_any_is_none(void **state)
{
    bool whole;

    (void)state;
    assert_true(count_syscalls_begin());
    assert_int_equal(count_syscalls_end(&whole), 0);
    assert_true(whole);
}

/* The handler's own, and the return from it. */
static void test_count_syscalls_with_a_signal_counts_its_handlers(void **state)
{
    bool whole;

    (void)state;
    handled = 0;
    assert_true(signal(SIGTRAP, on_signal) != SIG_ERR);
    assert_true(count_syscalls_begin());
    __asm__ volatile("int3");
    assert_int_equal(count_syscalls_end(&whole), 2);
    assert_true(whole);
    assert_int_equal(handled, 1);
}

static void test_count_syscalls_with_a_signal_during_one_counts_that_one(void **state)
{
    bool whole;

    (void)state;
    handled = 0;
    assert_true(signal(SIGUSR1, on_signal) != SIG_ERR);
    assert_true(count_syscalls_begin());
    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
    assert_int_equal(count_syscalls_end(&whole), 3); /* getpid and gettid, too */
    assert_true(whole);
    assert_int_equal(handled, 1);
}

static void test_count_syscalls_keeps_a_mask_that_is_set_meanwhile(void **state)
{
    sigset_t set, now;
    bool whole;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    assert_true(count_syscalls_begin());
    sigprocmask(SIG_BLOCK, &set, NULL);
    assert_int_equal(count_syscalls_end(&whole), 1);
    sigprocmask(SIG_UNBLOCK, &set, &now);
    assert_true(sigismember(&now, SIGUSR2));
}

static void test_count_syscalls_with_a_thread_started_is_not_whole(void **state)
{
    pthread_t thread;
    bool whole = true;
    int r;

    (void)state;
    assert_true(count_syscalls_begin());
    r = pthread_create(&thread, NULL, nothing, NULL);
    count_syscalls_end(&whole);
    assert_int_equal(r, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_syscalls_of_known_calls_tells_how_many),
        cmocka_unit_test(test_count_syscalls_without_any_is_none),
        cmocka_unit_test(test_count_syscalls_with_a_signal_counts_its_handlers),
        cmocka_unit_test(test_count_syscalls_with_a_signal_during_one_counts_that_one),
        cmocka_unit_test(test_count_syscalls_keeps_a_mask_that_is_set_meanwhile),
        cmocka_unit_test(test_count_syscalls_with_a_thread_started_is_not_whole),
    };
    bool whole;

    if (!count_syscalls_begin()) {
        puts("skipped: this kernel hands no system calls to handlers (Linux 5.11 does)");
        return 77;
    }
    count_syscalls_end(&whole);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
