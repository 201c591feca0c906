/* SPDX-License-Identifier: Apache-2.0 */
/* guest/lib/heap.c, run on the host in an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define malloc guest_malloc
#define calloc guest_calloc
#define realloc guest_realloc
#define free guest_free
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "guest/lib/heap.c"
#undef malloc
#undef calloc
#undef realloc
#undef free

#define MEMORY_BYTES 65536u

static _Alignas(16) unsigned char memory[MEMORY_BYTES];
static jmp_buf aborted;

void sconce_abort(const char *format, ...)
{
    (void)format;
    longjmp(aborted, 1);
}

static int fresh_heap(void **state)
{
    (void)state;
    memset(bins, 0, sizeof bins);
    memset(memory, 0xcc, sizeof memory);
    sconce_heap_init(memory, sizeof memory);
    return 0;
}

/* The largest block that can be had: all of the heap when nothing is allocated. */
static size_t largest(void)
{
    size_t bytes = MEMORY_BYTES;
    void *block;

    while (!(block = guest_malloc(bytes)))
        bytes--;
    guest_free(block);
    return bytes;
}

static void test_malloc_blocks_are_aligned_and_apart(void **state)
{
    unsigned char *blocks[50];

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        blocks[i] = guest_malloc(i);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i);
    }
    for (size_t i = 0; i < 50; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(blocks[i][k], i);
}

static void test_free_in_any_order_joins_everything_again(void **state)
{
    static const unsigned orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3},
                                         {1, 3, 0, 2}, {2, 0, 3, 1}, {1, 2, 3, 0}};
    size_t all = largest();

    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        void *blocks[4];

        for (unsigned k = 0; k < 4; k++)
            blocks[k] = guest_malloc(1000 + k * 500);
        for (unsigned k = 0; k < 4; k++)
            guest_free(blocks[orders[i][k]]);
        assert_int_equal(largest(), all);
    }
}

static void test_malloc_until_exhausted_gives_null_and_recovers(void **state)
{
    void *blocks[2000];
    size_t count = 0, all = largest();

    (void)state;
    while ((blocks[count] = guest_malloc(100)))
        count++;
    assert_true(count > MEMORY_BYTES / 150);
    assert_null(guest_malloc(100));
    while (count)
        guest_free(blocks[--count]);
    assert_int_equal(largest(), all);
}

static void test_malloc_impossible_sizes_are_null(void **state)
{
    (void)state;
    assert_null(guest_malloc(SIZE_MAX));
    assert_null(guest_malloc(SIZE_MAX - 15));
    assert_null(guest_malloc(MEMORY_BYTES));
    assert_null(guest_calloc(SIZE_MAX / 2, 3));
}

static void test_malloc_zero_gives_blocks_that_differ(void **state)
{
    void *a = guest_malloc(0), *b = guest_malloc(0);

    (void)state;
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
}

static void test_calloc_is_zero_where_memory_was_used(void **state)
{
    static const unsigned char zeros[300];
    unsigned char *block = guest_malloc(300);

    (void)state;
    memset(block, 0xff, 300);
    guest_free(block);
    block = guest_calloc(3, 100);
    assert_memory_equal(block, zeros, 300);
}

static void test_realloc_grows_into_free_space_in_place(void **state)
{
    char *block = guest_malloc(100);

    (void)state;
    memset(block, 'a', 100);
    assert_ptr_equal(guest_realloc(block, 5000), block);
    assert_int_equal(block[99], 'a');
}

static void test_realloc_moves_with_contents_when_in_the_way(void **state)
{
    char *block = guest_malloc(100), *wall = guest_malloc(16), *moved;

    (void)state;
    memset(block, 'a', 100);
    moved = guest_realloc(block, 5000);
    assert_ptr_not_equal(moved, block);
    for (int i = 0; i < 100; i++)
        assert_int_equal(moved[i], 'a');
    guest_free(wall);
    guest_free(moved);
}

static void test_realloc_shrinking_gives_space_back(void **state)
{
    char *block = guest_malloc(40000);

    (void)state;
    assert_null(guest_malloc(40000));
    assert_ptr_equal(guest_realloc(block, 100), block);
    assert_non_null(guest_malloc(40000));
}

static void test_realloc_failing_keeps_the_block(void **state)
{
    char *block = guest_malloc(100);

    (void)state;
    block[99] = 'z';
    assert_null(guest_realloc(block, MEMORY_BYTES));
    assert_int_equal(block[99], 'z');
    guest_free(block);
}

