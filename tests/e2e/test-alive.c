/* SPDX-License-Identifier: Apache-2.0 */
/* Many guests' processes at once: what each takes, in counts that are held and bytes that are told.
 */
#include "e2e.h"
#include "processes.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ALIVE 500u
#define MOST_FDS 3u
#define MOST_MAPPINGS 3u

/* A line "NAME: NUMBER kB" of a file of /proc; -1 when it may not be read. */
static long read_kib(const char *path, const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen(path, "re");

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            sscanf(line + strlen(name) + 1, "%ld", &value);
    if (file)
        fclose(file);
    return value;
}

static double each(long before, long after)
{
    return (double)(after - before) / ALIVE;
}

static void tell_of_process(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    if (read_kib(path, "Rss") < 0) {
        print_message("  its memory is for root to see\n");
        return;
    }
    print_message("  one process: RSS %ld KiB, PSS %ld KiB, private dirty %ld KiB, anonymous %ld "
                  "KiB\n",
                  read_kib(path, "Rss"), read_kib(path, "Pss"), read_kib(path, "Private_Dirty"),
                  read_kib(path, "Anonymous"));
}

static void test_alive_500_take_few_descriptors_and_mappings(void **state)
{
    static struct sconce_sandbox *alive[ALIVE];
    static pid_t guests[ALIVE + 1];
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    unsigned fds, mappings, more_fds, more_mappings;
    struct sconce_error err = {0};
    long available, slab, tables;
    pid_t zygote;

    (void)state;
    sconce_sandbox_free(e2e_sandbox(guest, NULL)); /* the zygote's own share is not a sandbox's */
    fds = e2e_fds();
    mappings = e2e_mappings();
    available = read_kib("/proc/meminfo", "MemFree");
    slab = read_kib("/proc/meminfo", "Slab");
    tables = read_kib("/proc/meminfo", "PageTables");
    for (unsigned i = 0; i < ALIVE; i++)
        alive[i] = e2e_sandbox(guest, NULL);
    for (unsigned i = 0; i < ALIVE; i++)
        e2e_ok(sconce_sandbox_call(alive[i], "next", NULL, 0, NULL, &err), &err);

    zygote = processes_zygote(getpid());
    assert_int_not_equal(zygote, 0);
    assert_int_equal(processes_children(zygote, guests, ALIVE + 1), ALIVE);
    more_fds = e2e_fds() - fds;
    more_mappings = e2e_mappings() - mappings;
    print_message("a sandbox takes %.2f descriptors and %.2f mappings of its host\n",
                  (double)more_fds / ALIVE, (double)more_mappings / ALIVE);
    print_message("  MemFree %.1f KiB less, Slab %.1f KiB and page tables %.1f KiB more\n",
                  -each(available, read_kib("/proc/meminfo", "MemFree")),
                  each(slab, read_kib("/proc/meminfo", "Slab")),
                  each(tables, read_kib("/proc/meminfo", "PageTables")));
    tell_of_process(guests[0]);
    assert_in_range(more_fds, 1, MOST_FDS * ALIVE);
    /* The allocator may have taken some for itself. */
    assert_in_range(more_mappings, 1, MOST_MAPPINGS * ALIVE);

    for (unsigned i = 0; i < ALIVE; i++)
        sconce_sandbox_free(alive[i]);
    assert_int_equal(e2e_fds(), fds);
    processes_await_no_children(zygote);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    assert_int_equal(processes_children(getpid(), guests, ALIVE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alive_500_take_few_descriptors_and_mappings),
    };
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < (MOST_FDS + 1) * ALIVE) {
        printf("skipped: no more than %lu open files are allowed\n", (unsigned long)files.rlim_max);
        return 77;
    }
    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
