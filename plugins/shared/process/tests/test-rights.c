/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that gives up its rights when guests live already, as daemons do: it may not signal them
 * any more, and the zygote has to. Kicks, resets and ends must still come through. Root's to test.
 */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "plugins/shared/process/tests/guests.h"

#define NOBODY 65534

static struct fake_guest guest;

static void on_alarm(int number)
{
    (void)number;
    ops->vcpu_kick_local(guest.vm);
}

/* Signals come until the run has ended, as the backend's kick style wants it. */
static void expect_cancelled(void)
{
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval soon = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};
    const struct itimerval never = {.it_value.tv_usec = 0};
    struct sconce_exit exit;

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    guest_run(&guest, &exit);
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
}

static void test_host_without_the_right_to_signal_kicks_resets_and_ends_guests(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give up being root\n");
        skip();
    }
    guest_new(&guest, CODE(bell_then_spin));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_int_equal(setresuid(NOBODY, NOBODY, NOBODY), 0);
    expect_cancelled();
    guest_reset(&guest);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    expect_cancelled();
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_without_the_right_to_signal_kicks_resets_and_ends_guests),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
