/* SPDX-License-Identifier: Apache-2.0 */
/* core/signature.c: letters, texts, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sconce/sconce.h>

#include "core/signature.h"

#define ALL_TYPES "(bool, i32, u32, i64, u64, f32, f64, string, bytes) -> none"

static void expect_refusal(const char *text, const char *reason)
{
    char letters[SCONCE_SIGNATURE_BYTES] = "untouched";
    struct sconce_error err = {0};

    assert_int_equal(sconce_signature_parse(text, letters, &err), SCONCE_E_INVALID);

    assert_non_null(strstr(err.text, reason));
    assert_non_null(strstr(err.hint, "(string, i32) -> bytes"));
    assert_string_equal(letters, "untouched");
}

static bool valid(const char *letters)
{
    char padded[SCONCE_SIGNATURE_BYTES] = {0};

    strncpy(padded, letters, sizeof padded - 1);
    return sconce_signature_valid(padded);
}

/* ---- Letters --------------------------------------------------------------------------------- */

static void test_signature_valid_knows_every_type(void **state)
{
    (void)state;
    assert_true(valid("nbiulmfdsy"));
    for (const char *c = "nbiulmfdsy"; *c; c++)
        assert_true(valid((char[]){*c, '\0'}));
}

static void test_signature_valid_result_missing_is_false(void **state)
{
    (void)state;
    assert_false(valid(""));
}

static void test_signature_valid_unknown_letter_is_false(void **state)
{
    (void)state;
    assert_false(valid("x"));
    assert_false(valid("ix"));
    assert_false(valid("i\xff"));
}

static void test_signature_valid_none_as_parameter_is_false(void **state)
{
    (void)state;
    assert_false(valid("in"));
}

static void test_signature_valid_takes_16_parameters_and_no_17(void **state)
{
    (void)state;
    assert_true(valid("iiiiiiiiiiiiiiiii"));
    assert_false(valid("iiiiiiiiiiiiiiiiii"));
}

static void test_signature_valid_padding_not_zero_is_false(void **state)
{
    char letters[SCONCE_SIGNATURE_BYTES] = "ii";

    (void)state;
    letters[SCONCE_SIGNATURE_BYTES - 1] = 'i';
    assert_false(sconce_signature_valid(letters));
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void test_signature_text_names_every_type(void **state)
{
    char text[SCONCE_SIGNATURE_TEXT_BYTES];

    (void)state;
    sconce_signature_text("nbiulmfdsy", text);
    assert_string_equal(text, ALL_TYPES);
}

static void test_signature_text_without_parameters(void **state)
{
    char text[SCONCE_SIGNATURE_TEXT_BYTES];

    (void)state;
    sconce_signature_text("s", text);
    assert_string_equal(text, "() -> string");
}

static void test_signature_text_of_the_longest_fits(void **state)
{
    char text[SCONCE_SIGNATURE_TEXT_BYTES];

    (void)state;
    sconce_signature_text("sssssssssssssssss", text);
    assert_true(strlen(text) < sizeof text);
    assert_string_equal(text + strlen(text) - 9, "-> string");
}

static void test_signature_type_name_of_no_type_is_null(void **state)
{
    (void)state;
    assert_string_equal(sconce_type_name(SCONCE_TYPE_I32), "i32");
    assert_null(sconce_type_name(0));
    assert_null(sconce_type_name('z'));
    assert_null(sconce_type_name(256 + 'i'));
}

/* ---- Parsing --------------------------------------------------------------------------------- */

static void test_signature_parse_gives_back_every_type(void **state)
{
    char letters[SCONCE_SIGNATURE_BYTES];

    (void)state;
    assert_int_equal(sconce_signature_parse(ALL_TYPES, letters, NULL), 0);
    assert_string_equal(letters, "nbiulmfdsy");
    assert_true(sconce_signature_valid(letters));
}

static void test_signature_parse_blanks_are_free(void **state)
{
    char letters[SCONCE_SIGNATURE_BYTES];

    (void)state;
    assert_int_equal(sconce_signature_parse("\t( i32 ,bytes )->string ", letters, NULL), 0);
    assert_string_equal(letters, "siy");
    assert_int_equal(sconce_signature_parse("( ) -> none", letters, NULL), 0);
    assert_string_equal(letters, "n");
}

static void test_signature_parse_16_parameters_fit(void **state)
{
    char letters[SCONCE_SIGNATURE_BYTES];

    (void)state;
    assert_int_equal(
        sconce_signature_parse("(i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32)"
                               "->u64",
                               letters, NULL),
        0);
    assert_string_equal(letters, "miiiiiiiiiiiiiiii");
}

static void test_signature_parse_17_parameters_are_refused(void **state)
{
    (void)state;
    expect_refusal("(i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32)->u64",
                   "more than 16 parameters");
}

static void test_signature_parse_unknown_type_is_named(void **state)
{
    (void)state;
    expect_refusal("(string, i16) -> i32", "unknown type \"i16\"");
    expect_refusal("(i32) -> i32x", "unknown type \"i32x\"");
    expect_refusal("(i3) -> i32", "unknown type \"i3\"");
}

static void test_signature_parse_very_long_word_is_cut(void **state)
{
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof text);
    text[0] = '(';
    text[sizeof text - 1] = '\0';
    expect_refusal(text, "unknown type \"xxxx");
}

