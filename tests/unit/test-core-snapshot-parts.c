/* SPDX-License-Identifier: Apache-2.0 */
/* core/snapshot-parts.c: what comes apart goes together, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/process.h"
#include "core/snapshot-parts.h"
#include "core/snapshot.h"

#define GRANULE SCONCE_GUEST_GRANULE
#define PAGE SCONCE_SNAPSHOT_PAGE_BYTES
#define CODE 0x400000u
#define DATA (CODE + GRANULE)
#define HEAP_BYTES (4 * (uint64_t)GRANULE)
#define STACK_BYTES (2 * (uint64_t)GRANULE)

struct fixture {
    struct sconce_backend backend;
    struct sconce_image image;
    struct sconce_guest guest;
    struct sconce_limits most;
    struct sconce_layout layout;
    struct sconce_snapshot_parts parts;
    struct sconce_personality_range mappings[3];
    struct sconce_snapshot_stretch stretches[4];
    struct sconce_snapshot_source source;
    uint64_t read_bytes, fail_at;
    struct sconce_error err;
};

/* Each page holds its number among those read, from 1. */
static int read_memory(void *ctx, void *to, size_t bytes, struct sconce_error *err)
{
    struct fixture *f = ctx;

    for (size_t at = 0; at < bytes; at += PAGE) {
        if (f->read_bytes == f->fail_at) {
            if (err)
                err->code = SCONCE_E_SYSTEM;
            return SCONCE_E_SYSTEM;
        }
        f->read_bytes += PAGE;
        memset((uint8_t *)to + at, (int)(f->read_bytes / PAGE), PAGE);
    }
    return 0;
}

