/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/shared/kvm: ring.c, and what dirty.c makes of it. The test is KVM: it writes entries as
 * virt/kvm/dirty_ring.c does, and protects the pages of those that it gets back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugins/shared/kvm/vm.h"

#define ENTRIES 16u
#define PAGES 4096u
#define SLOT 3u
#define SLOT_GPA 0x10000000u

static struct kvm_dirty_gfn entries[ENTRIES];
static struct kvm_run run;
static struct {
    uint32_t noted, reset;    /* entries, both count on */
    uint32_t protected_again; /* of the entries that came back, with a page of a slot */
    bool writable[PAGES];
    unsigned resets;
    unsigned flags_set;
    bool refuses;
} kvm;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

static int reset_rings(void)
{
    int count = 0;

    for (; entries[kvm.reset % ENTRIES].flags & KVM_DIRTY_GFN_F_RESET; kvm.reset++, count++) {
        struct kvm_dirty_gfn *entry = &entries[kvm.reset % ENTRIES];

        entry->flags = 0;
        if (entry->slot != SLOT || entry->offset >= PAGES)
            continue;
        kvm.writable[entry->offset] = false;
        kvm.protected_again++;
    }
    kvm.resets++;
    return count;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    const struct kvm_userspace_memory_region *region = argument;

    (void)fd;
    if (kvm.refuses) {
        errno = EIO;
        return -1;
    }
    if (request == KVM_RESET_DIRTY_RINGS)
        return reset_rings();
    assert_int_equal(request, KVM_SET_USER_MEMORY_REGION);
    assert_int_equal(region->slot, 0);
    kvm.flags_set++;
    if (region->flags & KVM_MEM_LOG_DIRTY_PAGES)
        memset(kvm.writable, 0, sizeof kvm.writable);
    return 0;
}

static int start_over(void **state)
{
    (void)state;
    memset(entries, 0, sizeof entries);
    memset(&kvm, 0, sizeof kvm);
    return 0;
}

static struct sconce_kvm_ring ring_of_test(void)
{
    return (struct sconce_kvm_ring){.entries = entries, .count = ENTRIES};
}

/* The guest writes a page; false: there is no room to note it. */
static bool write_page(uint32_t slot, uint64_t page)
{
    struct kvm_dirty_gfn *entry = &entries[kvm.noted % ENTRIES];

    if (page < PAGES && kvm.writable[page])
        return true;
    if (kvm.noted - kvm.reset == ENTRIES)
        return false;
    *entry = (struct kvm_dirty_gfn){KVM_DIRTY_GFN_F_DIRTY, slot, page};
    kvm.noted++;
    if (page < PAGES)
        kvm.writable[page] = true;
    return true;
}

static void test_ring_gives_pages_in_order_and_once(void **state)
{
    struct sconce_kvm_ring ring = ring_of_test();
    uint32_t slot;
    uint64_t page;

    (void)state;
    assert_false(sconce_kvm_ring_take(&ring, &slot, &page));
    for (uint64_t i = 0; i < 3; i++)
        assert_true(write_page(SLOT, 7 * i));
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(sconce_kvm_ring_take(&ring, &slot, &page));
        assert_int_equal(slot, SLOT);
        assert_int_equal(page, 7 * i);
    }
    assert_false(sconce_kvm_ring_take(&ring, &slot, &page));
}

/* Round and round, and over the counters' end. What was written once is not noted again. */
static void test_ring_that_was_given_back_protects_no_page(void **state)
{
    struct sconce_kvm_ring ring = ring_of_test();
    uint32_t slot;
    uint64_t page;

    (void)state;
    ring.next = ring.given_back = kvm.noted = kvm.reset = 0u - 2 * ENTRIES;
    for (uint64_t i = 0; i < 10 * ENTRIES; i++) {
        assert_true(write_page(SLOT, i));
        assert_true(sconce_kvm_ring_take(&ring, &slot, &page));
        assert_int_equal(page, i);
        if (sconce_kvm_ring_filling(&ring))
            assert_int_equal(sconce_kvm_ring_give_back(&ring, -1, NULL), SCONCE_PLUGIN_OK);
    }
    assert_in_range(kvm.resets, 10 * ENTRIES / (ENTRIES / 4), 10 * ENTRIES / (ENTRIES / 4));
    assert_int_equal(kvm.protected_again, 0);
}

static void test_ring_that_is_not_taken_back_is_told(void **state)
{
    struct sconce_kvm_ring ring = ring_of_test();
    struct sconce_plugin_error err = {.size = sizeof err};

    (void)state;
    kvm.refuses = true;
    assert_int_equal(sconce_kvm_ring_give_back(&ring, -1, &err), SCONCE_PLUGIN_E_SYSTEM);
    assert_string_equal(err.text, "cannot empty a KVM vCPU's ring of written pages: "
                                  "Input/output error");
    assert_int_equal(ring.given_back, 0);
}

/* ---- sconce.dirty/1 ---------------------------------------------------------------------------
 */

static uint8_t memory[1];

