/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many sandboxes alive, all begun as one snapshot with 8 MiB of touched memory: what each takes, in
 * pages that are counted. Where pages are shared it is what the sandbox has used itself; elsewhere
 * what was touched, not what could be.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PAGE 4096u
#define TOUCHED (8u << 20)
#define HEAP (256u << 20)
#define MANY 200u
#define FEW 5u
#define SPARE (512u << 10) /* what a sandbox may take beside what it is copied */
#define FDS_EACH 3u
#define MAPPINGS_EACH 12u

static bool shares(void)
{
    return strncmp(e2e_backend(), "kvm-", 4) == 0;
}

/* Private pages of this process, in bytes. */
static uint64_t anonymous(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    uint64_t kib = 0;
    char line[256];

    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "Anonymous:", 10) == 0)
            kib = strtoull(line + 10, NULL, 10);
    fclose(file);
    return kib << 10;
}

/* That, and the pages of all files without a name that it holds. */
static uint64_t taken(void)
{
    uint64_t bytes = anonymous();
    struct rlimit files;
    struct stat status;

    getrlimit(RLIMIT_NOFILE, &files);
    for (rlim_t fd = 0; fd < files.rlim_cur && fd < (MANY + 100) * FDS_EACH; fd++)
        if (fstat((int)fd, &status) == 0 && S_ISREG(status.st_mode) && !status.st_nlink)
            bytes += (uint64_t)status.st_blocks * 512;
    return bytes;
}

static uint64_t ask(struct sconce_sandbox *sandbox, const char *function, uint64_t a, uint64_t b)
{
    const bool puts = strcmp(function, "poke") == 0;
    const struct sconce_value args[] = {sconce_u64(a), sconce_u64(b)};
    struct sconce_value result = {0};
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, function, args, puts ? 2 : 1, &result, &err), &err);
    return result.as.u64;
}

static uint64_t heap_of(struct sconce_sandbox *sandbox)
{
    const struct sconce_value which = sconce_u32(0);
    struct sconce_value result = {0};
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, "boot_word", &which, 1, &result, &err), &err);
    return result.as.u64;
}

/* A sandbox that has touched TOUCHED bytes of a heap of HEAP, and a snapshot of it. */
static struct sconce_snapshot *make_snapshot(struct sconce_guest *guest, uint64_t *ret_heap)
{
    const struct sconce_sandbox_options options = {.size = sizeof options,
                                                   .limits = {.heap_bytes = HEAP}};
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, &options);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    *ret_heap = heap_of(sandbox);
    for (uint64_t at = 0; at < TOUCHED; at += PAGE)
        ask(sandbox, "poke", *ret_heap + at, at + 1);
    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    sconce_sandbox_free(sandbox);
    return snapshot;
}

static void use(struct sconce_sandbox *sandbox, uint64_t heap, unsigned which)
{
    uint64_t at = heap + which % (TOUCHED / PAGE) * PAGE;

    assert_int_equal(ask(sandbox, "peek", at, 0), at - heap + 1);
    ask(sandbox, "poke", at, which);
    assert_int_equal(ask(sandbox, "peek", at, 0), which);
}

static void test_memory_of_many_is_what_they_use(void **state)
{
    const unsigned count = shares() ? MANY : FEW;
    const uint64_t most = shares() ? SPARE : TOUCHED + SPARE;
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "syscalls");
    struct sconce_sandbox *alive[MANY];
    struct sconce_error err = {0};
    uint64_t heap, before, half = 0, each;
    unsigned fds, mappings;

    (void)state;
    options.snapshot = make_snapshot(guest, &heap);
    fds = e2e_fds();
    mappings = e2e_mappings();
    before = taken();
    for (unsigned i = 0; i < count; i++) {
        alive[i] = e2e_sandbox(guest, &options);
        use(alive[i], heap, i);
        if (i == count / 2 - 1)
            half = taken() - before;
    }
    each = (taken() - before) / count;
    print_message("a sandbox takes %llu KiB; the first %u took %llu each\n",
                  (unsigned long long)each >> 10, count / 2,
                  (unsigned long long)(half / (count / 2)) >> 10);
    assert_in_range(each, 1, most);
    assert_in_range(e2e_fds() - fds, 1, FDS_EACH * count);
    assert_in_range(e2e_mappings() - mappings, 1, MAPPINGS_EACH * count);
    /* What it did is taken back, what it shares with others it keeps. */
    for (unsigned i = 0; i < count; i++)
        e2e_ok(sconce_sandbox_restore(alive[i], options.snapshot, &err), &err);
    assert_in_range((taken() - before) / count, 1, most);
    for (unsigned i = 0; i < count; i++) {
        use(alive[i], heap, i);
        sconce_sandbox_free(alive[i]);
    }
    sconce_snapshot_free((struct sconce_snapshot *)options.snapshot);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_of_many_is_what_they_use),
    };
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (strncmp(e2e_backend(), "mshv-", 5) == 0) {
        printf("skipped: what this backend maps is pinned, touched or not\n");
        return 77;
    }
    if (files.rlim_max < (MANY + 20) * FDS_EACH) {
        printf("skipped: no more than %lu open files are allowed\n", (unsigned long)files.rlim_max);
        return 77;
    }
    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
