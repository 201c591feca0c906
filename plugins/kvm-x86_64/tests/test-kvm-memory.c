/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/kvm/memory.c: what mem_map takes, which slots it becomes, and reading back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/kvm/memory.h"

#define G ((uint64_t)SCONCE_MEM_GRANULE)
#define R SCONCE_PROT_READ
#define RW (SCONCE_PROT_READ | SCONCE_PROT_WRITE)
#define RX (SCONCE_PROT_READ | SCONCE_PROT_EXEC)

static uint8_t arena[8 * SCONCE_MEM_GRANULE] __attribute__((aligned(65536)));
static struct sconce_kvm_memory memory;
static struct sconce_plugin_error err;

/* A view of handle 5 from its byte 0 on. */
static struct sconce_memory object = {
    .size = sizeof object,
    .role = SCONCE_MEM_STATE,
    .bytes = sizeof arena,
    .host_addr = arena,
    .handle = 5,
    .handle_kind = SCONCE_HANDLE_LINUX_FD,
};

static int start_over(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    memory.gpa_min = 0x100000;
    memory.gpa_max = 0xfff000000;
    memset(&err, 0, sizeof err);
    err.size = sizeof err;
    return 0;
}

static int32_t map_of(const struct sconce_memory *of, uint64_t gpa, uint64_t bytes, uint64_t offset,
                      uint32_t prot)
{
    const struct sconce_mapping mapping = {
        .size = sizeof mapping, .prot = prot, .gpa = gpa, .bytes = bytes, .object_offset = offset};

    return sconce_kvm_memory_map(&memory, of, &mapping, &err);
}

