/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host's thread has in the kernel when it makes its first guest, and guests must not have:
 * the zygote is forked from it. Each test begins without a zygote.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/shared/process/tests/guests.h"
#include "sconce-ext-lifecycle.h"

static struct fake_guest guest;

static void end_zygote(void)
{
    const struct sconce_ext_lifecycle *life = plugin->get_extension(SCONCE_EXT_LIFECYCLE);

    life->release();
}

static int without_zygote(void **state)
{
    (void)state;
    end_zygote();
    return 0;
}

/* ---- A page fault of the host's ------------------------------------------------------------ */

static uint8_t *protected_page;

static void on_fault(int number)
{
    (void)number;
    mprotect(protected_page, 4096, PROT_READ | PROT_WRITE);
}

static void test_host_that_has_faulted_does_not_tell_guests_where(void **state)
{
    struct sigaction action = {.sa_handler = on_fault}, before;

    (void)state;
    protected_page =
        mmap((void *)0x123456789000, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(protected_page, MAP_FAILED);
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    *(volatile uint8_t *)protected_page = 1;
    sigaction(SIGSEGV, &before, NULL);

    guest_new(&guest, CODE(three_bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_int_equal(show_fault_address(&guest), 0);
    guest_free(&guest);
    munmap(protected_page, 4096);
}

/* ---- Rights -------------------------------------------------------------------------------- */

static void test_host_that_runs_what_it_reads_does_not_give_that_to_guests(void **state)
{
    struct sconce_exit exit;
    int before = personality(0xffffffff);

    (void)state;
    assert_true(personality((unsigned long)before | READ_IMPLIES_EXEC) >= 0);
    guest_new(&guest, CODE(run_data));
    guest_enter(&guest);
    personality((unsigned long)before);
    guest_expect_bell(&guest, 1);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.access, SCONCE_ACCESS_EXEC);
    guest_free(&guest);
}

/* ---- Where its children go ------------------------------------------------------------------- */

/* In a process of its own; what went wrong, 0 for nothing. */
static int enter_after_unshare(void)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA};
    int status;
    pid_t child;

    if (unshare(CLONE_NEWPID) && unshare(CLONE_NEWUSER | CLONE_NEWPID))
        return 77;
    if (ops->vcpu_enter(guest.vm, &entry, fresh_error()) != SCONCE_PLUGIN_E_UNAVAILABLE)
        return 1;
    if (!strstr(error.text, "would be the init of a pid namespace"))
        return 2;
    child = fork(); /* the host can still start processes */
    if (child == 0)
        _exit(0);
    return child < 0 || waitpid(child, &status, 0) != child ? 3 : 0;
}

static void test_host_whose_children_go_elsewhere_is_refused_and_unharmed(void **state)
{
    pid_t child;
    int status;

    (void)state;
    guest_new(&guest, CODE(three_bells));
    child = fork();
    if (child == 0)
        _exit(enter_after_unshare());
    assert_int_equal(waitpid(child, &status, 0), child);
    guest_free(&guest);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* may not unshare */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- Threads that are cancelled -------------------------------------------------------------- */

static void *probe_cancelled(void *unused)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)unused;
    pthread_cancel(pthread_self());
    ops->configure("namespaces", "no", fresh_error()); /* so that all is found out anew */
    ops->probe(&probe, fresh_error());
    ops->configure("namespaces", "yes", fresh_error());
    pthread_testcancel();
    return NULL;
}

static void test_thread_cancelled_in_a_probe_leaves_no_lock(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};
    pthread_t thread;
    void *result;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, probe_cancelled, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_ok(ops->configure("namespaces", "yes", fresh_error()));
    assert_ok(ops->probe(&probe, fresh_error()));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_host_that_has_faulted_does_not_tell_guests_where,
                               without_zygote),
        cmocka_unit_test_setup(test_host_that_runs_what_it_reads_does_not_give_that_to_guests,
                               without_zygote),
        cmocka_unit_test_setup(test_host_whose_children_go_elsewhere_is_refused_and_unharmed,
                               without_zygote),
        cmocka_unit_test_setup(test_thread_cancelled_in_a_probe_leaves_no_lock, without_zygote),
    };

    return fake_host_main_with(argc, argv, tests, sizeof tests / sizeof tests[0], arch_tests,
                               arch_test_count);
}