/* A VM with one slot, number 0, of PAGES pages. */
static struct sconce_kvm_vm vm_of_test(void)
{
    struct sconce_kvm_vm vm = {
        .machine = {.vm_fd = -1, .vcpu_fd = -1, .run = &run, .ring = ring_of_test()},
        .memory = {.count = 1},
        .state = SCONCE_VCPU_RUNNABLE,
        .sealed = true,
    };

    vm.memory.ranges[0].gpa = SLOT_GPA;
    vm.memory.ranges[0].bytes = (uint64_t)PAGES * (uint64_t)sysconf(_SC_PAGESIZE);
    vm.memory.ranges[0].host = memory;
    vm.memory.ranges[0].prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE;
    return vm;
}

static const struct sconce_ext_dirty *ext(void)
{
    return sconce_kvm_get_extension(SCONCE_EXT_DIRTY);
}

static struct sconce_plugin_vm *handle(struct sconce_kvm_vm *vm)
{
    return (struct sconce_plugin_vm *)(void *)vm;
}

/* Adds up the pages that it is told. */
static void count_pages(void *ctx, uint64_t gpa, uint64_t bytes)
{
    assert_in_range(gpa, SLOT_GPA, SLOT_GPA + PAGES * 4096u - 1);
    *(uint64_t *)ctx += bytes / (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t collected(struct sconce_kvm_vm *vm)
{
    uint64_t pages = 0;

    assert_int_equal(ext()->collect(handle(vm), count_pages, &pages, NULL), SCONCE_PLUGIN_OK);
    return pages;
}

static void write_pages(struct sconce_kvm_vm *vm, uint64_t first, uint64_t count)
{
    for (uint64_t page = first; page < first + count; page++) {
        if (write_page(0, page))
            continue;
        assert_int_equal(sconce_kvm_dirty_make_room(vm, NULL), SCONCE_PLUGIN_OK);
        assert_true(write_page(0, page));
    }
}

static void test_dirty_tells_all_that_went_through_the_ring_each_time(void **state)
{
    struct sconce_kvm_vm vm = vm_of_test();

    (void)state;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(collected(&vm), 0);
    write_pages(&vm, 100, 5 * ENTRIES);
    assert_int_equal(collected(&vm), 5 * ENTRIES);
    write_pages(&vm, 100, 5 * ENTRIES); /* writable still */
    write_pages(&vm, 0, 1);
    assert_int_equal(collected(&vm), 5 * ENTRIES + 1);
    assert_int_equal(collected(&vm), 5 * ENTRIES + 1);
    sconce_kvm_dirty_fini(&vm.dirty);
}

/* Few pages are told on; many are protected again, and told when they are written again. */
static void test_dirty_begins_again(void **state)
{
    struct sconce_kvm_vm vm = vm_of_test();

    (void)state;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    write_pages(&vm, 0, 10);
    kvm.flags_set = 0;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(kvm.flags_set, 0);
    assert_int_equal(collected(&vm), 10);
    write_pages(&vm, 0, 100);
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(kvm.flags_set, 2);
    assert_int_equal(collected(&vm), 0);
    write_pages(&vm, 50, 3);
    assert_int_equal(collected(&vm), 3);
    sconce_kvm_dirty_fini(&vm.dirty);
}

/* What KVM says of slots that it was not asked about, or of pages behind a slot's end, is nobody's.
 */
static void test_dirty_passes_over_pages_of_others(void **state)
{
    struct sconce_kvm_vm vm = vm_of_test();

    (void)state;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    assert_true(write_page(1, 0));
    assert_true(write_page(0, PAGES));
    assert_true(write_page(0, UINT64_MAX));
    assert_true(write_page(0, PAGES - 1));
    assert_int_equal(collected(&vm), 1);
    sconce_kvm_dirty_fini(&vm.dirty);
}

/* Then nothing keeps track, and the next begin starts from nothing. */
static void test_dirty_that_cannot_protect_again_ends(void **state)
{
    struct sconce_kvm_vm vm = vm_of_test();
    uint64_t pages = 0;

    (void)state;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    write_pages(&vm, 0, 100);
    kvm.refuses = true;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_E_SYSTEM);
    assert_int_equal(ext()->collect(handle(&vm), count_pages, &pages, NULL),
                     SCONCE_PLUGIN_E_INVALID);
    kvm.refuses = false;
    assert_int_equal(ext()->begin(handle(&vm), NULL), SCONCE_PLUGIN_OK);
    write_pages(&vm, 7, 2);
    assert_in_range(collected(&vm), 2, 2 + ENTRIES); /* what the ring still had is told, too */
    sconce_kvm_dirty_fini(&vm.dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ring_gives_pages_in_order_and_once, start_over),
        cmocka_unit_test_setup(test_ring_that_was_given_back_protects_no_page, start_over),
        cmocka_unit_test_setup(test_ring_that_is_not_taken_back_is_told, start_over),
        cmocka_unit_test_setup(test_dirty_tells_all_that_went_through_the_ring_each_time,
                               start_over),
        cmocka_unit_test_setup(test_dirty_begins_again, start_over),
        cmocka_unit_test_setup(test_dirty_passes_over_pages_of_others, start_over),
        cmocka_unit_test_setup(test_dirty_that_cannot_protect_again_ends, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
