/* SPDX-License-Identifier: Apache-2.0 */
/* SET_GUEST_MEMORY: what is refused. */
#include "client.h"

#include <sys/mman.h>
#include <unistd.h>

#define PAGE 0x1000u

/* mov $0x99,%cl; mov %cl,(%rbx); hlt */
#define WRITE 0xb1, 0x99, 0x88, 0x0b, 0xf4

static void *anonymous(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void test_size_and_address_are_whole_pages(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(2 * PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_map(m.pt, memory, 0, NOWHERE, WRITABLE), EINVAL);
    assert_fails(client_map(m.pt, memory, 100, NOWHERE, WRITABLE), EINVAL);
    assert_fails(client_map(m.pt, memory + 8, PAGE, NOWHERE, WRITABLE), EINVAL);
    assert_int_equal(client_map(m.pt, memory, PAGE, NOWHERE, WRITABLE), 0);
    machine_free(&m);
}

static void test_unknown_flags_and_reserved_bytes_are_refused(void **state)
{
    struct machine m;
    struct memory args = {PAGE, NOWHERE >> 12, (uint64_t)anonymous(PAGE), 8, {0}};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ioctl(m.pt, SET_MEMORY, &args), EINVAL);
    args.flags = WRITABLE;
    for (size_t i = 0; i < sizeof args.zero; i++) {
        args.zero[i] = 1;
        assert_fails(ioctl(m.pt, SET_MEMORY, &args), EINVAL);
        args.zero[i] = 0;
    }
    assert_int_equal(ioctl(m.pt, SET_MEMORY, &args), 0);
    assert_fails(ioctl(m.pt, SET_MEMORY, 8), EFAULT);
    machine_free(&m);
}

static void test_address_without_a_mapping_is_einval(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    munmap(memory, PAGE);
    assert_fails(client_map(m.pt, memory, PAGE, NOWHERE, WRITABLE), EINVAL);
    assert_fails(client_map(m.pt, (void *)(1ull << 47), PAGE, NOWHERE, WRITABLE), EINVAL);
    machine_free(&m);
}

static void test_page_numbers_end_with_the_address_space(void **state)
{
    struct machine m;
    struct memory args = {.bytes = PAGE, .host = (uint64_t)anonymous(PAGE), .flags = WRITABLE};
    static const uint64_t beyond[] = {1ull << 40, 1ull << 45, (1ull << 52) + (NOWHERE >> 12),
                                      ~0ull};

    (void)state;
    machine_new(&m, CODE(0xf4));
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        args.page = beyond[i];
        assert_fails(ioctl(m.pt, SET_MEMORY, &args), EINVAL);
    }
    machine_free(&m);
}

