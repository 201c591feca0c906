/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/cpu.c: which features one processor has and another lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "snapshot/cpu.h"

static void test_this_machine_lacks_nothing_of_its_own(void **state)
{
    struct sconce_cpu here, again;
    char text[8];

    (void)state;
    sconce_cpu_look(&here);
    sconce_cpu_look(&again);
    assert_int_equal(sconce_cpu_lacks(&here, &again, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void test_what_is_lacking_is_named_as_far_as_it_fits(void **state)
{
    struct sconce_cpu here = {0}, wanted = {0};
    char text[8];

    (void)state;
    assert_true(sconce_cpu_add(&here, "two"));
    assert_true(sconce_cpu_add(&wanted, "one"));
    assert_true(sconce_cpu_add(&wanted, "two"));
    assert_int_equal(sconce_cpu_lacks(&here, &wanted, text, sizeof text), 1);
    assert_string_equal(text, "one");
    assert_true(sconce_cpu_add(&wanted, "three"));
    assert_true(sconce_cpu_add(&wanted, "four"));
    assert_int_equal(sconce_cpu_lacks(&here, &wanted, text, sizeof text), 3);
    assert_string_equal(text, "one thr");
}

static void test_names_that_have_no_room_are_not_taken(void **state)
{
    struct sconce_cpu cpu = {0};

    (void)state;
    assert_false(sconce_cpu_add(&cpu, "123456789012345678901234"));
    assert_true(sconce_cpu_add(&cpu, "12345678901234567890123"));
    while (cpu.count < SCONCE_CPU_FEATURES_MOST)
        assert_true(sconce_cpu_add(&cpu, "x"));
    assert_false(sconce_cpu_add(&cpu, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_this_machine_lacks_nothing_of_its_own),
        cmocka_unit_test(test_what_is_lacking_is_named_as_far_as_it_fits),
        cmocka_unit_test(test_names_that_have_no_room_are_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
