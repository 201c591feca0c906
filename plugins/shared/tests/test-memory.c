/* SPDX-License-Identifier: Apache-2.0 */
/* What every backend does with VMs: creating and destroying them, one or many, and their memory. */
#include "plugins/shared/tests/arch.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void test_map_after_the_entry_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(guest_map(&guest, 0x800000, 0, SCONCE_PROT_READ), SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(ops->mem_unmap(guest.vm, DATA_GPA, SCONCE_MEM_GRANULE, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    guest_free(&guest);
}

static void test_map_into_the_reserved_range_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(guest_map(&guest, SCONCE_GPA_MAX, 0, SCONCE_PROT_READ),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot map 65536 bytes at 0xfff000000: it is outside the "
                                    "guest's address space");
    guest_free(&guest);
}

/* A second view of one granule of the guest's memory, with a guest in it. */
#define VIEW_OFFSET 0x10000ull

/* Does the guest get to its bell, or is it a fault of that access? */
static void try_view(uint32_t prot, const uint8_t *code, const uint8_t *end, uint32_t refused)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    guest_new(&guest, code, end);
    memcpy(guest.host + VIEW_OFFSET, guest_bells, (size_t)(guest_bells_end - guest_bells));
    assert_ok(guest_map(&guest, VIEW_GPA, VIEW_OFFSET, prot));
    if (ops->mem_sync_code && (prot & SCONCE_PROT_EXEC))
        assert_ok(ops->mem_sync_code(guest.vm, VIEW_GPA, SCONCE_MEM_GRANULE, fresh_error()));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    if (refused) {
        assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
        assert_int_equal(exit.u.fault.kind, SCONCE_FAULT_MEMORY);
        assert_int_equal(exit.u.fault.access, refused);
        assert_int_equal(exit.u.fault.address, VIEW_GPA);
    } else {
        assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
    }
    guest_free(&guest);
}

static void test_map_permissions_are_what_the_guest_has(void **state)
{
    const uint32_t r = SCONCE_PROT_READ, rw = r | SCONCE_PROT_WRITE, rx = r | SCONCE_PROT_EXEC;

    (void)state;
    try_view(r, CODE(read_view), 0);
    try_view(r, CODE(write_view), SCONCE_ACCESS_WRITE);
    try_view(r, CODE(run_view), SCONCE_ACCESS_EXEC);
    try_view(rw, CODE(read_view), 0);
    try_view(rw, CODE(write_view), 0);
    try_view(rw, CODE(run_view), SCONCE_ACCESS_EXEC);
    try_view(rx, CODE(read_view), 0);
    try_view(rx, CODE(write_view), SCONCE_ACCESS_WRITE);
    try_view(rx, CODE(run_view), 0);
}

struct walked {
    int fd;
    uint64_t *host;
};

/* With code and stack of the guest's own as many as there may be. */
static void test_map_sixty_four_ranges_of_as_many_files_with_holes_between(void **state)
{
    enum { MANY = 61 };
    const struct sconce_entry entry = {
        .size = sizeof entry, .pc = CODE_GPA, .sp = STACK_TOP, .args = {MANY}};
    struct walked walked[MANY];
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_walk, guest_walk_end);
    for (size_t i = 0; i < MANY; i++) {
        struct sconce_memory memory = {.size = sizeof memory,
                                       .role = SCONCE_MEM_STATE,
                                       .bytes = 4 * SCONCE_MEM_GRANULE,
                                       .handle_kind = SCONCE_HANDLE_LINUX_FD};
        const struct sconce_mapping mapping = {.size = sizeof mapping,
                                               .prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE,
                                               .gpa = WALK_GPA + i * WALK_STEP,
                                               .bytes = SCONCE_MEM_GRANULE,
                                               .object_offset = (i % 4) * SCONCE_MEM_GRANULE};

        walked[i].fd = memfd_create("walked", MFD_CLOEXEC);
        assert_int_equal(ftruncate(walked[i].fd, (off_t)memory.bytes), 0);
        memory.host_addr =
            mmap(NULL, memory.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, walked[i].fd, 0);
        memory.handle = (uint64_t)walked[i].fd;
        walked[i].host = memory.host_addr;
        walked[i].host[mapping.object_offset / 8] = 100 + i;
        assert_ok(ops->mem_map(guest.vm, &memory, &mapping, fresh_error()));
    }
    assert_int_equal(guest_map(&guest, 0x700000, 0, SCONCE_PROT_READ),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_ok(ops->vcpu_enter(guest.vm, &entry, fresh_error()));

    guest_expect_bell(&guest, 1);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(walked[i].host[(i % 4) * SCONCE_MEM_GRANULE / 8], 101 + i);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.address, WALK_GPA + MANY * WALK_STEP - WALK_STEP / 2);

    guest_free(&guest);
    for (size_t i = 0; i < MANY; i++) {
        munmap(walked[i].host, 4 * SCONCE_MEM_GRANULE);
        close(walked[i].fd);
    }
}

static void test_reset_leaves_memory_as_it_is(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_ring, guest_ring_end);
    memset(guest_data(&guest), 0x5a, SCONCE_MEM_GRANULE);
    guest_data(&guest)[0] = 7;
    for (uint64_t i = 0; i < 3; i++) {
        guest_enter(&guest);
        guest_expect_bell(&guest, 1);
        guest_reset(&guest);
        assert_int_equal(guest_data(&guest)[0], 8 + i);
        for (size_t at = 1; at < SCONCE_MEM_GRANULE / 8; at++)
            assert_int_equal(guest_data(&guest)[at], 0x5a5a5a5a5a5a5a5a);
    }
    guest_free(&guest);
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
        guest_new(&guests[i], guest_ring, guest_ring_end);
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_after_the_entry_is_invalid),
        cmocka_unit_test(test_map_into_the_reserved_range_is_invalid),
        cmocka_unit_test(test_map_permissions_are_what_the_guest_has),
        cmocka_unit_test(test_map_sixty_four_ranges_of_as_many_files_with_holes_between),
        cmocka_unit_test(test_reset_leaves_memory_as_it_is),
        cmocka_unit_test(test_destroy_in_any_state_leaves_nothing),
        cmocka_unit_test(test_create_many_at_once_each_runs),
        cmocka_unit_test(test_create_with_a_short_config_is_invalid),
        cmocka_unit_test(test_create_with_unknown_flags_is_invalid),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
