/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas that show a baseline's pages: what is written in one is seen in no other, what was not is
 * not copied, and what comes back is the same as where everything was copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/baseline.h"
#include "sconce-plugin.h"
#include "tests/unit/emulator.h"

#define PAGE 4096u
#define PAGES 1024u
#define LARGE 64u /* pages that are worth being shared */

/* Two regions of state with call buffers between them. */
static const struct sconce_layout layout = {
    .region_count = 3,
    .regions =
        {
            {.role = SCONCE_MEM_STATE, .bytes = 400 * PAGE, .offset = 0},
            {.role = SCONCE_MEM_IO, .bytes = 16 * PAGE, .offset = 400 * PAGE},
            {.role = SCONCE_MEM_STATE, .bytes = 608 * PAGE, .offset = 416 * PAGE},
        },
    .arena_bytes = PAGES * PAGE,
};

static bool refuses_madvise;

int __real_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice);

int __wrap_madvise(void *at, size_t bytes, int advice)
{
    if (!refuses_madvise)
        return __real_madvise(at, bytes, advice);
    errno = EINVAL;
    return -1;
}

struct fixture {
    struct sconce_arena arena; /* of which the baseline is */
    struct sconce_stretches touched;
    struct sconce_baseline baseline;
    uint8_t *wanted;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->baseline = (struct sconce_baseline)SCONCE_BASELINE_EMPTY;
    assert_int_equal(sconce_arena_init(&fixture->arena, "test", layout.arena_bytes, NULL), 0);
    fixture->wanted = calloc(1, layout.arena_bytes);
    assert_non_null(fixture->wanted);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    sconce_baseline_fini(&fixture->baseline);
    sconce_arena_fini(&fixture->arena);
    sconce_stretches_fini(&fixture->touched);
    free(fixture->wanted);
    free(fixture);
    return 0;
}

static void scribble(struct sconce_arena *arena, unsigned first, unsigned count, uint8_t byte)
{
    memset(arena->host + (size_t)first * PAGE, byte, (size_t)count * PAGE);
}

static void take(struct fixture *fixture)
{
    assert_int_equal(
        sconce_arena_survey(&fixture->arena, fixture->arena.bytes, &fixture->touched, NULL), 0);
    assert_int_equal(
        sconce_baseline_take(&fixture->baseline, &layout, &fixture->arena, &fixture->touched, NULL),
        0);
    memcpy(fixture->wanted, fixture->arena.host, layout.arena_bytes);
    memset(fixture->wanted + layout.regions[1].offset, 0, layout.regions[1].bytes);
}

/* A new one that shows and has copied what there is. */
static struct sconce_arena begin(struct fixture *fixture)
{
    const struct sconce_stretches none = {0};
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;

    assert_int_equal(sconce_arena_init(&arena, "clone", layout.arena_bytes, NULL), 0);
    assert_int_equal(sconce_baseline_share(&fixture->baseline, &arena, NULL), 0);
    sconce_baseline_put(&fixture->baseline, &layout, &arena, &none, true);
    return arena;
}

static void put(struct fixture *fixture, struct sconce_arena *arena, bool shown)
{
    assert_int_equal(sconce_arena_survey(arena, arena->bytes, &fixture->touched, NULL), 0);
    sconce_baseline_put(&fixture->baseline, &layout, arena, &fixture->touched, shown);
}

static uint64_t own_pages(const struct sconce_arena *arena)
{
    struct stat status;

    assert_int_equal(fstat(arena->fd, &status), 0);
    return (uint64_t)status.st_blocks * 512 / PAGE;
}

static void expect_same(const struct fixture *fixture, const struct sconce_arena *arena)
{
    assert_memory_equal(arena->host, fixture->wanted, layout.arena_bytes);
}

