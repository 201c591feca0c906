/* SPDX-License-Identifier: Apache-2.0 */
/* common/nearest.c: which word was meant, and when none was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/nearest.h"

static const char *nearest_of(const char *word, const char *a, const char *b)
{
    struct sconce_nearest nearest;

    sconce_nearest_start(&nearest, word);
    sconce_nearest_offer(&nearest, a);
    sconce_nearest_offer(&nearest, b);
    return nearest.best;
}

static void test_nearest_dropped_letter_is_found(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("bakend", "isolation", "backend"), "backend");
}

static void test_nearest_swapped_letters_are_one_slip(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("mv", "any", "vm"), "vm");
}

static void test_nearest_of_two_takes_the_nearer(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("heap_byte", "stack_bytes", "heap_bytes"), "heap_bytes");
    assert_string_equal(nearest_of("heap_byte", "heap_bytes", "stack_bytes"), "heap_bytes");
}

static void test_nearest_of_equals_keeps_the_first(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("bat", "cat", "hat"), "cat");
}

static void test_nearest_other_word_is_nothing(void **state)
{
    (void)state;
    assert_null(nearest_of("colour", "backend", "isolation"));
    assert_null(nearest_of("", "a", "b"));
    assert_null(nearest_of("x", "a", "b"));
}

static void test_nearest_very_long_word_is_nothing(void **state)
{
    char word[200];

    (void)state;
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';

    assert_null(nearest_of(word, "a", word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_dropped_letter_is_found),
        cmocka_unit_test(test_nearest_swapped_letters_are_one_slip),
        cmocka_unit_test(test_nearest_of_two_takes_the_nearer),
        cmocka_unit_test(test_nearest_of_equals_keeps_the_first),
        cmocka_unit_test(test_nearest_other_word_is_nothing),
        cmocka_unit_test(test_nearest_very_long_word_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
