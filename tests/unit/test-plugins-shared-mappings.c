/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/mappings.c: what mem_map takes, what is kept of it, and reading back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/mappings.h"

#define G ((uint64_t)SCONCE_MEM_GRANULE)
#define R SCONCE_PROT_READ
#define RW (SCONCE_PROT_READ | SCONCE_PROT_WRITE)
#define RX (SCONCE_PROT_READ | SCONCE_PROT_EXEC)

static uint8_t arena[8 * SCONCE_MEM_GRANULE] __attribute__((aligned(65536)));
static struct sconce_plugin_mappings mappings;
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

/* ---- Refusals -------------------------------------------------------------------------------- */

static void expect_refused(uint64_t gpa, uint64_t bytes, uint64_t offset, uint32_t prot,
                           const char *why)
{
    uint32_t count = mappings.count;

    assert_int_equal(map_of(&object, gpa, bytes, offset, prot), SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(err.text, why));
    assert_int_equal(mappings.count, count);
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

static void test_map_offset_in_the_handle_that_overflows_is_invalid(void **state)
{
    struct sconce_memory far = object;

    (void)state;
    far.offset = UINT64_MAX - G + 1;
    assert_int_equal(map_of(&far, 0x400000, G, G, R), SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(err.text, "offset in its handle is too large"));
    assert_int_equal(map_of(&far, 0x400000, G, 0, R), SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(err.text, "offset in its handle is too large"));
    far.offset -= G;
    assert_int_equal(map_of(&far, 0x400000, G, 0, R), SCONCE_PLUGIN_OK);
}

static void test_map_too_many_is_not_supported(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SCONCE_PLUGIN_MAX_MAPPINGS; i++)
        map(0x400000 + 2 * G * i, G, 0, R);
    assert_int_equal(map_of(&object, 0x10000000, G, 0, R), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(err.text, "cannot map more than 64 ranges into one guest");
}

/* ---- Recording ------------------------------------------------------------------------------- */

static void test_map_keeps_where_host_and_handle_have_it(void **state)
{
    struct sconce_memory part = object;

    (void)state;
    part.host_addr = arena + 2 * G;
    part.offset = 6 * G;
    part.bytes = 2 * G;
    assert_int_equal(map_of(&part, 0x400000, G, G, RX), SCONCE_PLUGIN_OK);

    assert_int_equal(mappings.count, 1);
    assert_int_equal(mappings.ranges[0].gpa, 0x400000);
    assert_int_equal(mappings.ranges[0].bytes, G);
    assert_ptr_equal(mappings.ranges[0].host, arena + 3 * G);
    assert_int_equal(mappings.ranges[0].handle, 5);
    assert_int_equal(mappings.ranges[0].handle_kind, SCONCE_HANDLE_LINUX_FD);
    assert_int_equal(mappings.ranges[0].offset, 7 * G);
    assert_int_equal(mappings.ranges[0].prot, RX);
}

static void test_map_keeps_the_ranges_sorted(void **state)
{
    (void)state;
    map(0x420000, G, 0, R);
    map(0x400000, G, 0, R);
    map(0x410000, G, 0, R);

    assert_int_equal(mappings.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(mappings.ranges[i].gpa, 0x400000 + G * i);
}

static void test_unmap_takes_exactly_what_was_mapped(void **state)
{
    (void)state;
    map(0x400000, 2 * G, 0, R);
    map(0x400000 + 2 * G, G, 0, R);

    assert_int_equal(sconce_plugin_mappings_remove(&mappings, 0x400000, G, &err),
                     SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(sconce_plugin_mappings_remove(&mappings, 0x400000, 2 * G, &err),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(mappings.count, 1);
    assert_int_equal(mappings.ranges[0].gpa, 0x400000 + 2 * G);
}

static void test_map_and_unmap_of_fixed_ones_are_invalid(void **state)
{
    (void)state;
    map(0x400000, G, 0, R);
    mappings.fixed = true;
    expect_refused(0x500000, G, 0, R, "the guest has been entered, its memory is fixed");
    assert_int_equal(sconce_plugin_mappings_remove(&mappings, 0x400000, G, &err),
                     SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(mappings.count, 1);
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

    assert_true(sconce_plugin_mappings_read(&mappings, 0x40ffff, two, 2, SCONCE_PROT_EXEC));
    assert_int_equal(two[0], 0x0f);
    assert_int_equal(two[1], 0x05);
}

static void test_read_of_a_hole_or_without_the_right_fails(void **state)
{
    uint8_t two[2];

    (void)state;
    map(0x400000, G, 0, RX);
    map(0x420000, G, 2 * G, RW);

    assert_false(sconce_plugin_mappings_read(&mappings, 0x40ffff, two, 2, SCONCE_PROT_EXEC));
    assert_false(sconce_plugin_mappings_read(&mappings, 0x3fffff, two, 2, SCONCE_PROT_EXEC));
    assert_false(sconce_plugin_mappings_read(&mappings, 0x420000, two, 2, SCONCE_PROT_EXEC));
    assert_false(sconce_plugin_mappings_read(&mappings, UINT64_MAX, two, 2, SCONCE_PROT_READ));
    assert_true(sconce_plugin_mappings_read(&mappings, 0x420000, two, 2, SCONCE_PROT_READ));
}

static void test_sync_code_takes_code_and_nothing_else(void **state)
{
    static const struct {
        uint64_t gpa, bytes;
        int32_t status;
    } rows[] = {
        {0x400000, G, SCONCE_PLUGIN_OK},
        {0x40ffff, 2, SCONCE_PLUGIN_OK}, /* two mappings that touch */
        {0x400010, 2 * G - 0x10, SCONCE_PLUGIN_OK},
        {0x400000, 0, SCONCE_PLUGIN_OK},
        {0x3fffff, 2, SCONCE_PLUGIN_E_INVALID},
        {0x41ffff, 2, SCONCE_PLUGIN_E_INVALID}, /* data behind */
        {0x430000, 4, SCONCE_PLUGIN_E_INVALID},
        {0x400000, UINT64_MAX, SCONCE_PLUGIN_E_INVALID},
    };

    (void)state;
    map(0x400000, G, 0, RX);
    map(0x410000, G, G, RX);
    map(0x420000, G, 2 * G, RW);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(sconce_plugin_mappings_sync_code(&mappings, rows[i / 2].gpa,
                                                          rows[i / 2].bytes, i % 2, &err),
                         rows[i / 2].status);
    assert_non_null(strstr(err.text, " bytes at 0x400000: not all of them are mapped as code"));
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
        cmocka_unit_test_setup(test_map_offset_in_the_handle_that_overflows_is_invalid, start_over),
        cmocka_unit_test_setup(test_map_too_many_is_not_supported, start_over),
        cmocka_unit_test_setup(test_map_keeps_where_host_and_handle_have_it, start_over),
        cmocka_unit_test_setup(test_map_keeps_the_ranges_sorted, start_over),
        cmocka_unit_test_setup(test_unmap_takes_exactly_what_was_mapped, start_over),
        cmocka_unit_test_setup(test_map_and_unmap_of_fixed_ones_are_invalid, start_over),
        cmocka_unit_test_setup(test_read_crosses_mappings_that_touch, start_over),
        cmocka_unit_test_setup(test_read_of_a_hole_or_without_the_right_fails, start_over),
        cmocka_unit_test_setup(test_sync_code_takes_code_and_nothing_else, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