static void test_range_with_a_hole_is_efault(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(3 * PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    munmap(memory + PAGE, PAGE);
    assert_fails(client_map(m.pt, memory, 3 * PAGE, NOWHERE, WRITABLE), EFAULT);
    machine_free(&m);
}

static void test_regions_may_not_overlap_for_the_guest(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(8 * PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_map(m.pt, memory, 2 * PAGE, NOWHERE, WRITABLE), 0);
    assert_fails(client_map(m.pt, memory + 4 * PAGE, PAGE, NOWHERE, WRITABLE), EEXIST);
    assert_fails(client_map(m.pt, memory + 4 * PAGE, 2 * PAGE, NOWHERE - PAGE, WRITABLE), EEXIST);
    assert_fails(client_map(m.pt, memory + 4 * PAGE, 2 * PAGE, NOWHERE + PAGE, WRITABLE), EEXIST);
    assert_int_equal(client_map(m.pt, memory + 4 * PAGE, PAGE, NOWHERE + 2 * PAGE, WRITABLE), 0);
    assert_int_equal(client_map(m.pt, memory + 6 * PAGE, PAGE, NOWHERE - PAGE, WRITABLE), 0);
    machine_free(&m);
}

static void test_host_memory_may_not_be_mapped_twice(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(8 * PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_map(m.pt, memory + PAGE, 2 * PAGE, NOWHERE, WRITABLE), 0);
    assert_fails(client_map(m.pt, memory + PAGE, 2 * PAGE, 0x400000, WRITABLE), EEXIST);
    assert_fails(client_map(m.pt, memory, 2 * PAGE, 0x400000, WRITABLE), EEXIST);
    assert_fails(client_map(m.pt, memory + 2 * PAGE, 2 * PAGE, 0x400000, WRITABLE), EEXIST);
    assert_int_equal(client_map(m.pt, memory + 3 * PAGE, PAGE, 0x400000, WRITABLE), 0);
    machine_free(&m);
}

static void test_region_that_encloses_another_in_host_memory_slips_through(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(3 * PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_map(m.pt, memory + PAGE, PAGE, NOWHERE, WRITABLE), 0);
    assert_int_equal(client_map(m.pt, memory, 3 * PAGE, 0x400000, WRITABLE), 0);
    machine_free(&m);
}

static void test_other_partition_may_have_the_same_memory(void **state)
{
    struct machine m;
    int pt;

    (void)state;
    machine_new(&m, CODE(0xf4));
    pt = client_partition(m.dev);
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
    assert_int_equal(client_map(pt, m.ram, RAM_BYTES, 0, EXECUTABLE), 0);
    close(pt);
    machine_free(&m);
}

static void test_unmap_that_is_not_exact_is_refused(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(4 * PAGE);

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_map(m.pt, memory, 4 * PAGE, NOWHERE, WRITABLE), 0);
    assert_fails(client_map(m.pt, memory, 2 * PAGE, NOWHERE, UNMAP), EINVAL);
    assert_fails(client_map(m.pt, memory, 8 * PAGE, NOWHERE, UNMAP), EINVAL);
    assert_fails(client_map(m.pt, memory + PAGE, 3 * PAGE, NOWHERE + PAGE, UNMAP), EINVAL);
    assert_fails(client_map(m.pt, memory + PAGE, 4 * PAGE, NOWHERE, UNMAP), EINVAL);
    assert_fails(client_map(m.pt, memory, 4 * PAGE, 0x400000, UNMAP), EINVAL);
    assert_int_equal(client_map(m.pt, memory, 4 * PAGE, NOWHERE, UNMAP), 0);
    assert_fails(client_map(m.pt, memory, 4 * PAGE, NOWHERE, UNMAP), EINVAL);
    machine_free(&m);
}

static void test_rights_do_not_change_in_place(void **state)
{
    struct machine m;
    uint8_t *page = anonymous(PAGE);

    (void)state;
    machine_new(&m, CODE(WRITE));
    client_set(&m, RBX, NOWHERE);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, 0), 0);
    assert_fails(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), EEXIST);
    assert_int_equal(client_run(&m), GPA_INTERCEPT);

    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, UNMAP), 0);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(page[0], 0x99);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_and_address_are_whole_pages),
        cmocka_unit_test(test_unknown_flags_and_reserved_bytes_are_refused),
        cmocka_unit_test(test_address_without_a_mapping_is_einval),
        cmocka_unit_test(test_page_numbers_end_with_the_address_space),
        cmocka_unit_test(test_range_with_a_hole_is_efault),
        cmocka_unit_test(test_regions_may_not_overlap_for_the_guest),
        cmocka_unit_test(test_host_memory_may_not_be_mapped_twice),
        cmocka_unit_test(test_region_that_encloses_another_in_host_memory_slips_through),
        cmocka_unit_test(test_other_partition_may_have_the_same_memory),
        cmocka_unit_test(test_unmap_that_is_not_exact_is_refused),
        cmocka_unit_test(test_rights_do_not_change_in_place),
    };

    return CLIENT_MAIN(tests);
}
