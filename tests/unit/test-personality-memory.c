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

#define HEAP_END (HEAP_AT + HEAP_BYTES)
#define MREMAP_MAYMOVE 1ull
#define MADV_DONTNEED 4ull

static uint64_t map(struct fixture *f, uint64_t bytes)
{
    return (uint64_t)CALL(f, "mmap", 0, bytes, PROT_RW, MAP_ANON_PRIVATE, UINT64_MAX, 0);
}

static void test_brk_grows_and_is_zero_again_after_shrinking(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "brk", 0), HEAP_AT);
    assert_int_equal(CALL(f, "brk", HEAP_AT + 10000), HEAP_AT + 10000);
    memset(fixture_at(f, HEAP_AT), 0xaa, 10000);
    assert_int_equal(CALL(f, "brk", HEAP_AT + 1), HEAP_AT + 1);
    assert_int_equal(CALL(f, "brk", HEAP_AT + 10000), HEAP_AT + 10000);
    assert_true(fixture_is(f, HEAP_AT, 0xaa, 1));
    assert_true(fixture_is(f, HEAP_AT + 1, 0, 9999));
}

static void test_brk_out_of_bounds_stays(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "brk", HEAP_AT - 1), HEAP_AT);
    assert_int_equal(CALL(f, "brk", HEAP_END + 1), HEAP_AT);
    assert_int_equal(CALL(f, "brk", UINT64_MAX), HEAP_AT);
    assert_int_equal(CALL(f, "brk", HEAP_END), HEAP_END);
    assert_int_equal(CALL(f, "mmap", 0, 1, PROT_RW, MAP_ANON_PRIVATE, 0, 0), -ENOMEM);
}

static void test_brk_stops_at_the_lowest_mapping(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, 2 * PAGE);

    assert_int_equal(CALL(f, "brk", at + 1), HEAP_AT);
    assert_int_equal(CALL(f, "brk", at), at);
}

static void test_mmap_comes_from_the_top_first_fit(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(map(f, 1), HEAP_END - PAGE);
    assert_int_equal(map(f, PAGE + 1), HEAP_END - 3 * PAGE);
    assert_int_equal(map(f, PAGE), HEAP_END - 4 * PAGE);
    assert_int_equal(CALL(f, "munmap", HEAP_END - 3 * PAGE, 2 * PAGE), 0);
    assert_int_equal(map(f, 3 * PAGE), HEAP_END - 7 * PAGE);
    assert_int_equal(map(f, PAGE), HEAP_END - 2 * PAGE);
    assert_int_equal(map(f, PAGE), HEAP_END - 3 * PAGE);
}

static void test_mmap_is_zero_after_munmap(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, 4 * PAGE);

    memset(fixture_at(f, at), 0xaa, 4 * PAGE);
    assert_int_equal(CALL(f, "munmap", at + PAGE, 2 * PAGE), 0);
    assert_int_equal(map(f, 2 * PAGE), at + PAGE);
    assert_true(fixture_is(f, at, 0xaa, PAGE));
    assert_true(fixture_is(f, at + PAGE, 0, 2 * PAGE));
    assert_true(fixture_is(f, at + 3 * PAGE, 0xaa, PAGE));
}

