/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "personality-fixture.h"

static int setup(void **state)
{
    static struct fixture f;

    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

struct vector {
    uint64_t base, bytes;
};

static void test_write_goes_to_its_descriptor(void **state)
{
    struct fixture *f = *state;

    fixture_put(f, DATA_AT, "hello", 5);
    assert_int_equal(CALL(f, "write", 1, DATA_AT, 5), 5);
    assert_int_equal(CALL(f, "write", 2, DATA_AT, 4), 4);
    assert_string_equal(f->output[1], "hello");
    assert_string_equal(f->output[2], "hell");
    assert_int_equal(CALL(f, "write", 1, 0, 0), 0);
    assert_int_equal(CALL(f, "write", 0, DATA_AT, 5), -EBADF);
    assert_int_equal(CALL(f, "write", 3, DATA_AT, 5), -EBADF);
    assert_int_equal(CALL(f, "write", UINT64_MAX, DATA_AT, 5), -EBADF);
    assert_int_equal(f->output_bytes[1], 5);
}

static void test_write_crosses_stretches_in_pieces(void **state)
{
    struct fixture *f = *state;

    memset(fixture_at(f, CODE_AT), 'a', STRETCH);
    assert_int_equal(CALL(f, "write", 1, CODE_AT, 3 * STRETCH), 3 * STRETCH);
    assert_int_equal(f->output_bytes[1], 3 * STRETCH);
    assert_true(f->largest_piece <= 4096);
}

static void test_write_of_what_is_not_there_prints_nothing(void **state)
{
    struct fixture *f = *state;
    static const uint64_t places[][2] = {
        {0, 1},          {CODE_AT - 1, 2},       {MORE_AT, STRETCH + 1}, {HEAP_AT + HEAP_BYTES, 1},
        {UINT64_MAX, 1}, {UINT64_MAX - 10, 100}, {DATA_AT, UINT64_MAX},  {DATA_AT, 1ull << 30},
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_int_equal(CALL(f, "write", 1, places[i][0], places[i][1]), -EFAULT);
    assert_int_equal(f->output_bytes[1], 0);
}

static void test_writev_gathers(void **state)
{
    struct fixture *f = *state;
    const struct vector vectors[] = {{DATA_AT + 100, 3}, {0, 0}, {MORE_AT, 2}};

    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    fixture_put(f, DATA_AT + 100, "abc", 3);
    fixture_put(f, MORE_AT, "de", 2);
    assert_int_equal(CALL(f, "writev", 2, DATA_AT, 3), 5);
    assert_string_equal(f->output[2], "abcde");
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, 0), 0);
}

static void test_write_ends_when_the_guest_must_stop(void **state)
{
    struct fixture *f = *state;
    const struct vector vectors[] = {{MORE_AT, 8192}, {MORE_AT, 8192}};

    f->stopped = true;
    CALL(f, "write", 1, CODE_AT, 3 * STRETCH);
    assert_int_equal(f->output_bytes[1], 4096);
    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    CALL(f, "writev", 2, DATA_AT, 2);
    assert_int_equal(f->output_bytes[2], 4096);
}

static void test_writev_refusals(void **state)
{
    struct fixture *f = *state;
    struct vector vectors[] = {{DATA_AT, 3}, {0, 1}};

    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    assert_int_equal(CALL(f, "writev", 0, DATA_AT, 1), -EBADF);
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, 2), -EFAULT);
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, 1025), -EINVAL);
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, UINT64_MAX), -EINVAL);
    assert_int_equal(CALL(f, "writev", 1, MORE_AT + STRETCH - 8, 1), -EFAULT);
    assert_int_equal(CALL(f, "writev", 1, 0, 1), -EFAULT);
    vectors[0].bytes = vectors[1].bytes = INT64_MAX;
    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, 2), -EINVAL);
    vectors[0].bytes = vectors[1].bytes = UINT64_MAX;
    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, 2), -EINVAL);
    assert_int_equal(f->output_bytes[1], 0);
}

static void test_writev_of_1024_vectors(void **state)
{
    struct fixture *f = *state;
    struct vector vectors[1024];

    for (unsigned i = 0; i < 1024; i++)
        vectors[i] = (struct vector){CODE_AT, 3 * STRETCH};
    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    assert_int_equal(CALL(f, "writev", 1, DATA_AT, 1024), 1024 * 3 * STRETCH);
    assert_int_equal(f->output_bytes[1], 1024 * 3 * STRETCH);
}

