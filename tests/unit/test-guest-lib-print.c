/* SPDX-License-Identifier: Apache-2.0 */
/* guest/lib/print.c, run on the host: what goes out in which pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Macros of the host's, with some compilers. */
#undef printf
#undef vprintf
#undef putchar
#define printf guest_printf
#define vprintf guest_vprintf
#define puts guest_puts
#define putchar guest_putchar
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#include "guest/lib/print.c"
#include "guest/lib/str.c"
#undef printf
#undef vprintf
#undef puts
#undef putchar

/* The host: it joins what is printed, with a bar behind each piece. */
static char heard[20000];
static size_t heard_bytes;
static unsigned pieces;
static bool is_probed;   /* sending prints again, as a fault handler would */
static unsigned refused; /* prints that were begun while another was */

void sconce_out_begin(uint32_t kind, uint32_t index, uint32_t slot_count)
{
    assert_int_equal(kind, SCONCE_FRAME_PRINT);
    assert_int_equal(index, 0);
    assert_int_equal(slot_count, 1);
    if (is_probed)
        sconce_print("", 0);
}

uint64_t sconce_out_begun;

void sconce_out_interrupted(uint64_t *busy)
{
    refused += *busy != 0;
}

bool sconce_out_span(uint32_t i, uint32_t type, const void *data, size_t length)
{
    assert_int_equal(i, 0);
    assert_int_equal(type, SCONCE_TYPE_STRING);
    memcpy(heard + heard_bytes, data, length);
    heard_bytes += length;
    heard[heard_bytes++] = '|';
    heard[heard_bytes] = '\0';
    return true;
}

void sconce_out_ring(uint32_t doorbell)
{
    assert_int_equal(doorbell, SCONCE_DOORBELL_PRINT);
    pieces++;
}

size_t sconce_vformat(void (*emit_piece)(void *ctx, const char *piece, size_t bytes), void *ctx,
                      const char *format, va_list args)
{
    char text[sizeof heard];
    int bytes = vsnprintf(text, sizeof text, format, args);

    emit_piece(ctx, text, (size_t)bytes);
    return (size_t)bytes;
}

static int silence(void **state)
{
    (void)state;
    gathered_bytes = heard_bytes = pieces = 0;
    heard[0] = '\0';
    return 0;
}

static void test_print_without_newline_waits_for_the_flush(void **state)
{
    (void)state;
    guest_printf("a");
    guest_putchar('b');
    assert_string_equal(heard, "");
    sconce_print_flush();
    assert_string_equal(heard, "ab|");
}

static void test_print_lines_go_out_together_and_the_rest_waits(void **state)
{
    (void)state;
    assert_int_equal(guest_printf("one\ntwo\nthr"), 11);
    assert_string_equal(heard, "one\ntwo\n|");
    guest_puts("ee");
    assert_string_equal(heard, "one\ntwo\n|three\n|");
}

static void test_print_flush_of_nothing_rings_nothing(void **state)
{
    (void)state;
    guest_printf("line\n");
    sconce_print_flush();
    assert_int_equal(pieces, 1);
}

static void test_print_putchar_returns_the_byte(void **state)
{
    (void)state;
    assert_int_equal(guest_putchar(0x141), 0x41);
    assert_int_equal(guest_putchar('\n'), '\n');
    assert_string_equal(heard, "A\n|");
}

static void test_print_more_than_the_buffer_loses_nothing(void **state)
{
    char text[10001];

    (void)state;
    memset(text, 'x', 10000);
    text[10000] = '\0';
    guest_printf("%s", text);
    sconce_print_flush();
    assert_int_equal(pieces, 3);
    assert_int_equal(heard_bytes - pieces, 10000);
}

static void test_print_splits_between_characters(void **state)
{
    (void)state;
    guest_printf("x");
    for (int i = 0; i < 3000; i++)
        guest_printf("%s", "\u20ac"); /* three bytes */
    sconce_print_flush();
    assert_true(pieces > 1);
    assert_int_equal(heard_bytes - pieces, 9001);
    for (size_t i = 1; i < heard_bytes; i++)
        if (heard[i] == '|')
            assert_memory_equal(heard + i - 3, "\u20ac", 3);
}

static void test_print_within_a_print_is_noticed(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof text);
    is_probed = true;
    sconce_print(text, sizeof text);
    assert_int_equal(refused, 1);
    sconce_print("\n", 1);
    sconce_print_flush();
    assert_int_equal(refused, 1);
    is_probed = false;
}

static void test_utf8_cut_keeps_whole_characters_only(void **state)
{
    static const char text[] = "a\u00e9\u20ac\U0001f600";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};

    (void)state;
    for (size_t bytes = 0; bytes < sizeof whole / sizeof whole[0]; bytes++)
        assert_int_equal(sconce_utf8_cut(text, bytes), whole[bytes]);
}

static void test_utf8_cut_leaves_what_is_no_utf8(void **state)
{
    (void)state;
    assert_int_equal(sconce_utf8_cut("\x80\x80\x80\x80\x80", 5), 5);
    assert_int_equal(sconce_utf8_cut("\x80\x80", 2), 2);
    assert_int_equal(sconce_utf8_cut("a\xff", 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_print_without_newline_waits_for_the_flush, silence),
        cmocka_unit_test_setup(test_print_lines_go_out_together_and_the_rest_waits, silence),
        cmocka_unit_test_setup(test_print_flush_of_nothing_rings_nothing, silence),
        cmocka_unit_test_setup(test_print_putchar_returns_the_byte, silence),
        cmocka_unit_test_setup(test_print_more_than_the_buffer_loses_nothing, silence),
        cmocka_unit_test_setup(test_print_splits_between_characters, silence),
        cmocka_unit_test_setup(test_print_within_a_print_is_noticed, silence),
        cmocka_unit_test_setup(test_utf8_cut_keeps_whole_characters_only, silence),
        cmocka_unit_test_setup(test_utf8_cut_leaves_what_is_no_utf8, silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