static void test_mmap_refusals(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "mmap", 0, 0, PROT_RW, MAP_ANON_PRIVATE, 0, 0), -EINVAL);
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, MAP_ANON_PRIVATE, 0, 1), -EINVAL);
    assert_int_equal(CALL(f, "mmap", HEAP_AT, PAGE, PROT_RW, 0x32, 0, 0), -EINVAL); /* FIXED */
    assert_int_equal(CALL(f, "mmap", HEAP_AT, PAGE, PROT_RW, 0x100022, 0, 0),
                     -EINVAL);                                                 /* NOREPLACE */
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, 0x122, 0, 0), -EINVAL); /* GROWSDOWN */
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, 0x21, 0, 0), -EINVAL);  /* SHARED */
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, 0x02, 1, 0), -ENODEV);
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, 0x02, 3, 0), -EBADF);
    assert_int_equal(CALL(f, "mmap", 0, PAGE, 7, MAP_ANON_PRIVATE, 0, 0), -EACCES);
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, 0x40022, 0, 0), -ENOMEM); /* HUGETLB */
    assert_int_equal(CALL(f, "mmap", 0, HEAP_BYTES + 1, PROT_RW, MAP_ANON_PRIVATE, 0, 0), -ENOMEM);
    assert_int_equal(CALL(f, "mmap", 0, UINT64_MAX, PROT_RW, MAP_ANON_PRIVATE, 0, 0), -ENOMEM);
    assert_int_equal(CALL(f, "mmap", 0, UINT64_MAX - PAGE, PROT_RW, MAP_ANON_PRIVATE, 0, 0),
                     -ENOMEM);
    assert_int_equal(f->p.state.mapping_count, 0);
    assert_int_equal(map(f, HEAP_BYTES), HEAP_AT);
}

static void test_mmap_without_access_is_counted(void **state)
{
    struct fixture *f = *state;

    map(f, PAGE);
    assert_int_equal(f->p.counts.protections_ignored, 0);
    assert_true(CALL(f, "mmap", 0, PAGE, 0, MAP_ANON_PRIVATE, 0, 0) > 0);
    assert_int_equal(f->p.counts.protections_ignored, 1);
}

static void test_mmap_has_at_most_4096_ranges(void **state)
{
    struct fixture *f = *state;
    uint64_t at;

    f->p.settings.page_bytes = 16; /* more pages than the limit */
    at = map(f, HEAP_BYTES);
    for (unsigned i = 1; i < SCONCE_PERSONALITY_MAPPINGS; i++)
        assert_int_equal(CALL(f, "munmap", at + 32 * i, 16), 0);
    assert_int_equal(f->p.state.mapping_count, SCONCE_PERSONALITY_MAPPINGS);
    memset(fixture_at(f, HEAP_END - 48), 0xaa, 48);
    assert_int_equal(CALL(f, "munmap", HEAP_END - 32, 16), -ENOMEM);
    assert_true(fixture_is(f, HEAP_END - 48, 0xaa, 48));
    assert_int_equal(f->p.state.mapping_count, SCONCE_PERSONALITY_MAPPINGS);
    assert_int_equal(CALL(f, "munmap", HEAP_END - 16, 16), 0);
    assert_int_equal(CALL(f, "munmap", at, HEAP_BYTES), 0);
    assert_int_equal(f->p.state.mapping_count, 0);
}

static void test_munmap_refusals(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, PAGE);

    assert_int_equal(CALL(f, "munmap", at + 1, PAGE), -EINVAL);
    assert_int_equal(CALL(f, "munmap", at, 0), -EINVAL);
    assert_int_equal(CALL(f, "munmap", at, UINT64_MAX), -EINVAL);
    assert_int_equal(CALL(f, "munmap", at, 2 * PAGE), -EINVAL); /* beyond the heap */
    assert_int_equal(CALL(f, "munmap", DATA_AT, PAGE), -EINVAL);
    assert_int_equal(CALL(f, "munmap", HEAP_AT, PAGE), 0); /* nothing there */
    assert_int_equal(f->p.state.mapping_count, 1);
}

static void test_munmap_may_end_within_a_mapping_behind_a_gap(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, 8 * PAGE);

    memset(fixture_at(f, at), 0xaa, 8 * PAGE);
    assert_int_equal(CALL(f, "munmap", at + 2 * PAGE, 2 * PAGE), 0);
    assert_int_equal(CALL(f, "munmap", at + PAGE, 4 * PAGE), 0);
    assert_true(fixture_is(f, at + PAGE, 0, 4 * PAGE));
    assert_true(fixture_is(f, at + 5 * PAGE, 0xaa, 3 * PAGE));
    assert_int_equal(CALL(f, "madvise", at - PAGE, 7 * PAGE, MADV_DONTNEED), 0);
    assert_true(fixture_is(f, at, 0, 6 * PAGE));
    assert_true(fixture_is(f, at + 6 * PAGE, 0xaa, 2 * PAGE));
}

