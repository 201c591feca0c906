/* SPDX-License-Identifier: Apache-2.0 */
/* What pinned memory means: which views can be, and what the guest sees of what comes after. */
#include "client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define TMPFS_MAGIC 0x01021994

#define PAGE 0x1000u

/* mov (%rbx),%al; out %al,$0x42; jmp back: tells the byte at RBX, again and again. */
#define TELL 0x8a, 0x03, 0xe6, 0x42, 0xeb, 0xfa
/* mov $0x99,%cl; mov %cl,(%rbx); hlt */
#define WRITE 0xb1, 0x99, 0x88, 0x0b, 0xf4

static uint8_t told(struct machine *m)
{
    assert_int_equal(client_run(m), IO_PORT);
    client_skip(m);
    return (uint8_t)PAYLOAD(&m->message, 48, 1);
}

static void *anonymous(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

/* A machine that tells what is at NOWHERE, where @page is mapped. */
static void new_teller(struct machine *m, void *page)
{
    machine_new(m, CODE(TELL));
    client_set(m, RBX, NOWHERE);
    assert_int_equal(client_map(m->pt, page, PAGE, NOWHERE, WRITABLE), 0);
}
static void test_read_only_views_cannot_be_pinned(void **state)
{
    struct machine m;
    int file;
    void *rw = client_memory(PAGE, &file);
    void *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    void *private = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    void *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    machine_new(&m, CODE(0xf4));
    /* Not even for a guest that only reads. */
    assert_fails(client_map(m.pt, shared, PAGE, NOWHERE, 0), EFAULT);
    assert_fails(client_map(m.pt, private, PAGE, NOWHERE, EXECUTABLE), EFAULT);
    assert_fails(client_map(m.pt, none, PAGE, NOWHERE, 0), EFAULT);
    assert_int_equal(client_map(m.pt, rw, PAGE, NOWHERE, 0), 0);
    machine_free(&m);
}

static void test_shared_pages_of_a_file_on_disk_cannot_be_pinned(void **state)
{
    struct machine m;
    char name[] = "mshv-double-XXXXXX";
    int file = mkstemp(name);
    struct statfs fs;
    void *view;

    (void)state;
    assert_true(file >= 0);
    unlink(name);
    assert_int_equal(ftruncate(file, PAGE), 0);
    assert_int_equal(fstatfs(file, &fs), 0);
    if (fs.f_type == TMPFS_MAGIC) { /* the build folder is in memory */
        close(file);
        skip();
    }
    machine_new(&m, CODE(0xf4));
    view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_fails(client_map(m.pt, view, PAGE, NOWHERE, WRITABLE), EFAULT);
    machine_free(&m);
    close(file);
}

static void test_private_view_is_copied_at_once(void **state)
{
    struct machine m;
    int file;
    uint8_t *rw = client_memory(PAGE, &file);
    uint8_t *view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);

    (void)state;
    rw[0] = 1;
    new_teller(&m, view);
    rw[0] = 2;

    assert_int_equal(told(&m), 1);
    assert_int_equal(view[0], 1);
    machine_free(&m);
}

static void test_what_the_client_writes_later_is_seen(void **state)
{
    struct machine m;
    int file;
    uint8_t *kinds[] = {anonymous(PAGE), client_memory(PAGE, &file)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        new_teller(&m, kinds[i]);
        kinds[i][0] = 5;
        assert_int_equal(told(&m), 5);
        kinds[i][0] = 6;
        assert_int_equal(told(&m), 6);
        machine_free(&m);
    }
}

static void test_contents_from_before_are_seen(void **state)
{
    struct machine m;
    uint8_t *page = anonymous(PAGE);

    (void)state;
    page[0] = 0x33;
    new_teller(&m, page);
    assert_int_equal(told(&m), 0x33);
    assert_int_equal(page[0], 0x33);
    machine_free(&m);
}

