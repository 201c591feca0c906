/* SPDX-License-Identifier: Apache-2.0 */
/* common/text.c: text that grows, and text made fit for one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"

static void test_text_empty_is_an_empty_string(void **state)
{
    struct sconce_text text = {0};
    char *taken;

    (void)state;
    assert_string_equal(sconce_text_get(&text), "");

    taken = sconce_text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
}

static void test_text_add_appends_over_many_reallocations(void **state)
{
    struct sconce_text text = {0};
    char *taken;
    int i;

    (void)state;
    for (i = 0; i < 1000; i++)
        sconce_text_add(&text, "%03d,", i);
    assert_false(text.failed);

    taken = sconce_text_take(&text);
    assert_int_equal(strlen(taken), 4000);
    assert_memory_equal(taken, "000,001,", 8);
    assert_string_equal(taken + 3996, "999,");
    free(taken);
}

static void test_text_take_leaves_it_empty(void **state)
{
    struct sconce_text text = {0};

    (void)state;
    sconce_text_add(&text, "x");
    free(sconce_text_take(&text));

    assert_string_equal(sconce_text_get(&text), "");
    sconce_text_free(&text);
}

static void test_text_one_line_blanks_control_characters(void **state)
{
    char text[] = "a\nb\x1b[1m\tc\x7f\xc3\xa4";

    (void)state;
    sconce_text_one_line(text);

    assert_string_equal(text, "a b [1m c \xc3\xa4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_empty_is_an_empty_string),
        cmocka_unit_test(test_text_add_appends_over_many_reallocations),
        cmocka_unit_test(test_text_take_leaves_it_empty),
        cmocka_unit_test(test_text_one_line_blanks_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
