/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stats.c: percentiles, and what ratios say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/stats.h"

static void test_stats_percentile_of_hundred_is_the_nearest_rank(void **state)
{
    uint64_t values[100];

    (void)state;
    for (size_t i = 0; i < 100; i++)
        values[i] = 100 - i;
    stats_sort(values, 100);
    assert_int_equal(stats_percentile(values, 100, 0), 1);
    assert_int_equal(stats_percentile(values, 100, 10), 10);
    assert_int_equal(stats_percentile(values, 100, 50), 50);
    assert_int_equal(stats_percentile(values, 100, 100), 100);
}

static void test_stats_percentile_of_one_is_that_one(void **state)
{
    const uint64_t value = 7;

    (void)state;
    assert_int_equal(stats_percentile(&value, 1, 10), 7);
    assert_int_equal(stats_percentile(&value, 1, 99), 7);
}

static void test_stats_ratios_of_equals_have_no_width(void **state)
{
    double ratios[50];
    struct stats_ratio said;

    (void)state;
    for (size_t i = 0; i < 50; i++)
        ratios[i] = 1.5;
    said = stats_ratios(ratios, 50);
    assert_true(said.median == 1.5 && said.low == 1.5 && said.high == 1.5);
}

/* 100 coin throws: the 40th to the 61st value (ranks from 1) hold the median with 95 %. The
 * bootstrap comes near, and is the same each time. */
static void test_stats_ratios_of_hundred_interval_is_near_the_binomial_one(void **state)
{
    double ratios[100];
    struct stats_ratio said, again;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        ratios[i] = (double)(i * 37 % 100 + 1);
    said = stats_ratios(ratios, 100);
    assert_true(said.median >= 50 && said.median <= 51);
    assert_true(said.low >= 38 && said.low <= 43 && said.high >= 58 && said.high <= 63);
    again = stats_ratios(ratios, 100);
    assert_true(again.low == said.low && again.high == said.high);
}

static void test_stats_ratios_of_three_interval_is_all_of_them(void **state)
{
    double ratios[] = {3, 1, 2};
    struct stats_ratio said = stats_ratios(ratios, 3);

    (void)state;
    assert_true(said.median == 2 && said.low == 1 && said.high == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_percentile_of_hundred_is_the_nearest_rank),
        cmocka_unit_test(test_stats_percentile_of_one_is_that_one),
        cmocka_unit_test(test_stats_ratios_of_equals_have_no_width),
        cmocka_unit_test(test_stats_ratios_of_hundred_interval_is_near_the_binomial_one),
        cmocka_unit_test(test_stats_ratios_of_three_interval_is_all_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