static void test_dontneed_after_map_is_not_seen(void **state)
{
    struct machine m;
    int file;
    uint8_t *kinds[] = {anonymous(PAGE), client_memory(PAGE, &file)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        kinds[i][0] = 0x44;
        new_teller(&m, kinds[i]);
        assert_int_equal(madvise(kinds[i], PAGE, MADV_DONTNEED), 0);
        assert_int_equal(told(&m), 0x44);
        machine_free(&m);
    }
}

static void test_mapping_over_the_range_is_not_seen(void **state)
{
    struct machine m;
    int file;
    uint8_t *kinds[] = {anonymous(PAGE), client_memory(PAGE, &file)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        kinds[i][0] = 0x55;
        new_teller(&m, kinds[i]);
        assert_ptr_equal(mmap(kinds[i], PAGE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                         kinds[i]);
        kinds[i][0] = 0x66;
        assert_int_equal(told(&m), 0x55);
        machine_free(&m);
    }
}

static void test_unmapping_in_the_client_leaves_the_guest_its_memory(void **state)
{
    struct machine m;
    int file;
    uint8_t *page = client_memory(PAGE, &file);

    (void)state;
    page[0] = 0x21;
    new_teller(&m, page);
    munmap(page, PAGE);
    close(file);

    assert_int_equal(told(&m), 0x21);
    /* The region is still there, and still has its address. */
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, UNMAP), 0);
    machine_free(&m);
}

static void test_protection_of_the_client_is_not_the_guests(void **state)
{
    struct machine m;
    int file;
    uint8_t *page = client_memory(PAGE, &file);

    (void)state;
    machine_new(&m, CODE(WRITE));
    client_set(&m, RBX, NOWHERE);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    mprotect(page, PAGE, PROT_READ);

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(page[0], 0x99);
    machine_free(&m);
}

static void test_range_of_several_mappings_is_one_region(void **state)
{
    struct machine m;
    int file;
    uint8_t *memory = anonymous(3 * PAGE);

    (void)state;
    client_memory(PAGE, &file);
    assert_ptr_equal(
        mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0),
        memory + PAGE);
    memory[0] = 1;
    memory[PAGE] = 2;
    memory[2 * PAGE] = 3;
    machine_new(&m, CODE(TELL));
    assert_int_equal(client_map(m.pt, memory, 3 * PAGE, NOWHERE, WRITABLE), 0);
    for (uint8_t i = 0; i < 3; i++) {
        client_set(&m, RBX, NOWHERE + i * PAGE);
        assert_int_equal(told(&m), i + 1);
    }
    machine_free(&m);
}

static void test_memory_is_gone_after_unmap(void **state)
{
    struct machine m;
    uint8_t *page = anonymous(PAGE);

    (void)state;
    new_teller(&m, page);
    told(&m);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, UNMAP), 0);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);

    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    page[0] = 8;
    assert_int_equal(told(&m), 8);
    machine_free(&m);
}

/* ---- Afterwards ------------------------------------------------------------------------------ */

