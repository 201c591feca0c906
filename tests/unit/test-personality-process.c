/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "personality-fixture.h"

static int setup(void **state)
{
    static struct fixture f;

    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

static void test_exit_ends_with_its_status(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ENDS(f, "exit_group", 3), SCONCE_E_GUEST_EXIT);
    assert_int_equal(f->err.guest_code, 3);
    assert_string_equal(f->err.text, "the guest exited with status 3");
    assert_int_equal(ENDS(f, "exit", UINT64_MAX), SCONCE_E_GUEST_EXIT);
    assert_int_equal(f->err.guest_code, 255);
}

static void test_signals_to_itself_end_with_their_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ENDS(f, "tgkill", 1, 1, 6), SCONCE_E_GUEST_ABORT);
    assert_int_equal(f->err.guest_code, 134);
    assert_string_equal(f->err.text, "the guest killed itself with SIGABRT");
    assert_int_equal(ENDS(f, "tkill", 1, 31), SCONCE_E_GUEST_ABORT);
    assert_string_equal(f->err.text, "the guest killed itself with SIGSYS");
    assert_int_equal(ENDS(f, "kill", 1, 64), SCONCE_E_GUEST_ABORT);
    assert_string_equal(f->err.text, "the guest killed itself with signal 64");
    assert_int_equal(ENDS(f, "kill", 0, 9), SCONCE_E_GUEST_ABORT);
    assert_int_equal(ENDS(f, "kill", UINT64_MAX, 9), SCONCE_E_GUEST_ABORT);
}

static void test_signals_to_others_reach_nobody(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "kill", 2, 9), -ESRCH);
    assert_int_equal(CALL(f, "kill", (uint64_t)-2, 9), -ESRCH);
    assert_int_equal(CALL(f, "tkill", 2, 9), -ESRCH);
    assert_int_equal(CALL(f, "tkill", 0, 9), -EINVAL);
    assert_int_equal(CALL(f, "tgkill", 1, 2, 9), -ESRCH);
    assert_int_equal(CALL(f, "tgkill", 0, 1, 9), -EINVAL);
    assert_int_equal(CALL(f, "tgkill", 1, 1, 0), 0);
    assert_int_equal(CALL(f, "tgkill", 1, 1, 65), -EINVAL);
    assert_int_equal(CALL(f, "kill", 1, UINT64_MAX), -EINVAL);
}

static void test_sigaction_clears_the_old_one(void **state)
{
    struct fixture *f = *state;

    memset(fixture_at(f, DATA_AT), 0xff, 64);
    assert_int_equal(CALL(f, "rt_sigaction", 13, CODE_AT, DATA_AT, 8), 0);
    assert_true(fixture_is(f, DATA_AT, 0, 32));
    assert_true(fixture_is(f, DATA_AT + 32, 0xff, 32));
    assert_int_equal(CALL(f, "rt_sigaction", 9, 0, DATA_AT, 8), 0);
    assert_int_equal(CALL(f, "rt_sigaction", 9, DATA_AT, 0, 8), -EINVAL);
    assert_int_equal(CALL(f, "rt_sigaction", 13, 0, 0, 16), -EINVAL);
    assert_int_equal(CALL(f, "rt_sigaction", 0, 0, 0, 8), -EINVAL);
    assert_int_equal(CALL(f, "rt_sigaction", 65, 0, 0, 8), -EINVAL);
    assert_int_equal(CALL(f, "rt_sigaction", 13, 1, 0, 8), -EFAULT);
    assert_int_equal(CALL(f, "rt_sigaction", 13, 0, CODE_AT, 8), -EFAULT);
}

static void test_sigprocmask_clears_the_old_one(void **state)
{
    struct fixture *f = *state;

    memset(fixture_at(f, DATA_AT), 0xff, 16);
    assert_int_equal(CALL(f, "rt_sigprocmask", 0, CODE_AT, DATA_AT, 8), 0);
    assert_true(fixture_is(f, DATA_AT, 0, 8));
    assert_true(fixture_is(f, DATA_AT + 8, 0xff, 8));
    assert_int_equal(CALL(f, "rt_sigprocmask", 3, CODE_AT, 0, 8), -EINVAL);
    assert_int_equal(CALL(f, "rt_sigprocmask", 3, 0, DATA_AT, 8), 0);
    assert_int_equal(CALL(f, "rt_sigprocmask", 0, 0, 0, 4), -EINVAL);
    assert_int_equal(CALL(f, "rt_sigprocmask", 0, UINT64_MAX, 0, 8), -EFAULT);
    assert_int_equal(CALL(f, "rt_sigprocmask", 0, 0, BOOT_AT, 8), -EFAULT);
}

static void test_sigaltstack_is_disabled(void **state)
{
    struct fixture *f = *state;
    uint64_t stack[3] = {1, 1, 1};

    fixture_put(f, DATA_AT, stack, sizeof stack);
    assert_int_equal(CALL(f, "sigaltstack", DATA_AT, DATA_AT), 0);
    memcpy(stack, fixture_at(f, DATA_AT), sizeof stack);
    assert_int_equal(stack[0], 0);
    assert_int_equal(stack[1], 2);
    assert_int_equal(stack[2], 0);
    assert_int_equal(CALL(f, "sigaltstack", 1, 0), -EFAULT);
    assert_int_equal(CALL(f, "sigaltstack", 0, CODE_AT), -EFAULT);
}

