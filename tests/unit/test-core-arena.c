/* SPDX-License-Identifier: Apache-2.0 */
/* core/arena.c: memory that stays what it is said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "core/arena.h"

#define PAGE 4096u
#define BYTES (64u * PAGE)

static void test_arena_is_zero_and_sealed_against_resizing(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    for (size_t i = 0; i < BYTES; i += PAGE)
        assert_int_equal(arena.host[i], 0);
    assert_int_equal(ftruncate(arena.fd, BYTES / 2), -1);
    assert_int_equal(ftruncate(arena.fd, BYTES * 2), -1);
    assert_true(fcntl(arena.fd, F_GETFD) & FD_CLOEXEC);
    sconce_arena_fini(&arena);
    assert_null(arena.host);
    sconce_arena_fini(&arena);
}

static void test_arena_is_never_a_standard_stream(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    int saved = dup(STDIN_FILENO);

    (void)state;
    close(STDIN_FILENO);
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    assert_true(arena.fd > STDERR_FILENO);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    sconce_arena_fini(&arena);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void test_arena_tells_what_was_touched(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    uint64_t start, end, at = 0, seen = 0;

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    assert_false(sconce_arena_populated(&arena, 0, BYTES, &start, &end));
    arena.host[3 * PAGE] = 1;
    arena.host[40 * PAGE + 17] = 1;
    while (sconce_arena_populated(&arena, at, BYTES, &start, &end)) {
        for (uint64_t page = start / PAGE; page * PAGE < end; page++)
            seen |= 1ull << page;
        at = end;
    }
    assert_true(seen & (1ull << 3));
    assert_true(seen & (1ull << 40));
    assert_false(sconce_arena_populated(&arena, BYTES, BYTES, &start, &end));
    sconce_arena_fini(&arena);
}

static void test_arena_zero_leaves_what_is_outside(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    for (size_t i = 0; i < BYTES; i++)
        arena.host[i] = 0xaa;
    sconce_arena_zero(&arena, 8 * PAGE, 16 * PAGE);
    for (size_t i = 0; i < BYTES; i++)
        assert_int_equal(arena.host[i], i >= 8 * PAGE && i < 24 * PAGE ? 0 : 0xaa);
    sconce_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_is_zero_and_sealed_against_resizing),
        cmocka_unit_test(test_arena_is_never_a_standard_stream),
        cmocka_unit_test(test_arena_tells_what_was_touched),
        cmocka_unit_test(test_arena_zero_leaves_what_is_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