static void test_read_gives_input_then_its_end(void **state)
{
    struct fixture *f = *state;

    f->input = "abcdef";
    assert_int_equal(CALL(f, "read", 0, DATA_AT, 4), 4);
    assert_memory_equal(fixture_at(f, DATA_AT), "abcd\0", 5);
    assert_int_equal(CALL(f, "read", 0, DATA_AT, STRETCH), 2);
    assert_int_equal(CALL(f, "read", 0, DATA_AT, 4), 0);
    f->input = NULL;
    assert_int_equal(CALL(f, "read", 0, DATA_AT, 4), -EIO);
    f->input_lie = 5;
    assert_int_equal(CALL(f, "read", 0, DATA_AT, 4), -EIO);
}

static void test_read_refusals_lose_no_input(void **state)
{
    struct fixture *f = *state;

    f->input = "abcdef";
    assert_int_equal(CALL(f, "read", 1, DATA_AT, 4), -EBADF);
    assert_int_equal(CALL(f, "read", 3, DATA_AT, 4), -EBADF);
    assert_int_equal(CALL(f, "read", 0, CODE_AT, 4), -EFAULT);
    assert_int_equal(CALL(f, "read", 0, BOOT_AT, 4), -EFAULT);
    assert_int_equal(CALL(f, "read", 0, DATA_AT - 1, 4), -EFAULT);
    assert_int_equal(CALL(f, "read", 0, UINT64_MAX, 4), -EFAULT);
    assert_string_equal(f->input, "abcdef");
}

static void test_readv_fills_the_first_that_has_room(void **state)
{
    struct fixture *f = *state;
    struct vector vectors[] = {{0, 0}, {DATA_AT + 100, 4}, {DATA_AT + 200, 4}};

    f->input = "abcdef";
    fixture_put(f, DATA_AT, vectors, sizeof vectors);
    assert_int_equal(CALL(f, "readv", 0, DATA_AT, 3), 4);
    assert_memory_equal(fixture_at(f, DATA_AT + 100), "abcd\0", 5);
    assert_int_equal(CALL(f, "readv", 0, DATA_AT, 1), 0);
    assert_int_equal(CALL(f, "readv", 0, DATA_AT, 1025), -EINVAL);
    assert_int_equal(CALL(f, "readv", 1, DATA_AT, 1), -EBADF);
}

static void test_descriptors_are_no_files(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "close", 2), 0);
    assert_int_equal(CALL(f, "close", 3), -EBADF);
    assert_int_equal(CALL(f, "lseek", 0, 0, 0), -ESPIPE);
    assert_int_equal(CALL(f, "lseek", 3, 0, 0), -EBADF);
    assert_int_equal(CALL(f, "ioctl", 1, 0x5401, DATA_AT), -ENOTTY);
    assert_int_equal(CALL(f, "ioctl", UINT64_MAX, 0x5401, DATA_AT), -EBADF);
}

static void test_poll_finds_nothing(void **state)
{
    struct fixture *f = *state;

    memset(fixture_at(f, DATA_AT), 0xff, 16);
    assert_int_equal(CALL(f, "poll", DATA_AT, 1, UINT64_MAX), 0);
    assert_true(fixture_is(f, DATA_AT, 0xff, 6));
    assert_true(fixture_is(f, DATA_AT + 6, 0, 2));
    assert_true(fixture_is(f, DATA_AT + 8, 0xff, 8));
    assert_int_equal(CALL(f, "poll", DATA_AT, 1025, 0), -EINVAL);
    assert_int_equal(CALL(f, "poll", CODE_AT, 1, 0), -EFAULT);
    assert_int_equal(CALL(f, "poll", 0, 0, 0), 0);
    assert_int_equal(CALL(f, "ppoll", DATA_AT, 1, 0, 0), 0);
    assert_int_equal(CALL(f, "ppoll", DATA_AT, 1, 8, 0), -EFAULT);
    assert_int_equal(CALL(f, "ppoll", DATA_AT, 1, 0, 8), -EFAULT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_write_goes_to_its_descriptor),
        TEST(test_write_crosses_stretches_in_pieces),
        TEST(test_write_of_what_is_not_there_prints_nothing),
        TEST(test_writev_gathers),
        TEST(test_write_ends_when_the_guest_must_stop),
        TEST(test_writev_refusals),
        TEST(test_writev_of_1024_vectors),
        TEST(test_read_gives_input_then_its_end),
        TEST(test_read_refusals_lose_no_input),
        TEST(test_readv_fills_the_first_that_has_room),
        TEST(test_descriptors_are_no_files),
        TEST(test_poll_finds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
