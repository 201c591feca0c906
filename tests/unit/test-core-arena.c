/* SPDX-License-Identifier: Apache-2.0 */
/* core/arena.c: memory that stays what it is said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
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

static void test_arena_copy_takes_what_was_touched(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    arena.host[3 * PAGE + 5] = 7;
    sconce_arena_copy(&arena, 32 * PAGE, 0, 32 * PAGE);
    assert_int_equal(arena.host[35 * PAGE + 5], 7);
    assert_int_equal(arena.host[3 * PAGE + 5], 7);
    sconce_arena_copy(&arena, 10 * PAGE + 1, 3 * PAGE + 5, 1);
    assert_int_equal(arena.host[10 * PAGE + 1], 7);
    assert_int_equal(arena.host[10 * PAGE + 2], 0);
    sconce_arena_fini(&arena);
}

void *__real_reallocarray(void *old, size_t count, size_t bytes);
void *__wrap_reallocarray(void *old, size_t count, size_t bytes);

static bool out_of_memory;

void *__wrap_reallocarray(void *old, size_t count, size_t bytes)
{
    return out_of_memory ? NULL : __real_reallocarray(old, count, bytes);
}

static void test_survey_lists_all_stretches(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    struct sconce_stretches stretches = {0};
    const unsigned pages = 50;

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", 2 * pages * PAGE, NULL), 0);
    assert_int_equal(sconce_arena_survey(&arena, arena.bytes, &stretches, NULL), 0);
    assert_int_equal(stretches.count, 0);
    for (size_t i = 0; i < pages; i++)
        arena.host[2 * i * PAGE] = 1;
    assert_int_equal(sconce_arena_survey(&arena, arena.bytes, &stretches, NULL), 0);
    assert_int_equal(stretches.count, pages);
    for (size_t i = 0; i < pages; i++) {
        assert_int_equal(stretches.at[i].start, 2 * i * PAGE);
        assert_int_equal(stretches.at[i].end, (2 * i + 1) * PAGE);
    }
    /* They grow together. */
    for (size_t i = 0; i < pages; i++)
        arena.host[(2 * i + 1) * PAGE] = 1;
    assert_int_equal(sconce_arena_survey(&arena, arena.bytes, &stretches, NULL), 0);
    assert_int_equal(stretches.count, 1);
    assert_int_equal(stretches.at[0].end, 2 * pages * PAGE);
    /* A window lies behind: what a guest touches there is not to be gone through. */
    assert_int_equal(sconce_arena_survey(&arena, 3 * PAGE, &stretches, NULL), 0);
    assert_int_equal(stretches.bytes, 3 * PAGE);
    sconce_stretches_fini(&stretches);
    assert_null(stretches.at);
    sconce_arena_fini(&arena);
}

static void content_is(const struct sconce_arena *arena, const struct sconce_stretch *wanted,
                       size_t count)
{
    struct sconce_stretches stretches = {0};

    assert_int_equal(sconce_arena_content(arena, &stretches, NULL), 0);
    assert_int_equal(stretches.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(stretches.at[i].start, wanted[i].start);
        assert_int_equal(stretches.at[i].end, wanted[i].end);
    }
    sconce_stretches_fini(&stretches);
}

static void test_content_is_what_is_not_zero(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    const struct sconce_stretch far[] = {{0, 64}, {1024, 1088}, {3 * PAGE - 64, 3 * PAGE + 64}};
    const struct sconce_stretch near[] = {{0, 1088}, {3 * PAGE - 64, 3 * PAGE + 64}};

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    memset(arena.host, 0, 5 * PAGE); /* touched, and zero */
    content_is(&arena, NULL, 0);
    arena.host[0] = arena.host[1024 + 63] = 1;
    arena.host[3 * PAGE - 1] = arena.host[3 * PAGE] = 1;
    content_is(&arena, far, 3);
    arena.host[512] = 1; /* less than 512 bytes from both */
    content_is(&arena, near, 2);
    sconce_arena_fini(&arena);
}

static void test_arena_that_the_host_has_written_is_counted(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    struct sconce_stretches stretches = {0};

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    assert_true(sconce_arena_holds_just(&arena, &stretches));
    memset(arena.host, 1, 3 * PAGE);
    arena.host[9 * PAGE] = 1;
    assert_false(sconce_arena_holds_just(&arena, &stretches));
    assert_int_equal(sconce_arena_survey(&arena, BYTES, &stretches, NULL), 0);
    assert_int_equal(stretches.bytes, 4 * PAGE);
    assert_true(sconce_arena_holds_just(&arena, &stretches));
    assert_int_equal(*(volatile uint8_t *)&arena.host[20 * PAGE], 0); /* read alone */
    assert_false(sconce_arena_holds_just(&arena, &stretches));
    sconce_stretches_fini(&stretches);
    sconce_arena_fini(&arena);
}

static void test_survey_without_memory_says_so(void **state)
{
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    struct sconce_stretches stretches = {0};
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_arena_init(&arena, "test", BYTES, NULL), 0);
    arena.host[0] = 1;
    out_of_memory = true;
    assert_int_equal(sconce_arena_survey(&arena, BYTES, &stretches, &err), SCONCE_E_NO_MEMORY);
    out_of_memory = false;
    assert_non_null(strstr(err.text, "out of memory"));
    assert_int_equal(sconce_arena_survey(&arena, BYTES, &stretches, &err), 0);
    assert_int_equal(stretches.count, 1);
    sconce_stretches_fini(&stretches);
    sconce_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_is_zero_and_sealed_against_resizing),
        cmocka_unit_test(test_arena_is_never_a_standard_stream),
        cmocka_unit_test(test_arena_tells_what_was_touched),
        cmocka_unit_test(test_arena_zero_leaves_what_is_outside),
        cmocka_unit_test(test_arena_copy_takes_what_was_touched),
        cmocka_unit_test(test_survey_lists_all_stretches),
        cmocka_unit_test(test_arena_that_the_host_has_written_is_counted),
        cmocka_unit_test(test_content_is_what_is_not_zero),
        cmocka_unit_test(test_survey_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
