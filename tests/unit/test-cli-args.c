/* SPDX-License-Identifier: Apache-2.0 */
/* cli/args.c: what a person types, as typed values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/args.h"

static struct sconce_value value;
static struct args_reader reader;
static void *owned;

static bool parse(uint32_t type, const char *text)
{
    free(owned);
    return args_parse(&reader, type, text, &value, &owned);
}

static void accept(uint32_t type, const char *text)
{
    if (!parse(type, text))
        fail_msg("\"%s\" was refused: %s", text, reader.why);
    assert_int_equal(value.type, type);
}

static void refuse(uint32_t type, const char *text)
{
    if (parse(type, text))
        fail_msg("\"%s\" was taken", text);
    assert_true(reader.why[0] != '\0');
}

static void test_args_bool_is_one_of_two_words(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_BOOL, "true");
    assert_true(value.as.boolean);
    accept(SCONCE_TYPE_BOOL, "false");
    assert_false(value.as.boolean);
    refuse(SCONCE_TYPE_BOOL, "1");
    refuse(SCONCE_TYPE_BOOL, "True");
    refuse(SCONCE_TYPE_BOOL, "");
}

static void test_args_i32_limits_are_taken_and_no_more(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_I32, "-2147483648");
    assert_int_equal(value.as.i32, INT32_MIN);
    accept(SCONCE_TYPE_I32, "+0x7fffffff");
    assert_int_equal(value.as.i32, INT32_MAX);
    accept(SCONCE_TYPE_I32, "-0x80000000");
    assert_int_equal(value.as.i32, INT32_MIN);
    refuse(SCONCE_TYPE_I32, "2147483648");
    assert_string_equal(reader.why, "it is not between -2147483648 and 2147483647");
    refuse(SCONCE_TYPE_I32, "-2147483649");
    refuse(SCONCE_TYPE_I32, "0xffffffff");
}

static void test_args_i64_limits_are_taken_and_no_more(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_I64, "-9223372036854775808");
    assert_true(value.as.i64 == INT64_MIN);
    accept(SCONCE_TYPE_I64, "9223372036854775807");
    assert_true(value.as.i64 == INT64_MAX);
    refuse(SCONCE_TYPE_I64, "9223372036854775808");
    refuse(SCONCE_TYPE_I64, "-9223372036854775809");
    refuse(SCONCE_TYPE_I64, "99999999999999999999999999");
}

static void test_args_unsigned_limits_are_taken_and_no_more(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_U32, "4294967295");
    assert_true(value.as.u32 == UINT32_MAX);
    refuse(SCONCE_TYPE_U32, "4294967296");
    refuse(SCONCE_TYPE_U32, "-1");
    accept(SCONCE_TYPE_U64, "0xFFFFFFFFFFFFFFFF");
    assert_true(value.as.u64 == UINT64_MAX);
    refuse(SCONCE_TYPE_U64, "18446744073709551616");
    refuse(SCONCE_TYPE_U64, "0x10000000000000000");
    accept(SCONCE_TYPE_U64, "-0");
    assert_true(value.as.u64 == 0);
}

static void test_args_leading_zero_is_decimal(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_I32, "010");
    assert_int_equal(value.as.i32, 10);
    refuse(SCONCE_TYPE_I32, "0b1");
}

static void test_args_integer_with_anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {"",    "-",   "+",   " 1",  "1 ",  "1x", "0x",
                                        "1.0", "1e3", "--1", "+-1", "0xg", "abc"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refuse(SCONCE_TYPE_I32, wrong[i]);
        refuse(SCONCE_TYPE_U64, wrong[i]);
    }
}

static void test_args_floats_in_every_notation(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_F64, "1.5");
    assert_true(value.as.f64 == 1.5);
    accept(SCONCE_TYPE_F64, "-0x1.8p1");
    assert_true(value.as.f64 == -3.0);
    accept(SCONCE_TYPE_F64, "-inf");
    assert_true(isinf(value.as.f64) && value.as.f64 < 0);
    accept(SCONCE_TYPE_F64, "nan");
    assert_true(value.as.u64 == 0x7ff8000000000000u);
    accept(SCONCE_TYPE_F32, "nan(0x123)");
    assert_true(value.as.u32 == 0x7fc00123u);
    accept(SCONCE_TYPE_F32, "-0");
    assert_true(value.as.u32 == 0x80000000u);
    accept(SCONCE_TYPE_F64, "5e-324");
    assert_true(value.as.u64 == 1);
}

static void test_args_f32_is_rounded_once(void **state)
{
    (void)state;
    /* Just above the middle of two floats; by way of a double it would go down to the even one. */
    accept(SCONCE_TYPE_F32, "1.000000059604644775390626");
    assert_true(value.as.u32 == 0x3f800001u);
}

static void test_args_float_bits_are_taken_as_they_are(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_F32, "bits:0x7f800001");
    assert_true(value.as.u32 == 0x7f800001u);
    accept(SCONCE_TYPE_F64, "bits:0x7ff0000000000001");
    assert_true(value.as.u64 == 0x7ff0000000000001u);
    refuse(SCONCE_TYPE_F32, "bits:0x100000000");
    refuse(SCONCE_TYPE_F64, "bits:");
}