/* Does a child of fork() have a copy of @page, and MADV_DONTNEED an effect? */
static void assert_private(uint8_t *page)
{
    int status;
    pid_t child;

    page[0] = 1;
    child = fork();
    if (child == 0) {
        page[0] = 2;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(page[0], 1);
    assert_int_equal(madvise(page, PAGE, MADV_DONTNEED), 0);
    assert_int_equal(page[0], 0);
}

static void test_private_memory_is_the_clients_alone_after_unmap(void **state)
{
    struct machine m;
    uint8_t *memory = anonymous(3 * PAGE);

    (void)state;
    machine_new(&m, CODE(WRITE));
    client_set(&m, RBX, NOWHERE + PAGE);
    assert_int_equal(mprotect(memory, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    assert_int_equal(client_map(m.pt, memory, 3 * PAGE, NOWHERE, WRITABLE), 0);
    assert_int_equal(client_run(&m), HALT);
    memory[2 * PAGE] = 7;
    assert_int_equal(client_map(m.pt, memory, 3 * PAGE, NOWHERE, UNMAP), 0);
    assert_int_equal(memory[PAGE], 0x99); /* as the guest left it */
    assert_int_equal(memory[2 * PAGE], 7);
    for (unsigned i = 0; i < 3; i++)
        assert_private(memory + (uint64_t)i * PAGE);
    machine_free(&m);
}

static void test_private_memory_is_the_clients_alone_after_the_partition(void **state)
{
    struct machine m;
    uint8_t *page = anonymous(PAGE);
    void *heap;

    (void)state;
    assert_int_equal(posix_memalign(&heap, PAGE, PAGE), 0);
    new_teller(&m, page);
    assert_int_equal(client_map(m.pt, heap, PAGE, NOWHERE + PAGE, 0), 0);
    machine_free(&m);
    assert_private(page);
    assert_private(heap);
    free(heap);
}

static void test_private_memory_of_two_partitions_is_shared_till_the_second_goes(void **state)
{
    struct machine a, b;
    uint8_t *memory = anonymous(2 * PAGE);

    (void)state;
    machine_new(&a, CODE(0xf4));
    assert_int_equal(client_map(a.pt, memory, 2 * PAGE, NOWHERE, 0), 0);
    new_teller(&b, memory);
    machine_free(&a);
    memory[0] = 5;
    assert_int_equal(told(&b), 5);
    machine_free(&b);
    assert_private(memory);
    assert_private(memory + PAGE);
}

static void test_what_was_mapped_over_stays_when_the_region_goes(void **state)
{
    struct machine m;
    int file;
    uint8_t *page = anonymous(PAGE);

    (void)state;
    new_teller(&m, page);
    client_memory(PAGE, &file);
    assert_ptr_equal(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0),
                     page);
    machine_free(&m);
    page[0] = 9;
    assert_int_equal(madvise(page, PAGE, MADV_DONTNEED), 0);
    assert_int_equal(page[0], 9); /* the file's */
}

static void test_memory_can_be_set_without_a_free_descriptor(void **state)
{
    uint8_t *page = anonymous(PAGE);
    struct machine m;
    struct rlimit old, none;
    int next, r;

    (void)state;
    machine_new(&m, CODE(TELL));
    client_set(&m, RBX, NOWHERE);
    page[0] = 3;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    next = dup(m.file);
    close(next);
    none = (struct rlimit){(rlim_t)next, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    r = client_map(m.pt, page, PAGE, NOWHERE, WRITABLE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(r, 0);
    assert_int_equal(told(&m), 3);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_only_views_cannot_be_pinned),
        cmocka_unit_test(test_shared_pages_of_a_file_on_disk_cannot_be_pinned),
        cmocka_unit_test(test_private_view_is_copied_at_once),
        cmocka_unit_test(test_what_the_client_writes_later_is_seen),
        cmocka_unit_test(test_contents_from_before_are_seen),
        cmocka_unit_test(test_dontneed_after_map_is_not_seen),
        cmocka_unit_test(test_mapping_over_the_range_is_not_seen),
        cmocka_unit_test(test_unmapping_in_the_client_leaves_the_guest_its_memory),
        cmocka_unit_test(test_protection_of_the_client_is_not_the_guests),
        cmocka_unit_test(test_range_of_several_mappings_is_one_region),
        cmocka_unit_test(test_memory_is_gone_after_unmap),
        cmocka_unit_test(test_private_memory_is_the_clients_alone_after_unmap),
        cmocka_unit_test(test_private_memory_is_the_clients_alone_after_the_partition),
        cmocka_unit_test(test_private_memory_of_two_partitions_is_shared_till_the_second_goes),
        cmocka_unit_test(test_what_was_mapped_over_stays_when_the_region_goes),
        cmocka_unit_test(test_memory_can_be_set_without_a_free_descriptor),
    };

    return CLIENT_MAIN(tests);
}
