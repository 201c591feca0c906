/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What interrupts a guest that waits for its host: SIGSTOP, which does to it what the freezer does
 * (a paused container, a suspended machine). The kernel then makes the report of the stop anew, and
 * the host must neither take it for another stop nor lose the guest.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/shared/process/tests/proc.h"

static struct fake_guest guest;
static pid_t child;

static int start(void **state)
{
    (void)state;
    guest_new(&guest, CODE(bells_and_call));
    guest_enter(&guest);
    child = proc_only_child(proc_only_child(getpid(), "sconce-zygote"), "sconce-guest");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    guest_free(&guest);
    return 0;
}

/* 'T' when it is stopped: proc(5), /proc/PID/stat. */
static char task_state(void)
{
    const char *text = strrchr(proc_text(child, "stat"), ')');

    assert_non_null(text);
    return text[2];
}

/* Interrupts the child, and lets it settle again. */
static void interrupt(void)
{
    assert_int_equal(kill(child, SIGSTOP), 0);
    while (task_state() != 'T')
        sched_yield();
    assert_int_equal(kill(child, SIGCONT), 0);
    while (task_state() == 'T')
        sched_yield();
}

static void test_interrupted_before_its_first_run_starts_once(void **state)
{
    (void)state;
    interrupt();
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);
}

static void test_interrupted_at_a_doorbell_goes_on_behind_it(void **state)
{
    (void)state;
    guest_expect_bell(&guest, 1);
    interrupt();
    interrupt();
    guest_expect_bell(&guest, 2);
}

static void test_interrupted_at_a_system_call_gets_its_result(void **state)
{
    struct sconce_exit exit;

    (void)state;
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
    interrupt();
    assert_ok(ops->vcpu_complete(guest.vm, -38, fresh_error()));
    guest_expect_bell(&guest, 3);
}

static void test_interrupted_at_a_kick_is_cancelled_once(void **state)
{
    struct sconce_exit exit;

    (void)state;
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);
    interrupt();
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    interrupt();
    guest_expect_bell(&guest, 2);
}

static void test_stopped_while_it_is_reset_or_destroyed_does_not_hold_the_host(void **state)
{
    (void)state;
    guest_expect_bell(&guest, 1);
    assert_int_equal(kill(child, SIGSTOP), 0);
    guest_reset(&guest);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_interrupted_before_its_first_run_starts_once, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_interrupted_at_a_doorbell_goes_on_behind_it, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_interrupted_at_a_system_call_gets_its_result, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_interrupted_at_a_kick_is_cancelled_once, start, stop),
        cmocka_unit_test_setup_teardown(
            test_stopped_while_it_is_reset_or_destroyed_does_not_hold_the_host, start, stop),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
