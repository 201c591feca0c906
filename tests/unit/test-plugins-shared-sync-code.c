/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/sync-code.c: which ranges are code. That fetches see it, a real guest shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/sync-code.h"

#define GRANULE SCONCE_MEM_GRANULE
#define RX (SCONCE_PROT_READ | SCONCE_PROT_EXEC)
#define RW (SCONCE_PROT_READ | SCONCE_PROT_WRITE)

static uint8_t memory[4 * GRANULE] __attribute__((aligned(65536)));
static struct sconce_plugin_mappings mappings;

static void map(uint64_t gpa, uint64_t offset, uint64_t bytes, uint32_t prot)
{
    const struct sconce_memory object = {
        .size = sizeof object, .bytes = sizeof memory, .host_addr = memory};
    const struct sconce_mapping mapping = {
        .size = sizeof mapping, .prot = prot, .gpa = gpa, .bytes = bytes, .object_offset = offset};

    assert_int_equal(sconce_plugin_mappings_add(&mappings, &object, &mapping, NULL),
                     SCONCE_PLUGIN_OK);
}

/* Code at 0x400000 of two mappings, the second elsewhere in the host; then data; a hole; code. */
static int start_over(void **state)
{
    (void)state;
    mappings = (struct sconce_plugin_mappings){.gpa_min = 0x100000, .gpa_max = 1ull << 36};
    map(0x400000, 2 * GRANULE, GRANULE, RX);
    map(0x410000, 0, GRANULE, RX);
    map(0x420000, GRANULE, GRANULE, RW);
    map(0x440000, 3 * GRANULE, GRANULE, RX);
    return 0;
}

static int32_t sync_code(uint64_t gpa, uint64_t bytes)
{
    int32_t checked = sconce_plugin_sync_code(&mappings, gpa, bytes, false, NULL);

    assert_int_equal(sconce_plugin_sync_code(&mappings, gpa, bytes, true, NULL), checked);
    return checked;
}

static void test_sync_code_takes_code_of_one_or_several_mappings(void **state)
{
    (void)state;
    assert_int_equal(sync_code(0x400000, GRANULE), SCONCE_PLUGIN_OK);
    assert_int_equal(sync_code(0x400004, 2 * GRANULE - 8), SCONCE_PLUGIN_OK);
    assert_int_equal(sync_code(0x44fffc, 4), SCONCE_PLUGIN_OK);
    assert_int_equal(sync_code(0x420000, 0), SCONCE_PLUGIN_OK); /* nothing, anywhere */
}

static void test_sync_code_refuses_all_else(void **state)
{
    (void)state;
    assert_int_equal(sync_code(0x420000, 4), SCONCE_PLUGIN_E_INVALID);               /* data */
    assert_int_equal(sync_code(0x400000, 2 * GRANULE + 4), SCONCE_PLUGIN_E_INVALID); /* and data */
    assert_int_equal(sync_code(0x430000, 4), SCONCE_PLUGIN_E_INVALID);               /* a hole */
    assert_int_equal(sync_code(0x43fffc, 8), SCONCE_PLUGIN_E_INVALID); /* a hole, then code */
    assert_int_equal(sync_code(0x440000, GRANULE + 1), SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(sync_code(UINT64_MAX, 4), SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(sync_code(0x440000, UINT64_MAX), SCONCE_PLUGIN_E_INVALID);
}

static void test_sync_code_says_which_range_is_none(void **state)
{
    struct sconce_plugin_error error = {.size = sizeof error};

    (void)state;
    assert_int_equal(sconce_plugin_sync_code(&mappings, 0x420000, 4, true, &error),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot make 4 bytes of code at 0x420000 visible: they are not "
                                    "all executable guest memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sync_code_takes_code_of_one_or_several_mappings, start_over),
        cmocka_unit_test_setup(test_sync_code_refuses_all_else, start_over),
        cmocka_unit_test_setup(test_sync_code_says_which_range_is_none, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