static void test_signature_parse_none_as_parameter_is_refused(void **state)
{
    (void)state;
    expect_refusal("(none) -> i32", "a parameter cannot be none");
}

static void test_signature_parse_parts_missing_are_named(void **state)
{
    (void)state;
    expect_refusal(NULL, "does not begin with \"(\"");
    expect_refusal("", "does not begin with \"(\"");
    expect_refusal("i32", "does not begin with \"(\"");
    expect_refusal("(", "a type is missing");
    expect_refusal("(i32,) -> i32", "a type is missing");
    expect_refusal("(i32 i32) -> i32", "do not end with \")\"");
    expect_refusal("(i32", "do not end with \")\"");
    expect_refusal("(i32)", "the result are missing");
    expect_refusal("(i32) - > i32", "the result are missing");
    expect_refusal("(i32) ->", "a type is missing");
    expect_refusal("(i32) -> i32, i32", "something follows the result");
}

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* The sequence alone, and behind and before ASCII so that each path of the validator meets it. */
static void expect_utf8(const char *bytes, size_t length, bool good)
{
    for (size_t before = 0; before < 10; before++) {
        for (size_t after = 0; after < 10; after++) {
            char text[32];

            memset(text, 'a', sizeof text);
            memcpy(text + before, bytes, length);
            assert_int_equal(sconce_utf8_valid(text, before + length + after), good);
        }
    }
}

static void test_utf8_empty_is_valid(void **state)
{
    (void)state;
    assert_true(sconce_utf8_valid(NULL, 0));
    assert_true(sconce_utf8_valid("", 0));
}

static void test_utf8_embedded_nul_is_valid(void **state)
{
    (void)state;
    expect_utf8("a\0b", 3, true);
}

static void test_utf8_first_and_last_of_each_length_are_valid(void **state)
{
    (void)state;
    expect_utf8("\x7f", 1, true);
    expect_utf8("\xc2\x80", 2, true);
    expect_utf8("\xdf\xbf", 2, true);
    expect_utf8("\xe0\xa0\x80", 3, true);
    expect_utf8("\xed\x9f\xbf", 3, true); /* U+D7FF, before the surrogates */
    expect_utf8("\xee\x80\x80", 3, true); /* U+E000, behind them */
    expect_utf8("\xef\xbf\xbf", 3, true);
    expect_utf8("\xf0\x90\x80\x80", 4, true);
    expect_utf8("\xf4\x8f\xbf\xbf", 4, true); /* U+10FFFF */
}