static void test_mremap_in_place(void **state)
{
    struct fixture *f = *state;
    uint64_t high = map(f, PAGE), at = map(f, 4 * PAGE);

    (void)high;
    memset(fixture_at(f, at), 0xaa, 4 * PAGE);
    assert_int_equal(CALL(f, "mremap", at, 4 * PAGE, 4 * PAGE - 1, 0), at);
    assert_int_equal(CALL(f, "mremap", at, 4 * PAGE, PAGE, 0), at);
    assert_true(fixture_is(f, at + PAGE, 0, 3 * PAGE));
    assert_int_equal(CALL(f, "mremap", at, PAGE, 4 * PAGE, 0), at);
    assert_true(fixture_is(f, at, 0xaa, PAGE));
    assert_int_equal(CALL(f, "mremap", at, 4 * PAGE, 5 * PAGE, 0), -ENOMEM);
}

/* Neighbours are one mapping, and what leaves it as it is must not cut it. */
static void test_mremap_to_the_same_size_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t high = map(f, PAGE), at = map(f, PAGE);

    (void)high;
    assert_int_equal(f->p.state.mapping_count, 1);
    assert_int_equal(CALL(f, "mremap", at, PAGE, PAGE, 0), at);
    assert_int_equal(f->p.state.mapping_count, 1);
    assert_int_equal(CALL(f, "mremap", at, 2 * PAGE, PAGE, 0), at);
}

static void test_mremap_moves_when_it_may(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, 4 * PAGE);

    memset(fixture_at(f, at), 0xaa, 4 * PAGE);
    assert_int_equal(CALL(f, "mremap", at, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), at - 8 * PAGE);
    assert_true(fixture_is(f, at - 8 * PAGE, 0xaa, 4 * PAGE));
    assert_true(fixture_is(f, at - 4 * PAGE, 0, 8 * PAGE));
    assert_int_equal(map(f, 4 * PAGE), at);
    assert_int_equal(CALL(f, "mremap", at, PAGE, HEAP_BYTES, MREMAP_MAYMOVE), -ENOMEM);
}

static void test_mremap_refusals(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, PAGE);

    assert_int_equal(CALL(f, "mremap", at, PAGE, 2 * PAGE, 2), -EINVAL); /* FIXED */
    assert_int_equal(CALL(f, "mremap", at, PAGE, 0, 0), -EINVAL);
    assert_int_equal(CALL(f, "mremap", at, 0, PAGE, 1), -EINVAL);
    assert_int_equal(CALL(f, "mremap", at + 1, PAGE, PAGE, 0), -EINVAL);
    assert_int_equal(CALL(f, "mremap", at, UINT64_MAX, PAGE, 0), -EINVAL);
    assert_int_equal(CALL(f, "mremap", at, PAGE, UINT64_MAX, 1), -ENOMEM);
    assert_int_equal(CALL(f, "mremap", at - PAGE, 2 * PAGE, PAGE, 0), -EFAULT);
    assert_int_equal(CALL(f, "mremap", HEAP_AT, PAGE, PAGE, 0), -EFAULT);
    assert_int_equal(CALL(f, "mremap", DATA_AT, PAGE, PAGE, 0), -EFAULT);
}

