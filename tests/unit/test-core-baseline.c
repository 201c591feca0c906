/* SPDX-License-Identifier: Apache-2.0 */
/* core/baseline.c: whatever was touched meanwhile, STATE is again what it was, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/baseline.h"
#include "sconce-plugin.h"

#define PAGE 4096u
#define REGION_PAGES 32u

/* Pages 0 to 31 are state, then come a gap, call buffers from 64, state from 96, boot from 128. */
static const struct sconce_layout layout = {
    .region_count = 4,
    .regions =
        {
            {.role = SCONCE_MEM_STATE, .bytes = REGION_PAGES * PAGE, .offset = 0},
            {.role = SCONCE_MEM_IO, .bytes = REGION_PAGES * PAGE, .offset = 64 * PAGE},
            {.role = SCONCE_MEM_STATE, .bytes = REGION_PAGES * PAGE, .offset = 96 * PAGE},
            {.role = SCONCE_MEM_BOOT, .bytes = REGION_PAGES * PAGE, .offset = 128 * PAGE},
        },
    .arena_bytes = 160 * PAGE,
    .boot = {.role = SCONCE_MEM_BOOT, .bytes = REGION_PAGES * PAGE, .offset = 128 * PAGE},
};

struct fixture {
    struct sconce_arena arena;
    struct sconce_stretches touched;
    struct sconce_baseline baseline;
    uint8_t *wanted; /* what the arena has to be after a restore */
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

static void scribble(struct fixture *fixture, unsigned page, uint8_t byte)
{
    memset(fixture->arena.host + (size_t)page * PAGE, byte, PAGE);
}

static void take(struct fixture *fixture)
{
    assert_int_equal(
        sconce_arena_survey(&fixture->arena, fixture->arena.bytes, &fixture->touched, NULL), 0);
    assert_int_equal(
        sconce_baseline_take(&fixture->baseline, &layout, &fixture->arena, &fixture->touched, NULL),
        0);
    for (uint32_t i = 0; i < layout.region_count; i++)
        if (layout.regions[i].role == SCONCE_MEM_STATE)
            memcpy(fixture->wanted + layout.regions[i].offset,
                   fixture->arena.host + layout.regions[i].offset, layout.regions[i].bytes);
}

/* The boot page is written by others, so it stays. */
static void put_and_compare_so(struct fixture *fixture, struct sconce_arena *arena, bool shown)
{
    const struct sconce_region *boot = &layout.regions[3];

    memcpy(fixture->wanted + boot->offset, arena->host + boot->offset, boot->bytes);
    assert_int_equal(sconce_arena_survey(arena, arena->bytes, &fixture->touched, NULL), 0);
    sconce_baseline_put(&fixture->baseline, &layout, arena, &fixture->touched, shown);
    assert_memory_equal(arena->host, fixture->wanted, layout.arena_bytes);
}

static void put_and_compare(struct fixture *fixture, struct sconce_arena *arena)
{
    put_and_compare_so(fixture, arena, false);
}

static void test_baseline_has_state_alone(void **state)
{
    struct fixture *fixture = *state;
    const unsigned pages[] = {0, 1, 5, 70, 97, 130};
    struct sconce_stretches *kept = &fixture->baseline.content;

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        scribble(fixture, pages[i], 7);
    take(fixture);
    assert_int_equal(kept->count, 3);
    assert_int_equal(kept->at[0].start, 0);
    assert_int_equal(kept->at[0].end, 2 * PAGE);
    assert_int_equal(kept->at[1].start, 5 * PAGE);
    assert_int_equal(kept->at[2].start, 97 * PAGE);
}

static void test_baseline_comes_back(void **state)
{
    struct fixture *fixture = *state;

    scribble(fixture, 3, 1);
    scribble(fixture, 4, 2);
    scribble(fixture, 100, 3);
    take(fixture);
    for (unsigned page = 0; page < 160; page++)
        if (page % 3) /* kept and touched, touched alone, kept alone */
            scribble(fixture, page, (uint8_t)(page + 9));
    memset(fixture->arena.host + 32 * PAGE, 0, 32 * PAGE); /* the gap, which no guest reaches */
    put_and_compare(fixture, &fixture->arena);
    put_and_compare(fixture, &fixture->arena);
}

static void test_baseline_goes_into_another_arena(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_arena other = SCONCE_ARENA_EMPTY;

    scribble(fixture, 3, 1);
    scribble(fixture, 127, 2);
    take(fixture);
    assert_int_equal(sconce_arena_init(&other, "other", layout.arena_bytes, NULL), 0);
    put_and_compare(fixture, &other);
    memset(other.host + 96 * PAGE, 0xee, REGION_PAGES * PAGE);
    put_and_compare(fixture, &other);
    sconce_arena_fini(&other);
}

/* What the host writes is put down at once; a guest's pages as its backend tells them. */
static void write_pages(struct fixture *fixture, unsigned first, unsigned count, uint8_t byte)
{
    for (unsigned page = first; page < first + count; page++)
        scribble(fixture, page, byte);
    sconce_arena_wrote(&fixture->arena, (uint64_t)first * PAGE, (uint64_t)count * PAGE);
}

static bool differs(struct fixture *fixture, uint64_t *ret_offset)
{
    assert_int_equal(
        sconce_arena_survey(&fixture->arena, fixture->arena.bytes, &fixture->touched, NULL), 0);
    return sconce_baseline_differs(&fixture->baseline, &layout, &fixture->arena, &fixture->touched,
                                   ret_offset);
}

static void test_baseline_takes_back_what_was_written(void **state)
{
    struct fixture *fixture = *state;
    uint64_t offset;

    scribble(fixture, 3, 1);
    scribble(fixture, 5, 2);
    scribble(fixture, 100, 3);
    take(fixture);
    assert_true(sconce_page_set_init(&fixture->arena.written, layout.arena_bytes));
    assert_false(differs(fixture, &offset));

    write_pages(fixture, 2, 5, 0xaa);   /* kept ones among others */
    write_pages(fixture, 31, 1, 0xbb);  /* the last of its region */
    write_pages(fixture, 64, 3, 0xcc);  /* call buffers */
    write_pages(fixture, 96, 32, 0xdd); /* a whole region, and on into */
    write_pages(fixture, 128, 1, 0xee); /* the boot page, which is not its affair */
    assert_true(differs(fixture, &offset));
    assert_int_equal(offset, 2 * PAGE);
    sconce_baseline_put_back(&fixture->baseline, &layout, &fixture->arena);
    assert_false(differs(fixture, &offset));
    assert_int_equal(fixture->arena.host[128 * PAGE], 0xee);

    sconce_page_set_clear(&fixture->arena.written);
    fixture->arena.host[100 * PAGE + 17] ^= 1; /* nobody tells of it */
    sconce_baseline_put_back(&fixture->baseline, &layout, &fixture->arena);
    fixture->arena.host[100 * PAGE + 17] ^= 1;
    assert_false(differs(fixture, &offset));
}

static void test_baseline_differs_where_a_byte_does(void **state)
{
    static const unsigned pages[] = {0, 3, 31, 64, 95, 96, 127};
    struct fixture *fixture = *state;
    uint64_t offset;

    scribble(fixture, 3, 1);
    take(fixture);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        uint8_t *byte = fixture->arena.host + (size_t)pages[i] * PAGE + PAGE - 1;

        *byte ^= 0x80;
        assert_true(differs(fixture, &offset));
        assert_int_equal(offset, pages[i] * PAGE);
        *byte ^= 0x80;
        assert_false(differs(fixture, &offset));
    }
}

