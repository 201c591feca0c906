/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When zygote and children come and go: none after the probe, one for each VM that was entered, a
 * new one after each reset, none after the last VM and the release.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/shared/process/tests/proc.h"
#include "sconce-ext-lifecycle.h"

static unsigned fds_at_start;

/* Before main(): the plugin is not loaded yet. */
__attribute__((constructor)) static void note_start(void)
{
    DIR *dir = opendir("/proc/self/fd");

    while (readdir(dir))
        fds_at_start++;
    closedir(dir);
}

static void release(void)
{
    const struct sconce_ext_lifecycle *life = plugin->get_extension(SCONCE_EXT_LIFECYCLE);

    assert_true(life && life->size >= sizeof *life);
    life->release();
}

static size_t zygotes(void)
{
    pid_t pid;

    return proc_children(getpid(), "sconce-zygote", &pid, 1);
}

/* Also the first test: the probe is all that was before it. */
static void test_probe_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(zygotes(), 0);
    assert_int_equal(count_fds(), fds_at_start);
    assert_null(strstr(proc_text(getpid(), "maps"), "memfd:"));
}

static void test_create_makes_no_process_before_the_entry(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(three_bells));
    guest_reset(&guest);
    assert_int_equal(zygotes(), 0);
    guest_free(&guest);
}

static void test_enter_costs_two_descriptors_and_one_mapping(void **state)
{
    struct fake_guest warm, guest;
    unsigned fds, maps;

    (void)state;
    guest_new(&warm, CODE(three_bells));
    guest_enter(&warm); /* there is a zygote now */
    guest_new(&guest, CODE(three_bells));
    fds = count_fds();
    maps = count_maps();
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_int_equal(count_fds(), fds + 2);
    assert_in_range(count_maps() - maps, 0, 1); /* neighbours may be shown as one */
    guest_free(&guest);
    guest_free(&warm);
}

static void test_destroy_ends_the_process_before_it_returns(void **state)
{
    struct fake_guest guest, other;
    pid_t zygote, pids[2];
    int pidfd;

    (void)state;
    guest_new(&guest, CODE(three_bells));
    guest_enter(&guest);
    zygote = proc_only_child(getpid(), "sconce-zygote");
    pidfd = proc_pidfd(proc_only_child(zygote, "sconce-guest"));
    guest_new(&other, CODE(three_bells));
    guest_enter(&other);
    assert_int_equal(proc_children(zygote, "sconce-guest", pids, 2), 2);

    guest_free(&guest);

    assert_true(proc_is_gone(pidfd)); /* not only killed */
    assert_int_equal(proc_children(zygote, "sconce-guest", pids, 2), 1);
    guest_expect_bell(&other, 1);
    close(pidfd);
    guest_free(&other);
    assert_int_equal(proc_children(zygote, "sconce-guest", pids, 2), 0);
}

static void test_reset_is_another_process(void **state)
{
    struct fake_guest guest;
    pid_t zygote, before, after;

    (void)state;
    guest_new(&guest, CODE(three_bells));
    guest_enter(&guest);
    zygote = proc_only_child(getpid(), "sconce-zygote");
    before = proc_only_child(zygote, "sconce-guest");
    guest_expect_bell(&guest, 1);

    guest_reset(&guest);

    after = proc_only_child(zygote, "sconce-guest");
    assert_int_not_equal(before, after);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_int_equal(proc_only_child(zygote, "sconce-guest"), after);
    guest_free(&guest);
}

static void test_release_ends_the_zygote_and_the_next_entry_starts_one(void **state)
{
    struct fake_guest guest;
    unsigned fds;

    (void)state;
    release();
    fds = count_fds();
    for (int i = 0; i < 3; i++) {
        guest_new(&guest, CODE(three_bells));
        guest_enter(&guest);
        guest_expect_bell(&guest, 1);
        guest_free(&guest);
        assert_int_equal(zygotes(), 1); /* kept for the next guest */
        release();
        assert_int_equal(zygotes(), 0);
        assert_int_equal(count_fds(), fds);
    }
    release();
}

/* Somebody kills the zygote, and with it its guests. */
static void test_run_after_the_zygotes_death_is_a_shutdown_and_a_reset_mends_it(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    int zygote_pidfd, child_pidfd;
    pid_t zygote;

    (void)state;
    guest_new(&guest, CODE(three_bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    zygote = proc_only_child(getpid(), "sconce-zygote");
    zygote_pidfd = proc_pidfd(zygote);
    child_pidfd = proc_pidfd(proc_only_child(zygote, "sconce-guest"));
    kill(zygote, SIGKILL);
    proc_await_end(zygote_pidfd);
    proc_await_end(child_pidfd);
    close(zygote_pidfd);
    close(child_pidfd);

    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SHUTDOWN);

    guest_reset(&guest);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_int_not_equal(proc_only_child(getpid(), "sconce-zygote"), zygote);
    guest_free(&guest);
}

/* The descriptor by which the host hears of the one child that there is. */
static int find_listener(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    char target[64];
    int fd = -1;

    while ((entry = readdir(dir))) {
        ssize_t bytes = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);

        if (bytes <= 0)
            continue;
        target[bytes] = '\0';
        if (strstr(target, "seccomp notify"))
            fd = (int)strtol(entry->d_name, NULL, 10);
    }
    closedir(dir);
    return fd;
}

/* Whatever became of the host's end: a child that reports to nobody must not go on, nor round. */
static void test_child_without_a_listener_ends_itself(void **state)
{
    struct fake_guest guest;
    int listener, pidfd, nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    guest_new(&guest, CODE(three_bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    pidfd = proc_pidfd(proc_only_child(proc_only_child(getpid(), "sconce-zygote"), "sconce-guest"));
    listener = find_listener();
    assert_true(listener >= 0);

    assert_int_equal(dup3(nothing, listener, O_CLOEXEC), listener);

    proc_await_end(pidfd);
    close(pidfd);
    close(nothing);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_leaves_nothing),
        cmocka_unit_test(test_create_makes_no_process_before_the_entry),
        cmocka_unit_test(test_enter_costs_two_descriptors_and_one_mapping),
        cmocka_unit_test(test_destroy_ends_the_process_before_it_returns),
        cmocka_unit_test(test_reset_is_another_process),
        cmocka_unit_test(test_release_ends_the_zygote_and_the_next_entry_starts_one),
        cmocka_unit_test(test_run_after_the_zygotes_death_is_a_shutdown_and_a_reset_mends_it),
        cmocka_unit_test(test_child_without_a_listener_ends_itself),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
