/* SPDX-License-Identifier: Apache-2.0 */
/* What a doorbell costs a process backend, and what such backends alone refuse. */
#include "plugins/shared/tests/ioctl-count.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/tests/guests.h"

/* The answer to the last notification, and the next one. */
static void test_run_doorbell_takes_two_ioctls(void **state)
{
    (void)state;
    expect_doorbell_ioctls(2);
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* The other process maps the file, not what this one has made of its view. */
static void test_map_is_of_the_file_whatever_the_hosts_view(void **state)
{
    struct fake_guest guest;
    uint64_t in_file = 0;

    (void)state;
    guest_new(&guest, CODE(ring));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_ptr_equal(mmap(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     guest_data(&guest));
    guest_expect_bell(&guest, 1);
    assert_int_equal(pread(guest.memfd, &in_file, sizeof in_file, DATA_GPA - CODE_GPA),
                     sizeof in_file);
    assert_int_equal(in_file, 2);
    guest_free(&guest);
}

static void test_run_memory_that_its_file_has_not_is_a_fault(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(read_far));
    guest_enter(&guest);
    assert_int_equal(ftruncate(guest.memfd, DATA_GPA - CODE_GPA), 0);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.kind, SCONCE_FAULT_MEMORY);
    assert_int_equal(exit.u.fault.address, 0x42fff8);
    guest_free(&guest);
}

static void test_map_memory_without_a_descriptor_is_not_supported(void **state)
{
    struct fake_guest guest;
    struct sconce_memory memory = {.size = sizeof memory, .bytes = SCONCE_MEM_GRANULE};
    const struct sconce_mapping mapping = {.size = sizeof mapping,
                                           .prot = SCONCE_PROT_READ,
                                           .gpa = 0x800000,
                                           .bytes = SCONCE_MEM_GRANULE};

    (void)state;
    guest_new(&guest, CODE(bells));
    memory.host_addr = guest.host;
    assert_int_equal(ops->mem_map(guest.vm, &memory, &mapping, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(error.text,
                        "cannot map memory at 0x800000: it has no descriptor by which another "
                        "process could map it");
    memory.handle_kind = SCONCE_HANDLE_LINUX_FD;
    memory.handle = 1ull << 31; /* no descriptor */
    assert_int_equal(ops->mem_map(guest.vm, &memory, &mapping, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    guest_free(&guest);
}

/* ---- What is refused ------------------------------------------------------------------------ */

static void test_create_without_room_for_the_stub_is_invalid(void **state)
{
    static const struct {
        uint64_t min, max, reserved;
    } rows[] = {
        {SCONCE_GPA_MIN, SCONCE_STUB_AT + 4096, SCONCE_GPA_RESERVED},
        {SCONCE_GPA_MIN, SCONCE_GPA_MAX, 4096},
        {SCONCE_GPA_MIN, SCONCE_GPA_MAX,
         SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - SCONCE_GPA_MAX - 1},
        {SCONCE_GPA_MIN, SCONCE_GPA_MAX, UINT64_MAX},
        {SCONCE_GPA_MAX, SCONCE_GPA_MAX, SCONCE_GPA_RESERVED},
        {SCONCE_GPA_MIN, SCONCE_GPA_MAX - 1, SCONCE_GPA_RESERVED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sconce_vm_config config = {.size = sizeof config,
                                                .gpa_min = rows[i].min,
                                                .gpa_max = rows[i].max,
                                                .reserved_bytes = rows[i].reserved};
        struct sconce_plugin_vm *vm = NULL;

        assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
        assert_null(vm);
        assert_non_null(strstr(error.text, " reserved bytes have no room for the stub at 0x"));
    }
}

static void test_enter_malformed_is_invalid(void **state)
{
    const struct sconce_entry brief = {.size = 16, .pc = CODE_GPA};
    const struct sconce_entry reserved = {.size = sizeof reserved, .pc = CODE_GPA, .reserved0 = 1};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    assert_int_equal(ops->vcpu_enter(guest.vm, &brief, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot enter the guest: the entry is too short");
    assert_int_equal(ops->vcpu_enter(guest.vm, &reserved, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot enter the guest: a reserved field is not zero");
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

static void test_set_tls_before_the_entry_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    assert_int_equal(ops->vcpu_set_tls(guest.vm, 0, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot set the thread pointer: it was not entered");
    guest_free(&guest);
}

static void test_set_tls_of_no_address_says_what_is_one(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    guest_enter(&guest);
    assert_int_equal(ops->vcpu_set_tls(guest.vm, 1ull << 63, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot set the thread pointer: 0x8000000000000000 is none "
                                    "that a guest can hold");
    assert_string_equal(error.hint, "give it an address of the guest's");
    guest_free(&guest);
}

static void test_registers_before_the_entry_are_invalid(void **state)
{
    uint8_t standard[512], debug[512];
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    assert_int_equal(
        regs->get(guest.vm, SCONCE_REGS_STANDARD, standard, arch_standard_bytes, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text,
                        "cannot use the guest's registers: it has not been entered yet");
    assert_int_equal(regs->get(guest.vm, SCONCE_REGS_DEBUG, debug, sizeof debug, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(error.text, "a guest in a process has no debug registers");
    guest_free(&guest);
}

static void test_run_without_room_for_the_exit_is_invalid(void **state)
{
    struct sconce_exit exit = {.size = 8};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    guest_enter(&guest);
    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

static void test_probe_without_room_is_invalid(void **state)
{
    struct sconce_probe probe = {.size = 8};

    (void)state;
    assert_int_equal(ops->probe(&probe, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot probe: no room for what is found");
}

static void test_configure_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    assert_int_equal(ops->configure("device", "/dev/kvm", fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "there is no setting device");
    assert_string_equal(error.hint, "the only setting is namespaces");
    assert_int_equal(ops->configure("namespaces", "maybe", fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "namespaces is neither yes nor no: maybe");
    assert_ok(ops->configure("namespaces", "yes", fresh_error()));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbell_takes_two_ioctls),
        cmocka_unit_test(test_map_is_of_the_file_whatever_the_hosts_view),
        cmocka_unit_test(test_run_memory_that_its_file_has_not_is_a_fault),
        cmocka_unit_test(test_map_memory_without_a_descriptor_is_not_supported),
        cmocka_unit_test(test_create_without_room_for_the_stub_is_invalid),
        cmocka_unit_test(test_enter_malformed_is_invalid),
        cmocka_unit_test(test_set_tls_before_the_entry_is_invalid),
        cmocka_unit_test(test_set_tls_of_no_address_says_what_is_one),
        cmocka_unit_test(test_registers_before_the_entry_are_invalid),
        cmocka_unit_test(test_run_without_room_for_the_exit_is_invalid),
        cmocka_unit_test(test_probe_without_room_is_invalid),
        cmocka_unit_test(test_configure_refuses_what_it_does_not_know),
    };

    return fake_host_main_with(argc, argv, tests, sizeof tests / sizeof tests[0], arch_tests,
                               arch_test_count);
}
