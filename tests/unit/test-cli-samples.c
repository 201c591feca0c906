/* SPDX-License-Identifier: Apache-2.0 */
/* cli/samples.c: what is told of times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/samples.h"

static void test_samples_percentile_is_the_nearest_rank(void **state)
{
    struct samples samples = {0};

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        assert_true(samples_add(&samples, (i * 37) % 100 + 1));
    samples_sort(&samples);

    assert_int_equal(samples_percentile(&samples, 0), 1);
    assert_int_equal(samples_percentile(&samples, 10), 10);
    assert_int_equal(samples_percentile(&samples, 50), 50);
    assert_int_equal(samples_percentile(&samples, 99), 99);
    assert_int_equal(samples_percentile(&samples, 100), 100);
    samples_free(&samples);
}

static void test_samples_per_second_is_of_their_sum(void **state)
{
    struct samples samples = {0};

    (void)state;
    samples_add(&samples, 1000000);
    samples_add(&samples, 3000000);
    assert_true(samples_per_second(&samples) == 500);
    samples_free(&samples);
}

static void test_samples_of_none_are_zero(void **state)
{
    struct samples samples = {0};

    (void)state;
    samples_sort(&samples);
    assert_int_equal(samples_percentile(&samples, 50), 0);
    assert_true(samples_per_second(&samples) == 0);
    samples_free(&samples);
}

static void test_samples_add_beyond_the_most_keeps_those_that_were(void **state)
{
    struct samples samples = {0};

    (void)state;
    for (uint64_t i = 1; i < SAMPLES_MOST; i++)
        assert_true(samples_add(&samples, 1));
    assert_false(samples_add(&samples, 1));
    assert_false(samples_add(&samples, 1));
    assert_int_equal(samples.count, SAMPLES_MOST);
    assert_int_equal(samples.total_ns, SAMPLES_MOST);
    samples_free(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_percentile_is_the_nearest_rank),
        cmocka_unit_test(test_samples_per_second_is_of_their_sum),
        cmocka_unit_test(test_samples_of_none_are_zero),
        cmocka_unit_test(test_samples_add_beyond_the_most_keeps_those_that_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
