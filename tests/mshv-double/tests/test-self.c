/* SPDX-License-Identifier: Apache-2.0 */
/* What a client finds of itself in /proc: what it has opened and mapped, as with a driver, and
 * nothing that is a double's. */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 0x1000u

static unsigned listed_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 3; /* ".", "..", and the folder itself */
}

static unsigned listed_mappings(const char *path)
{
    FILE *maps = fopen(path, "re");
    unsigned count = 0;
    int c;

    assert_non_null(maps);
    while ((c = fgetc(maps)) != EOF)
        count += c == '\n';
    fclose(maps);
    return count;
}

/* Is all of it in a line? */
static bool is_listed(const void *start, size_t bytes)
{
    uintptr_t at = (uintptr_t)start, from, to;
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;
    char line[512];

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        assert_int_equal(sscanf(line, "%lx-%lx", &from, &to), 2);
        found |= from <= at && to >= at + bytes;
    }
    fclose(maps);
    return found;
}

static void test_descriptors_listed_are_the_clients(void **state)
{
    unsigned before = listed_descriptors();
    struct machine m;

    (void)state;
    assert_int_equal(before, client_descriptors(900));
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(listed_descriptors(), before + 4); /* three, and the file of its memory */
    assert_int_equal(listed_descriptors(), client_descriptors(900));
    machine_free(&m);
    assert_int_equal(listed_descriptors(), before);
}

/* Of another folder nothing is left out, whatever the names in it. */
static void test_names_in_other_folders_are_all_listed(void **state)
{
    char path[] = "/tmp/mshv-self-XXXXXX", name[32];
    unsigned found = 0;
    struct machine m;
    int folder, file;
    DIR *dir;

    (void)state;
    assert_non_null(mkdtemp(path));
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    machine_new(&m, CODE(0xf4));
    for (int i = 900; i < 920; i++) {
        snprintf(name, sizeof name, "%d", i);
        file = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(file >= 0);
        close(file);
    }
    dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        found++;
    closedir(dir);
    machine_free(&m);
    for (int i = 900; i < 920; i++) {
        snprintf(name, sizeof name, "%d", i);
        unlinkat(folder, name, 0);
    }
    close(folder);
    rmdir(path);
    assert_int_equal(found, 20 + 2);
}

static void test_mappings_listed_are_the_clients(void **state)
{
    unsigned before, idle, running;
    struct machine m;
    void *page;

    (void)state;
    machine_new(&m, CODE(0xf4)); /* what is allocated once is there after the first */
    machine_free(&m);
    before = listed_mappings("/proc/self/maps");
    machine_new(&m, CODE(0xf4));
    idle = listed_mappings("/proc/self/maps");
    assert_in_range(idle, before, before + 2); /* RAM and the page at READ_ONLY_AT */
    page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m.vp, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    running = listed_mappings("/proc/self/maps");
    assert_in_range(running, idle, idle + 1);
    assert_true(is_listed(page, PAGE));
    assert_true(is_listed(m.ram, RAM_BYTES));
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(listed_mappings("/proc/self/maps"), running);
    munmap(page, PAGE);
    machine_free(&m);
    assert_int_equal(listed_mappings("/proc/self/maps"), before);
}

/* The kernel makes one mapping of two that go on in each other: what is behind one of the double's
 * must not go with it. */
static void test_memory_between_is_listed(void **state)
{
    uint8_t *memory =
        mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct machine m;

    (void)state;
    assert_ptr_not_equal(memory, MAP_FAILED);
    machine_new(&m, CODE(0xf4));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(
            client_map(m.pt, memory + 8 * i * PAGE, PAGE, NOWHERE + i * PAGE, WRITABLE), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_true(is_listed(memory + i * PAGE, PAGE));
    machine_free(&m);
    munmap(memory, 64 * PAGE);
}

static void test_mappings_by_another_path_are_the_same(void **state)
{
    char path[64];
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    snprintf(path, sizeof path, "/proc/%d/maps", (int)getpid());
    assert_int_equal(listed_mappings(path), listed_mappings("/proc/self/maps"));
    machine_free(&m);
}

/* There is one descriptor left, which the kernel's file takes. */
static void test_mappings_can_be_opened_by_the_last_descriptor(void **state)
{
    struct rlimit limit, before;
    int next = dup(0);
    FILE *maps;

    (void)state;
    assert_return_code(next, errno);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)next + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    maps = fopen("/proc/self/maps", "re");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_non_null(maps);
    assert_int_not_equal(fgetc(maps), EOF);
    fclose(maps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_listed_are_the_clients),
        cmocka_unit_test(test_names_in_other_folders_are_all_listed),
        cmocka_unit_test(test_mappings_listed_are_the_clients),
        cmocka_unit_test(test_memory_between_is_listed),
        cmocka_unit_test(test_mappings_by_another_path_are_the_same),
        cmocka_unit_test(test_mappings_can_be_opened_by_the_last_descriptor),
    };

    return CLIENT_MAIN(tests);
}
