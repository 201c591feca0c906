/* SPDX-License-Identifier: Apache-2.0 */
/* core/layout.c: where things go, for ordinary and for odd images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/layout.h"
#include "sconce-plugin.h"

#define MIB (1ull << 20)

static const struct sconce_limits limits = {
    .heap_bytes = 16 * MIB, .stack_bytes = MIB, .io_bytes = 4 * MIB};

static void add_segment(struct sconce_image *image, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
    struct sconce_image_segment *segment = &image->segments[image->segment_count++];

    segment->gpa = gpa;
    segment->bytes = bytes;
    segment->prot = prot;
    if (!image->start)
        image->start = gpa;
    image->end = gpa + bytes;
}

static struct sconce_image ordinary_image(void)
{
    struct sconce_image image = {0};

    add_segment(&image, 0x400000, 0x10000, SCONCE_PROT_READ);
    add_segment(&image, 0x410000, 0x20000, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    add_segment(&image, 0x430000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    return image;
}

static void assert_sound(const struct sconce_layout *layout)
{
    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *a = &layout->regions[i];

        assert_int_equal(a->gpa % SCONCE_MEM_GRANULE, 0);
        assert_int_equal(a->bytes % SCONCE_MEM_GRANULE, 0);
        assert_int_equal(a->offset % SCONCE_MEM_GRANULE, 0);
        assert_true(a->gpa >= SCONCE_GPA_MIN && a->gpa + a->bytes <= SCONCE_GPA_MAX);
        assert_true(a->offset + a->bytes <=
                    (a->shared ? layout->image_arena_bytes : layout->arena_bytes));
        for (uint32_t j = 0; j < i; j++) {
            const struct sconce_region *b = &layout->regions[j];

            assert_true(a->gpa >= b->gpa + b->bytes || b->gpa >= a->gpa + a->bytes);
            if (a->shared == b->shared)
                assert_true(a->offset >= b->offset + b->bytes || b->offset >= a->offset + a->bytes);
        }
    }
}

static void test_layout_ordinary_image_runs_congruent_to_the_arena(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;
    uint64_t delta;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_sound(&layout);
    assert_int_equal(layout.region_count, 8);
    assert_int_equal(layout.image_arena_bytes, 0x30000);
    delta = layout.regions[2].gpa - layout.regions[2].offset;
    for (uint32_t i = 2; i < layout.region_count; i++)
        assert_int_equal(layout.regions[i].gpa - layout.regions[i].offset, delta);
}

static void test_layout_stack_and_heap_have_guard_gaps_below(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_true(layout.boot.gpa >= image.end + MIB);
    assert_true(layout.stack.gpa >= layout.out.gpa + layout.out.bytes + MIB);
    assert_true(layout.heap.gpa >= layout.stack.gpa + layout.stack.bytes + MIB);
}

static void test_layout_large_regions_start_at_large_leaves(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_int_equal(layout.in.gpa % (2 * MIB), 0);
    assert_int_equal(layout.heap.gpa % (2 * MIB), 0);
}

static void test_layout_only_the_boot_page_and_in_are_read_only(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_int_equal(layout.boot.prot, SCONCE_PROT_READ);
    assert_int_equal(layout.in.prot, SCONCE_PROT_READ);
    assert_int_equal(layout.out.prot, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
}

static void test_layout_writable_segment_before_code_is_still_sound(void **state)
{
    struct sconce_image image = {0};
    struct sconce_layout layout;

    (void)state;
    add_segment(&image, 0x400000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    add_segment(&image, 0x420000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    add_segment(&image, 0x440000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_sound(&layout);
}

static void test_layout_image_without_data_is_sound(void **state)
{
    struct sconce_image image = {0};
    struct sconce_layout layout;

    (void)state;
    add_segment(&image, 0x400000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_sound(&layout);
}

static void test_layout_sizes_are_rounded_up_to_the_granule(void **state)
{
    const struct sconce_limits small = {.heap_bytes = 1, .stack_bytes = 1, .io_bytes = 1};
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &small, &layout, NULL), 0);

    assert_int_equal(layout.heap.bytes, SCONCE_MEM_GRANULE);
    assert_sound(&layout);
}

static void test_layout_too_large_a_heap_is_a_memory_limit(void **state)
{
    static const uint64_t sizes[] = {SCONCE_GPA_MAX, UINT64_MAX, UINT64_MAX - SCONCE_MEM_GRANULE};
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sconce_limits large = limits;
        struct sconce_error err = {0};

        large.heap_bytes = sizes[i];
        assert_int_equal(sconce_layout_make(&image, &large, &layout, &err), SCONCE_E_LIMIT);
        assert_int_equal(err.limit, SCONCE_LIMIT_MEMORY);
        assert_non_null(strstr(err.text, "address space is too small"));
    }
}

static void test_layout_other_limits_are_another_state(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_limits other = limits;
    struct sconce_layout a, b;

    (void)state;
    other.heap_bytes *= 2;
    assert_int_equal(sconce_layout_make(&image, &limits, &a, NULL), 0);
    assert_int_equal(sconce_layout_make(&image, &other, &b, NULL), 0);

    assert_true(sconce_layout_same_state(&a, &a));
    assert_false(sconce_layout_same_state(&a, &b));
}

static void test_layout_allows_asks_the_region_that_holds_the_address(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_true(sconce_layout_allows(&layout, 0x410000, SCONCE_PROT_EXEC));
    assert_true(sconce_layout_allows(&layout, 0x42ffff, SCONCE_PROT_EXEC));
    assert_false(sconce_layout_allows(&layout, 0x430000, SCONCE_PROT_EXEC));
    assert_false(sconce_layout_allows(&layout, layout.boot.gpa, SCONCE_PROT_WRITE));
    assert_false(sconce_layout_allows(&layout, 0, SCONCE_PROT_READ));
    assert_false(sconce_layout_allows(&layout, UINT64_MAX, SCONCE_PROT_READ));
}

static void test_layout_state_is_one_region_of_writable_state(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout layout;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);

    assert_non_null(sconce_layout_state(&layout, 0x430000, 0x10000));
    assert_non_null(sconce_layout_state(&layout, 0x43ffff, 1));
    assert_null(sconce_layout_state(&layout, 0x430000, 0x10001));
    assert_null(sconce_layout_state(&layout, 0x430001, UINT64_MAX));
    assert_null(sconce_layout_state(&layout, 0x420000, 1));
    assert_null(sconce_layout_state(&layout, layout.out.gpa, 1));
    assert_non_null(sconce_layout_state(&layout, layout.stack.gpa, layout.stack.bytes));
    assert_null(sconce_layout_state(&layout, layout.stack.gpa - 1, 2));
    assert_null(sconce_layout_state(&layout, UINT64_MAX, 1));
}

static void test_layout_window_moves_nothing_and_does_not_run_on(void **state)
{
    struct sconce_image image = ordinary_image();
    struct sconce_layout without, layout;
    const struct sconce_region *window = &layout.window;

    (void)state;
    assert_int_equal(sconce_layout_make(&image, &limits, &without, NULL), 0);
    layout = without;
    assert_int_equal(sconce_layout_add_window(&layout, 0, NULL), 0);
    assert_memory_equal(&layout, &without, sizeof layout);
    assert_int_equal(sconce_layout_add_window(&layout, 3 * MIB + 1, NULL), 0);

    assert_sound(&layout);
    assert_int_equal(layout.region_count, without.region_count + 1);
    assert_memory_equal(&layout.regions[layout.region_count - 1], window, sizeof *window);
    assert_int_equal(window->role, SCONCE_MEM_WINDOW);
    assert_int_equal(window->prot, SCONCE_PROT_READ);
    assert_int_equal(window->bytes, 3 * MIB + SCONCE_GUEST_GRANULE);
    assert_int_equal(window->gpa % (2 * MIB), 0);
    assert_true(window->gpa > layout.heap.gpa + layout.heap.bytes);
    /* So that a backend maps it by itself, read-only. */
    assert_int_not_equal(window->gpa - window->offset, layout.heap.gpa - layout.heap.offset);
    assert_int_equal(sconce_layout_own_bytes(&layout), without.arena_bytes);
    assert_true(sconce_layout_same_state(&layout, &without));
    assert_true(sconce_layout_same_state(&without, &layout));
    assert_null(sconce_layout_state(&layout, window->gpa, 1));
    sconce_layout_drop_window(&layout);
    assert_memory_equal(&layout, &without, sizeof layout);
    sconce_layout_drop_window(&layout);
    assert_memory_equal(&layout, &without, sizeof layout);
}