static void test_share_shows_large_stretches_and_copies_small_ones(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena first, second;

    scribble(&fixture->arena, 10, LARGE, 1);
    scribble(&fixture->arena, 200, LARGE - 1, 2);
    scribble(&fixture->arena, 500, 300, 3);
    take(fixture);
    first = begin(fixture);
    second = begin(fixture);
    assert_int_equal(first.shared_count, 2);
    assert_int_equal(own_pages(&first), LARGE - 1);
    expect_same(fixture, &first);
    scribble(&second, 510, 3, 9);
    assert_int_equal(own_pages(&second), LARGE - 1);
    expect_same(fixture, &first);
    assert_int_equal(second.host[511 * PAGE], 9);
    assert_int_equal(fixture->baseline.arena.host[511 * PAGE], 3);
    sconce_arena_fini(&first);
    sconce_arena_fini(&second);
}

static void test_share_takes_the_largest(void **state)
{
    static const unsigned at[] = {0, 120, 240, 420, 600, 800}, count[] = {70, 90, 65, 100, 64, 80};
    struct fixture *fixture = *state;
    struct sconce_arena arena;

    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        scribble(&fixture->arena, at[i], count[i], (uint8_t)(i + 1));
    take(fixture);
    arena = begin(fixture);
    assert_int_equal(arena.shared_count, 3);
    assert_int_equal(arena.shared[0].start, 120 * PAGE);
    assert_int_equal(arena.shared[1].start, 420 * PAGE);
    assert_int_equal(arena.shared[2].start, 800 * PAGE);
    assert_int_equal(arena.shared[2].end, 880 * PAGE);
    assert_int_equal(own_pages(&arena), 70 + 65 + 64);
    expect_same(fixture, &arena);
    sconce_arena_fini(&arena);
}

/* Memory that comes in huge pages is populated beyond what was written. */
static void test_share_shows_nothing_but_state(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena arena;

    scribble(&fixture->arena, 300, 100, 3);
    scribble(&fixture->arena, 416, LARGE, 4);
    take(fixture);
    scribble(&fixture->baseline.arena, 400, 16, 0);
    assert_int_equal(sconce_baseline_survey(&fixture->baseline, &layout, NULL), 0);
    arena = begin(fixture);
    expect_same(fixture, &arena);
    assert_int_equal(arena.shared_count, 2);
    assert_int_equal(arena.shared[0].start, 300 * PAGE);
    assert_int_equal(arena.shared[0].end, 400 * PAGE);
    assert_int_equal(arena.shared[1].start, 416 * PAGE);
    assert_int_equal(arena.shared[1].end, (416 + LARGE) * PAGE);
    scribble(&arena, 400, 16, 7); /* what it has for itself is not dropped */
    assert_true(sconce_arena_drop(&arena));
    assert_int_equal(arena.host[400 * PAGE], 7);
    assert_int_equal(arena.host[415 * PAGE], 7);
    sconce_arena_fini(&arena);
}

static void test_share_outlives_its_baseline(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena arena;

    scribble(&fixture->arena, 500, 300, 3);
    take(fixture);
    arena = begin(fixture);
    sconce_baseline_fini(&fixture->baseline);
    expect_same(fixture, &arena);
    scribble(&arena, 500, 10, 4);
    assert_true(sconce_arena_drop(&arena));
    expect_same(fixture, &arena);
    sconce_arena_fini(&arena);
}

static void test_share_is_touched_and_told_apart_once(void **state)
{
    struct fixture *fixture = *state;
    uint64_t start, end;
    struct sconce_arena arena;

    scribble(&fixture->arena, 500, 100, 3);
    take(fixture);
    arena = begin(fixture);
    scribble(&arena, 498, 2, 1); /* the guest writes on both sides */
    scribble(&arena, 600, 1, 1);
    assert_int_equal(sconce_arena_survey(&arena, arena.bytes, &fixture->touched, NULL), 0);
    assert_int_equal(fixture->touched.count, 1);
    assert_int_equal(fixture->touched.at[0].start, 498 * PAGE);
    assert_int_equal(fixture->touched.at[0].end, 601 * PAGE);
    assert_true(sconce_arena_populated(&arena, 550 * PAGE, 560 * PAGE, &start, &end));
    assert_int_equal(start, 550 * PAGE);
    assert_int_equal(end, 560 * PAGE);
    assert_false(sconce_arena_populated(&arena, 0, 498 * PAGE, &start, &end));
    assert_false(sconce_arena_populated(&arena, 601 * PAGE, PAGES * PAGE, &start, &end));
    assert_false(sconce_arena_populated(&arena, 550 * PAGE, 550 * PAGE, &start, &end));
    sconce_arena_fini(&arena);
}

