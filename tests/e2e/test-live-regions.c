/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is mapped over, unmapped, moved or dropped in the host under a region that a partition
 * has: by the library and the backend, in a life with all that it has. With pinned memory the guest
 * would go on with the old pages (tests/mshv-double/tests/test-pinning.c: mapping over the range is
 * not seen).
 *
 * The functions that could do it stand in this program, in front of libc's and of the double's.
 */
#include "e2e.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>

#define SET_GUEST_MEMORY 0x4020b802ul
#define UNMAP 4u
#define MAX_REGIONS 512

/* As SET_GUEST_MEMORY has it. */
struct region {
    uint64_t bytes, pfn, host;
    uint8_t flags, zero[7];
};

static struct region live[MAX_REGIONS];
static unsigned live_count, all_count, touched;

#define SHOWN __attribute__((visibility("default")))

SHOWN int ioctl(int fd, unsigned long request, ...);
SHOWN void *mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
SHOWN int munmap(void *at, size_t bytes);
SHOWN void *mremap(void *at, size_t bytes, size_t new_bytes, int flags, ...);
SHOWN int madvise(void *at, size_t bytes, int advice);

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static bool is_live(const void *at, size_t bytes)
{
    uint64_t from = (uintptr_t)at;

    for (unsigned i = 0; i < live_count; i++)
        if (from < live[i].host + live[i].bytes && live[i].host < from + bytes)
            return true;
    return false;
}

static void note(const struct region *region)
{
    if (!(region->flags & UNMAP)) {
        assert_in_range(live_count, 0, MAX_REGIONS - 1);
        live[live_count++] = *region;
        all_count++;
        return;
    }
    for (unsigned i = 0; i < live_count; i++)
        if (live[i].host == region->host && live[i].pfn == region->pfn) {
            live[i] = live[--live_count];
            return;
        }
    fail_msg("a region was unmapped that is not there");
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*real)(int, unsigned long, void *);
    va_list args;
    void *argument;
    int r;

    va_start(args, request);
    argument = va_arg(args, void *);
    va_end(args);
    *(void **)&real = next("ioctl");
    r = real(fd, request, argument);
    if (r == 0 && request == SET_GUEST_MEMORY)
        note(argument);
    return r;
}

void *mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t);

    *(void **)&real = next("mmap64");
    touched += (flags & MAP_FIXED) && is_live(at, bytes);
    return real(at, bytes, prot, flags, fd, offset);
}

int munmap(void *at, size_t bytes)
{
    int (*real)(void *, size_t);

    *(void **)&real = next("munmap");
    touched += is_live(at, bytes);
    return real(at, bytes);
}

void *mremap(void *at, size_t bytes, size_t new_bytes, int flags, ...)
{
    void *(*real)(void *, size_t, size_t, int, void *);
    va_list args;
    void *to;

    va_start(args, flags);
    to = va_arg(args, void *);
    va_end(args);
    *(void **)&real = next("mremap");
    touched += is_live(at, bytes) || ((flags & MREMAP_FIXED) && is_live(to, new_bytes));
    return real(at, bytes, new_bytes, flags, to);
}

int madvise(void *at, size_t bytes, int advice)
{
    int (*real)(void *, size_t, int);

    *(void **)&real = next("madvise");
    touched += (advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE) &&
               is_live(at, bytes);
    return real(at, bytes, advice);
}

/* ---- The life -------------------------------------------------------------------------------- */

static void call(struct sconce_sandbox *sandbox)
{
    struct sconce_error err = {0};

    for (unsigned i = 0; i < 3; i++)
        e2e_ok(sconce_sandbox_call(sandbox, "nothing", NULL, 0, NULL, &err), &err);
}

static void restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot)
{
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_restore(sandbox, snapshot, &err), &err);
    call(sandbox);
}

static void test_live_regions_are_left_alone_by_library_and_backend(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "types");
    struct sconce_sandbox *one = e2e_sandbox(guest, NULL), *other = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    (void)state;
    call(one);
    call(other);
    assert_int_not_equal(live_count, 0);
    e2e_ok(sconce_sandbox_snapshot(one, &snapshot, &err), &err);
    call(one);
    restore(one, snapshot);
    restore(other, snapshot);
    restore(one, snapshot);
    sconce_sandbox_free(one);
    call(other);
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(other);
    assert_int_equal(live_count, 0);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    assert_int_equal(touched, 0);
}

/* That it would be seen. */
static void test_live_region_that_is_mapped_over_is_seen(void **state)
{
    struct region region = {.bytes = 8192};
    void *at = mmap64(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    region.host = (uintptr_t)at;
    note(&region);
    mmap64(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    madvise(at, 4096, MADV_DONTNEED);
    munmap((char *)at + 4096, 4096);
    assert_int_equal(touched, 3);
    region.flags = UNMAP;
    note(&region);
    munmap(at, 4096);
    assert_int_equal(touched, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_regions_are_left_alone_by_library_and_backend),
        cmocka_unit_test(test_live_region_that_is_mapped_over_is_seen),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