static void test_futex_wait_that_nobody_ends_is_a_deadlock(void **state)
{
    struct fixture *f = *state;
    const int64_t timeout[] = {0, 1}, wrong[] = {0, 1000000000};

    fixture_put(f, DATA_AT, "\x07\0\0\0", 4);
    fixture_put(f, DATA_AT + 16, timeout, sizeof timeout);
    fixture_put(f, DATA_AT + 32, wrong, sizeof wrong);
    assert_int_equal(CALL(f, "futex", DATA_AT, 128, 8, 0), -EAGAIN);
    assert_int_equal(CALL(f, "futex", DATA_AT, 0, 7, DATA_AT + 16), -ETIMEDOUT);
    assert_int_equal(CALL(f, "futex", DATA_AT, 0, 8, DATA_AT + 16), -EAGAIN);
    assert_int_equal(CALL(f, "futex", DATA_AT, 0, 7, DATA_AT + 32), -EINVAL);
    assert_int_equal(CALL(f, "futex", DATA_AT, 0, 7, 8), -EFAULT);
    assert_int_equal(CALL(f, "futex", DATA_AT + 2, 0, 7, 0), -EINVAL);
    assert_int_equal(CALL(f, "futex", 0, 0, 7, 0), -EFAULT);
    assert_int_equal(ENDS(f, "futex", DATA_AT, 128, 7, 0), SCONCE_E_GUEST_ABORT);
    assert_string_equal(f->err.text, "the guest waits for a futex at 0x110000 that no thread can "
                                     "wake: deadlock");
    assert_int_equal(ENDS(f, "futex", DATA_AT, 9 | 256, 7, 0), SCONCE_E_GUEST_ABORT);
}

static void test_futex_wake_wakes_nobody(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "futex", DATA_AT, 1, 1), 0);
    assert_int_equal(CALL(f, "futex", 1, 129, 1), 0);
    assert_int_equal(CALL(f, "futex", DATA_AT, 10, 1), 0);
    assert_int_equal(f->p.counts.denied, 0);
    assert_int_equal(CALL(f, "futex", DATA_AT, 6, 1), -ENOSYS); /* LOCK_PI */
    assert_int_equal(CALL(f, "futex", DATA_AT, 512, 1), -ENOSYS);
    assert_int_equal(f->p.counts.denied, 2);
}

static void test_rlimits_tell_the_stack(void **state)
{
    struct fixture *f = *state;
    uint64_t limits[2];

    assert_int_equal(CALL(f, "prlimit64", 0, 3, 0, DATA_AT), 0);
    memcpy(limits, fixture_at(f, DATA_AT), sizeof limits);
    assert_true(limits[0] == 65536 && limits[1] == 65536);
    assert_int_equal(CALL(f, "getrlimit", 0, DATA_AT), 0);
    memcpy(limits, fixture_at(f, DATA_AT), sizeof limits);
    assert_true(limits[0] == UINT64_MAX && limits[1] == UINT64_MAX);
    assert_int_equal(CALL(f, "prlimit64", 1, 3, 0, 0), 0);
    assert_int_equal(CALL(f, "prlimit64", 2, 3, 0, DATA_AT), -ESRCH);
    assert_int_equal(CALL(f, "prlimit64", 0, 16, 0, DATA_AT), -EINVAL);
    assert_int_equal(CALL(f, "prlimit64", 0, 3, DATA_AT, 0), -EPERM);
    assert_int_equal(CALL(f, "prlimit64", 0, 3, 0, CODE_AT), -EFAULT);
    assert_int_equal(CALL(f, "getrlimit", 16, DATA_AT), -EINVAL);
    assert_int_equal(CALL(f, "getrlimit", 3, 0), -EFAULT);
}

static void test_arch_prctl_sets_the_thread_pointer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "arch_prctl", 0x1002, 0x1234), 0);
    assert_int_equal(f->tls, 0x1234);
    assert_int_equal(CALL(f, "arch_prctl", 0x1003, DATA_AT), -EINVAL);
    assert_int_equal(CALL(f, "arch_prctl", 0x3001, DATA_AT), -EINVAL);
    f->tls_result = 1;
    assert_int_equal(CALL(f, "arch_prctl", 0x1002, UINT64_MAX), -EPERM);
}

static void test_arch_prctl_passes_on_that_the_backend_failed(void **state)
{
    struct fixture *f = *state;
    const uint64_t args[6] = {0x1002, 1};
    int64_t result;

    f->tls_result = SCONCE_E_BACKEND;
    assert_int_equal(
        sconce_personality_call(&f->p, fixture_number("arch_prctl"), args, &result, NULL),
        SCONCE_E_BACKEND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_exit_ends_with_its_status),
        TEST(test_signals_to_itself_end_with_their_name),
        TEST(test_signals_to_others_reach_nobody),
        TEST(test_sigaction_clears_the_old_one),
        TEST(test_sigprocmask_clears_the_old_one),
        TEST(test_sigaltstack_is_disabled),
        TEST(test_futex_wait_that_nobody_ends_is_a_deadlock),
        TEST(test_futex_wake_wakes_nobody),
        TEST(test_rlimits_tell_the_stack),
        TEST(test_arch_prctl_sets_the_thread_pointer),
        TEST(test_arch_prctl_passes_on_that_the_backend_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
