/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call costs in counts that do not depend on the machine's mood: exits to the host and
 * ioctls, with the default deadline armed. This program's own ioctl takes the place of libc's in
 * the libraries that it loads, and counts.
 */
#include "e2e.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm.h>

#define CALLS 1000u

int ioctl(int fd, unsigned long request, ...);

static unsigned ioctls;

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    ioctls++;
    return (int)syscall(SYS_ioctl, fd, request, arg);
}

static struct sconce_stats stats_of(const struct sconce_sandbox *sandbox)
{
    struct sconce_stats stats = {.size = sizeof stats};

    assert_int_equal(sconce_sandbox_stats(sandbox, &stats), 0);
    return stats;
}

/* A virtual machine is entered and left by one; a process is released by one, and waited for by
 * another. */
static unsigned ioctls_an_exit(void)
{
    return strcmp(e2e_isolation(), "process") == 0 ? 2 : 1;
}

/* A cancelled exit is a signal that came by, ours to move the timer on or anybody's. */
struct counts {
    unsigned long exits, cancelled, ioctls;
};

static struct counts count_calls(const char *function)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "types");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    struct sconce_stats before, after;
    struct sconce_error err = {0};
    struct counts counts;
    unsigned first_ioctl;

    e2e_ok(sconce_sandbox_call(sandbox, function, NULL, 0, NULL, &err), &err);
    before = stats_of(sandbox);
    first_ioctl = ioctls;
    for (unsigned i = 0; i < CALLS; i++)
        e2e_ok(sconce_sandbox_call(sandbox, function, NULL, 0, NULL, &err), &err);
    after = stats_of(sandbox);
    counts = (struct counts){after.exits - before.exits,
                             after.cancelled_exits - before.cancelled_exits, ioctls - first_ioctl};
    print_message("%s: %.3f exits, %.3f ioctls a call (%lu of them cancelled)\n", function,
                  (double)counts.exits / CALLS, (double)counts.ioctls / CALLS, counts.cancelled);

    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    return counts;
}

static void test_counts_null_call_is_one_exit(void **state)
{
    struct counts counts = count_calls("nothing");

    (void)state;
    assert_int_equal(counts.exits - counts.cancelled, CALLS);
    assert_int_equal(counts.ioctls, counts.exits * ioctls_an_exit());
}

static void test_counts_host_call_is_two_exits(void **state)
{
    struct counts counts = count_calls("via_host_nothing");

    (void)state;
    assert_int_equal(counts.exits - counts.cancelled, 2 * CALLS);
    assert_int_equal(counts.ioctls, counts.exits * ioctls_an_exit());
}

/* sconce_sandbox_restore or sconce_sandbox_rewind, and a call: how many ioctls, and exits. */
static struct counts count_ways_back(int (*back)(struct sconce_sandbox *,
                                                 const struct sconce_snapshot *,
                                                 struct sconce_error *))
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "types");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_stats before, after;
    struct sconce_error err = {0};
    struct counts counts;
    unsigned first_ioctl;

    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    e2e_ok(sconce_sandbox_call(sandbox, "nothing", NULL, 0, NULL, &err), &err);
    before = stats_of(sandbox);
    first_ioctl = ioctls;
    for (unsigned i = 0; i < CALLS; i++) {
        e2e_ok(back(sandbox, snapshot, &err), &err);
        e2e_ok(sconce_sandbox_call(sandbox, "nothing", NULL, 0, NULL, &err), &err);
    }
    after = stats_of(sandbox);
    counts = (struct counts){after.exits - before.exits,
                             after.cancelled_exits - before.cancelled_exits, ioctls - first_ioctl};

    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    return counts;
}

static bool is_kvm_x86_64(void)
{
    return strcmp(e2e_backend(), "kvm-x86_64") == 0;
}

/* Written pages are in the ring, which is read without one, where KVM has it (Linux 5.11). */
static unsigned ioctls_to_find_pages(void)
{
    int kvm = is_kvm_x86_64() ? open("/dev/kvm", O_RDWR | O_CLOEXEC) : -1;
    bool ring =
        kvm >= 0 && syscall(SYS_ioctl, kvm, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING) > 0;

    if (kvm >= 0)
        close(kvm);
    return ring ? 0 : 1;
}

static void test_counts_rewind_on_kvm_only_finds_pages(void **state)
{
    struct counts counts = count_ways_back(sconce_sandbox_rewind);

    (void)state;
    assert_int_equal(counts.exits - counts.cancelled, CALLS);
    if (strncmp(e2e_backend(), "kvm-", 4) == 0)
        assert_int_equal(counts.ioctls, counts.exits + CALLS * ioctls_to_find_pages());
}

/* That, and the floating-point registers: all else goes in with the run. A signal that came by has
 * what was skipped done after all. */
static void test_counts_restore_on_kvm_x86_64_sets_one_class(void **state)
{
    struct counts counts = count_ways_back(sconce_sandbox_restore);
    unsigned long least = CALLS * (1 + ioctls_to_find_pages());

    (void)state;
    assert_int_equal(counts.exits - counts.cancelled, CALLS);
    if (is_kvm_x86_64())
        assert_in_range(counts.ioctls - counts.exits, least, least + 4 * counts.cancelled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_null_call_is_one_exit),
        cmocka_unit_test(test_counts_host_call_is_two_exits),
        cmocka_unit_test(test_counts_rewind_on_kvm_only_finds_pages),
        cmocka_unit_test(test_counts_restore_on_kvm_x86_64_sets_one_class),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
