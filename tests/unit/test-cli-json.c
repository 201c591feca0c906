/* SPDX-License-Identifier: Apache-2.0 */
/* cli/json.c: commas, escapes, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/json.h"

static char *written;
static size_t written_bytes;
static struct json json;

static int setup(void **state)
{
    (void)state;
    json = (struct json){.out = open_memstream(&written, &written_bytes)};
    return json.out ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fclose(json.out);
    free(written);
    return 0;
}

static const char *result(void)
{
    fflush(json.out);
    return written;
}

static void test_json_nested_levels_have_commas_and_lines(void **state)
{
    (void)state;
    json_open_object(&json, NULL);
    json_open_array(&json, "a");
    json_u64(&json, NULL, UINT64_MAX);
    json_i64(&json, NULL, INT64_MIN);
    json_close_array(&json);
    json_bool(&json, "b", true);
    json_null(&json, "c");
    json_hex(&json, "d", 0xdeadbeef);
    json_close_object(&json);

    assert_string_equal(result(), "{\n"
                                  "  \"a\": [\n"
                                  "    18446744073709551615,\n"
                                  "    -9223372036854775808\n"
                                  "  ],\n"
                                  "  \"b\": true,\n"
                                  "  \"c\": null,\n"
                                  "  \"d\": \"0xdeadbeef\"\n"
                                  "}\n");
}

static void test_json_empty_levels_are_closed_at_once(void **state)
{
    (void)state;
    json_open_object(&json, NULL);
    json_open_array(&json, "a");
    json_close_array(&json);
    json_open_object(&json, "b");
    json_close_object(&json);
    json_close_object(&json);

    assert_string_equal(result(), "{\n  \"a\": [],\n  \"b\": {}\n}\n");
}

static void test_json_string_escapes_what_it_must(void **state)
{
    (void)state;
    json_string(&json, NULL, "\"\\\n\t\r\0\x1b/\x7f", 9);

    assert_string_equal(result(), "\"\\\"\\\\\\n\\t\\u000d\\u0000\\u001b/\\u007f\"");
}

static void test_json_string_escapes_terminal_controls_of_utf8(void **state)
{
    (void)state;
    json_text(&json, NULL,
              "\xc2\x9b"
              "2J");

    assert_string_equal(result(), "\"\\u009b2J\"");
}

static void test_json_string_utf8_is_kept(void **state)
{
    (void)state;
    json_text(&json, NULL, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");

    assert_string_equal(result(), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

static void test_json_string_bad_utf8_is_replaced_byte_by_byte(void **state)
{
    static const char *const bad[] = {
        "\xff",         /* no lead byte */
        "\xc3",         /* cut short */
        "\xc0\xaf",     /* overlong */
        "\xed\xa0\x80", /* a surrogate */
        "\xf4\x90\x80\x80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t at;

        result();
        at = written_bytes;
        json_text(&json, NULL, bad[i]);
        result();
        assert_int_equal(written_bytes - at - (i > 0), 2 + 3 * strlen(bad[i]));
        assert_non_null(strstr(written + at, "\xef\xbf\xbd"));
    }
}

static void test_json_base64_pads(void **state)
{
    (void)state;
    json_open_array(&json, NULL);
    json_base64(&json, NULL, "", 0);
    json_base64(&json, NULL, "f", 1);
    json_base64(&json, NULL, "fo", 2);
    json_base64(&json, NULL, "foo", 3);
    json_base64(&json, NULL, "foobar", 6);
    json_close_array(&json);

    /* RFC 4648, section 10 */
    assert_string_equal(result(), "[\n  \"\",\n  \"Zg==\",\n  \"Zm8=\",\n  \"Zm9v\",\n"
                                  "  \"Zm9vYmFy\"\n]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_nested_levels_have_commas_and_lines, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_json_empty_levels_are_closed_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_string_escapes_what_it_must, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_string_escapes_terminal_controls_of_utf8, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_json_string_utf8_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_string_bad_utf8_is_replaced_byte_by_byte, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_json_base64_pads, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
