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

static void seed(struct fixture *f, uint8_t first)
{
    f->p.settings.seeded = true;
    f->p.settings.seed[0] = first;
}

/* draft-agl-tls-chacha20poly1305-04, 7: the form with a 64-bit nonce. */
static void test_stream_is_chacha20(void **state)
{
    static const uint8_t zero_key[32],
        expected[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28},
        with_nonce[] = {0xde, 0x9c, 0xba, 0x7b, 0xf3, 0xd6, 0x9e, 0xf5,
                        0xe7, 0x86, 0xdc, 0x63, 0x97, 0x3f, 0x65, 0x3a};
    uint8_t data[16];

    (void)state;
    sconce_personality_stream(zero_key, 0, 0, data, sizeof data);
    assert_memory_equal(data, expected, sizeof data);
    sconce_personality_stream(zero_key, 1ull << 56, 0, data, sizeof data);
    assert_memory_equal(data, with_nonce, sizeof data);
}

static void test_stream_is_the_same_in_any_pieces(void **state)
{
    static const uint8_t key[32] = {1, 2, 3};
    uint8_t whole[300], pieces[300];

    (void)state;
    sconce_personality_stream(key, 7, 1000, whole, sizeof whole);
    for (size_t at = 0, length = 1; at < sizeof pieces; at += length++) {
        if (length > sizeof pieces - at)
            length = sizeof pieces - at;
        sconce_personality_stream(key, 7, 1000 + at, pieces + at, length);
    }
    assert_memory_equal(whole, pieces, sizeof whole);
}

static void test_getrandom_seeded_goes_on_and_repeats(void **state)
{
    struct fixture *f = *state;
    uint8_t once[64];

    seed(f, 5);
    assert_int_equal(CALL(f, "getrandom", DATA_AT, 10, 0), 10);
    assert_int_equal(CALL(f, "getrandom", DATA_AT + 10, 54, 1), 54);
    memcpy(once, fixture_at(f, DATA_AT), sizeof once);
    f->p.state.random_at = 0;
    assert_int_equal(CALL(f, "getrandom", DATA_AT, 64, 0), 64);
    assert_memory_equal(once, fixture_at(f, DATA_AT), sizeof once);
    assert_int_equal(CALL(f, "getrandom", DATA_AT, 64, 0), 64);
    assert_memory_not_equal(once, fixture_at(f, DATA_AT), sizeof once);
    seed(f, 6);
    f->p.state.random_at = 0;
    assert_int_equal(CALL(f, "getrandom", DATA_AT, 64, 0), 64);
    assert_memory_not_equal(once, fixture_at(f, DATA_AT), sizeof once);
}

static void test_getrandom_of_the_host_fills_all(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "getrandom", DATA_AT, 1000, 0), 1000);
    assert_false(fixture_is(f, DATA_AT + 984, 0, 16));
    assert_true(fixture_is(f, DATA_AT + 1000, 0, 16));
    assert_int_equal(CALL(f, "getrandom", 0, 0, 0), 0);
}

static void test_getrandom_refusals(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "getrandom", DATA_AT, 1, 8), -EINVAL);
    assert_int_equal(CALL(f, "getrandom", CODE_AT, 1, 0), -EFAULT);
    assert_int_equal(CALL(f, "getrandom", MORE_AT, STRETCH + 1, 0), -EFAULT);
    assert_int_equal(CALL(f, "getrandom", HEAP_AT, UINT64_MAX, 0), 1 << 20); /* one call's most */
    assert_true(fixture_is(f, MORE_AT, 0, STRETCH));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_stream_is_chacha20),
        TEST(test_stream_is_the_same_in_any_pieces),
        TEST(test_getrandom_seeded_goes_on_and_repeats),
        TEST(test_getrandom_of_the_host_fills_all),
        TEST(test_getrandom_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
