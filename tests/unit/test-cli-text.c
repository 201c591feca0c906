/* SPDX-License-Identifier: Apache-2.0 */
/* cli/text.c: other people's text on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/text.h"

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

static const char *safe(const char *text, size_t bytes)
{
    FILE *out = collect();

    text_put_safe(out, text, bytes);
    fclose(out);
    return written;
}

static void test_text_utf8_next_takes_the_limits_of_each_length(void **state)
{
    static const struct {
        const char *text;
        uint32_t code;
    } good[] = {
        {"\x7f", 0x7f},
        {"\xc2\x80", 0x80},
        {"\xdf\xbf", 0x7ff},
        {"\xe0\xa0\x80", 0x800},
        {"\xed\x9f\xbf", 0xd7ff},
        {"\xee\x80\x80", 0xe000},
        {"\xef\xbf\xbf", 0xffff},
        {"\xf0\x90\x80\x80", 0x10000},
        {"\xf4\x8f\xbf\xbf", 0x10ffff},
    };
    uint32_t code;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t bytes = strlen(good[i].text);

        assert_int_equal(text_utf8_next(good[i].text, bytes, &code), bytes);
        assert_int_equal(code, good[i].code);
        assert_int_equal(text_utf8_next(good[i].text, bytes, &code), bytes);
    }
}

static void test_text_utf8_next_refuses_what_is_none(void **state)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xc3(",
                                      "\xe2\x82"};
    uint32_t code;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(text_utf8_next(bad[i], strlen(bad[i]), &code), 0);
}

static void test_text_put_safe_shows_controls_and_bad_bytes(void **state)
{
    (void)state;
    assert_string_equal(safe("a\tb\nc", 5), "a\tb\nc");
    assert_string_equal(safe("\x1b]0;owned\x07", 10), "\\x1b]0;owned\\x07");
    assert_string_equal(safe("\0\r\x7f", 3), "\\x00\\x0d\\x7f");
    assert_string_equal(safe("\xc2\x9b!", 3), "\\x9b!"); /* CSI as one character */
    assert_string_equal(safe("\xff\xc3", 2), "\\xff\\xc3");
    assert_string_equal(safe("gr\xc3\xbc\xc3\x9f", 6), "gr\xc3\xbc\xc3\x9f");
}

static void test_text_put_indented_keeps_what_is_indented(void **state)
{
    FILE *out = collect();

    (void)state;
    text_put_indented(out, "one\ntwo\n  three\n");
    fclose(out);
    assert_string_equal(written, "one\n  two\n  three\n");
}

static void test_text_shorten_leaves_out_what_explains_or_cuts_between_words(void **state)
{
    static const struct {
        const char *line, *shown;
        size_t room;
    } cases[] = {
        {"it fits (as it is)", "it fits (as it is)", 18},
        {"why not (what to do)", "why not", 19},
        {"why not (what to do)", "why not", 8},
        {"why not (what to do)", "why not", 7},
        {"why not (what to do)", "why", 6},
        {"why not", "why", 3},
        {"why not", "", 2},
        {"word", "", 3},
        {"word", "", 0},
        {"", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(text_shorten(cases[i].line, strlen(cases[i].line), cases[i].room),
                         strlen(cases[i].shown));
}

static void test_text_remedy_is_what_the_last_parentheses_hold(void **state)
{
    static const struct {
        const char *line, *from;
    } cases[] = {
        {"why not (what to do)", "what to do)"},
        {"why (13) not (run it (as root) again)", "run it (as root) again)"},
        {"why not (run it (as root))", "run it (as root))"},
        {"why not (what) to do", ""},
        {"why not()", ""},
        {"why not)", ""},
        {"(why not)", ""},
        {")", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(cases[i].line + text_remedy(cases[i].line, strlen(cases[i].line)),
                            cases[i].from);
}

static void test_text_quote_is_one_word_for_a_shell(void **state)
{
    static const struct {
        const char *word, *quoted;
    } cases[] = {
        {"prog.elf", "prog.elf"},
        {"--lines=5,@/a-b_c:d%e+f", "--lines=5,@/a-b_c:d%e+f"},
        {"my prog.elf", "'my prog.elf'"},
        {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},
        {"$HOME", "'$HOME'"},
        {"~", "'~'"},
        {"gr\xc3\xbc\xc3\x9f", "'gr\xc3\xbc\xc3\x9f'"},
        {"", "''"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t room = strlen(cases[i].quoted) + 1;
        char to[32] = "none";

        assert_false(text_quote(cases[i].word, to, room - 1));
        assert_string_equal(to, "none");
        assert_true(text_quote(cases[i].word, to, room));
        assert_string_equal(to, cases[i].quoted);
    }
}

static int teardown(void **state)
{
    (void)state;
    free(written);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_utf8_next_takes_the_limits_of_each_length),
        cmocka_unit_test(test_text_utf8_next_refuses_what_is_none),
        cmocka_unit_test(test_text_put_safe_shows_controls_and_bad_bytes),
        cmocka_unit_test(test_text_put_indented_keeps_what_is_indented),
        cmocka_unit_test(test_text_shorten_leaves_out_what_explains_or_cuts_between_words),
        cmocka_unit_test(test_text_remedy_is_what_the_last_parentheses_hold),
        cmocka_unit_test(test_text_quote_is_one_word_for_a_shell),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