static void test_utf8_overlong_forms_are_invalid(void **state)
{
    (void)state;
    expect_utf8("\xc0\x80", 2, false);
    expect_utf8("\xc1\xbf", 2, false);
    expect_utf8("\xe0\x9f\xbf", 3, false);
    expect_utf8("\xf0\x8f\xbf\xbf", 4, false);
}

static void test_utf8_surrogates_are_invalid(void **state)
{
    (void)state;
    expect_utf8("\xed\xa0\x80", 3, false);
    expect_utf8("\xed\xbf\xbf", 3, false);
}

static void test_utf8_above_10ffff_is_invalid(void **state)
{
    (void)state;
    expect_utf8("\xf4\x90\x80\x80", 4, false);
    expect_utf8("\xf5\x80\x80\x80", 4, false);
    expect_utf8("\xff", 1, false);
}

static void test_utf8_continuation_without_start_is_invalid(void **state)
{
    (void)state;
    expect_utf8("\x80", 1, false);
    expect_utf8("\xbf", 1, false);
    expect_utf8("\xc3\xa9\xa9", 3, false);
}

static void test_utf8_sequence_broken_off_is_invalid(void **state)
{
    (void)state;
    expect_utf8("\xc3", 1, false);
    expect_utf8("\xe2\x82", 2, false);
    expect_utf8("\xf0\x9f\x98", 3, false);
    expect_utf8("\xe2\x28\xa1", 3, false);
    expect_utf8("\xf0\x9f\x28\x80", 4, false);
    expect_utf8("\xf0\x9f\x98\x28", 4, false);
}

/* What RFC 3629 says, the slow way: encode each code point and compare. */
static void test_utf8_every_code_point_of_three_bytes(void **state)
{
    (void)state;
    for (unsigned c = 0x800; c < 0x10000; c++) {
        const char bytes[3] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
                               (char)(0x80 | (c & 0x3f))};

        assert_int_equal(sconce_utf8_valid(bytes, 3), c < 0xd800 || c > 0xdfff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature_valid_knows_every_type),
        cmocka_unit_test(test_signature_valid_result_missing_is_false),
        cmocka_unit_test(test_signature_valid_unknown_letter_is_false),
        cmocka_unit_test(test_signature_valid_none_as_parameter_is_false),
        cmocka_unit_test(test_signature_valid_takes_16_parameters_and_no_17),
        cmocka_unit_test(test_signature_valid_padding_not_zero_is_false),
        cmocka_unit_test(test_signature_text_names_every_type),
        cmocka_unit_test(test_signature_text_without_parameters),
        cmocka_unit_test(test_signature_text_of_the_longest_fits),
        cmocka_unit_test(test_signature_type_name_of_no_type_is_null),
        cmocka_unit_test(test_signature_parse_gives_back_every_type),
        cmocka_unit_test(test_signature_parse_blanks_are_free),
        cmocka_unit_test(test_signature_parse_16_parameters_fit),
        cmocka_unit_test(test_signature_parse_17_parameters_are_refused),
        cmocka_unit_test(test_signature_parse_unknown_type_is_named),
        cmocka_unit_test(test_signature_parse_very_long_word_is_cut),
        cmocka_unit_test(test_signature_parse_none_as_parameter_is_refused),
        cmocka_unit_test(test_signature_parse_parts_missing_are_named),
        cmocka_unit_test(test_utf8_empty_is_valid),
        cmocka_unit_test(test_utf8_embedded_nul_is_valid),
        cmocka_unit_test(test_utf8_first_and_last_of_each_length_are_valid),
        cmocka_unit_test(test_utf8_overlong_forms_are_invalid),
        cmocka_unit_test(test_utf8_surrogates_are_invalid),
        cmocka_unit_test(test_utf8_above_10ffff_is_invalid),
        cmocka_unit_test(test_utf8_continuation_without_start_is_invalid),
        cmocka_unit_test(test_utf8_sequence_broken_off_is_invalid),
        cmocka_unit_test(test_utf8_every_code_point_of_three_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