static bool all_is_put(uint64_t first, uint64_t end)
{
    struct sconce_stretch stretch = {first * PAGE, end * PAGE};
    const struct sconce_stretches stretches = {.at = &stretch, .count = 1};

    return sconce_baseline_puts_all(&layout, &stretches);
}

/* What is populated and not written may be taken back: only if there is none is it enough to count.
 */
static void test_baseline_tells_whether_all_is_put(void **state)
{
    const struct sconce_stretches none = {0};

    (void)state;
    assert_true(sconce_baseline_puts_all(&layout, &none));
    assert_true(all_is_put(0, 32));
    assert_true(all_is_put(5, 6));
    assert_false(all_is_put(31, 33)); /* into the gap */
    assert_true(all_is_put(64, 65));
    assert_true(all_is_put(95, 97));   /* call buffers and state */
    assert_true(all_is_put(127, 129)); /* state, and the boot page's head */
    assert_false(all_is_put(128, 130));
    assert_false(all_is_put(159, 160));
}

static void test_baseline_of_nothing_is_all_zero(void **state)
{
    struct fixture *fixture = *state;

    take(fixture);
    assert_int_equal(fixture->baseline.content.count, 0);
    scribble(fixture, 0, 1);
    scribble(fixture, 31, 1);
    scribble(fixture, 64, 1);
    put_and_compare(fixture, &fixture->arena);
}

/* xorshift: the same in every run. */
static unsigned next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void test_baseline_comes_back_whatever_was_touched(void **state)
{
    struct fixture *fixture = *state;
    uint32_t seed = 0x5c0ce;

    for (unsigned round = 0; round < 200; round++) {
        struct sconce_arena arena = SCONCE_ARENA_EMPTY;

        assert_int_equal(sconce_arena_init(&arena, "round", layout.arena_bytes, NULL), 0);
        sconce_arena_fini(&fixture->arena);
        fixture->arena = arena;
        memset(fixture->wanted, 0, layout.arena_bytes);
        for (unsigned i = next_random(&seed) % 40; i > 0; i--)
            scribble(fixture, next_random(&seed) % 32 + (next_random(&seed) & 1 ? 96 : 0),
                     (uint8_t)next_random(&seed));
        take(fixture);
        for (unsigned i = next_random(&seed) % 60; i > 0; i--)
            scribble(fixture, next_random(&seed) % 96 + 32, 0); /* touched, and zero */
        for (unsigned i = next_random(&seed) % 60; i > 0; i--)
            scribble(fixture, next_random(&seed) % 96 + 64, (uint8_t)next_random(&seed));
        put_and_compare(fixture, &fixture->arena);
        sconce_baseline_fini(&fixture->baseline);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_baseline_has_state_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_goes_into_another_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_takes_back_what_was_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_differs_where_a_byte_does, set_up, tear_down),
        cmocka_unit_test(test_baseline_tells_whether_all_is_put),
        cmocka_unit_test_setup_teardown(test_baseline_of_nothing_is_all_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_comes_back_whatever_was_touched, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
