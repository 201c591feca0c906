/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/mshv/regions.c, state.c and vm.c: what the driver is given, and gets back. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugins/shared/mshv/regions.h"
#include "plugins/shared/mshv/state.h"
#include "plugins/shared/mshv/tests/fake-mshv.h"
#include "plugins/shared/mshv/vm.h"

#define GRANULE 65536u
#define R SCONCE_PROT_READ
#define W SCONCE_PROT_WRITE
#define X SCONCE_PROT_EXEC

static uint8_t host[4 * GRANULE] __attribute__((aligned(4096)));
static struct sconce_mshv_regions regions;
static struct sconce_plugin_mappings memory;

static int start_over(void **state)
{
    regions.count = 0;
    memory = (struct sconce_plugin_mappings){.gpa_min = 0, .gpa_max = 1ull << 36};
    return fake_start_over(state);
}

static void range(uint64_t gpa, uint64_t at, uint32_t prot)
{
    memory.ranges[memory.count++] = (struct sconce_plugin_range){
        .gpa = gpa, .bytes = GRANULE, .host = host + at, .handle = 12345, .prot = prot};
}

static int32_t add(void)
{
    return sconce_mshv_regions_add(&regions, FAKE_PARTITION_FD, &memory, fresh());
}

static void test_regions_have_the_rights_of_their_mappings(void **state)
{
    (void)state;
    range(0x400000, 0, R | X);
    range(0x500000, GRANULE, R | W);
    range(0x600000, 2 * GRANULE, R);
    assert_int_equal(add(), SCONCE_PLUGIN_OK);

    assert_int_equal(fake.region_count, 3);
    assert_int_equal(fake.regions[0].guest_pfn, 0x400);
    assert_int_equal(fake.regions[0].size, GRANULE);
    assert_int_equal(fake.regions[0].userspace_addr, (uintptr_t)host);
    assert_int_equal(fake.regions[0].flags, 2);
    assert_int_equal(fake.regions[1].flags, 1);
    assert_int_equal(fake.regions[2].flags, 0);
}

static void test_regions_are_unmapped_as_they_were_mapped(void **state)
{
    (void)state;
    range(0x400000, 0, R | X);
    range(0x500000, GRANULE, R | W);
    add();
    sconce_mshv_regions_remove(&regions, FAKE_PARTITION_FD);

    assert_int_equal(fake.region_count, 4);
    for (unsigned i = 0; i < 2; i++) {
        const struct mshv_user_mem_region *in = &fake.regions[i], *out = &fake.regions[3 - i];

        assert_int_equal(out->flags, 4);
        assert_int_equal(out->guest_pfn, in->guest_pfn);
        assert_int_equal(out->size, in->size);
        assert_int_equal(out->userspace_addr, in->userspace_addr);
    }
    assert_int_equal(regions.count, 0);
}