static void map(uint64_t gpa, uint64_t bytes, uint64_t offset, uint32_t prot)
{
    assert_int_equal(map_of(&object, gpa, bytes, offset, prot), SCONCE_PLUGIN_OK);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void expect_refused(uint64_t gpa, uint64_t bytes, uint64_t offset, uint32_t prot,
                           const char *why)
{
    uint32_t count = memory.count;

    assert_int_equal(map_of(&object, gpa, bytes, offset, prot), SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(err.text, why));
    assert_int_equal(memory.count, count);
}

static void test_map_off_the_granule_is_invalid(void **state)
{
    (void)state;
    expect_refused(0x401000, G, 0, R, "multiples of the granule");
    expect_refused(0x400000, G + 4096, 0, R, "multiples of the granule");
    expect_refused(0x400000, G, 4096, R, "multiples of the granule");
    expect_refused(0x400000, 0, 0, R, "the size not zero");
}

static void test_map_beyond_the_object_is_invalid(void **state)
{
    (void)state;
    expect_refused(0x400000, 9 * G, 0, R, "beyond the end of the object");
    expect_refused(0x400000, G, 8 * G, R, "beyond the end of the object");
    expect_refused(0x400000, G, ~(G - 1), R, "beyond the end of the object");
}

static void test_map_outside_the_guest_is_invalid(void **state)
{
    (void)state;
    expect_refused(0, G, 0, R, "outside the guest's address space");
    expect_refused(0xfff000000 - G, 2 * G, 0, R, "outside the guest's address space");
    expect_refused(~(G - 1), G, 0, R, "outside the guest's address space");
}

static void test_map_protection_is_checked(void **state)
{
    (void)state;
    expect_refused(0x400000, G, 0, 0, "must be readable");
    expect_refused(0x400000, G, 0, SCONCE_PROT_WRITE, "must be readable");
    expect_refused(0x400000, G, 0, R | 16, "must be readable");
    expect_refused(0x400000, G, 0, RW | SCONCE_PROT_EXEC, "never writable and executable");
}

static void test_map_overlap_is_invalid(void **state)
{
    (void)state;
    map(0x400000, 2 * G, 0, R);
    expect_refused(0x400000, G, 0, R, "overlaps");
    expect_refused(0x400000 + G, 2 * G, 0, R, "overlaps");
    expect_refused(0x400000 - G, 2 * G, 0, R, "overlaps");
    map(0x400000 - G, G, 0, R); /* neighbours do not */
    map(0x400000 + 2 * G, G, 0, R);
}

static void test_map_bad_object_is_invalid(void **state)
{
    struct sconce_memory bad = object;

    (void)state;
    bad.reserved0 = 1;
    assert_int_equal(map_of(&bad, 0x400000, G, 0, R), SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(err.text, "reserved"));
    bad = object;
    bad.host_addr = arena + 1;
    assert_int_equal(map_of(&bad, 0x400000, G, 0, R), SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(err.text, "start of a page"));
    bad.host_addr = NULL;
    assert_int_equal(map_of(&bad, 0x400000, G, 0, R), SCONCE_PLUGIN_E_INVALID);
}

static void test_map_too_many_is_not_supported(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SCONCE_KVM_MAX_MAPPINGS; i++)
        map(0x400000 + 2 * G * i, G, 0, R);
    assert_int_equal(map_of(&object, 0x10000000, G, 0, R), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(err.text, "cannot map more than 64 ranges into one guest");
}

static void test_unmap_takes_exactly_what_was_mapped(void **state)
{
    (void)state;
    map(0x400000, 2 * G, 0, R);
    map(0x400000 + 2 * G, G, 0, R);

    assert_int_equal(sconce_kvm_memory_unmap(&memory, 0x400000, G, &err), SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(sconce_kvm_memory_unmap(&memory, 0x400000, 2 * G, &err), SCONCE_PLUGIN_OK);
    assert_int_equal(memory.count, 1);
    assert_int_equal(memory.mappings[0].gpa, 0x400000 + 2 * G);
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static struct sconce_kvm_slot slots[SCONCE_KVM_MAX_MAPPINGS];

static void expect_slots(uint32_t count)
{
    assert_int_equal(sconce_kvm_memory_plan(&memory, slots), count);
}

static void test_plan_neighbours_in_one_view_are_one_slot(void **state)
{
    (void)state;
    map(0x420000, G, 2 * G, RW); /* out of order, with different rights */
    map(0x400000, G, 0, RX);
    map(0x410000, G, G, R);

    expect_slots(1);
    assert_int_equal(slots[0].gpa, 0x400000);
    assert_int_equal(slots[0].bytes, 3 * G);
    assert_ptr_equal(slots[0].host, arena);
}

static void test_plan_slot_is_writable_when_any_part_of_it_is(void **state)
{
    struct sconce_memory image = object;

    (void)state;
    image.handle = 6;
    map(0x400000, G, 0, RX);
    map(0x410000, G, G, RW);
    map(0x420000, G, 2 * G, R);
    assert_int_equal(map_of(&image, 0x430000, G, 3 * G, RX), SCONCE_PLUGIN_OK);
    assert_int_equal(map_of(&image, 0x440000, G, 4 * G, R), SCONCE_PLUGIN_OK);

    expect_slots(2);
    assert_true(slots[0].writable);
    assert_false(slots[1].writable);
}

static void test_plan_gap_in_one_view_is_swallowed(void **state)
{
    (void)state;
    map(0x400000, G, 0, R);
    map(0x400000 + 5 * G, G, 5 * G, R);

    expect_slots(1);
    assert_int_equal(slots[0].bytes, 6 * G);
}

static void test_plan_another_mapping_in_the_gap_separates(void **state)
{
    (void)state;
    map(0x400000, G, 0, R);
    map(0x400000 + 2 * G, G, 0, R); /* shows something else */
    map(0x400000 + 5 * G, G, 5 * G, R);

    expect_slots(3);
}

static void test_plan_wide_gap_separates(void **state)
{
    struct sconce_memory large = object;

    (void)state;
    large.bytes = 1ull << 32; /* never touched here */
    map_of(&large, 0x400000, G, 0, R);
    map_of(&large, 0x400000 + G + SCONCE_KVM_MAX_GAP, G, G + SCONCE_KVM_MAX_GAP, R);
    expect_slots(1);
    map_of(&large, 0x400000 + 3 * G + 2 * SCONCE_KVM_MAX_GAP, G, 3 * G + 2 * SCONCE_KVM_MAX_GAP, R);
    expect_slots(2);
}

static void test_plan_other_distance_separates(void **state)
{
    (void)state;
    map(0x400000, G, 0, R);
    map(0x400000 + G, G, 3 * G, R);

    expect_slots(2);
}

static void test_plan_other_handle_separates(void **state)
{
    struct sconce_memory other = object;

    (void)state;
    other.handle = 6;
    map(0x400000, G, 0, R);
    assert_int_equal(map_of(&other, 0x410000, G, G, R), SCONCE_PLUGIN_OK);

    expect_slots(2);
}

/* Two objects of one handle whose host views only happen to lie in the right distance. */
static void test_plan_other_view_of_the_handle_separates(void **state)
{
    struct sconce_memory other = object;

    (void)state;
    other.offset = 4 * G;
    map(0x400000, G, 0, R);
    assert_int_equal(map_of(&other, 0x410000, G, G, R), SCONCE_PLUGIN_OK);

    expect_slots(2);
}

static void test_plan_two_objects_of_one_view_are_one_slot(void **state)
{
    struct sconce_memory second = object;

    (void)state;
    second.host_addr = arena + 4 * G;
    second.offset = 4 * G;
    second.bytes = 4 * G;
    map(0x400000, G, 0, R);
    assert_int_equal(map_of(&second, 0x400000 + 5 * G, G, G, R), SCONCE_PLUGIN_OK);

    expect_slots(1);
}

static void test_plan_without_a_handle_only_what_touches_is_one_slot(void **state)
{
    (void)state;
    object.handle_kind = SCONCE_HANDLE_NONE;
    map(0x400000, G, 0, R);
    map(0x410000, G, G, R);
    map(0x430000, G, 3 * G, R);
    object.handle_kind = SCONCE_HANDLE_LINUX_FD;

    expect_slots(2);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void test_read_crosses_mappings_that_touch(void **state)
{
    uint8_t two[2];

    (void)state;
    map(0x400000, G, 0, RX);
    map(0x410000, G, 4 * G, RX);
    arena[G - 1] = 0x0f;
    arena[4 * G] = 0x05;

    assert_true(sconce_kvm_memory_read(&memory, 0x40ffff, two, 2, SCONCE_PROT_EXEC));
    assert_int_equal(two[0], 0x0f);
    assert_int_equal(two[1], 0x05);
}

static void test_read_of_a_hole_or_without_the_right_fails(void **state)
{
    uint8_t two[2];

    (void)state;
    map(0x400000, G, 0, RX);
    map(0x420000, G, 2 * G, RW);

    assert_false(sconce_kvm_memory_read(&memory, 0x40ffff, two, 2, SCONCE_PROT_EXEC));
    assert_false(sconce_kvm_memory_read(&memory, 0x3fffff, two, 2, SCONCE_PROT_EXEC));
    assert_false(sconce_kvm_memory_read(&memory, 0x420000, two, 2, SCONCE_PROT_EXEC));
    assert_false(sconce_kvm_memory_read(&memory, UINT64_MAX, two, 2, SCONCE_PROT_READ));
    assert_true(sconce_kvm_memory_read(&memory, 0x420000, two, 2, SCONCE_PROT_READ));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_map_off_the_granule_is_invalid, start_over),
        cmocka_unit_test_setup(test_map_beyond_the_object_is_invalid, start_over),
        cmocka_unit_test_setup(test_map_outside_the_guest_is_invalid, start_over),
        cmocka_unit_test_setup(test_map_protection_is_checked, start_over),
        cmocka_unit_test_setup(test_map_overlap_is_invalid, start_over),
        cmocka_unit_test_setup(test_map_bad_object_is_invalid, start_over),
        cmocka_unit_test_setup(test_map_too_many_is_not_supported, start_over),
        cmocka_unit_test_setup(test_unmap_takes_exactly_what_was_mapped, start_over),
        cmocka_unit_test_setup(test_plan_neighbours_in_one_view_are_one_slot, start_over),
        cmocka_unit_test_setup(test_plan_slot_is_writable_when_any_part_of_it_is, start_over),
        cmocka_unit_test_setup(test_plan_gap_in_one_view_is_swallowed, start_over),
        cmocka_unit_test_setup(test_plan_another_mapping_in_the_gap_separates, start_over),
        cmocka_unit_test_setup(test_plan_wide_gap_separates, start_over),
        cmocka_unit_test_setup(test_plan_other_distance_separates, start_over),
        cmocka_unit_test_setup(test_plan_other_handle_separates, start_over),
        cmocka_unit_test_setup(test_plan_other_view_of_the_handle_separates, start_over),
        cmocka_unit_test_setup(test_plan_two_objects_of_one_view_are_one_slot, start_over),
        cmocka_unit_test_setup(test_plan_without_a_handle_only_what_touches_is_one_slot,
                               start_over),
        cmocka_unit_test_setup(test_read_crosses_mappings_that_touch, start_over),
        cmocka_unit_test_setup(test_read_of_a_hole_or_without_the_right_fails, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
