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

#include "personality/mappings.h"

/* A page at a time: what mappings.c must agree with. */
#define PAGES 64u

struct model {
    bool mapped[PAGES];
};

static bool model_all(const struct model *m, unsigned from, unsigned to, bool mapped)
{
    for (unsigned i = from; i < to; i++)
        if (m->mapped[i] != mapped)
            return false;
    return true;
}

static uint32_t model_ranges(const struct model *m)
{
    uint32_t count = 0;

    for (unsigned i = 0; i < PAGES; i++)
        count += m->mapped[i] && (i == 0 || !m->mapped[i - 1]);
    return count;
}

static bool model_gap(const struct model *m, unsigned floor, unsigned bytes, uint64_t *ret)
{
    for (unsigned at = PAGES - bytes + 1; at-- > floor;)
        if (model_all(m, at, at + bytes, false)) {
            *ret = at;
            return true;
        }
    return false;
}

static void agree(const struct model *m, const struct sconce_personality_state *s)
{
    unsigned first = 0;

    assert_int_equal(s->mapping_count, model_ranges(m));
    for (uint32_t i = 0; i < s->mapping_count; i++)
        assert_true(
            model_all(m, (unsigned)s->mappings[i].start, (unsigned)s->mappings[i].end, true));
    while (first < PAGES && !m->mapped[first])
        first++;
    assert_int_equal(mappings_lowest(s, PAGES), first);
}

static void set(struct model *m, unsigned from, unsigned to, bool mapped)
{
    for (unsigned i = from; i < to; i++)
        m->mapped[i] = mapped;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void test_mappings_agree_with_a_page_map(void **state)
{
    struct sconce_personality_state s = {0};
    struct model m = {{0}};
    uint32_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned from = next_random(&seed) % PAGES;
        unsigned to = from + 1 + next_random(&seed) % 6;
        uint64_t at = 0, expected = 0;
        bool found;

        to = to > PAGES ? PAGES : to;
        assert_int_equal(mappings_free(&s, from, to), model_all(&m, from, to, false));
        assert_int_equal(mappings_cover(&s, from, to), model_all(&m, from, to, true));
        found = model_gap(&m, from, to - from, &expected);
        assert_int_equal(mappings_find_gap(&s, from, PAGES, to - from, &at), found);
        if (found)
            assert_int_equal(at, expected);
        if (mappings_free(&s, from, to)) {
            assert_true(mappings_add(&s, from, to));
            set(&m, from, to, true);
        } else if (next_random(&seed) % 2) {
            assert_true(mappings_remove(&s, from, to));
            set(&m, from, to, false);
        }
        agree(&m, &s);
    }
    sconce_personality_state_fini(&s);
}

static void test_mappings_next_walks_the_parts(void **state)
{
    struct sconce_personality_state s = {0};
    struct sconce_personality_range part;

    (void)state;
    assert_false(mappings_next(&s, 0, 100, &part));
    assert_true(mappings_add(&s, 10, 20));
    assert_true(mappings_add(&s, 30, 40));
    assert_true(mappings_next(&s, 15, 35, &part));
    assert_int_equal(part.start, 15);
    assert_int_equal(part.end, 20);
    assert_true(mappings_next(&s, part.end, 35, &part));
    assert_int_equal(part.start, 30);
    assert_int_equal(part.end, 35);
    assert_false(mappings_next(&s, part.end, 35, &part));
    sconce_personality_state_fini(&s);
}

static void test_state_copies_are_apart(void **state)
{
    struct fixture *f = *state;
    struct sconce_personality_state kept = {0};

    CALL(f, "brk", HEAP_AT + 100);
    CALL(f, "mmap", 0, PAGE, PROT_RW, MAP_ANON_PRIVATE, 0, 0);
    assert_int_equal(sconce_personality_state_reserve(&kept, &f->p.state, &f->err), 0);
    sconce_personality_state_copy(&kept, &f->p.state);
    CALL(f, "brk", HEAP_AT);
    CALL(f, "munmap", HEAP_AT, HEAP_BYTES);
    assert_int_equal(kept.brk, HEAP_AT + 100);
    assert_int_equal(kept.mapping_count, 1);
    assert_int_equal(sconce_personality_state_reserve(&f->p.state, &kept, &f->err), 0);
    sconce_personality_state_copy(&f->p.state, &kept);
    assert_int_equal(CALL(f, "brk", 0), HEAP_AT + 100);
    assert_int_equal(CALL(f, "mmap", 0, PAGE, PROT_RW, MAP_ANON_PRIVATE, 0, 0),
                     HEAP_AT + HEAP_BYTES - 2 * PAGE);
    assert_int_equal(kept.mapping_count, 1);
    assert_int_equal(kept.mappings[0].start, HEAP_AT + HEAP_BYTES - PAGE);
    sconce_personality_state_fini(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings_agree_with_a_page_map),
        cmocka_unit_test(test_mappings_next_walks_the_parts),
        cmocka_unit_test_setup_teardown(test_state_copies_are_apart, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
