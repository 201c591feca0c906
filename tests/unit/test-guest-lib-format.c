/* SPDX-License-Identifier: Apache-2.0 */
/* guest/lib/format.c, run on the host with the host's snprintf to compare with. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int (*const host_vsnprintf)(char *, size_t, const char *, va_list) = vsnprintf;

/* Macros of the host's, with some compilers. */
#undef snprintf
#undef vsnprintf
#define snprintf guest_snprintf
#define vsnprintf guest_vsnprintf
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#include "guest/lib/format.c"
#undef snprintf
#undef vsnprintf

/* What sconce_format() stands on. */
static void *allocated;
static bool allocation_fails;

void *sconce_alloc(size_t bytes)
{
    free(allocated);
    allocated = allocation_fails ? NULL : malloc(bytes);
    return allocated;
}

__attribute__((format(printf, 1, 2))) static void assert_as_on_host(const char *format, ...)
{
    char ours[200], theirs[200];
    va_list args;
    int our_bytes, their_bytes;

    va_start(args, format);
    our_bytes = guest_vsnprintf(ours, sizeof ours, format, args);
    va_end(args);
    va_start(args, format);
    their_bytes = host_vsnprintf(theirs, sizeof theirs, format, args);
    va_end(args);
    assert_string_equal(ours, theirs);
    assert_int_equal(our_bytes, their_bytes);
}

static void test_format_integers_are_as_on_the_host(void **state)
{
    static const long long values[] = {0,   1,       -1,      9,        -10,       127,
                                       128, INT_MIN, INT_MAX, UINT_MAX, LLONG_MIN, LLONG_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        long long v = values[i];

        assert_as_on_host("%lld %lli %llu %llx %llX", v, v, (unsigned long long)v,
                          (unsigned long long)v, (unsigned long long)v);
        assert_as_on_host("%d %i %u %x %X", (int)v, (int)v, (unsigned)v, (unsigned)v, (unsigned)v);
        assert_as_on_host("%hhd %hd %hhu %hu %hhx", (signed char)v, (short)v, (unsigned char)v,
                          (unsigned short)v, (unsigned char)v);
        assert_as_on_host("%ld %lu %zu %td %jd", (long)v, (unsigned long)v, (size_t)v, (ptrdiff_t)v,
                          (intmax_t)v);
    }
}

static void test_format_short_lengths_cut_the_argument(void **state)
{
    /* Not a literal: compilers object to what is tested here. */
    const char *volatile format = "%hhd %hhu %hd %hu %hhx";
    char ours[64], theirs[64];

    (void)state;
    guest_snprintf(ours, sizeof ours, format, 0x128, 0x128, 0x18000, 0x18000, -1);
    snprintf(theirs, sizeof theirs, format, 0x128, 0x128, 0x18000, 0x18000, -1);
    assert_string_equal(ours, theirs);
}

static void test_format_width_pads_left_right_and_with_zeros(void **state)
{
    (void)state;
    for (int width = 0; width < 40; width++) {
        assert_as_on_host("[%*d] [%-*d] [%0*d]", width, -42, width, -42, width, -42);
        assert_as_on_host("[%*x] [%-*x] [%0*x]", width, 0xabu, width, 0xabu, width, 0xabu);
        assert_as_on_host("[%*s] [%-*s] [%*c]", width, "text", width, "text", width, 'c');
    }
    assert_as_on_host("[%5d] [%-5d] [%05d]", 42, 42, 42);
    assert_as_on_host("[%*d]", -6, 42);
}

static void test_format_precision_cuts_strings(void **state)
{
    (void)state;
    for (int precision = -1; precision < 8; precision++)
        assert_as_on_host("[%.*s] [%8.*s] [%-8.*s]", precision, "abcdef", precision, "abcdef",
                          precision, "abcdef");
    assert_as_on_host("[%.3s] [%.s] [%10.2s]", "abcdef", "abcdef", "abcdef");
}

static void test_format_precision_reads_no_byte_behind_it(void **state)
{
    char unterminated[3] = {'a', 'b', 'c'};

    (void)state;
    assert_as_on_host("%.3s", unterminated);
}

static void test_format_characters_pointers_and_percent(void **state)
{
    (void)state;
    assert_as_on_host("%c%c%%%p|", 'a', '\n', (void *)0xabcdef);
    assert_as_on_host("%20p|%-20p|", (void *)0x10, (void *)0x10);
}

static void test_format_null_string_is_told(void **state)
{
    char text[16];
    const char *volatile null = NULL;

    (void)state;
    guest_snprintf(text, sizeof text, "%s", null);
    assert_string_equal(text, "(null)");
}

static void test_format_unknown_conversion_ends_it(void **state)
{
    static const char *const formats[] = {"a %d %f %d", "a %d %n", "a %d %", "a %d %-", "a %d %5"};
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        guest_snprintf(text, sizeof text, formats[i], 1, 2, 3);
        assert_memory_equal(text, "a 1 %", 5);
        assert_string_equal(text + 4, formats[i] + 5);
    }
}

static void test_snprintf_small_buffer_is_cut_and_terminated(void **state)
{
    (void)state;
    for (size_t size = 0; size < 12; size++) {
        char ours[16], theirs[16];

        memset(ours, '?', sizeof ours);
        memset(theirs, '?', sizeof theirs);
        assert_int_equal(guest_snprintf(ours, size, "%s-%d", "abcdef", 12),
                         snprintf(theirs, size, "%s-%d", "abcdef", 12));
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

static void test_sconce_format_allocates_what_it_needs(void **state)
{
    sconce_str text = sconce_format("%0100d", 7);

    (void)state;
    assert_int_equal(text.length, 100);
    assert_int_equal(text.data[99], '7');
    assert_int_equal(text.data[100], '\0');
}

static void test_sconce_format_without_memory_is_empty(void **state)
{
    sconce_str text;

    (void)state;
    allocation_fails = true;
    text = sconce_format("%d", 7);
    allocation_fails = false;
    assert_int_equal(text.length, 0);
    assert_string_equal(text.data, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_integers_are_as_on_the_host),
        cmocka_unit_test(test_format_short_lengths_cut_the_argument),
        cmocka_unit_test(test_format_width_pads_left_right_and_with_zeros),
        cmocka_unit_test(test_format_precision_cuts_strings),
        cmocka_unit_test(test_format_precision_reads_no_byte_behind_it),
        cmocka_unit_test(test_format_characters_pointers_and_percent),
        cmocka_unit_test(test_format_null_string_is_told),
        cmocka_unit_test(test_format_unknown_conversion_ends_it),
        cmocka_unit_test(test_snprintf_small_buffer_is_cut_and_terminated),
        cmocka_unit_test(test_sconce_format_allocates_what_it_needs),
        cmocka_unit_test(test_sconce_format_without_memory_is_empty),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(allocated);
    return failed;
}
