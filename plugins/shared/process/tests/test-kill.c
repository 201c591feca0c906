/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kicking a guest that does not listen. By a return from a signal of its own making it blocks every
 * signal; the host's kicks then end its process. One that listens keeps its process and registers,
 * whatever else the machine is busy with.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "plugins/shared/process/tests/proc.h"

static struct sconce_plugin_vm *_Atomic kicked;
static pthread_t runner;
static atomic_bool ended;

static atomic_bool errno_changed;

/* A handler that does not care about errno: the call leaves it alone. */
static void on_kick(int signal)
{
    const int before = errno;

    (void)signal;
    ops->vcpu_kick_local(atomic_load(&kicked));
    if (errno != before)
        atomic_store(&errno_changed, true);
}

/* As the core does with a backend that wants it: again and again. */
static void *kick_until_it_ends(void *argument)
{
    volatile uint64_t *counter = argument;

    while (!*counter)
        sched_yield();
    while (!atomic_load(&ended)) {
        pthread_kill(runner, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void run_until_kicked(struct fake_guest *guest, struct sconce_exit *ret_exit)
{
    const struct sigaction action = {.sa_handler = on_kick, .sa_flags = SA_RESTART};
    pthread_t thread;

    sigaction(SIGUSR1, &action, NULL);
    runner = pthread_self();
    atomic_store(&kicked, guest->vm);
    atomic_store(&ended, false);
    assert_int_equal(pthread_create(&thread, NULL, kick_until_it_ends, guest_data(guest)), 0);
    guest_run(guest, ret_exit);
    atomic_store(&ended, true);
    pthread_join(thread, NULL);
    assert_false(atomic_load(&errno_changed));
}

static pid_t only_guest(void)
{
    return proc_only_child(proc_only_child(getpid(), "sconce-zygote"), "sconce-guest");
}

static void test_kick_a_guest_that_blocks_signals_ends_its_process(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    int pidfd;

    (void)state;
    guest_new(&guest, CODE(deaf));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    pidfd = proc_pidfd(only_guest());

    run_until_kicked(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    proc_await_end(pidfd);
    close(pidfd);
    /* Registers are those of its last stop; nothing runs any more. */
    assert_in_range(show_registers(&guest).pc, CODE_GPA, CODE_GPA + SCONCE_MEM_GRANULE);
    assert_ok(ops->vcpu_set_tls(guest.vm, 0, fresh_error()));
    for (exit.kind = SCONCE_EXIT_CANCELLED; exit.kind == SCONCE_EXIT_CANCELLED;)
        guest_run(&guest, &exit); /* a kick that came late is one more */
    assert_int_equal(exit.kind, SCONCE_EXIT_SHUTDOWN);
    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);

    guest_reset(&guest);
    guest_load(&guest, CODE(three_bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);
    guest_free(&guest);
}

static void test_kick_a_guest_that_listens_keeps_its_process_and_registers(void **state)
{
    struct shown_registers shown;
    struct fake_guest guest;
    struct sconce_exit exit;
    pid_t child;

    (void)state;
    guest_new(&guest, CODE(count_on));
    guest_enter(&guest);
    child = only_guest();

    run_until_kicked(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(only_guest(), child);
    shown = show_registers(&guest);
    assert_in_range(shown.pc, CODE_GPA, CODE_GPA + 40);
    assert_in_range(shown.kept - guest_data(&guest)[0], 0, 1);
    shown.kept = 1ull << 60;
    assert_ok(change_registers(&guest, &shown));

    run_until_kicked(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    assert_true(show_registers(&guest).kept >= 1ull << 60);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kick_a_guest_that_blocks_signals_ends_its_process),
        cmocka_unit_test(test_kick_a_guest_that_listens_keeps_its_process_and_registers),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
