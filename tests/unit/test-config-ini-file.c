/* SPDX-License-Identifier: Apache-2.0 */
/* config/ini-file.c: what is taken, and that nothing is silently dropped or cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/error.h"
#include "config/ini-file.h"
#include "tests/unit/scratch.h"

static struct sconce_error err;
static char seen[4096];

static int take_section(void *ctx, const char *section, unsigned line, struct sconce_error *e)
{
    size_t used = strlen(seen);

    (void)ctx;
    if (!strcmp(section, "refused"))
        return sconce_fail_hint(e, SCONCE_E_CONFIG, "the hint", "no such section");
    snprintf(seen + used, sizeof seen - used, "%u[%s] ", line, section);
    return 0;
}

static int take_value(void *ctx, const char *section, const char *key, const char *value,
                      unsigned line, struct sconce_error *e)
{
    size_t used = strlen(seen);

    (void)ctx;
    if (!strcmp(key, "refused"))
        return sconce_fail(e, SCONCE_E_CONFIG, "no such key");
    snprintf(seen + used, sizeof seen - used, "%u:%s.%s=<%s> ", line, section, key, value);
    return 0;
}

static const struct sconce_ini_handler handler = {NULL, take_section, take_value};

static int parse_bytes(const char *data, size_t bytes)
{
    memset(&err, 0, sizeof err);
    seen[0] = '\0';
    return sconce_ini_parse("f.ini", data, bytes, &handler, &err);
}

static int parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void test_ini_keys_arrive_with_section_and_line(void **state)
{
    (void)state;
    assert_int_equal(parse("# c\n[a]\n\nx = 1\ny=two words \n[b]\n  z\t=\t3"), 0);

    assert_string_equal(seen, "2[a] 4:a.x=<1> 5:a.y=<two words> 6[b] 7:b.z=<3> ");
}

static void test_ini_indented_key_is_a_key_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(parse("[a]\nx = 1\n  y = 2\n"), 0);

    assert_string_equal(seen, "1[a] 2:a.x=<1> 3:a.y=<2> ");
}

static void test_ini_carriage_returns_are_blanks(void **state)
{
    (void)state;
    assert_int_equal(parse("[a]\r\nx = 1\r\n"), 0);

    assert_string_equal(seen, "1[a] 2:a.x=<1> ");
}

static void test_ini_comments_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(parse("[a] # c\n; c\n x = 1 ; c\n"), 0);

    assert_string_equal(seen, "1[a] 3:a.x=<1> ");
}

static void test_ini_empty_section_and_value_are_seen(void **state)
{
    (void)state;
    assert_int_equal(parse("[empty]\n[a]\nx =\n"), 0);

    assert_string_equal(seen, "1[empty] 2[a] 3:a.x=<> ");
}

static void test_ini_line_without_equals_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("[a]\nx = 1\nnonsense\ny = 2\n"), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "f.ini:3: neither \"key = value\" nor \"[section]\"");
}

static void test_ini_first_of_two_errors_is_told(void **state)
{
    (void)state;
    assert_int_equal(parse("[a]\nnonsense\nrefused = 2\n"), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "f.ini:2: neither \"key = value\" nor \"[section]\"");

    assert_int_equal(parse("[a]\nrefused = 2\nnonsense\n"), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "f.ini:2: no such key");
}

static void test_ini_refused_section_keeps_the_hint(void **state)
{
    (void)state;
    assert_int_equal(parse("\n[refused]\nx = 1\n"), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "f.ini:2: no such section");
    assert_string_equal(err.hint, "the hint");
    assert_string_equal(seen, "");
}

static void test_ini_section_without_bracket_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("[a\nx = 1\n"), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "f.ini:1: section without \"]\"");
}

static void test_ini_text_behind_a_section_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("[a] x = 1\n"), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "f.ini:1: \"x = 1\" behind a section");
}

static void test_ini_section_that_would_be_cut_is_an_error(void **state)
{
    char text[64];

    (void)state;
    snprintf(text, sizeof text, "[%049d]\n", 0);
    assert_int_equal(parse(text), 0);

    snprintf(text, sizeof text, "[%050d]\n", 0);
    assert_int_equal(parse(text), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "f.ini:1: section name longer than 49 characters");
}

static void test_ini_line_that_would_be_cut_is_an_error(void **state)
{
    char text[2048];

    (void)state;
    snprintf(text, sizeof text, "[a]\nx = %01900d\n", 0);
    assert_int_equal(parse(text), SCONCE_E_CONFIG);

    assert_non_null(strstr(err.text, "f.ini:2: the line is longer than "));
}

/* The longest line that is taken arrives whole, whatever inih's buffer is. */
static void test_ini_longest_line_arrives_whole(void **state)
{
    char text[2048];
    size_t length;

    (void)state;
    for (length = 1900; length > 4; length--) {
        snprintf(text, sizeof text, "[a]\nx=%0*d\ny=1\n", (int)length - 2, 0);
        if (parse(text) == 0)
            break;
    }

    assert_true(length > 150);
    assert_int_equal(strlen(seen), strlen("1[a] 2:a.x=<> 3:a.y=<1> ") + length - 2);
}

