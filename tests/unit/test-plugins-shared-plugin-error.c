/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/plugin-error.c: what every backend's failures and inputs go through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/plugin-error.h"

static void test_fail_fills_all_and_returns_the_status(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err, .text = "old", .hint = "old"};

    (void)state;
    assert_int_equal(sconce_plugin_fail(&err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_PLUGIN, 7,
                                        "do this", "bad %s", "thing"),
                     SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(err.domain, SCONCE_DOMAIN_PLUGIN);
    assert_int_equal(err.code, 7);
    assert_string_equal(err.text, "bad thing");
    assert_string_equal(err.hint, "do this");
}

static void test_fail_with_errno_tells_its_meaning(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err, .hint = "old"};

    (void)state;
    sconce_plugin_fail(&err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, ENOENT, NULL, "no %d", 1);
    assert_string_equal(err.text, "no 1: No such file or directory");
    assert_string_equal(err.hint, "");
    sconce_plugin_fail(&err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, 9999, NULL, "no");
    assert_string_equal(err.text, "no: unknown error");
    sconce_plugin_fail(&err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, 0, NULL, "no");
    assert_string_equal(err.text, "no");
}

static void test_fail_long_texts_are_cut(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err};
    char longer[1000];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    sconce_plugin_fail(&err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, ENOENT, longer, "%s",
                       longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
}

static void test_fail_without_room_only_returns(void **state)
{
    struct sconce_plugin_error err = {.size = 16, .text = "mine"};

    (void)state;
    assert_int_equal(
        sconce_plugin_fail(NULL, SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, NULL, "x"),
        SCONCE_PLUGIN_E_DEAD);
    sconce_plugin_fail(&err, SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, NULL, "x");
    assert_string_equal(err.text, "mine");
}

static void test_pass_tells_the_same_and_keeps_the_callers_size(void **state)
{
    struct sconce_plugin_error why = {.size = sizeof why};
    struct sconce_plugin_error err = {.size = sizeof err + 8, .hint = "old"};
    struct sconce_plugin_error shorter = {.size = 16, .text = "mine"};

    (void)state;
    sconce_plugin_fail(&why, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_PLUGIN, 7, NULL, "bad");
    assert_int_equal(sconce_plugin_pass(&err, SCONCE_PLUGIN_E_DEAD, &why), SCONCE_PLUGIN_E_DEAD);
    assert_int_equal(err.size, sizeof err + 8);
    assert_int_equal(err.domain, SCONCE_DOMAIN_PLUGIN);
    assert_int_equal(err.code, 7);
    assert_string_equal(err.text, "bad");
    assert_string_equal(err.hint, "");
    assert_int_equal(sconce_plugin_pass(NULL, SCONCE_PLUGIN_E_DEAD, &why), SCONCE_PLUGIN_E_DEAD);
    sconce_plugin_pass(&shorter, SCONCE_PLUGIN_E_DEAD, &why);
    assert_string_equal(shorter.text, "mine");
}

struct small {
    uint32_t size, value;
};
struct large {
    uint32_t size, value, appended;
};

static void test_copy_in_from_a_longer_struct_takes_what_is_known(void **state)
{
    const struct large from = {sizeof from, 5, 6};
    struct small to;

    (void)state;
    assert_true(sconce_plugin_copy_in(&to, sizeof to, &from, sizeof to));
    assert_int_equal(to.value, 5);
}

static void test_copy_in_from_a_shorter_struct_zeroes_the_rest(void **state)
{
    const struct small from = {sizeof from, 5};
    struct large to = {9, 9, 9};

    (void)state;
    assert_true(sconce_plugin_copy_in(&to, sizeof to, &from, sizeof from));
    assert_int_equal(to.value, 5);
    assert_int_equal(to.appended, 0);
}

static void test_copy_in_refuses_too_short_and_null(void **state)
{
    const struct small from = {4, 5};
    struct small to = {9, 9};

    (void)state;
    assert_false(sconce_plugin_copy_in(&to, sizeof to, &from, sizeof to));
    assert_false(sconce_plugin_copy_in(&to, sizeof to, NULL, 4));
    assert_int_equal(to.value, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills_all_and_returns_the_status),
        cmocka_unit_test(test_fail_with_errno_tells_its_meaning),
        cmocka_unit_test(test_fail_long_texts_are_cut),
        cmocka_unit_test(test_fail_without_room_only_returns),
        cmocka_unit_test(test_pass_tells_the_same_and_keeps_the_callers_size),
        cmocka_unit_test(test_copy_in_from_a_longer_struct_takes_what_is_known),
        cmocka_unit_test(test_copy_in_from_a_shorter_struct_zeroes_the_rest),
        cmocka_unit_test(test_copy_in_refuses_too_short_and_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
