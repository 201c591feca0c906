/* SPDX-License-Identifier: Apache-2.0 */
/* common/error.c: what a failure leaves in struct sconce_error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/error.h"

static void test_error_fail_replaces_an_earlier_error(void **state)
{
    struct sconce_error err = {.hint = "old hint", .limit = 3};

    (void)state;
    assert_int_equal(sconce_fail(&err, SCONCE_E_TYPE, "argument %d is wrong", 2), SCONCE_E_TYPE);

    assert_string_equal(err.text, "argument 2 is wrong");
    assert_string_equal(err.hint, "");
    assert_int_equal(err.limit, 0);
}

static void test_error_errno_appends_the_reason(void **state)
{
    struct sconce_error err = {0};

    (void)state;
    sconce_fail_errno(&err, SCONCE_E_SYSTEM, 2, "cannot open %s", "/x");

    assert_string_equal(err.text, "cannot open /x: No such file or directory");
}

static void test_error_text_too_long_is_cut_and_terminated(void **state)
{
    struct sconce_error err = {0};
    char longer[4096];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    sconce_fail(&err, SCONCE_E_TYPE, "%s", longer);
    sconce_error_prefix(&err, "%s", longer);

    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void test_error_prefix_keeps_code_and_hint(void **state)
{
    struct sconce_error err = {0};

    (void)state;
    sconce_fail_hint(&err, SCONCE_E_CONFIG, "do this", "bad key");
    assert_int_equal(sconce_error_prefix(&err, "%s:%d", "a.ini", 3), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "a.ini:3: bad key");
    assert_string_equal(err.hint, "do this");
}

static void test_error_null_only_returns_the_code(void **state)
{
    (void)state;
    assert_int_equal(sconce_fail(NULL, SCONCE_E_TYPE, "x"), SCONCE_E_TYPE);
    assert_int_equal(sconce_fail_errno(NULL, SCONCE_E_SYSTEM, 2, "x"), SCONCE_E_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_fail_replaces_an_earlier_error),
        cmocka_unit_test(test_error_errno_appends_the_reason),
        cmocka_unit_test(test_error_text_too_long_is_cut_and_terminated),
        cmocka_unit_test(test_error_prefix_keeps_code_and_hint),
        cmocka_unit_test(test_error_null_only_returns_the_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