static void test_mprotect_allows_no_more_than_there_is(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "mprotect", DATA_AT, STRETCH, PROT_RW), 0);
    assert_int_equal(CALL(f, "mprotect", CODE_AT, PAGE, 5), 0);
    assert_int_equal(CALL(f, "mprotect", CODE_AT, 0, 7), 0);
    assert_int_equal(f->p.counts.protections_ignored, 0);
    assert_int_equal(CALL(f, "mprotect", DATA_AT, PAGE, 7), -EACCES);
    assert_int_equal(CALL(f, "mprotect", HEAP_AT, PAGE, 4), -EACCES);
    assert_int_equal(CALL(f, "mprotect", CODE_AT, PAGE, PROT_RW), -EACCES);
    assert_int_equal(CALL(f, "mprotect", BOOT_AT, PAGE, 2), -EACCES);
    assert_int_equal(CALL(f, "mprotect", CODE_AT, 2 * STRETCH, 5), -EACCES);
    assert_int_equal(CALL(f, "mprotect", MORE_AT, 2 * STRETCH, 1), -ENOMEM);
    assert_int_equal(CALL(f, "mprotect", 0, PAGE, 1), -ENOMEM);
    assert_int_equal(CALL(f, "mprotect", DATA_AT + 1, PAGE, 1), -EINVAL);
    assert_int_equal(CALL(f, "mprotect", DATA_AT, PAGE, 1ull << 24), -EINVAL); /* GROWSDOWN */
    assert_int_equal(CALL(f, "mprotect", DATA_AT, UINT64_MAX, 1), -EINVAL);
    assert_int_equal(f->p.counts.protections_ignored, 0);
}

static void test_mprotect_of_less_is_counted(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "mprotect", CODE_AT, 3 * STRETCH, 1), 0);
    assert_int_equal(CALL(f, "mprotect", HEAP_AT, PAGE, 0), 0);
    assert_int_equal(f->p.counts.protections_ignored, 2);
}

static void test_madvise_dontneed_clears_what_is_used(void **state)
{
    struct fixture *f = *state;
    uint64_t at = map(f, 2 * PAGE);

    CALL(f, "brk", HEAP_AT + PAGE);
    memset(fixture_at(f, HEAP_AT), 0xaa, HEAP_BYTES);
    assert_int_equal(CALL(f, "madvise", HEAP_AT, HEAP_BYTES, MADV_DONTNEED), 0);
    assert_int_equal(f->zeroed, 3 * PAGE);
    assert_true(fixture_is(f, at, 0, 2 * PAGE));
    assert_int_equal(CALL(f, "madvise", HEAP_AT, HEAP_BYTES, 0), 0);
    assert_int_equal(CALL(f, "madvise", DATA_AT, PAGE, 8), 0); /* FREE */
    assert_int_equal(CALL(f, "madvise", DATA_AT, PAGE, MADV_DONTNEED), -EINVAL);
    assert_int_equal(CALL(f, "madvise", HEAP_AT, HEAP_BYTES + PAGE, 0), -ENOMEM);
    assert_int_equal(CALL(f, "madvise", HEAP_AT + 1, PAGE, 0), -EINVAL);
    assert_int_equal(CALL(f, "madvise", HEAP_AT, PAGE, 9), -EINVAL);
    assert_int_equal(CALL(f, "madvise", HEAP_AT, PAGE, 22), -EINVAL);
    assert_int_equal(CALL(f, "madvise", HEAP_AT, UINT64_MAX, 0), -EINVAL);
}

/* ---- Heaps too large to have, and work on them that is ended ----------------------------------
 */

#define LARGE (1ull << 34)

struct large {
    struct fixture f;
    struct sconce_personality_ops ops;
    uint64_t zeroed, copied;
    bool stopped;
};

static void count_zero(void *ctx, uint64_t address, uint64_t bytes)
{
    struct large *large = ctx;

    assert_true(address >= HEAP_AT && address - HEAP_AT <= LARGE - bytes);
    large->zeroed += bytes;
}

static void count_copy(void *ctx, uint64_t to, uint64_t from, uint64_t bytes)
{
    struct large *large = ctx;

    assert_true(to + bytes <= from || from + bytes <= to);
    large->copied += bytes;
}

static bool is_stopped(void *ctx)
{
    return ((struct large *)ctx)->stopped;
}

