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

#include <time.h>

static int64_t word(struct fixture *f, uint64_t address)
{
    int64_t value;

    memcpy(&value, fixture_at(f, address), sizeof value);
    return value;
}

static int64_t time_of_day(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static void test_clock_host_is_between_two_looks(void **state)
{
    struct fixture *f = *state;
    int64_t before = time_of_day();

    assert_int_equal(CALL(f, "clock_gettime", 0, DATA_AT), 0);
    assert_int_equal(CALL(f, "gettimeofday", DATA_AT + 16, DATA_AT + 32), 0);
    assert_in_range(CALL(f, "time", DATA_AT + 48), before, time_of_day());
    for (unsigned i = 0; i < 4; i++)
        if (i != 2)
            assert_in_range(word(f, DATA_AT + 16 * i), before, time_of_day());
    assert_in_range(word(f, DATA_AT + 24), 0, 999999);
}

static void test_clock_frozen_stands_still(void **state)
{
    struct fixture *f = *state;

    f->p.settings.clock = SCONCE_PERSONALITY_CLOCK_FROZEN;
    f->p.settings.clock_seconds = 1234567890;
    for (uint64_t id = 0; id < 8; id++) {
        memset(fixture_at(f, DATA_AT), 0xff, 16);
        assert_int_equal(CALL(f, "clock_gettime", id, DATA_AT), 0);
        assert_int_equal(word(f, DATA_AT), 1234567890);
        assert_int_equal(word(f, DATA_AT + 8), 0);
    }
    assert_int_equal(CALL(f, "time", 0), 1234567890);
    assert_int_equal(CALL(f, "gettimeofday", DATA_AT, 0), 0);
    assert_int_equal(word(f, DATA_AT), 1234567890);
}

static void test_clock_offset_moves_the_time_of_day_alone(void **state)
{
    struct fixture *f = *state;
    int64_t before = time_of_day();
    struct timespec monotonic;

    f->p.settings.clock = SCONCE_PERSONALITY_CLOCK_OFFSET;
    f->p.settings.clock_seconds = -1000000;
    assert_in_range(CALL(f, "time", 0) + 1000000, before, time_of_day());
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    assert_int_equal(CALL(f, "clock_gettime", 1, DATA_AT), 0);
    assert_true(word(f, DATA_AT) >= monotonic.tv_sec);
    f->p.settings.clock_seconds = INT64_MAX; /* no sum is such a time */
    assert_int_equal(CALL(f, "time", 0), INT64_MAX);
}

static void test_clock_refusals(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "clock_gettime", 8, DATA_AT), -EINVAL);
    assert_int_equal(CALL(f, "clock_gettime", UINT64_MAX, DATA_AT), -EINVAL);
    assert_int_equal(CALL(f, "clock_gettime", 0, 0), -EFAULT);
    assert_int_equal(CALL(f, "clock_gettime", 0, CODE_AT), -EFAULT);
    assert_int_equal(CALL(f, "clock_gettime", 0, MORE_AT + STRETCH - 8), -EFAULT);
    assert_int_equal(CALL(f, "clock_getres", 8, 0), -EINVAL);
    assert_int_equal(CALL(f, "clock_getres", 0, BOOT_AT), -EFAULT);
    assert_int_equal(CALL(f, "clock_getres", 0, 0), 0);
    assert_int_equal(CALL(f, "clock_getres", 1, DATA_AT), 0);
    assert_int_equal(word(f, DATA_AT + 8), 1);
    assert_int_equal(CALL(f, "gettimeofday", 0, 0), 0);
    assert_int_equal(CALL(f, "gettimeofday", 1, 0), -EFAULT);
    assert_int_equal(CALL(f, "gettimeofday", 0, 1), -EFAULT);
    assert_int_equal(CALL(f, "time", 1), -EFAULT);
    fixture_put(f, DATA_AT, &(uint64_t){7}, 8);
    assert_int_equal(CALL(f, "gettimeofday", DATA_AT, 1), -EFAULT);
    assert_int_equal(word(f, DATA_AT), 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_clock_host_is_between_two_looks),
        TEST(test_clock_frozen_stands_still),
        TEST(test_clock_offset_moves_the_time_of_day_alone),
        TEST(test_clock_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
