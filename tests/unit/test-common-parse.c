/* SPDX-License-Identifier: Apache-2.0 */
/* common/parse.c: strict texts to values. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/parse.h"

static void test_parse_u64_reads_up_to_the_largest(void **state)
{
    uint64_t v = 0;

    (void)state;
    assert_int_equal(sconce_parse_u64("0", &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(sconce_parse_u64("18446744073709551615", &v), 0);
    assert_true(v == UINT64_MAX);
}

static void test_parse_u64_too_large_is_erange(void **state)
{
    uint64_t v = 7;

    (void)state;
    assert_int_equal(sconce_parse_u64("18446744073709551616", &v), -ERANGE);
    assert_int_equal(sconce_parse_u64("99999999999999999999", &v), -ERANGE);
    assert_int_equal(v, 7);
}

static void test_parse_u64_other_text_is_einval(void **state)
{
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x10", "1K", "1.5", "ten"};
    uint64_t v = 7;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sconce_parse_u64(bad[i], &v), -EINVAL);
    assert_int_equal(v, 7);
}

static void test_parse_size_takes_units(void **state)
{
    uint64_t v = 0;

    (void)state;
    assert_int_equal(sconce_parse_size("100", &v), 0);
    assert_int_equal(v, 100);
    assert_int_equal(sconce_parse_size("2K", &v), 0);
    assert_int_equal(v, 2048);
    assert_int_equal(sconce_parse_size("3m", &v), 0);
    assert_int_equal(v, 3 << 20);
    assert_int_equal(sconce_parse_size("4G", &v), 0);
    assert_true(v == 4ull << 30);
}

static void test_parse_size_overflow_by_the_unit_is_erange(void **state)
{
    uint64_t v = 7;

    (void)state;
    assert_int_equal(sconce_parse_size("17179869184G", &v), -ERANGE);
    assert_int_equal(sconce_parse_size("17179869183G", &v), 0);
}

static void test_parse_size_other_text_is_einval(void **state)
{
    static const char *const bad[] = {"", "K", "1KB", "1 K", "1T", "-1K", "1KK"};
    uint64_t v = 7;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sconce_parse_size(bad[i], &v), -EINVAL);
    assert_int_equal(v, 7);
}

static void test_parse_bool_takes_the_usual_words(void **state)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    bool v;
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        assert_int_equal(sconce_parse_bool(yes[i], &v), 0);
        assert_true(v);
        assert_int_equal(sconce_parse_bool(no[i], &v), 0);
        assert_false(v);
    }
    assert_int_equal(sconce_parse_bool("Yes", &v), -EINVAL);
    assert_int_equal(sconce_parse_bool("", &v), -EINVAL);
}

static void test_format_size_is_read_back_the_same(void **state)
{
    static const uint64_t sizes[] = {0, 1, 1023, 1024, 1536, 65536, 16 << 20, 5ull << 40, ~0ull};
    char text[SCONCE_SIZE_TEXT_BYTES];
    uint64_t v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        sconce_format_size(sizes[i], text);
        assert_int_equal(sconce_parse_size(text, &v), 0);
        assert_true(v == sizes[i]);
    }
    sconce_format_size(16 << 20, text);
    assert_string_equal(text, "16M");
}

static void test_backend_name_takes_what_a_file_name_may_hold(void **state)
{
    (void)state;
    assert_true(sconce_backend_name_valid("kvm-x86_64"));
    assert_true(sconce_backend_name_valid("0"));
    assert_true(sconce_backend_name_valid("abcdefghijklmnopqrstuvwxyzabcdefghijklmn"));
}

static void test_backend_name_refuses_paths_and_odd_letters(void **state)
{
    static const char *const bad[] = {"",
                                      "../stub",
                                      "a/b",
                                      ".",
                                      "..",
                                      "-a",
                                      "_a",
                                      "Stub",
                                      "a.b",
                                      "a ",
                                      "ä",
                                      "a\n",
                                      "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sconce_backend_name_valid(bad[i]));
}

static void test_setting_key_refuses_empty_and_overlong(void **state)
{
    char key[SCONCE_SETTING_KEY_MAX + 2];

    (void)state;
    memset(key, 'k', sizeof key);
    key[SCONCE_SETTING_KEY_MAX + 1] = '\0';
    assert_false(sconce_setting_key_valid(key));
    key[SCONCE_SETTING_KEY_MAX] = '\0';
    assert_true(sconce_setting_key_valid(key));
    assert_true(sconce_setting_key_valid("debug.exits_2"));
    assert_false(sconce_setting_key_valid(""));
    assert_false(sconce_setting_key_valid("a-b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_u64_reads_up_to_the_largest),
        cmocka_unit_test(test_parse_u64_too_large_is_erange),
        cmocka_unit_test(test_parse_u64_other_text_is_einval),
        cmocka_unit_test(test_parse_size_takes_units),
        cmocka_unit_test(test_parse_size_overflow_by_the_unit_is_erange),
        cmocka_unit_test(test_parse_size_other_text_is_einval),
        cmocka_unit_test(test_parse_bool_takes_the_usual_words),
        cmocka_unit_test(test_format_size_is_read_back_the_same),
        cmocka_unit_test(test_backend_name_takes_what_a_file_name_may_hold),
        cmocka_unit_test(test_backend_name_refuses_paths_and_odd_letters),
        cmocka_unit_test(test_setting_key_refuses_empty_and_overlong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
