/* SPDX-License-Identifier: Apache-2.0 */
/* The harness and its statistics, with contestants whose values are known: no time is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/ioctl.h>

#include "bench/measure.h"

#define COUNT 100u

/* Steps from @from on, the same again after @period. */
struct counter {
    uint64_t from, period, turns;
    uint64_t exits;
    unsigned order; /* 0: before is next; 1: the operation; 2: after */
    unsigned fails_at;
};

static int before(void *ctx)
{
    struct counter *counter = ctx;

    assert_int_equal(counter->order++, 0);
    ioctl(-1, 0, NULL); /* not the operation's */
    counter->exits++;
    return 0;
}

static int operate(void *ctx)
{
    struct counter *counter = ctx;

    assert_int_equal(counter->order++, 1);
    ioctl(-1, 0, NULL);
    ioctl(-1, 0, NULL);
    counter->exits += 3;
    return ++counter->turns == counter->fails_at ? -1 : 0;
}

static int after(void *ctx)
{
    struct counter *counter = ctx;

    assert_int_equal(counter->order, 2);
    counter->order = 0;
    return 0;
}

static uint64_t value(void *ctx)
{
    const struct counter *counter = ctx;

    return counter->from + counter->turns % counter->period;
}

static uint64_t exits(void *ctx)
{
    return ((struct counter *)ctx)->exits;
}

static struct measure_contestant contestant(struct counter *counter)
{
    return (struct measure_contestant){.name = "counter",
                                       .op = operate,
                                       .before = before,
                                       .after = after,
                                       .value = value,
                                       .exits = exits,
                                       .ctx = counter};
}

static void test_measure_run_of_known_values_tells_their_ratio(void **state)
{
    const struct measure_plan plan = {.rounds = 7, .batch = 5};
    struct counter floor = {.from = 200, .period = 1}, ours = {.from = 300, .period = 1};
    const struct measure_contestant pair[] = {contestant(&floor), contestant(&ours)};
    struct measure_result results[2];

    (void)state;
    assert_int_equal(measure_run(pair, 2, &plan, results), 0);
    assert_int_equal(results[0].median, 200);
    assert_int_equal(results[1].p10, 300);
    assert_int_equal(results[1].p99, 300);
    assert_true(results[0].ratio.median == 1);
    assert_true(results[1].ratio.median == 1.5);
    assert_true(results[1].ratio.low == 1.5 && results[1].ratio.high == 1.5);
}

static void test_measure_run_counts_what_the_operation_alone_does(void **state)
{
    const struct measure_plan plan = {.rounds = 1, .batch = 4};
    struct counter floor = {.from = 1, .period = 1};
    const struct measure_contestant one = contestant(&floor);
    struct measure_result result;

    (void)state;
    assert_int_equal(measure_run(&one, 1, &plan, &result), 0);
    assert_true(result.ioctls == 2);
    assert_true(result.exits == 3);
}

static void test_measure_run_with_an_operation_that_fails_fails(void **state)
{
    const struct measure_plan plan = {.rounds = 2, .batch = 2};

    (void)state;
    for (unsigned at = 1; at <= 6; at++) { /* counted, and in both rounds */
        struct counter floor = {.from = 1, .period = 1, .fails_at = at};
        const struct measure_contestant one = contestant(&floor);
        struct measure_result result;

        assert_int_equal(measure_run(&one, 1, &plan, &result), -1);
    }
}

static void test_percentile_is_the_nearest_rank(void **state)
{
    uint64_t values[] = {50, 10, 40, 20, 30};

    (void)state;
    stats_sort(values, 5);
    assert_int_equal(stats_percentile(values, 5, 0), 10);
    assert_int_equal(stats_percentile(values, 5, 50), 30);
    assert_int_equal(stats_percentile(values, 5, 99), 50);
    assert_int_equal(stats_percentile(values, 1, 50), 10);
}

static void test_ratios_of_one_tell_it(void **state)
{
    double ratio = 2.5;
    struct stats_ratio told = stats_ratios(&ratio, 1);

    (void)state;
    assert_true(told.median == 2.5 && told.low == 2.5 && told.high == 2.5);
}

/* What a binomial distribution says of the ranks between which the median lies: 40 to 60 of 100. */
static void test_ratios_interval_holds_the_median_closely(void **state)
{
    double ratios[COUNT];
    struct stats_ratio told;

    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        ratios[i] = (double)((i * 37) % COUNT);
    told = stats_ratios(ratios, COUNT);
    assert_true(told.median == 49);
    assert_true(told.low >= 35 && told.low <= 43);
    assert_true(told.high >= 56 && told.high <= 64);
}

static void test_ratios_with_outliers_keep_their_interval(void **state)
{
    double ratios[COUNT];
    struct stats_ratio told;

    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        ratios[i] = i % 4 ? 1 : 1000;
    told = stats_ratios(ratios, COUNT);
    assert_true(told.low == 1 && told.median == 1 && told.high == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_run_of_known_values_tells_their_ratio),
        cmocka_unit_test(test_measure_run_counts_what_the_operation_alone_does),
        cmocka_unit_test(test_measure_run_with_an_operation_that_fails_fails),
        cmocka_unit_test(test_percentile_is_the_nearest_rank),
        cmocka_unit_test(test_ratios_of_one_tell_it),
        cmocka_unit_test(test_ratios_interval_holds_the_median_closely),
        cmocka_unit_test(test_ratios_with_outliers_keep_their_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