static void test_ini_missing_key_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("[a]\n= 1\n"), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "f.ini:2: a key is missing before \"=\"");
}

static void test_ini_byte_order_mark_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf[a]\nx = 1\n"), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "f.ini:1: the file begins with a byte-order mark");

    assert_int_equal(parse_bytes("\xff\xfe[\0a\0]\0\n\0", 10), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "f.ini:1: the file begins with a byte-order mark");
}

static void test_ini_nul_byte_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse_bytes("[a]\nx = 1\0 2\n", 13), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "f.ini:2: the line holds a NUL byte");
}

static void test_ini_errors_without_a_place_for_them_are_returned(void **state)
{
    (void)state;
    assert_int_equal(sconce_ini_parse("f", "[a]\nrefused=1\n", 14, &handler, NULL),
                     SCONCE_E_CONFIG);
}

static void test_ini_read_missing_file_names_it(void **state)
{
    const char *path = scratch_path(*state, "none.ini");
    char expected[PATH_MAX + 64];

    snprintf(expected, sizeof expected, "cannot open %s: No such file or directory", path);
    assert_int_equal(sconce_ini_read(path, &handler, NULL, &err), SCONCE_E_CONFIG);

    assert_string_equal(err.text, expected);
}

static void test_ini_read_directory_names_it(void **state)
{
    assert_int_equal(sconce_ini_read(*state, &handler, NULL, &err), SCONCE_E_CONFIG);

    assert_non_null(strstr(err.text, "cannot read /"));
    assert_non_null(strstr(err.text, "Is a directory"));
}

static void test_ini_read_huge_file_is_refused(void **state)
{
    scratch_file(*state, "huge.ini", "");
    assert_int_equal(truncate(scratch_path(*state, "huge.ini"), 2 << 20), 0);

    assert_int_equal(sconce_ini_read(scratch_path(*state, "huge.ini"), &handler, NULL, &err),
                     SCONCE_E_CONFIG);
    assert_non_null(strstr(err.text, "is larger than 1048576 bytes"));
}

static void test_ini_read_tells_an_empty_file(void **state)
{
    bool empty = false;

    assert_int_equal(sconce_ini_read("/dev/null", &handler, &empty, &err), 0);
    assert_true(empty);

    scratch_file(*state, "f.ini", "# only a comment\n");
    assert_int_equal(sconce_ini_read(scratch_path(*state, "f.ini"), &handler, &empty, &err), 0);
    assert_false(empty);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ini_keys_arrive_with_section_and_line),
        cmocka_unit_test(test_ini_indented_key_is_a_key_of_its_own),
        cmocka_unit_test(test_ini_carriage_returns_are_blanks),
        cmocka_unit_test(test_ini_comments_are_dropped),
        cmocka_unit_test(test_ini_empty_section_and_value_are_seen),
        cmocka_unit_test(test_ini_line_without_equals_is_an_error),
        cmocka_unit_test(test_ini_first_of_two_errors_is_told),
        cmocka_unit_test(test_ini_refused_section_keeps_the_hint),
        cmocka_unit_test(test_ini_section_without_bracket_is_an_error),
        cmocka_unit_test(test_ini_text_behind_a_section_is_an_error),
        cmocka_unit_test(test_ini_section_that_would_be_cut_is_an_error),
        cmocka_unit_test(test_ini_line_that_would_be_cut_is_an_error),
        cmocka_unit_test(test_ini_longest_line_arrives_whole),
        cmocka_unit_test(test_ini_missing_key_is_an_error),
        cmocka_unit_test(test_ini_byte_order_mark_is_an_error),
        cmocka_unit_test(test_ini_nul_byte_is_an_error),
        cmocka_unit_test(test_ini_errors_without_a_place_for_them_are_returned),
        TEST(test_ini_read_missing_file_names_it),
        TEST(test_ini_read_directory_names_it),
        TEST(test_ini_read_huge_file_is_refused),
        TEST(test_ini_read_tells_an_empty_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