static void test_layout_window_behind_stray_segments_is_sound(void **state)
{
    struct sconce_image image = {0};
    struct sconce_layout layout;

    (void)state;
    add_segment(&image, 0x400000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    add_segment(&image, 0x410000, 0x10000, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    assert_int_equal(sconce_layout_make(&image, &limits, &layout, NULL), 0);
    assert_int_equal(sconce_layout_add_window(&layout, 1, NULL), 0);

    assert_sound(&layout);
    assert_int_equal(layout.window.offset + layout.window.bytes, layout.arena_bytes);
}

static void no_window(const struct sconce_limits *of, uint64_t bytes, const char *text)
{
    struct sconce_image image = ordinary_image();
    struct sconce_error err = {0};
    struct sconce_layout layout;

    assert_int_equal(sconce_layout_make(&image, of, &layout, NULL), 0);
    assert_int_equal(sconce_layout_add_window(&layout, bytes, &err), SCONCE_E_LIMIT);
    assert_int_equal(err.limit, SCONCE_LIMIT_MEMORY);
    assert_non_null(strstr(err.text, text));
}

static void test_layout_too_large_a_window_is_a_memory_limit(void **state)
{
    struct sconce_limits large = limits;

    (void)state;
    no_window(&limits, SCONCE_WINDOW_MOST_BYTES + 1, "a window has at most 34359738368 bytes");
    no_window(&limits, UINT64_MAX, "a window has at most");
    large.heap_bytes = 40ull << 30;
    no_window(&large, SCONCE_WINDOW_MOST_BYTES, "too small for a window");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_ordinary_image_runs_congruent_to_the_arena),
        cmocka_unit_test(test_layout_stack_and_heap_have_guard_gaps_below),
        cmocka_unit_test(test_layout_large_regions_start_at_large_leaves),
        cmocka_unit_test(test_layout_only_the_boot_page_and_in_are_read_only),
        cmocka_unit_test(test_layout_writable_segment_before_code_is_still_sound),
        cmocka_unit_test(test_layout_image_without_data_is_sound),
        cmocka_unit_test(test_layout_sizes_are_rounded_up_to_the_granule),
        cmocka_unit_test(test_layout_too_large_a_heap_is_a_memory_limit),
        cmocka_unit_test(test_layout_other_limits_are_another_state),
        cmocka_unit_test(test_layout_allows_asks_the_region_that_holds_the_address),
        cmocka_unit_test(test_layout_state_is_one_region_of_writable_state),
        cmocka_unit_test(test_layout_window_moves_nothing_and_does_not_run_on),
        cmocka_unit_test(test_layout_window_behind_stray_segments_is_sound),
        cmocka_unit_test(test_layout_too_large_a_window_is_a_memory_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
