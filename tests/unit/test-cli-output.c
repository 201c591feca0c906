/* SPDX-License-Identifier: Apache-2.0 */
/* cli/output.c: typed values as text and JSON. */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"
#include "cli/output.h"

static char *written;
static size_t written_bytes;

static FILE *collect(void)
{
    FILE *out;

    free(written);
    written = NULL;
    out = open_memstream(&written, &written_bytes);
    assert_non_null(out);
    return out;
}

static const char *text_of(const struct sconce_value *value)
{
    FILE *out = collect();

    output_value(out, value, false);
    fclose(out);
    return written;
}

static const char *json_of(const struct sconce_value *value)
{
    FILE *out = collect();
    struct json json = {.out = out};

    json_open_object(&json, NULL);
    output_json(&json, value);
    json_close_object(&json);
    fclose(out);
    return written;
}

/* Written, then read: the same bits. */
static void round_trip(struct sconce_value value)
{
    struct sconce_value back;
    struct args_reader reader = {0};
    char text[OUTPUT_SCALAR_BYTES];
    void *owned;

    output_scalar(&value, text);
    if (!args_parse(&reader, value.type, text, &back, &owned))
        fail_msg("\"%s\" was refused: %s", text, reader.why);
    if (value.as.u64 != back.as.u64)
        fail_msg("\"%s\" came back as other bits", text);
}

static void test_output_scalar_every_f64_pattern_reads_back(void **state)
{
    static const uint64_t bits[] = {
        0,
        1ull << 63,
        1,                   /* the least denormal */
        0x000fffffffffffffu, /* the largest denormal */
        0x0010000000000000u,
        0x7fefffffffffffffu,
        0x7ff0000000000000u, /* inf */
        0xfff0000000000000u,
        0x7ff8000000000000u, /* nan */
        0xfff8000000000000u,
        0x7ff0000000000001u, /* signalling */
        0x7ff8000000000123u, /* with a payload */
        0xffffffffffffffffu,
        0x3fb999999999999au, /* 0.1 */
        0x4340000000000001u, /* 2^53 + 2 */
        0x400921fb54442d18u,
    };

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        round_trip((struct sconce_value){.type = SCONCE_TYPE_F64, .as.u64 = bits[i]});
}

static void test_output_scalar_every_f32_pattern_reads_back(void **state)
{
    static const uint32_t bits[] = {0,           0x80000000u, 1,           0x007fffffu,
                                    0x00800000u, 0x7f7fffffu, 0x7f800000u, 0xff800000u,
                                    0x7fc00000u, 0xffc00000u, 0x7f800001u, 0x7fc00123u,
                                    0xffffffffu, 0x3dcccccdu, 0x3f800001u};

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        round_trip((struct sconce_value){.type = SCONCE_TYPE_F32, .as.u64 = bits[i]});
}

static void test_output_scalar_integers_read_back(void **state)
{
    (void)state;
    round_trip((struct sconce_value){.type = SCONCE_TYPE_I64, .as.i64 = INT64_MIN});
    round_trip((struct sconce_value){.type = SCONCE_TYPE_U64, .as.u64 = UINT64_MAX});
    round_trip((struct sconce_value){.type = SCONCE_TYPE_I32, .as.u64 = 0x80000000u});
    round_trip((struct sconce_value){.type = SCONCE_TYPE_BOOL, .as.u64 = 1});
}

static void test_output_scalar_floats_are_short(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_F64, .as.f64 = 0.1};
    char text[OUTPUT_SCALAR_BYTES];

    (void)state;
    output_scalar(&value, text);
    assert_string_equal(text, "0.1");
    value = (struct sconce_value){.type = SCONCE_TYPE_F32, .as.f32 = 0.1f};
    output_scalar(&value, text);
    assert_string_equal(text, "0.1");
}

static struct sconce_value span(uint32_t type, const char *data, size_t length)
{
    struct sconce_value value = {.type = type};

    value.as.span.data = data;
    value.as.span.length = length;
    return value;
}

static void test_output_value_string_is_text_and_a_newline(void **state)
{
    struct sconce_value value = span(SCONCE_TYPE_STRING, "gr\xc3\xbc\xc3\x9f\0e", 8);

    (void)state;
    text_of(&value);
    assert_int_equal(written_bytes, 9);
    assert_memory_equal(written, "gr\xc3\xbc\xc3\x9f\0e\n", 9);
}

static void test_output_value_on_a_terminal_shows_controls(void **state)
{
    struct sconce_value value = span(SCONCE_TYPE_STRING, "a\x1b[2J\tb", 7);
    FILE *out = collect();

    (void)state;
    output_value(out, &value, true);
    fclose(out);
    assert_string_equal(written, "a\\x1b[2J\tb\n");
}

