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

#include "plugins/process-x86_64/tests/proc.h"

/* The frame of its last stop, with another mask (uc_sigmask is 296 bytes in) and PC (168), returned
 * into by the stub itself, behind the report: SITE is told in the stub's head. */
GUEST(deaf, BELL(1) "mov $0xfff810000, %rbx\n mov (%rbx), %rcx\n movq $-1, 296(%rcx)\n"
                    "lea 1f(%rip), %rax\n mov %rax, 168(%rcx)\n mov $0xfff800000, %rdx\n"
                    "mov 4(%rdx), %ecx\n add %rcx, %rdx\n xor %eax, %eax\n jmp *%rdx\n"
                    "1: mov $0x420000, %ebx\n2: incq (%rbx)\n jmp 2b");
GUEST(two_bells, BELL(1) BELL(2));
GUEST(count_on, "mov $0x420000, %ebx\n xor %r12d, %r12d\n1: inc %r12\n incq (%rbx)\n jmp 1b");

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
    struct sconce_x86_standard standard;
    struct fake_guest guest;
    struct sconce_exit exit;
    int pidfd;

    (void)state;
    guest_new(&guest, guest_deaf, guest_deaf_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    pidfd = proc_pidfd(only_guest());

    run_until_kicked(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    proc_await_end(pidfd);
    close(pidfd);
    /* Registers are those of its last stop; nothing runs any more. */
    assert_ok(regs->get(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));
    assert_ok(ops->vcpu_set_tls(guest.vm, 0, fresh_error()));
    for (exit.kind = SCONCE_EXIT_CANCELLED; exit.kind == SCONCE_EXIT_CANCELLED;)
        guest_run(&guest, &exit); /* a kick that came late is one more */
    assert_int_equal(exit.kind, SCONCE_EXIT_SHUTDOWN);
    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);

    guest_reset(&guest);
    guest_load(&guest, guest_two_bells, guest_two_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);
    guest_free(&guest);
}

static void test_kick_a_guest_that_listens_keeps_its_process_and_registers(void **state)
{
    struct sconce_x86_standard standard, again;
    struct fake_guest guest;
    struct sconce_exit exit;
    pid_t child;

    (void)state;
    guest_new(&guest, guest_count_on, guest_count_on_end);
    guest_enter(&guest);
    child = only_guest();

    run_until_kicked(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(only_guest(), child);
    assert_ok(regs->get(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));
    assert_in_range(standard.rip, CODE_GPA, CODE_GPA + 20);
    assert_int_equal(standard.rbx, DATA_GPA);
    assert_in_range(standard.r12 - guest_data(&guest)[0], 0, 1);
    standard.r12 = 1ull << 60;
    assert_ok(regs->set(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));

    run_until_kicked(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    assert_ok(regs->get(guest.vm, SCONCE_REGS_STANDARD, &again, sizeof again, fresh_error()));
    assert_true(again.r12 >= 1ull << 60);
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
