/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-x86_64: creating and destroying VMs, their memory, and what they cost the host. */
#include "fake-host.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

GUEST(bells, BELL(1) BELL(200) BELL(3));

GUEST(syscall, "mov $39, %eax\n syscall\n");

/* ---- Memory --------------------------------------------------------------------------------- */

static int32_t map_at(struct fake_guest *guest, uint64_t gpa, uint64_t bytes, uint64_t offset,
                      uint32_t prot)
{
    const struct sconce_memory memory = {
        .size = sizeof memory, .bytes = GUEST_BYTES, .host_addr = guest->host};
    const struct sconce_mapping mapping = {
        .size = sizeof mapping, .prot = prot, .gpa = gpa, .bytes = bytes, .object_offset = offset};

    return ops->mem_map(guest->vm, &memory, &mapping, fresh_error());
}

static void test_map_after_the_entry_is_not_supported(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(map_at(&guest, 0x800000, SCONCE_MEM_GRANULE, 0, SCONCE_PROT_READ),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_int_equal(ops->mem_unmap(guest.vm, DATA_GPA, SCONCE_MEM_GRANULE, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    guest_free(&guest);
}

static void test_map_into_the_reserved_range_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(map_at(&guest, SCONCE_GPA_MAX, SCONCE_MEM_GRANULE, 0, SCONCE_PROT_READ),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot map 65536 bytes at 0xfff000000: it is outside the "
                                    "guest's address space");
    guest_free(&guest);
}

GUEST(write_data, "mov $0x420000, %ebx\n movq $0x1234, (%rbx)\n" BELL(1));

/* STATE may be a private view of a baseline: the guest writes, the baseline stays. */
static void test_map_private_view_leaves_the_file_alone(void **state)
{
    struct fake_guest guest;
    uint64_t in_file = ~0ull;

    (void)state;
    guest_new(&guest, guest_write_data, guest_write_data_end);
    assert_ptr_equal(mmap(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_FIXED, guest.memfd, DATA_GPA - CODE_GPA),
                     guest_data(&guest));
    guest_enter(&guest);

    guest_expect_bell(&guest, 1);

    assert_int_equal(guest_data(&guest)[0], 0x1234);
    assert_int_equal(pread(guest.memfd, &in_file, sizeof in_file, DATA_GPA - CODE_GPA),
                     sizeof in_file);
    assert_int_equal(in_file, 0);
    guest_free(&guest);
}

GUEST(add_data, "mov $0x420000, %ebx\n1: incq (%rbx)\n" BELL(1) "jmp 1b");

static void test_map_follows_what_the_host_maps_over_it(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_add_data, guest_add_data_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 1);
    assert_int_equal(guest_data(&guest)[0], 2);

    assert_ptr_equal(mmap(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     guest_data(&guest));
    guest_expect_bell(&guest, 1);

    assert_int_equal(guest_data(&guest)[0], 1);
    guest_free(&guest);
}

static void test_run_guest_memory_taken_away_is_a_failure_exit(void **state)
{
    struct sconce_exit exit = {.size = sizeof exit};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_add_data, guest_add_data_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    mprotect(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_NONE);

    assert_ok(ops->vcpu_run(guest.vm, &exit, fresh_error()));

    assert_int_equal(exit.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(exit.u.fail.text,
                        "cannot run the vCPU: guest memory is not accessible to the host");
    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    assert_int_equal(ops->vcpu_reset(guest.vm, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    guest_free(&guest);
}

/* ---- What it costs -------------------------------------------------------------------------- */

static void test_create_costs_two_descriptors_and_two_mappings(void **state)
{
    struct fake_guest guest;
    unsigned fds, maps;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    fds = count_fds();
    maps = count_maps();

    ops->vm_destroy(guest.vm);

    assert_int_equal(fds - count_fds(), 2);
    assert_in_range(maps - count_maps(), 1, 2); /* neighbours may be shown as one */
    munmap(guest.host, GUEST_BYTES);
    close(guest.memfd);
}

static void test_destroy_in_any_state_leaves_nothing(void **state)
{
    unsigned fds = count_fds(), maps = count_maps();
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    for (int step = 0; step < 4; step++) {
        guest_new(&guest, guest_syscall, guest_syscall_end);
        if (step > 0)
            guest_enter(&guest);
        if (step > 1)
            guest_run(&guest, &exit);
        if (step > 2)
            guest_reset(&guest);
        guest_free(&guest);
    }
    ops->vm_destroy(NULL);

    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_maps(), maps);
}

static void test_create_many_at_once_each_runs(void **state)
{
    enum { MANY = 32 };
    struct fake_guest guests[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        guest_new(&guests[i], guest_add_data, guest_add_data_end);
        guest_enter(&guests[i]);
    }
    for (int i = 0; i < MANY; i++)
        for (int n = 0; n <= i; n++)
            guest_expect_bell(&guests[i], 1);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(guest_data(&guests[i])[0], i + 1);
    for (int i = 0; i < MANY; i++)
        guest_free(&guests[i]);
}

static void test_create_with_a_short_config_is_invalid(void **state)
{
    const struct sconce_vm_config config = {.size = 8};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_null(vm);
}

static void test_create_with_unknown_flags_is_invalid(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config, .flags = 1u << 31};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot create a VM: unknown flags 0x80000000");
}

static void test_create_beyond_the_address_space_is_invalid(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = SCONCE_GPA_RESERVED + 4096};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
}

static void test_enter_with_too_little_reserved_is_not_supported(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = 4096};
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_ok(ops->vm_create(&config, &vm, fresh_error()));

    assert_int_equal(ops->vcpu_enter(vm, &entry, fresh_error()), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_int_equal(ops->vcpu_enter(vm, &entry, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    ops->vm_destroy(vm);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_after_the_entry_is_not_supported),
        cmocka_unit_test(test_map_into_the_reserved_range_is_invalid),
        cmocka_unit_test(test_map_private_view_leaves_the_file_alone),
        cmocka_unit_test(test_map_follows_what_the_host_maps_over_it),
        cmocka_unit_test(test_run_guest_memory_taken_away_is_a_failure_exit),
        cmocka_unit_test(test_create_costs_two_descriptors_and_two_mappings),
        cmocka_unit_test(test_destroy_in_any_state_leaves_nothing),
        cmocka_unit_test(test_create_many_at_once_each_runs),
        cmocka_unit_test(test_create_with_a_short_config_is_invalid),
        cmocka_unit_test(test_create_with_unknown_flags_is_invalid),
        cmocka_unit_test(test_create_beyond_the_address_space_is_invalid),
        cmocka_unit_test(test_enter_with_too_little_reserved_is_not_supported),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s PLUGIN.so\n", argv[0]);
        return 2;
    }
    if (!fake_host_init(argv[1]))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