/* What is shared is no page of the arena's own, and each new one is seen. */
static void test_share_is_counted_apart(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena arena;

    scribble(&fixture->arena, 500, LARGE, 3);
    take(fixture);
    arena = begin(fixture);
    scribble(&arena, 10, 5, 1);
    assert_int_equal(sconce_arena_survey(&arena, arena.bytes, &fixture->touched, NULL), 0);
    assert_true(sconce_arena_holds_just(&arena, &fixture->touched));
    scribble(&arena, 500, LARGE, 9);
    assert_true(sconce_arena_holds_just(&arena, &fixture->touched));
    for (unsigned i = 0; i < 2 * LARGE; i++) {
        scribble(&arena, 20 + i, 1, 1);
        assert_false(sconce_arena_holds_just(&arena, &fixture->touched));
    }
    sconce_arena_fini(&arena);
}

static void test_unshared_leaves_out_what_is_shared(void **state)
{
    const struct sconce_arena arena = {.shared = {{10, 20}, {20, 30}, {40, 50}}, .shared_count = 3};
    static const uint64_t cases[][5] = {
        /* from, end: is there one? start, end */
        {0, 60, true, 0, 10},   {10, 60, true, 30, 40}, {15, 25, false, 0, 0},
        {30, 35, true, 30, 35}, {35, 45, true, 35, 40}, {40, 50, false, 0, 0},
        {45, 60, true, 50, 60}, {60, 60, false, 0, 0},  {50, 51, true, 50, 51},
        {0, 5, true, 0, 5},     {9, 10, true, 9, 10},   {10, 30, false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t start, end;
        bool found = sconce_arena_unshared(&arena, cases[i][0], cases[i][1], &start, &end);

        assert_int_equal(found, cases[i][2]);
        if (!found)
            continue;
        assert_int_equal(start, cases[i][3]);
        assert_int_equal(end, cases[i][4]);
    }
}

/* Another snapshot's bytes go through what is shown, and what is shown comes back behind them. */
static void test_share_takes_another_baseline_by_copying(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *first = malloc(layout.arena_bytes);
    struct sconce_baseline kept;
    struct sconce_arena arena;

    assert_non_null(first);
    scribble(&fixture->arena, 500, 300, 3);
    take(fixture);
    arena = begin(fixture);
    memcpy(first, fixture->wanted, layout.arena_bytes);
    kept = fixture->baseline;
    fixture->baseline = (struct sconce_baseline)SCONCE_BASELINE_EMPTY;

    scribble(&fixture->arena, 0, 300, 5);
    scribble(&fixture->arena, 700, 200, 6);
    take(fixture);
    put(fixture, &arena, false);
    expect_same(fixture, &arena);
    sconce_baseline_fini(&fixture->baseline);

    fixture->baseline = kept;
    assert_true(sconce_arena_drop(&arena));
    put(fixture, &arena, true);
    assert_memory_equal(arena.host, first, layout.arena_bytes);
    sconce_arena_fini(&arena);
    free(first);
}

static void test_share_that_cannot_be_dropped_is_copied(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena arena;
    bool dropped;

    scribble(&fixture->arena, 500, 300, 3);
    take(fixture);
    arena = begin(fixture);
    scribble(&arena, 400, 300, 7);
    refuses_madvise = true;
    dropped = sconce_arena_drop(&arena);
    refuses_madvise = false;
    assert_false(dropped);
    put(fixture, &arena, dropped);
    expect_same(fixture, &arena);
    sconce_arena_fini(&arena);
}

static void test_share_that_fails_says_so(void **state)
{
    const struct sconce_stretch no_page = {PAGE / 2, PAGE};
    struct fixture *fixture = *state;
    struct sconce_error err = {0};

    assert_int_equal(sconce_arena_share(&fixture->arena, &fixture->arena, &no_page, &err),
                     SCONCE_E_SYSTEM);
    assert_non_null(strstr(err.text, "cannot share"));
    assert_int_equal(fixture->arena.shared_count, 0);
}

/* Then all of it is copied, into memory that is the arena's own as before. */
static void test_share_without_room_copies(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena arena = SCONCE_ARENA_EMPTY;
    struct rlimit limit, none;
    int r;

    if (under_emulator(EMULATOR_LIMITS))
        skip();
    scribble(&fixture->arena, 500, 300, 3);
    take(fixture);
    assert_true(fixture->baseline.large_count > 0);
    assert_int_equal(sconce_arena_init(&arena, "clone", layout.arena_bytes, NULL), 0);
    getrlimit(RLIMIT_DATA, &limit);
    none = (struct rlimit){PAGE, limit.rlim_max}; /* 0 is the same as all */
    setrlimit(RLIMIT_DATA, &none);
    r = sconce_baseline_share(&fixture->baseline, &arena, NULL);
    setrlimit(RLIMIT_DATA, &limit);
    assert_int_equal(r, 0);
    assert_int_equal(arena.shared_count, 0);
    put(fixture, &arena, true);
    expect_same(fixture, &arena);
    sconce_arena_fini(&arena);
}

/* xorshift: the same in every run. */
static unsigned next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void scribble_somewhere(struct sconce_arena *arena, uint32_t *seed, unsigned times)
{
    for (unsigned i = next_random(seed) % times; i > 0; i--) {
        unsigned first = next_random(seed) % PAGES, count = next_random(seed) % 150 + 1;

        scribble(arena, first, first + count > PAGES ? PAGES - first : count,
                 (uint8_t)next_random(seed));
    }
}

static void test_share_comes_back_whatever_was_written(void **state)
{
    struct fixture *fixture = *state;
    uint32_t seed = 0x5ca1e;

    for (unsigned round = 0; round < 60; round++) {
        struct sconce_arena arena;

        sconce_arena_fini(&fixture->arena);
        assert_int_equal(sconce_arena_init(&fixture->arena, "round", layout.arena_bytes, NULL), 0);
        scribble_somewhere(&fixture->arena, &seed, 12);
        take(fixture);
        arena = begin(fixture);
        expect_same(fixture, &arena);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t offset;

            scribble_somewhere(&arena, &seed, 12);
            assert_true(sconce_arena_drop(&arena));
            put(fixture, &arena, true);
            expect_same(fixture, &arena);
            assert_int_equal(sconce_arena_survey(&arena, arena.bytes, &fixture->touched, NULL), 0);
            assert_false(sconce_baseline_differs(&fixture->baseline, &layout, &arena,
                                                 &fixture->touched, &offset));
        }
        sconce_arena_fini(&arena);
        sconce_baseline_fini(&fixture->baseline);
    }
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_share_shows_large_stretches_and_copies_small_ones),
        WITH_FIXTURE(test_share_takes_the_largest),
        WITH_FIXTURE(test_share_shows_nothing_but_state),
        WITH_FIXTURE(test_share_outlives_its_baseline),
        WITH_FIXTURE(test_share_is_touched_and_told_apart_once),
        WITH_FIXTURE(test_share_is_counted_apart),
        cmocka_unit_test(test_unshared_leaves_out_what_is_shared),
        WITH_FIXTURE(test_share_takes_another_baseline_by_copying),
        WITH_FIXTURE(test_share_that_cannot_be_dropped_is_copied),
        WITH_FIXTURE(test_share_that_fails_says_so),
        WITH_FIXTURE(test_share_without_room_copies),
        WITH_FIXTURE(test_share_comes_back_whatever_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
