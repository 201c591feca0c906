/* SPDX-License-Identifier: Apache-2.0 */
/* common/page-set.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/page-set.h"

#define PAGE ((uint64_t)SCONCE_SET_PAGE_BYTES)
#define PAGES 300000u /* a word tells of 64, and one more of 64 words */

static void next_is(const struct sconce_page_set *set, uint64_t from, uint64_t first, uint64_t end)
{
    uint64_t start, stop;

    assert_true(sconce_page_set_next(set, from * PAGE, &start, &stop));
    assert_int_equal(start / PAGE, first);
    assert_int_equal(stop / PAGE, end);
}

static void test_page_set_has_runs_in_order(void **state)
{
    struct sconce_page_set set;
    uint64_t start, end;

    (void)state;
    assert_true(sconce_page_set_init(&set, PAGES * PAGE));
    assert_false(sconce_page_set_next(&set, 0, &start, &end));
    sconce_page_set_add(&set, 700 * PAGE + 4095, 1);
    sconce_page_set_add(&set, 0, 1);
    sconce_page_set_add(&set, 60 * PAGE - 1, 10 * PAGE); /* across words */
    sconce_page_set_add(&set, (PAGES - 1) * PAGE, PAGE);
    sconce_page_set_add(&set, 5 * PAGE, 0);
    next_is(&set, 0, 0, 1);
    next_is(&set, 1, 59, 70);
    next_is(&set, 65, 65, 70);
    next_is(&set, 70, 700, 701);
    next_is(&set, 701, PAGES - 1, PAGES);
    assert_false(sconce_page_set_next(&set, PAGES * PAGE, &start, &end));
    sconce_page_set_clear(&set);
    assert_false(sconce_page_set_next(&set, 0, &start, &end));
    sconce_page_set_fini(&set);
}

/* Each page alone, and each run from the start, of sets around a word's size. */
static void test_page_set_finds_each_page(void **state)
{
    (void)state;
    for (uint64_t pages = 1; pages < 400; pages += 63) {
        for (uint64_t page = 0; page < pages; page++) {
            struct sconce_page_set set;
            uint64_t start, end;

            assert_true(sconce_page_set_init(&set, pages * PAGE));
            sconce_page_set_add(&set, page * PAGE, PAGE);
            next_is(&set, 0, page, page + 1);
            assert_false(sconce_page_set_next(&set, (page + 1) * PAGE, &start, &end));
            sconce_page_set_add(&set, 0, page * PAGE);
            next_is(&set, 0, 0, page + 1);
            sconce_page_set_fini(&set);
        }
    }
}

/* Far apart, and cleared again and again. */
static void test_page_set_that_was_cleared_is_as_new(void **state)
{
    struct sconce_page_set set;
    uint64_t start, end;

    (void)state;
    assert_true(sconce_page_set_init(&set, PAGES * PAGE));
    for (uint64_t gap = 1; gap < PAGES; gap = gap * 3 + 1) {
        for (uint64_t page = 0; page < PAGES; page += gap + 1)
            sconce_page_set_add(&set, page * PAGE, 1);
        for (uint64_t page = 0; page < PAGES; page += gap + 1)
            next_is(&set, page, page, page + 1);
        sconce_page_set_clear(&set);
        assert_false(sconce_page_set_next(&set, 0, &start, &end));
    }
    sconce_page_set_fini(&set);
}

static void test_page_set_that_keeps_nothing_takes_all(void **state)
{
    struct sconce_page_set set = {0};
    uint64_t start, end;

    (void)state;
    sconce_page_set_add(&set, 0, UINT64_MAX);
    sconce_page_set_clear(&set);
    assert_false(sconce_page_set_next(&set, 0, &start, &end));
    sconce_page_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_set_has_runs_in_order),
        cmocka_unit_test(test_page_set_finds_each_page),
        cmocka_unit_test(test_page_set_that_was_cleared_is_as_new),
        cmocka_unit_test(test_page_set_that_keeps_nothing_takes_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
