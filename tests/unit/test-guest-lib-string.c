/* SPDX-License-Identifier: Apache-2.0 */
/* guest/lib/string.c, run on the host with the host's functions to compare with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OURS(name) guest_##name
#define memcpy OURS(memcpy)
#define memmove OURS(memmove)
#define memset OURS(memset)
#define memcmp OURS(memcmp)
#define memchr OURS(memchr)
#define strlen OURS(strlen)
#define strnlen OURS(strnlen)
#define strcmp OURS(strcmp)
#define strncmp OURS(strncmp)
#define strchr OURS(strchr)
#define strrchr OURS(strrchr)
#define strstr OURS(strstr)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "guest/lib/string.c"
/* Behind it: it uses what that defines. */
#include "guest/lib/str.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr

#define MOST 100

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void count_up(unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(i * 7 + 1);
}

static void test_memcpy_every_length_and_alignment(void **state)
{
    unsigned char from[MOST + 16], ours[MOST + 32], theirs[MOST + 32];

    (void)state;
    count_up(from, sizeof from);
    for (size_t bytes = 0; bytes <= MOST; bytes++)
        for (size_t at = 0; at < 9; at++) {
            memset(ours, 0xee, sizeof ours);
            memset(theirs, 0xee, sizeof theirs);
            assert_ptr_equal(guest_memcpy(ours + at, from + at / 2, bytes), ours + at);
            memcpy(theirs + at, from + at / 2, bytes);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
}

static void test_memmove_every_overlap(void **state)
{
    unsigned char ours[2 * MOST], theirs[2 * MOST];

    (void)state;
    for (size_t bytes = 0; bytes <= MOST; bytes += 1 + bytes / 20)
        for (size_t to = 0; to + bytes <= sizeof ours; to += 3)
            for (size_t from = 0; from + bytes <= sizeof ours; from += 5) {
                count_up(ours, sizeof ours);
                count_up(theirs, sizeof theirs);
                assert_ptr_equal(guest_memmove(ours + to, ours + from, bytes), ours + to);
                memmove(theirs + to, theirs + from, bytes);
                assert_memory_equal(ours, theirs, sizeof ours);
            }
}

static void test_memset_every_length_and_alignment(void **state)
{
    unsigned char ours[MOST + 32], theirs[MOST + 32];

    (void)state;
    for (size_t bytes = 0; bytes <= MOST; bytes++)
        for (size_t at = 0; at < 9; at++) {
            memset(ours, 0xee, sizeof ours);
            memset(theirs, 0xee, sizeof theirs);
            assert_ptr_equal(guest_memset(ours + at, -3, bytes), ours + at);
            memset(theirs + at, -3, bytes);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
}

static void test_memcmp_difference_at_every_place(void **state)
{
    unsigned char a[MOST], b[MOST];

    (void)state;
    count_up(a, sizeof a);
    for (size_t at = 0; at < MOST; at++) {
        count_up(b, sizeof b);
        assert_int_equal(guest_memcmp(a, b, MOST), 0);
        b[at] ^= 0x80;
        assert_int_equal(sign(guest_memcmp(a, b, MOST)), sign(memcmp(a, b, MOST)));
        assert_int_equal(sign(guest_memcmp(b, a, MOST)), sign(memcmp(b, a, MOST)));
        assert_int_equal(guest_memcmp(a, b, at), 0);
    }
}

static void test_searches_are_as_on_the_host(void **state)
{
    static const char text[] = "abcabcd\xff";

    (void)state;
    for (int c = 0; c < 256; c++) {
        assert_ptr_equal(guest_memchr(text, c, sizeof text), memchr(text, c, sizeof text));
        assert_ptr_equal(guest_memchr(text, c, 3), memchr(text, c, 3));
        assert_ptr_equal(guest_strchr(text, c), strchr(text, c));
        assert_ptr_equal(guest_strrchr(text, c), strrchr(text, c));
    }
}

static void test_strstr_is_as_on_the_host(void **state)
{
    static const char *const parts[] = {"", "a", "abcd", "cd\xff", "abd", "abcabcd\xffq", "\xff"};
    static const char text[] = "abcabcd\xff";

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_ptr_equal(guest_strstr(text, parts[i]), strstr(text, parts[i]));
        assert_ptr_equal(guest_strstr(text + 8, parts[i]), strstr(text + 8, parts[i]));
    }
}

static void test_comparisons_are_as_on_the_host(void **state)
{
    static const char *const texts[] = {"", "a", "ab", "b", "a\xff", "a\x01", "abc"};
    const size_t count = sizeof texts / sizeof texts[0];

    (void)state;
    for (size_t i = 0; i < count * count; i++) {
        const char *a = texts[i / count], *b = texts[i % count];

        assert_int_equal(sign(guest_strcmp(a, b)), sign(strcmp(a, b)));
        for (size_t limit = 0; limit < 5; limit++)
            assert_int_equal(sign(guest_strncmp(a, b, limit)), sign(strncmp(a, b, limit)));
    }
}

static void test_lengths_are_as_on_the_host(void **state)
{
    char unterminated[4] = {'a', 'b', 'c', 'd'};

    (void)state;
    assert_int_equal(guest_strlen(""), 0);
    assert_int_equal(guest_strlen("abc"), 3);
    assert_int_equal(guest_strnlen("abc", 2), 2);
    assert_int_equal(guest_strnlen("abc", 9), 3);
    assert_int_equal(guest_strnlen(unterminated, 4), 4);
}

static void test_str_from_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(sconce_str_from(NULL).length, 0);
    assert_string_equal(sconce_str_from(NULL).data, "");
    assert_int_equal(sconce_str_from("four").length, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy_every_length_and_alignment),
        cmocka_unit_test(test_memmove_every_overlap),
        cmocka_unit_test(test_memset_every_length_and_alignment),
        cmocka_unit_test(test_memcmp_difference_at_every_place),
        cmocka_unit_test(test_searches_are_as_on_the_host),
        cmocka_unit_test(test_strstr_is_as_on_the_host),
        cmocka_unit_test(test_comparisons_are_as_on_the_host),
        cmocka_unit_test(test_lengths_are_as_on_the_host),
        cmocka_unit_test(test_str_from_null_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
