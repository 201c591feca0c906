/* SPDX-License-Identifier: Apache-2.0 */
/* examples/zlib: files of gzip's, whole and damaged. */
#include "ordinary.h"

#include <stdlib.h>
#include <string.h>

#define BOMB_BYTES (64u << 20)

static void test_zlib_gzip_file_unpacks_as_natively(void **state)
{
    struct ordinary_bytes text = ordinary_read(ordinary_input("text"));
    struct sconce_value result;
    struct sconce_error err = {0};
    struct ordinary zlib;

    (void)state;
    ordinary_open(&zlib, "zlib", 0);
    assert_true(ordinary_same(&zlib, "gunzip", ORDINARY_WORDS("@text.gz")));
    e2e_ok(ordinary_call(&zlib, "gunzip", ORDINARY_WORDS("@text.gz"), &result, &err), &err);
    assert_int_equal(result.as.span.length, text.length);
    assert_memory_equal(result.as.span.data, text.data, text.length);
    ordinary_close(&zlib);
    free(text.data);
}

static void test_zlib_round_trip_is_the_same_bytes(void **state)
{
    struct ordinary_bytes text = ordinary_read(ordinary_input("text"));
    struct sconce_value packed, back;
    struct sconce_error err = {0};
    struct ordinary zlib;
    char *copy;

    (void)state;
    ordinary_open(&zlib, "zlib", 0);
    assert_true(ordinary_same(&zlib, "gzip", ORDINARY_WORDS("@text")));
    e2e_ok(ordinary_call(&zlib, "gzip", ORDINARY_WORDS("@text"), &packed, &err), &err);
    copy = malloc(packed.as.span.length);
    assert_non_null(copy);
    packed.as.span.data = memcpy(copy, packed.as.span.data, packed.as.span.length);
    e2e_ok(sconce_sandbox_call(zlib.sandbox, "gunzip", &packed, 1, &back, &err), &err);
    assert_int_equal(back.as.span.length, text.length);
    assert_memory_equal(back.as.span.data, text.data, text.length);
    free(copy);
    free(text.data);
    ordinary_close(&zlib);
}

/* Each byte of the head and some behind it turned over; and every length that is too short. */
static void test_zlib_damaged_file_fails_and_next_is_served(void **state)
{
    struct ordinary_bytes file = ordinary_read(ordinary_input("text.gz"));
    struct sconce_error err = {0};
    struct ordinary zlib;

    (void)state;
    ordinary_open(&zlib, "zlib", 0);
    assert_false(ordinary_same(&zlib, "gunzip", ORDINARY_WORDS("@text")));
    for (size_t at = 0; at < file.length; at += file.length / 40 + 1) {
        struct sconce_value damaged = sconce_bytes(file.data, file.length);
        struct sconce_value cut = sconce_bytes(file.data, at);

        file.data[at] = (char)~file.data[at];
        if (sconce_sandbox_call(zlib.sandbox, "gunzip", &damaged, 1, NULL, &err) < 0)
            assert_int_equal(err.code, SCONCE_E_GUEST_FAILED);
        file.data[at] = (char)~file.data[at];
        assert_int_equal(sconce_sandbox_call(zlib.sandbox, "gunzip", &cut, 1, NULL, &err),
                         SCONCE_E_GUEST_FAILED);
        e2e_says(&err, "it ends too early");
        assert_int_equal(sconce_sandbox_state(zlib.sandbox), SCONCE_STATE_READY);
    }
    assert_true(ordinary_same(&zlib, "gunzip", ORDINARY_WORDS("@text.gz")));
    ordinary_close(&zlib);
    free(file.data);
}

/* Zeros, packed three times over: each unpacking is larger than what may leave the sandbox. */
static void test_zlib_bomb_is_a_failure(void **state)
{
    struct sconce_value zeros = sconce_bytes(calloc(1, 2u << 20), 2u << 20), packed;
    struct sconce_error err = {0};
    char *bomb = NULL;
    size_t bytes = 0;
    struct ordinary zlib;

    (void)state;
    ordinary_open(&zlib, "zlib", 0);
    e2e_ok(sconce_sandbox_call(zlib.sandbox, "gzip", &zeros, 1, &packed, &err), &err);
    /* Joined files unpack to one: so many that no heap of the default's size holds them. */
    while (bytes / packed.as.span.length * (2u << 20) < BOMB_BYTES) {
        bomb = realloc(bomb, bytes + packed.as.span.length);
        assert_non_null(bomb);
        memcpy(bomb + bytes, packed.as.span.data, packed.as.span.length);
        bytes += packed.as.span.length;
    }
    packed = sconce_bytes(bomb, bytes);
    assert_int_equal(sconce_sandbox_call(zlib.sandbox, "gunzip", &packed, 1, NULL, &err),
                     SCONCE_E_GUEST_FAILED);
    assert_true(ordinary_same(&zlib, "gunzip", ORDINARY_WORDS("@text.gz")));
    ordinary_close(&zlib);
    free(bomb);
    free((void *)(uintptr_t)zeros.as.span.data);
}

/* What is asked of the host is asked once. */
static void test_zlib_later_calls_trap_nothing(void **state)
{
    struct sconce_error err = {0};
    struct ordinary zlib;
    uint64_t traps;

    (void)state;
    ordinary_open(&zlib, "zlib", 0);
    e2e_ok(ordinary_call(&zlib, "gunzip", ORDINARY_WORDS("@text.gz"), NULL, &err), &err);
    traps = ordinary_traps(&zlib);
    for (unsigned i = 0; i < 10; i++)
        e2e_ok(ordinary_call(&zlib, "gunzip", ORDINARY_WORDS("@text.gz"), NULL, &err), &err);
    assert_int_equal(ordinary_traps(&zlib), traps);
    ordinary_close(&zlib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zlib_gzip_file_unpacks_as_natively),
        cmocka_unit_test(test_zlib_round_trip_is_the_same_bytes),
        cmocka_unit_test(test_zlib_damaged_file_fails_and_next_is_served),
        cmocka_unit_test(test_zlib_bomb_is_a_failure),
        cmocka_unit_test(test_zlib_later_calls_trap_nothing),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
