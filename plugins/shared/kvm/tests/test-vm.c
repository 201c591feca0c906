/* SPDX-License-Identifier: Apache-2.0 */
/* A KVM backend's memory, its second walls, and what a VM costs the host, as far as no architecture
 * is in them. */
#include "plugins/shared/kvm/tests/vm.h"

#include <dlfcn.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- What KVM is told: this definition comes before libc's for the plugin too --------------- */

static struct {
    bool no_read_only; /* answer as a KVM without KVM_CAP_READONLY_MEM */
    struct kvm_userspace_memory_region slots[8];
    uint32_t slot_count;
} told;

int real_ioctl(int fd, unsigned long request, void *argument)
{
    static int (*real)(int, unsigned long, void *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, argument);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *argument;

    va_start(args, request);
    argument = va_arg(args, void *);
    va_end(args);
    if (request == KVM_SET_USER_MEMORY_REGION && told.slot_count < 8)
        told.slots[told.slot_count++] = *(struct kvm_userspace_memory_region *)argument;
    if (told.no_read_only && request == KVM_CHECK_EXTENSION &&
        argument == (void *)KVM_CAP_READONLY_MEM)
        return 0;
    return arch_ioctl(fd, request, argument);
}

/* What is known is known of a device, and forgotten when it changes. */
void forget_what_was_found(void)
{
    assert_ok(ops->configure("device", "/dev/other", fresh_error()));
    assert_ok(ops->configure("device", "/dev/kvm", fresh_error()));
}

void find_out_again(void)
{
    struct sconce_probe probe = {.size = sizeof probe};

    forget_what_was_found();
    assert_ok(ops->probe(&probe, fresh_error()));
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* STATE may be a private view of a baseline: the guest writes, the baseline stays. */
static void test_map_private_view_leaves_the_file_alone(void **state)
{
    struct fake_guest guest;
    uint64_t in_file = ~0ull;

    (void)state;
    guest_new(&guest, CODE(write_data));
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

static void test_map_follows_what_the_host_maps_over_it(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(ring));
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
    guest_new(&guest, CODE(ring));
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

/* ---- Second walls --------------------------------------------------------------------------- */

/* Code in an object of its own, as an image is; the guest's write to it is a fault as ever. */
static void write_to_an_image(uint32_t slot_flags)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    struct sconce_memory image = {.size = sizeof image, .bytes = SCONCE_MEM_GRANULE};
    const struct sconce_mapping mapping = {.size = sizeof mapping,
                                           .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC,
                                           .gpa = CODE_GPA,
                                           .bytes = SCONCE_MEM_GRANULE};
    const struct kvm_userspace_memory_region *code = NULL;

    memset(told.slots, 0, sizeof told.slots);
    told.slot_count = 0;
    guest_new(&guest, CODE(bells));
    image.host_addr = guest.host;
    assert_ok(ops->mem_unmap(guest.vm, CODE_GPA, SCONCE_MEM_GRANULE, fresh_error()));
    assert_ok(ops->mem_map(guest.vm, &image, &mapping, fresh_error()));
    guest_load(&guest, CODE(write_code));
    guest_enter(&guest);
    guest_run(&guest, &exit);

    for (uint32_t i = 0; i < told.slot_count; i++) {
        if (told.slots[i].guest_phys_addr == CODE_GPA)
            code = &told.slots[i];
        else
            assert_int_equal(told.slots[i].flags, 0);
    }
    assert_non_null(code);
    assert_int_equal(code->memory_size, SCONCE_MEM_GRANULE);
    assert_int_equal(code->flags, slot_flags);
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.kind, SCONCE_FAULT_MEMORY);
    assert_int_equal(exit.u.fault.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(exit.u.fault.address, CODE_GPA);
    guest_free(&guest);
}

static void test_enter_makes_the_slot_of_an_image_read_only(void **state)
{
    (void)state;
    write_to_an_image(KVM_MEM_READONLY);
}

static void test_enter_without_read_only_slots_goes_on(void **state)
{
    (void)state;
    told.no_read_only = true;
    find_out_again();

    write_to_an_image(0);

    told.no_read_only = false;
    find_out_again();
}

/* ---- What it costs -------------------------------------------------------------------------- */

static void test_create_costs_two_descriptors_and_two_mappings(void **state)
{
    struct fake_guest guest;
    unsigned fds, maps;

    (void)state;
    guest_new(&guest, CODE(bells));
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

void expect_config_refused(uint64_t gpa_max, uint64_t reserved_bytes)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = gpa_max,
                                            .reserved_bytes = reserved_bytes};
    struct sconce_plugin_vm *vm = NULL;

    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
}

static void test_create_beyond_the_address_space_is_invalid(void **state)
{
    (void)state;
    expect_config_refused(SCONCE_GPA_MAX, SCONCE_GPA_RESERVED + 4096);
}

static void test_enter_with_too_little_reserved_is_not_supported(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = arch_few_reserved_bytes};
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
        cmocka_unit_test(test_map_private_view_leaves_the_file_alone),
        cmocka_unit_test(test_map_follows_what_the_host_maps_over_it),
        cmocka_unit_test(test_run_guest_memory_taken_away_is_a_failure_exit),
        cmocka_unit_test(test_enter_makes_the_slot_of_an_image_read_only),
        cmocka_unit_test(test_enter_without_read_only_slots_goes_on),
        cmocka_unit_test(test_create_costs_two_descriptors_and_two_mappings),
        cmocka_unit_test(test_create_beyond_the_address_space_is_invalid),
        cmocka_unit_test(test_enter_with_too_little_reserved_is_not_supported),
    };

    return fake_host_main_with(argc, argv, tests, sizeof tests / sizeof tests[0], arch_tests,
                               arch_test_count);
}