static void test_args_float_that_is_none_is_refused(void **state)
{
    (void)state;
    refuse(SCONCE_TYPE_F64, "");
    refuse(SCONCE_TYPE_F64, " 1");
    refuse(SCONCE_TYPE_F64, "1,5");
    refuse(SCONCE_TYPE_F64, "1.5x");
    refuse(SCONCE_TYPE_F64, "1e999");
    assert_string_equal(reader.why, "it is too large for this type");
    refuse(SCONCE_TYPE_F32, "1e39");
    refuse(SCONCE_TYPE_F32, "1e-60");
    assert_string_equal(reader.why, "it is too small for this type");
}

static void assert_span(const void *data, size_t length)
{
    assert_int_equal(value.as.span.length, length);
    assert_memory_equal(value.as.span.data, data, length);
}

static void test_args_string_is_the_text(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_STRING, "");
    assert_span("", 0);
    accept(SCONCE_TYPE_STRING, "hex:00ff");
    assert_span("hex:00ff", 8);
    accept(SCONCE_TYPE_STRING, "@@home");
    assert_span("@home", 5);
    accept(SCONCE_TYPE_STRING, "a@b");
    assert_span("a@b", 3);
}

static void test_args_bytes_in_every_notation(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_BYTES, "plain");
    assert_span("plain", 5);
    accept(SCONCE_TYPE_BYTES, "hex:00fFa1");
    assert_span("\x00\xff\xa1", 3);
    accept(SCONCE_TYPE_BYTES, "hex:");
    assert_span("", 0);
    accept(SCONCE_TYPE_BYTES, "text:hex:00");
    assert_span("hex:00", 6);
    accept(SCONCE_TYPE_BYTES, "text:@x");
    assert_span("@x", 2);
    accept(SCONCE_TYPE_BYTES, "@@x");
    assert_span("@x", 2);
    refuse(SCONCE_TYPE_BYTES, "hex:0");
    refuse(SCONCE_TYPE_BYTES, "hex:0g");
}

static void test_args_at_reads_a_file_whole(void **state)
{
    char path[] = "/tmp/sconce-test-XXXXXX", text[64];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a\0b\n", 4), 4);
    close(fd);
    snprintf(text, sizeof text, "@%s", path);

    accept(SCONCE_TYPE_BYTES, text);
    assert_span("a\0b\n", 4);
    accept(SCONCE_TYPE_STRING, text);
    assert_span("a\0b\n", 4);
    unlink(path);
}

static void test_args_at_missing_file_names_it(void **state)
{
    (void)state;
    refuse(SCONCE_TYPE_BYTES, "@/nonexistent/file");
    assert_string_equal(reader.why, "cannot read /nonexistent/file: No such file or directory");
    refuse(SCONCE_TYPE_BYTES, "@/");
    refuse(SCONCE_TYPE_BYTES, "@");
}

static void test_args_standard_input_is_taken_once(void **state)
{
    (void)state;
    assert_non_null(freopen("/dev/null", "r", stdin));
    accept(SCONCE_TYPE_BYTES, "@-");
    assert_span("", 0);
    refuse(SCONCE_TYPE_STRING, "@-");
    assert_string_equal(reader.why, "standard input was taken by an earlier argument");
}

static void test_args_none_takes_only_nothing(void **state)
{
    (void)state;
    accept(SCONCE_TYPE_NONE, "");
    refuse(SCONCE_TYPE_NONE, "x");
    refuse('?', "x");
}

static void test_args_negative_numbers_are_no_options(void **state)
{
    static const char *const yes[] = {"-5", "-0x1f", "-.5", "-1e3", "-inf", "-infinity", "-nan(1)"};
    static const char *const no[] = {"5", "-", "--", "-v", "--5", "-.", "-in", ""};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(args_looks_negative(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(args_looks_negative(no[i]));
}

static int reset(void **state)
{
    (void)state;
    free(owned);
    owned = NULL;
    reader = (struct args_reader){0};
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args_bool_is_one_of_two_words),
        cmocka_unit_test(test_args_i32_limits_are_taken_and_no_more),
        cmocka_unit_test(test_args_i64_limits_are_taken_and_no_more),
        cmocka_unit_test(test_args_unsigned_limits_are_taken_and_no_more),
        cmocka_unit_test(test_args_leading_zero_is_decimal),
        cmocka_unit_test(test_args_integer_with_anything_else_is_refused),
        cmocka_unit_test(test_args_floats_in_every_notation),
        cmocka_unit_test(test_args_f32_is_rounded_once),
        cmocka_unit_test(test_args_float_bits_are_taken_as_they_are),
        cmocka_unit_test(test_args_float_that_is_none_is_refused),
        cmocka_unit_test_teardown(test_args_string_is_the_text, reset),
        cmocka_unit_test_teardown(test_args_bytes_in_every_notation, reset),
        cmocka_unit_test_teardown(test_args_at_reads_a_file_whole, reset),
        cmocka_unit_test_teardown(test_args_at_missing_file_names_it, reset),
        cmocka_unit_test_teardown(test_args_standard_input_is_taken_once, reset),
        cmocka_unit_test_teardown(test_args_none_takes_only_nothing, reset),
        cmocka_unit_test(test_args_negative_numbers_are_no_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
