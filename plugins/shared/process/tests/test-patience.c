/* SPDX-License-Identifier: Apache-2.0 */
/* When a kicked guest is held for one that takes no signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/shared/process/patience.h"

#define US 1000ull
#define MS 1000000ull
#define S 1000000000ull

/* Kicks it again and again. Returns how many kicks it took, at most @most. */
static unsigned kicks_until_over(uint64_t clock_step, uint64_t cpu_step, unsigned most)
{
    struct sconce_patience patience;
    unsigned kicks = 0;
    bool over = false;

    sconce_patience_begin(&patience, 7 * S, 3 * S);
    while (!over && kicks < most) {
        kicks++;
        over = sconce_patience_is_over(&patience, 7 * S + kicks * clock_step,
                                       3 * S + kicks * cpu_step);
    }
    return kicks;
}

static void test_patience_a_guest_that_runs_on_has_a_tenth_of_a_second(void **state)
{
    (void)state;
    assert_int_equal(kicks_until_over(100 * US, 100 * US, 5000), 1000);
    assert_int_equal(kicks_until_over(5 * MS, 5 * MS, 5000), 20);
}

static void test_patience_a_guest_that_does_not_run_has_five_seconds(void **state)
{
    (void)state;
    assert_int_equal(kicks_until_over(1 * MS, 0, 9000), 5000);
    assert_int_equal(kicks_until_over(250 * MS, 0, 9000), 20);
}

/* Each time that a machine took from it is little, however long it was. */
static void test_patience_time_that_a_machine_took_is_no_deafness(void **state)
{
    struct sconce_patience patience;

    (void)state;
    sconce_patience_begin(&patience, 7 * S, 3 * S);
    assert_false(sconce_patience_is_over(&patience, 20 * S, 10 * S));
    assert_false(sconce_patience_is_over(&patience, 60 * S, 40 * S));
    assert_int_equal(kicks_until_over(10 * S, 10 * S, 5000), 20);
}

static void test_patience_clocks_that_go_back_or_are_unknown_count_as_nothing(void **state)
{
    struct sconce_patience patience;

    (void)state;
    sconce_patience_begin(&patience, 7 * S, 3 * S);
    for (int i = 0; i < 100; i++)
        assert_false(sconce_patience_is_over(&patience, 1 * S, 0));
}

/* A second kick's guest begins anew. */
static void test_patience_begins_anew(void **state)
{
    struct sconce_patience patience;

    (void)state;
    sconce_patience_begin(&patience, 0, 0);
    for (uint64_t i = 1; i < 20; i++)
        assert_false(sconce_patience_is_over(&patience, i * S, i * S));
    sconce_patience_begin(&patience, 20 * S, 20 * S);
    assert_false(sconce_patience_is_over(&patience, 21 * S, 21 * S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience_a_guest_that_runs_on_has_a_tenth_of_a_second),
        cmocka_unit_test(test_patience_a_guest_that_does_not_run_has_five_seconds),
        cmocka_unit_test(test_patience_time_that_a_machine_took_is_no_deafness),
        cmocka_unit_test(test_patience_clocks_that_go_back_or_are_unknown_count_as_nothing),
        cmocka_unit_test(test_patience_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