static void test_output_value_bytes_are_dumped(void **state)
{
    struct sconce_value value = span(SCONCE_TYPE_BYTES, "0123456789abcdef\x00|", 18);

    (void)state;
    assert_string_equal(
        text_of(&value),
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
        "00000010  00 7c                                             |.||\n"
        "00000012\n");
}

static void test_output_value_none_is_nothing(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_NONE};

    (void)state;
    text_of(&value);
    assert_int_equal(written_bytes, 0);
}

static void test_output_raw_adds_nothing_to_bytes(void **state)
{
    struct sconce_value value = span(SCONCE_TYPE_BYTES, "a\0b", 3);
    char text[OUTPUT_SCALAR_BYTES];
    size_t bytes;

    (void)state;
    assert_ptr_equal(output_raw(&value, text, &bytes), value.as.span.data);
    assert_int_equal(bytes, 3);
}

static void test_output_raw_ends_others_with_a_newline(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_F64, .as.f64 = -DBL_MAX};
    char text[OUTPUT_SCALAR_BYTES];
    size_t bytes;

    (void)state;
    assert_memory_equal(output_raw(&value, text, &bytes), "-1.7976931348623157e+308\n", 25);
    assert_int_equal(bytes, 25);
}

static void test_output_raw_of_none_is_nothing(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_NONE};
    char text[OUTPUT_SCALAR_BYTES];
    size_t bytes;

    (void)state;
    assert_non_null(output_raw(&value, text, &bytes));
    assert_int_equal(bytes, 0);
}

static void test_output_brief_cuts_long_strings(void **state)
{
    struct sconce_value value;
    FILE *out = collect();
    char text[100];

    (void)state;
    memset(text, 'x', sizeof text);
    value = span(SCONCE_TYPE_STRING, text, sizeof text);
    output_brief(out, &value);
    fclose(out);
    assert_string_equal(written, "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"... (100 bytes)");
}

static void test_output_json_has_a_type_and_a_value(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_I32, .as.i32 = -7};

    (void)state;
    assert_string_equal(json_of(&value), "{\n  \"type\": \"i32\",\n  \"value\": -7\n}\n");
}

static void test_output_json_64_bits_are_strings(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_U64, .as.u64 = UINT64_MAX};

    (void)state;
    assert_non_null(strstr(json_of(&value), "\"value\": \"18446744073709551615\""));
    value = (struct sconce_value){.type = SCONCE_TYPE_I64, .as.i64 = 1};
    assert_non_null(strstr(json_of(&value), "\"value\": \"1\""));
}

static void test_output_json_floats_are_numbers_where_json_has_them(void **state)
{
    struct sconce_value value = {.type = SCONCE_TYPE_F64, .as.f64 = -0.25};

    (void)state;
    assert_non_null(strstr(json_of(&value), "\"value\": -0.25\n"));
    value.as.u64 = 0x7ff0000000000000u;
    assert_non_null(strstr(json_of(&value), "\"value\": \"inf\""));
    value.as.u64 = 0x7ff0000000000001u;
    assert_non_null(strstr(json_of(&value), "\"value\": \"bits:0x7ff0000000000001\""));
}

static void test_output_json_bytes_are_base64_and_none_is_null(void **state)
{
    struct sconce_value value = span(SCONCE_TYPE_BYTES, "\xff\x00\x10", 3);

    (void)state;
    assert_non_null(strstr(json_of(&value), "\"value\": \"/wAQ\""));
    value = (struct sconce_value){.type = SCONCE_TYPE_NONE};
    assert_non_null(strstr(json_of(&value), "\"value\": null"));
}

static int teardown(void **state)
{
    (void)state;
    free(written);
    written = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_scalar_every_f64_pattern_reads_back),
        cmocka_unit_test(test_output_scalar_every_f32_pattern_reads_back),
        cmocka_unit_test(test_output_scalar_integers_read_back),
        cmocka_unit_test(test_output_scalar_floats_are_short),
        cmocka_unit_test(test_output_value_string_is_text_and_a_newline),
        cmocka_unit_test(test_output_value_on_a_terminal_shows_controls),
        cmocka_unit_test(test_output_value_bytes_are_dumped),
        cmocka_unit_test(test_output_value_none_is_nothing),
        cmocka_unit_test(test_output_raw_adds_nothing_to_bytes),
        cmocka_unit_test(test_output_raw_ends_others_with_a_newline),
        cmocka_unit_test(test_output_raw_of_none_is_nothing),
        cmocka_unit_test(test_output_brief_cuts_long_strings),
        cmocka_unit_test(test_output_json_has_a_type_and_a_value),
        cmocka_unit_test(test_output_json_64_bits_are_strings),
        cmocka_unit_test(test_output_json_floats_are_numbers_where_json_has_them),
        cmocka_unit_test(test_output_json_bytes_are_base64_and_none_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