static void fill_parts(struct fixture *f)
{
    const uint64_t heap = f->layout.heap.gpa;

    f->mappings[0] = (struct sconce_personality_range){heap + 4 * PAGE, heap + 5 * PAGE};
    f->mappings[1] = (struct sconce_personality_range){heap + 8 * PAGE, heap + HEAP_BYTES};
    f->parts = (struct sconce_snapshot_parts){
        .heap_bytes = HEAP_BYTES,
        .stack_bytes = STACK_BYTES,
        .io_bytes = GRANULE,
        .resume_pc = CODE + 8,
        .resume_sp = f->layout.stack.gpa + STACK_BYTES,
        .resume_tls = 5,
        .fault_pc = CODE + 16,
        .fault_stack = DATA,
        .fault_stack_bytes = 2 * PAGE,
        .generation = 7,
        .system = {.brk = heap + 100, .mappings = f->mappings, .mapping_count = 2, .random_at = 9},
    };
    f->parts.region_count = f->layout.region_count;
    for (uint32_t i = 0; i < f->layout.region_count; i++) {
        const struct sconce_region *region = &f->layout.regions[i];

        f->parts.regions[i] =
            (struct sconce_snapshot_region){region->gpa, region->bytes, region->role};
    }
    f->stretches[0] = (struct sconce_snapshot_stretch){DATA, DATA + PAGE};
    f->stretches[1] = (struct sconce_snapshot_stretch){DATA + 2 * PAGE, DATA + 4 * PAGE};
    f->stretches[2] = (struct sconce_snapshot_stretch){heap, heap + PAGE};
    f->source = (struct sconce_snapshot_source){
        .read = read_memory, .ctx = f, .stretches = f->stretches, .count = 3};
    f->fail_at = UINT64_MAX;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->image = (struct sconce_image){
        .name = (char *)"fake",
        .segment_count = 2,
        .start = CODE,
        .end = DATA + GRANULE,
        .segments =
            {
                {.gpa = CODE, .bytes = GRANULE, .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC},
                {.gpa = DATA, .bytes = GRANULE, .prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE},
            },
    };
    f->most = (struct sconce_limits){
        .heap_bytes = HEAP_BYTES, .stack_bytes = STACK_BYTES, .io_bytes = GRANULE};
    f->backend.name = (char *)"fake";
    f->backend.arch.page_bytes = PAGE;
    f->backend.fault.size = sizeof f->backend.fault;
    atomic_init(&f->guest.refs, 1);
    f->guest.process = sconce_process_id();
    f->guest.image = &f->image;
    f->guest.backend = &f->backend;
    assert_int_equal(sconce_layout_make(&f->image, &f->most, &f->layout, NULL), 0);
    fill_parts(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(atomic_load(&f->guest.refs), 1); /* nothing that failed is left over */
    free(f);
    return 0;
}

static int make(struct fixture *f, struct sconce_snapshot **ret_snapshot)
{
    struct sconce_snapshot *snapshot;
    int r = sconce_snapshot_make(&f->guest, &f->most, &f->parts, &snapshot, &f->err);

    if (r < 0)
        return r;
    f->read_bytes = 0;
    r = sconce_snapshot_fill(snapshot, &f->source, &f->err);
    if (r < 0)
        sconce_snapshot_free(snapshot);
    else
        *ret_snapshot = snapshot;
    return r;
}

static void test_parts_of_a_snapshot_that_was_made_are_the_same(void **state)
{
    struct fixture *f = *state;
    struct sconce_snapshot_stretch *stretches;
    struct sconce_snapshot *snapshot;
    struct sconce_snapshot_parts parts;
    size_t count;

    assert_int_equal(make(f, &snapshot), 0);
    sconce_snapshot_describe(snapshot, &parts);
    assert_int_equal(parts.system.mapping_count, 2);
    assert_memory_equal(parts.system.mappings, f->mappings, 2 * sizeof f->mappings[0]);
    parts.system.mappings = f->mappings;
    parts.system.mapping_room = 0;
    assert_memory_equal(&parts, &f->parts, sizeof parts);
    assert_int_equal(sconce_snapshot_stretches(snapshot, &stretches, &count, &f->err), 0);
    assert_int_equal(count, 3);
    assert_int_equal(sconce_snapshot_room_bytes(snapshot), GRANULE + STACK_BYTES + HEAP_BYTES);
    assert_memory_equal(stretches, f->stretches, 3 * sizeof stretches[0]);
    assert_int_equal(sconce_snapshot_memory(snapshot, &stretches[1])[PAGE], 3);
    assert_int_equal(sconce_snapshot_memory(snapshot, &stretches[2])[0], 4);
    free(stretches);
    sconce_snapshot_free(snapshot);
}

static void test_pages_of_zeroes_are_in_no_stretch(void **state)
{
    struct fixture *f = *state;
    struct sconce_snapshot_stretch *stretches;
    struct sconce_snapshot *snapshot;
    size_t count;

    assert_int_equal(make(f, &snapshot), 0);
    memset((void *)sconce_snapshot_memory(snapshot, &f->stretches[0]), 0, PAGE);
    assert_int_equal(sconce_snapshot_stretches(snapshot, &stretches, &count, &f->err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(stretches[0].start, f->stretches[1].start);
    free(stretches);
    sconce_snapshot_free(snapshot);
}

static void test_stretches_of_neighbouring_regions_stay_apart(void **state)
{
    struct fixture *f = *state;
    struct sconce_snapshot_stretch *stretches;
    struct sconce_snapshot *snapshot;
    size_t count;

    f->image.segment_count = 3;
    f->image.end = DATA + 2 * GRANULE;
    f->image.segments[2] = f->image.segments[1];
    f->image.segments[2].gpa = DATA + GRANULE;
    assert_int_equal(sconce_layout_make(&f->image, &f->most, &f->layout, NULL), 0);
    fill_parts(f);
    f->stretches[0] = (struct sconce_snapshot_stretch){DATA + GRANULE - PAGE, DATA + GRANULE};
    f->stretches[1] = (struct sconce_snapshot_stretch){DATA + GRANULE, DATA + GRANULE + PAGE};
    assert_int_equal(make(f, &snapshot), 0);
    assert_int_equal(sconce_snapshot_stretches(snapshot, &stretches, &count, &f->err), 0);
    assert_int_equal(count, 3);
    free(stretches);
    sconce_snapshot_free(snapshot);
}

static void test_a_guest_without_fault_handler_needs_no_such_backend(void **state)
{
    struct fixture *f = *state;
    struct sconce_snapshot *snapshot;

    f->backend.fault.size = 0;
    f->parts.fault_pc = f->parts.fault_stack = f->parts.fault_stack_bytes = 0;
    assert_int_equal(make(f, &snapshot), 0);
    sconce_snapshot_free(snapshot);
}

static void test_limits_are_rounded_as_a_layout_rounds_them(void **state)
{
    struct fixture *f = *state;
    struct sconce_snapshot *snapshot;

    f->most.heap_bytes -= 1000;
    assert_int_equal(make(f, &snapshot), 0);
    sconce_snapshot_free(snapshot);
}

static void test_the_last_generation_and_random_byte_are_taken(void **state)
{
    struct fixture *f = *state;
    struct sconce_snapshot *snapshot;

    f->parts.generation = SCONCE_SNAPSHOT_GENERATION_MOST;
    f->parts.system.random_at = SCONCE_PERSONALITY_RANDOM_MOST;
    assert_int_equal(make(f, &snapshot), 0);
    sconce_snapshot_free(snapshot);
}

/* ---- What is refused ------------------------------------------------------------------------- */

#define CASE(name, change)                                                                         \
    static void name(struct fixture *f)                                                            \
    {                                                                                              \
        const uint64_t heap = f->layout.heap.gpa;                                                  \
        struct sconce_snapshot_parts *p = &f->parts;                                               \
        struct sconce_snapshot_stretch *s = f->stretches;                                          \
        struct sconce_personality_range *m = f->mappings;                                          \
        (void)heap, (void)p, (void)s, (void)m;                                                     \
        change;                                                                                    \
    }

CASE(heap_zero, p->heap_bytes = 0)
CASE(heap_odd, p->heap_bytes -= PAGE)
CASE(heap_large, p->heap_bytes += GRANULE)
CASE(heap_huge, p->heap_bytes = -(uint64_t)GRANULE)
CASE(stack_zero, p->stack_bytes = 0)
CASE(stack_large, p->stack_bytes += GRANULE)
CASE(io_zero, p->io_bytes = 0)
CASE(io_large, p->io_bytes = 1ull << 63)
CASE(regions_less, p->region_count--)
CASE(regions_more, p->region_count++)
CASE(region_elsewhere, p->regions[4].address += GRANULE)
CASE(region_larger, p->regions[4].bytes += GRANULE)
CASE(region_other, p->regions[4].role = SCONCE_MEM_STATE)
CASE(pc_zero, p->resume_pc = 0)
CASE(pc_data, p->resume_pc = DATA)
CASE(pc_beyond, p->resume_pc = UINT64_MAX)
CASE(fault_pc_zero, p->fault_pc = 0)
CASE(fault_pc_data, p->fault_pc = DATA)
CASE(fault_stack_code, p->fault_stack = CODE)
CASE(fault_stack_odd, p->fault_stack += 8)
CASE(fault_stack_small, p->fault_stack_bytes = PAGE - 16)
CASE(fault_stack_large, p->fault_stack_bytes = GRANULE + 16)
CASE(fault_stack_huge, p->fault_stack_bytes = UINT64_MAX)
CASE(fault_backend, f->backend.fault.size = 0)
CASE(generation_huge, p->generation = 1ull << 63)
CASE(generation_large, p->generation = SCONCE_SNAPSHOT_GENERATION_MOST + 1)
CASE(brk_low, p->system.brk = heap - 1)
CASE(brk_high, p->system.brk = heap + HEAP_BYTES + 1)
CASE(brk_in_mapping, p->system.brk = m[0].start + 1)
CASE(random_huge, p->system.random_at = UINT64_MAX)
CASE(random_large, p->system.random_at = SCONCE_PERSONALITY_RANDOM_MOST + 1)
CASE(mappings_many, p->system.mapping_count = SCONCE_PERSONALITY_MAPPINGS + 1)
CASE(mapping_odd, m[0].start += 1)
CASE(mapping_odd_end, m[0].end += 1)
CASE(mapping_empty, m[0].end = m[0].start)
CASE(mapping_reversed, m[0].end = m[0].start - PAGE)
CASE(mapping_touches, m[1].start = m[0].end)
CASE(mapping_overlaps, m[1].start = m[0].start)
CASE(mapping_beyond, m[1].end += PAGE)
CASE(mapping_below, m[0].start = 0)
CASE(stretch_odd, s[0].start += 1)
CASE(stretch_odd_end, s[0].end += 1)
CASE(stretch_empty, s[0].end = s[0].start)
CASE(stretch_reversed, s[0].end = s[0].start - PAGE)
CASE(stretch_overlaps, s[1].start = DATA)
CASE(stretch_back, s[1] = s[0])
CASE(stretch_code, (s[0].start = CODE, s[0].end = CODE + PAGE))
CASE(stretch_over_seam, (s[1].start = DATA - PAGE, s[0] = s[1], f->source.count = 1))
CASE(stretch_in, (s[2].start = f->layout.in.gpa, s[2].end = f->layout.in.gpa + PAGE))
CASE(stretch_boot, (s[2].start = f->layout.boot.gpa, s[2].end = f->layout.boot.gpa + PAGE))
CASE(stretch_gap, (s[2].start = DATA + GRANULE, s[2].end = DATA + GRANULE + PAGE))
CASE(stretch_huge, s[2].end = -(uint64_t)PAGE)
CASE(memory_ends, f->fail_at = 2 * PAGE)

static const struct refusal {
    void (*change)(struct fixture *f);
    int code;
    const char *says;
} refusals[] = {
    {heap_zero, SCONCE_E_SNAPSHOT, "a heap of 0 bytes"},
    {heap_odd, SCONCE_E_SNAPSHOT, "multiple of 65536"},
    {heap_large, SCONCE_E_LIMIT, "limits.heap_bytes allows"},
    {heap_huge, SCONCE_E_LIMIT, "limits.heap_bytes allows"},
    {stack_zero, SCONCE_E_SNAPSHOT, "a stack of 0 bytes"},
    {stack_large, SCONCE_E_LIMIT, "limits.stack_bytes allows"},
    {io_zero, SCONCE_E_SNAPSHOT, "a call buffer of 0 bytes"},
    {io_large, SCONCE_E_LIMIT, "limits.io_bytes allows"},
    {regions_less, SCONCE_E_SNAPSHOT, "laid out otherwise"},
    {regions_more, SCONCE_E_SNAPSHOT, "laid out otherwise"},
    {region_elsewhere, SCONCE_E_SNAPSHOT, "laid out otherwise"},
    {region_larger, SCONCE_E_SNAPSHOT, "laid out otherwise"},
    {region_other, SCONCE_E_SNAPSHOT, "laid out otherwise"},
    {pc_zero, SCONCE_E_SNAPSHOT, "resume at 0x0"},
    {pc_data, SCONCE_E_SNAPSHOT, "no code of its own"},
    {pc_beyond, SCONCE_E_SNAPSHOT, "no code of its own"},
    {fault_pc_zero, SCONCE_E_SNAPSHOT, "fault handler at 0x0"},
    {fault_pc_data, SCONCE_E_SNAPSHOT, "no code of its own"},
    {fault_stack_code, SCONCE_E_SNAPSHOT, "no memory that it can write"},
    {fault_stack_odd, SCONCE_E_SNAPSHOT, "are the least"},
    {fault_stack_small, SCONCE_E_SNAPSHOT, "are the least"},
    {fault_stack_large, SCONCE_E_SNAPSHOT, "no memory that it can write"},
    {fault_stack_huge, SCONCE_E_SNAPSHOT, "no memory that it can write"},
    {fault_backend, SCONCE_E_NO_BACKEND, "cannot go on after one"},
    {generation_huge, SCONCE_E_SNAPSHOT, "generation"},
    {generation_large, SCONCE_E_SNAPSHOT, "generation 281474976710657 is none"},
    {brk_low, SCONCE_E_SNAPSHOT, "the heap is said to be used up to"},
    {brk_high, SCONCE_E_SNAPSHOT, "the heap is said to be used up to"},
    {brk_in_mapping, SCONCE_E_SNAPSHOT, "mapping number 1"},
    {random_huge, SCONCE_E_SNAPSHOT, "random bytes"},
    {random_large, SCONCE_E_SNAPSHOT, "281474976710657 random bytes"},
    {mappings_many, SCONCE_E_SNAPSHOT, "4097 mappings"},
    {mapping_odd, SCONCE_E_SNAPSHOT, "mapping number 1"},
    {mapping_odd_end, SCONCE_E_SNAPSHOT, "mapping number 1"},
    {mapping_empty, SCONCE_E_SNAPSHOT, "mapping number 1"},
    {mapping_reversed, SCONCE_E_SNAPSHOT, "mapping number 1"},
    {mapping_touches, SCONCE_E_SNAPSHOT, "mapping number 2"},
    {mapping_overlaps, SCONCE_E_SNAPSHOT, "mapping number 2"},
    {mapping_beyond, SCONCE_E_SNAPSHOT, "mapping number 2"},
    {mapping_below, SCONCE_E_SNAPSHOT, "mapping number 1"},
    {stretch_odd, SCONCE_E_SNAPSHOT, "stretch 1"},
    {stretch_odd_end, SCONCE_E_SNAPSHOT, "stretch 1"},
    {stretch_empty, SCONCE_E_SNAPSHOT, "stretch 1"},
    {stretch_reversed, SCONCE_E_SNAPSHOT, "stretch 1"},
    {stretch_overlaps, SCONCE_E_SNAPSHOT, "stretch 2"},
    {stretch_back, SCONCE_E_SNAPSHOT, "stretch 2"},
    {stretch_code, SCONCE_E_SNAPSHOT, "the guest can write"},
    {stretch_over_seam, SCONCE_E_SNAPSHOT, "the guest can write"},
    {stretch_in, SCONCE_E_SNAPSHOT, "the guest can write"},
    {stretch_boot, SCONCE_E_SNAPSHOT, "the guest can write"},
    {stretch_gap, SCONCE_E_SNAPSHOT, "the guest can write"},
    {stretch_huge, SCONCE_E_SNAPSHOT, "the guest can write"},
    {memory_ends, SCONCE_E_SYSTEM, ""},
};

static void test_parts_that_no_guest_can_have_are_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sconce_snapshot *snapshot = NULL;
        int r;

        f->backend.fault.size = sizeof f->backend.fault;
        fill_parts(f);
        f->err = (struct sconce_error){0};
        refusals[i].change(f);
        r = make(f, &snapshot);
        if (r != refusals[i].code || f->err.code != r || snapshot ||
            !strstr(f->err.text, refusals[i].says))
            fail_msg("case %zu gave %d, \"%s\"", i, r, f->err.text);
    }
}

int main(void)
{
#define PARTS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PARTS_TEST(test_parts_of_a_snapshot_that_was_made_are_the_same),
        PARTS_TEST(test_pages_of_zeroes_are_in_no_stretch),
        PARTS_TEST(test_stretches_of_neighbouring_regions_stay_apart),
        PARTS_TEST(test_a_guest_without_fault_handler_needs_no_such_backend),
        PARTS_TEST(test_limits_are_rounded_as_a_layout_rounds_them),
        PARTS_TEST(test_the_last_generation_and_random_byte_are_taken),
        PARTS_TEST(test_parts_that_no_guest_can_have_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