static void test_free_null_does_nothing(void **state)
{
    (void)state;
    guest_free(NULL);
}

static void expect_abort(void *wild)
{
    if (!setjmp(aborted)) {
        guest_free(wild);
        fail_msg("free(%p) was taken", wild);
    }
}

static void test_free_twice_aborts(void **state)
{
    void *volatile block = guest_malloc(100);

    (void)state;
    guest_free(block);
    expect_abort(block);
}

static void test_free_twice_of_a_block_joined_to_the_one_below_aborts(void **state)
{
    void *below = guest_malloc(10);
    void *volatile block = guest_malloc(10);

    (void)state;
    guest_free(below);
    guest_free(block);
    expect_abort(block);
}

static void test_free_of_what_is_no_block_aborts(void **state)
{
    unsigned char *volatile block = guest_malloc(100);

    (void)state;
    expect_abort(block + 1);
    expect_abort(block + 16);
    expect_abort(memory + sizeof memory);
    expect_abort((void *)(uintptr_t)64);
}

static void test_free_before_an_overwritten_header_aborts(void **state)
{
    unsigned char *volatile block = guest_malloc(32);

    (void)state;
    guest_malloc(32);
    memset(block, 'x', 48);
    expect_abort(block);
}

static void test_heap_too_small_for_anything_gives_null(void **state)
{
    (void)state;
    memset(bins, 0, sizeof bins);
    heap_start = heap_end = 0;
    sconce_heap_init(memory, 20);
    assert_null(guest_malloc(1));
    assert_null(guest_malloc(0));
}

static uint32_t random_number(void)
{
    static uint32_t x = 2463534242u;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static void test_heap_random_use_keeps_contents_and_loses_nothing(void **state)
{
    static struct {
        unsigned char *block;
        size_t bytes;
    } slots[64];
    size_t all = largest();

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t i = random_number() % 64, bytes = random_number() % 1500;

        for (size_t k = 0; slots[i].block && k < slots[i].bytes; k++)
            assert_int_equal(slots[i].block[k], i);
        if (slots[i].block && round % 2) {
            guest_free(slots[i].block);
            slots[i].block = NULL;
            continue;
        }
        unsigned char *block = guest_realloc(slots[i].block, bytes);

        if (!block)
            continue;
        for (size_t k = 0; slots[i].block && k < slots[i].bytes && k < bytes; k++)
            assert_int_equal(block[k], i);
        slots[i].block = memset(block, (int)i, bytes);
        slots[i].bytes = bytes;
    }
    for (size_t i = 0; i < 64; i++)
        guest_free(slots[i].block);
    assert_int_equal(largest(), all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_malloc_blocks_are_aligned_and_apart, fresh_heap),
        cmocka_unit_test_setup(test_free_in_any_order_joins_everything_again, fresh_heap),
        cmocka_unit_test_setup(test_malloc_until_exhausted_gives_null_and_recovers, fresh_heap),
        cmocka_unit_test_setup(test_malloc_impossible_sizes_are_null, fresh_heap),
        cmocka_unit_test_setup(test_malloc_zero_gives_blocks_that_differ, fresh_heap),
        cmocka_unit_test_setup(test_calloc_is_zero_where_memory_was_used, fresh_heap),
        cmocka_unit_test_setup(test_realloc_grows_into_free_space_in_place, fresh_heap),
        cmocka_unit_test_setup(test_realloc_moves_with_contents_when_in_the_way, fresh_heap),
        cmocka_unit_test_setup(test_realloc_shrinking_gives_space_back, fresh_heap),
        cmocka_unit_test_setup(test_realloc_failing_keeps_the_block, fresh_heap),
        cmocka_unit_test_setup(test_free_null_does_nothing, fresh_heap),
        cmocka_unit_test_setup(test_free_twice_aborts, fresh_heap),
        cmocka_unit_test_setup(test_free_twice_of_a_block_joined_to_the_one_below_aborts,
                               fresh_heap),
        cmocka_unit_test_setup(test_free_of_what_is_no_block_aborts, fresh_heap),
        cmocka_unit_test_setup(test_free_before_an_overwritten_header_aborts, fresh_heap),
        cmocka_unit_test_setup(test_heap_too_small_for_anything_gives_null, fresh_heap),
        cmocka_unit_test_setup(test_heap_random_use_keeps_contents_and_loses_nothing, fresh_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