static void test_regions_that_cannot_be_say_so(void **state)
{
    (void)state;
    range(0x400000, 0, R | X);
    fake.memory_errno = ENOMEM;
    assert_int_equal(add(), SCONCE_PLUGIN_E_NO_MEMORY);
    expect_error("cannot give the guest 65536 bytes of memory at 0x400000: Cannot allocate memory",
                 "a guest's memory is pinned: give the host or its control group more memory, or "
                 "keep fewer sandboxes");
    fake.memory_errno = EEXIST;
    assert_int_equal(add(), SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot give the guest 65536 bytes of memory at 0x400000: File exists", "");
    assert_int_equal(regions.count, 0);
}

/* The driver refuses one range of the host at two places. */
static void test_regions_of_the_same_memory_get_another_view(void **state)
{
    int fd = memfd_create("twice", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(ftruncate(fd, 2 * GRANULE), 0);
    range(0x400000, 0, R | W);
    range(0x500000, 0, R);
    memory.ranges[1].handle = (uint64_t)fd;
    memory.ranges[1].handle_kind = SCONCE_HANDLE_LINUX_FD;
    memory.ranges[1].offset = GRANULE;
    assert_int_equal(pwrite(fd, "x", 1, GRANULE), 1);
    assert_int_equal(add(), SCONCE_PLUGIN_OK);

    assert_int_not_equal(fake.regions[1].userspace_addr, fake.regions[0].userspace_addr);
    assert_int_equal(*(const char *)(uintptr_t)fake.regions[1].userspace_addr, 'x');
    assert_int_equal(fake.maps, 1);
    sconce_mshv_regions_remove(&regions, FAKE_PARTITION_FD);
    expect_nothing_left();
    close(fd);
}

/* Half of it is enough: the driver looks at ranges, not at where they begin. */
static void test_regions_that_share_a_part_get_another_view(void **state)
{
    int fd = memfd_create("twice", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(ftruncate(fd, 2 * GRANULE), 0);
    range(0x400000, GRANULE, R | W);
    range(0x500000, GRANULE + 4096, R);
    range(0x600000, GRANULE - 4096, R);
    for (unsigned i = 1; i < 3; i++) {
        memory.ranges[i].handle = (uint64_t)fd;
        memory.ranges[i].handle_kind = SCONCE_HANDLE_LINUX_FD;
    }
    assert_int_equal(add(), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.maps, 2);
    assert_int_equal(fake.regions[0].userspace_addr, (uintptr_t)host + GRANULE);
    assert_int_not_equal(fake.regions[1].userspace_addr, (uintptr_t)host + GRANULE + 4096);
    assert_int_not_equal(fake.regions[2].userspace_addr, (uintptr_t)host + GRANULE - 4096);
    sconce_mshv_regions_remove(&regions, FAKE_PARTITION_FD);
    expect_nothing_left();
    close(fd);
}

/* The view of a region that the driver refuses goes at once. */
static void test_regions_refused_view_is_unmapped(void **state)
{
    int fd = memfd_create("twice", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(ftruncate(fd, GRANULE), 0);
    range(0x400000, 0, R | W);
    range(0x500000, 0, R);
    memory.ranges[1].handle = (uint64_t)fd;
    memory.ranges[1].handle_kind = SCONCE_HANDLE_LINUX_FD;
    fake.fail_at = 2;
    fake.fail_errno = EEXIST;
    assert_int_equal(add(), SCONCE_PLUGIN_E_SYSTEM);
    assert_int_equal(fake.maps, 0);
    sconce_mshv_regions_remove(&regions, FAKE_PARTITION_FD);
    expect_nothing_left();
    close(fd);
}

static void test_regions_of_the_same_memory_want_a_descriptor(void **state)
{
    (void)state;
    range(0x400000, 0, R | W);
    range(0x500000, 0, R);
    assert_int_equal(add(), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    expect_error("cannot show memory at 0x500000: the guest has it elsewhere too, and it has no "
                 "descriptor by which to map it once more",
                 "");
}

/* ---- Own memory ------------------------------------------------------------------------------ */

static void test_own_memory_fits_what_is_reserved_and_goes(void **state)
{
    struct sconce_mshv_vm vm;
    const struct sconce_vm_config config = {.gpa_max = 1 << 20, .reserved_bytes = 3 * 4096};

    (void)state;
    sconce_mshv_vm_init(&vm, &config);
    assert_int_equal(sconce_mshv_own_map(&vm, 4096, 3 * 4096, fresh()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    expect_error("the guest's page tables may take 16384 bytes, but 12288 are reserved", "");
    assert_int_equal(sconce_mshv_own_map(&vm, 0, 3 * 4096, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(vm.own[3 * 4096 - 1], 0);
    sconce_mshv_vm_fini(&vm);
    assert_null(vm.own);
    sconce_mshv_vm_fini(&vm);
    expect_nothing_left();
}

/* ---- States ---------------------------------------------------------------------------------- */

static uint32_t wanted_bytes;
static unsigned gets;

static int give_state(bool set, struct mshv_vp_state *state)
{
    assert_int_equal(state->type, 1);
    assert_int_equal(state->bytes % 4096, 0);
    assert_int_equal(state->buffer % 4096, 0);
    if (set)
        return state->bytes >= wanted_bytes ? 0 : EIO;
    gets++;
    if (state->bytes < wanted_bytes) {
        state->bytes = wanted_bytes;
        return EINVAL;
    }
    memset((void *)(uintptr_t)state->buffer, 0x5a, wanted_bytes);
    return 0;
}

static void test_state_grows_to_what_is_wanted(void **state)
{
    struct sconce_mshv_state s = {0};

    (void)state;
    fake.state = give_state;
    wanted_bytes = 3 * 4096;
    gets = 0;
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(gets, 2);
    assert_int_equal(s.bytes, 3 * 4096);
    assert_int_equal(((const uint8_t *)s.at)[s.bytes - 1], 0x5a);
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(gets, 3);
    assert_int_equal(sconce_mshv_state_set(FAKE_VP_FD, 1, &s, "set", fresh()), SCONCE_PLUGIN_OK);
    sconce_mshv_state_fini(&s);
}

static int state_errno;

static int refuse_state(bool set, struct mshv_vp_state *state)
{
    (void)set;
    (void)state;
    return state_errno;
}

static void test_state_that_is_refused_is_asked_for_once(void **state)
{
    struct sconce_mshv_state s = {0};

    (void)state;
    fake.state = give_state;
    wanted_bytes = 1u << 20; /* beyond all reason */
    gets = 0;
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read a state", fresh()),
                     SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot read a state: Invalid argument", "");
    assert_int_equal(gets, 1);
    fake.state = refuse_state;
    state_errno = EINVAL;
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read a state", fresh()),
                     SCONCE_PLUGIN_E_SYSTEM);
    assert_int_equal(sconce_mshv_state_set(FAKE_VP_FD, 1, &s, "set a state", fresh()),
                     SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot set a state: Invalid argument", "");
    state_errno = ENOMEM;
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read a state", fresh()),
                     SCONCE_PLUGIN_E_NO_MEMORY);
    assert_int_equal(sconce_mshv_state_set(FAKE_VP_FD, 1, &s, "set a state", fresh()),
                     SCONCE_PLUGIN_E_NO_MEMORY);
    sconce_mshv_state_fini(&s);
}

static int give_nothing(bool set, struct mshv_vp_state *state)
{
    (void)set;
    (void)state;
    return 0;
}

static void test_state_has_nothing_of_an_older_one(void **state)
{
    struct sconce_mshv_state s = {0};

    (void)state;
    fake.state = give_state;
    wanted_bytes = 2 * 4096;
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read", fresh()), SCONCE_PLUGIN_OK);
    fake.state = give_nothing;
    assert_int_equal(sconce_mshv_state_get(FAKE_VP_FD, 1, &s, "read", fresh()), SCONCE_PLUGIN_OK);
    for (size_t i = 0; i < s.bytes; i++)
        assert_int_equal(((const uint8_t *)s.at)[i], 0);
    sconce_mshv_state_fini(&s);
}

static void test_regions_allow_what_they_were_mapped_with(void **state)
{
    (void)state;
    range(0x400000, 0, R | X);
    range(0x500000, GRANULE, R | W);
    add();
    assert_true(sconce_mshv_regions_allow(&regions, 0x400000, R));
    assert_true(sconce_mshv_regions_allow(&regions, 0x40ffff, X));
    assert_false(sconce_mshv_regions_allow(&regions, 0x400000, W));
    assert_false(sconce_mshv_regions_allow(&regions, 0x3fffff, R));
    assert_false(sconce_mshv_regions_allow(&regions, 0x410000, R));
    assert_true(sconce_mshv_regions_allow(&regions, 0x500000, W));
    assert_false(sconce_mshv_regions_allow(&regions, 0x500000, X));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_regions_have_the_rights_of_their_mappings, start_over),
        cmocka_unit_test_setup(test_regions_are_unmapped_as_they_were_mapped, start_over),
        cmocka_unit_test_setup(test_regions_that_cannot_be_say_so, start_over),
        cmocka_unit_test_setup(test_regions_of_the_same_memory_get_another_view, start_over),
        cmocka_unit_test_setup(test_regions_that_share_a_part_get_another_view, start_over),
        cmocka_unit_test_setup(test_regions_refused_view_is_unmapped, start_over),
        cmocka_unit_test_setup(test_regions_of_the_same_memory_want_a_descriptor, start_over),
        cmocka_unit_test_setup(test_own_memory_fits_what_is_reserved_and_goes, start_over),
        cmocka_unit_test_setup(test_state_grows_to_what_is_wanted, start_over),
        cmocka_unit_test_setup(test_state_has_nothing_of_an_older_one, start_over),
        cmocka_unit_test_setup(test_regions_allow_what_they_were_mapped_with, start_over),
        cmocka_unit_test_setup(test_state_that_is_refused_is_asked_for_once, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
