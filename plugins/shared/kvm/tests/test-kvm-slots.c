/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/kvm/slots.c: which slots the mappings become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/kvm/slots.h"

#define G ((uint64_t)SCONCE_MEM_GRANULE)
#define R SCONCE_PROT_READ
#define RW (SCONCE_PROT_READ | SCONCE_PROT_WRITE)
#define RX (SCONCE_PROT_READ | SCONCE_PROT_EXEC)

static uint8_t arena[8 * SCONCE_MEM_GRANULE] __attribute__((aligned(65536)));
static struct sconce_plugin_mappings mappings;
static struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS];
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
    memset(&mappings, 0, sizeof mappings);
    mappings.gpa_min = 0x100000;
    mappings.gpa_max = 0xfff000000;
    memset(&err, 0, sizeof err);
    err.size = sizeof err;
    return 0;
}

static int32_t map_of(const struct sconce_memory *of, uint64_t gpa, uint64_t bytes, uint64_t offset,
                      uint32_t prot)
{
    const struct sconce_mapping mapping = {
        .size = sizeof mapping, .prot = prot, .gpa = gpa, .bytes = bytes, .object_offset = offset};

    return sconce_plugin_mappings_add(&mappings, of, &mapping, &err);
}

static void map(uint64_t gpa, uint64_t bytes, uint64_t offset, uint32_t prot)
{
    assert_int_equal(map_of(&object, gpa, bytes, offset, prot), SCONCE_PLUGIN_OK);
}

static void expect_slots(uint32_t count)
{
    assert_int_equal(sconce_kvm_slots_plan(&mappings, slots), count);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