static int setup_large(void **state)
{
    static struct large large;

    fixture_open(&large.f);
    large.zeroed = large.copied = 0;
    large.stopped = false;
    large.ops = *large.f.p.ops;
    large.ops.zero = count_zero;
    large.ops.copy = count_copy;
    large.ops.stopped = is_stopped;
    large.f.p.ops = &large.ops;
    large.f.p.ctx = &large;
    large.f.p.settings.heap_bytes = LARGE;
    *state = &large;
    return 0;
}

static int teardown_large(void **state)
{
    fixture_close(&((struct large *)*state)->f);
    return 0;
}

static void test_large_heaps_are_worked_on_in_pieces(void **state)
{
    struct large *large = *state;
    uint64_t at = map(&large->f, LARGE / 4 + PAGE);

    at = (uint64_t)CALL(&large->f, "mremap", at, LARGE / 4 + PAGE, LARGE / 2, MREMAP_MAYMOVE);
    assert_int_equal(large->copied, LARGE / 4 + PAGE);
    assert_int_equal(large->zeroed, LARGE / 4 + PAGE);
    assert_int_equal(CALL(&large->f, "munmap", at, LARGE / 2), 0);
    assert_int_equal(large->zeroed, LARGE / 4 * 3 + PAGE);
    assert_int_equal(large->f.p.state.mapping_count, 0);
}

static void test_work_on_large_heaps_ends_when_the_guest_must_stop(void **state)
{
    const uint64_t few = 256ull << 20;
    struct large *large = *state;
    uint64_t at;

    large->stopped = true;
    at = map(&large->f, LARGE / 4);
    CALL(&large->f, "madvise", at, LARGE / 4, MADV_DONTNEED);
    CALL(&large->f, "mremap", at, LARGE / 4, LARGE / 2, MREMAP_MAYMOVE);
    CALL(&large->f, "munmap", HEAP_AT, LARGE);
    CALL(&large->f, "brk", HEAP_AT + LARGE);
    CALL(&large->f, "brk", HEAP_AT);
    assert_in_range(large->copied, 1, few);
    assert_in_range(large->zeroed, 1, few);
}

static void test_many_mappings_are_left_when_the_guest_must_stop(void **state)
{
    struct large *large = *state;

    for (uint64_t i = 0; i < 100; i++)
        map(&large->f, 2 * PAGE);
    for (uint64_t i = 0; i < 100; i++)
        CALL(&large->f, "munmap", HEAP_AT + LARGE - (2 * i + 1) * PAGE, PAGE);
    assert_int_equal(large->f.p.state.mapping_count, 100);
    large->zeroed = 0;
    large->stopped = true;
    CALL(&large->f, "munmap", HEAP_AT, LARGE);
    assert_int_equal(large->zeroed, PAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_brk_grows_and_is_zero_again_after_shrinking),
        TEST(test_brk_out_of_bounds_stays),
        TEST(test_brk_stops_at_the_lowest_mapping),
        TEST(test_mmap_comes_from_the_top_first_fit),
        TEST(test_mmap_is_zero_after_munmap),
        TEST(test_mmap_refusals),
        TEST(test_mmap_without_access_is_counted),
        TEST(test_mmap_has_at_most_4096_ranges),
        TEST(test_munmap_refusals),
        TEST(test_munmap_may_end_within_a_mapping_behind_a_gap),
        TEST(test_mremap_in_place),
        TEST(test_mremap_to_the_same_size_changes_nothing),
        TEST(test_mremap_moves_when_it_may),
        TEST(test_mremap_refusals),
        TEST(test_mprotect_allows_no_more_than_there_is),
        TEST(test_mprotect_of_less_is_counted),
        TEST(test_madvise_dontneed_clears_what_is_used),
#define LARGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_large, teardown_large)
        LARGE_TEST(test_large_heaps_are_worked_on_in_pieces),
        LARGE_TEST(test_work_on_large_heaps_ends_when_the_guest_must_stop),
        LARGE_TEST(test_many_mappings_are_left_when_the_guest_must_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
