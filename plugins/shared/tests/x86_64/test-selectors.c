/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DS, ES, FS and GS: ring 3 may load them, and not every mechanism switches them by itself. However
 * a run ends, the host's thread has its own again, with its bases, and the next guest finds null
 * ones. And a guest that is interrupted keeps its own.
 */
#include "plugins/shared/tests/x86_64/code.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <asm/prctl.h>

#define SELECTORS "mov %eax, %ds\n mov %eax, %es\n mov %eax, %fs\n mov %eax, %gs\n"
#define FILL "mov $0x2b, %eax\n" SELECTORS
#define STORE_SELECTOR(selector, at) "mov %" #selector ", %eax\n" STORE(rax, at)

GUEST(fill_bell, FILL BELL(1) "ud2");
GUEST(fill_fault, FILL "ud2");
GUEST(fill_syscall, FILL "syscall");
GUEST(fill_spin, FILL "movl $1, 0x420000\n1: jmp 1b");
GUEST(fill_half, "mov $0x2b, %eax\n mov %eax, %es\n" BELL(1));
GUEST(wait,
      "movl $1, 0x420000\n1: cmpl $0, 0x420008\n je 1b\n mov %fs:0, %rax\n" STORE(rax, 16) BELL(3));
GUEST(look, STORE_SELECTOR(ds, 0) STORE_SELECTOR(es, 8) STORE_SELECTOR(fs, 16)
                STORE_SELECTOR(gs, 24) BELL(2));

/* ---- The host's thread ----------------------------------------------------------------------- */

struct thread_state {
    uint16_t selectors[4]; /* DS ES FS GS */
    unsigned long bases[2];
};

static struct thread_state own_state(void)
{
    struct thread_state s = {0};

    __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
                     : "=r"(s.selectors[0]), "=r"(s.selectors[1]), "=r"(s.selectors[2]),
                       "=r"(s.selectors[3]));
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_GET_FS, &s.bases[0]), 0);
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_GET_GS, &s.bases[1]), 0);
    return s;
}

static struct thread_state at_start;

/* A GS base that a lost one differs from. */
static int remember_the_thread(void **state)
{
    (void)state;
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)&at_start), 0);
    at_start = own_state();
    return 0;
}

static void expect_own_state(void)
{
    struct thread_state now = own_state();

    assert_memory_equal(now.selectors, at_start.selectors, sizeof now.selectors);
    assert_memory_equal(now.bases, at_start.bases, sizeof now.bases);
}

static void expect_null_in_another_guest(void)
{
    static const uint64_t null[4] = {0};
    struct fake_guest guest;

    guest_new(&guest, guest_look, guest_look_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 2);
    assert_memory_equal(guest_data(&guest), null, sizeof null);
    guest_free(&guest);
}

/* ---- However a run ends ---------------------------------------------------------------------- */

static void expect_no_trace(const uint8_t *code, const uint8_t *end, uint32_t kind)
{
    struct sconce_x86_standard standard;
    struct fake_guest guest;
    struct sconce_exit exit;

    guest_new(&guest, code, end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, kind);
    expect_own_state();
    expect_null_in_another_guest();
    assert_ok(regs->get(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));
    expect_own_state();
    guest_reset(&guest);
    expect_own_state();
    guest_load(&guest, guest_look, guest_look_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 2);
    assert_int_equal(guest_data(&guest)[0] | guest_data(&guest)[1], 0);
    assert_int_equal(guest_data(&guest)[2] | guest_data(&guest)[3], 0);
    guest_free(&guest);
}

static void test_run_doorbell_leaves_no_selector(void **state)
{
    (void)state;
    expect_no_trace(guest_fill_bell, guest_fill_bell_end, SCONCE_EXIT_DOORBELL);
}

static void test_run_fault_leaves_no_selector(void **state)
{
    (void)state;
    expect_no_trace(guest_fill_fault, guest_fill_fault_end, SCONCE_EXIT_FAULT);
}

static void test_run_syscall_leaves_no_selector(void **state)
{
    (void)state;
    expect_no_trace(guest_fill_syscall, guest_fill_syscall_end, SCONCE_EXIT_SYSCALL);
}

static void test_run_one_selector_alone_is_taken_back(void **state)
{
    (void)state;
    expect_no_trace(guest_fill_half, guest_fill_half_end, SCONCE_EXIT_DOORBELL);
}

static struct fake_guest spinning;

/* Once the guest has filled its selectors. */
static void on_alarm(int signal)
{
    (void)signal;
    if (*(volatile uint64_t *)guest_data(&spinning))
        ops->vcpu_kick_local(spinning.vm);
}

static void test_run_kick_leaves_no_selector(void **state)
{
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval each_ms = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct sconce_exit exit;

    (void)state;
    guest_new(&spinning, guest_fill_spin, guest_fill_spin_end);
    guest_enter(&spinning);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each_ms, NULL);

    guest_run(&spinning, &exit);

    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    expect_own_state();
    expect_null_in_another_guest();
    guest_free(&spinning);
}

/* ---- The guest's own ------------------------------------------------------------------------- */

/* On one processor each of these takes it from the guest, in the middle of its code. */
#define SWITCHES 20

static void on_alarm_for_a_while(int signal)
{
    static unsigned count;

    (void)signal;
    if (*(volatile uint64_t *)guest_data(&spinning) && ++count >= SWITCHES)
        *(volatile uint64_t *)(guest_data(&spinning) + 1) = 1;
}

static void test_run_thread_pointer_outlasts_switches(void **state)
{
    const struct sigaction action = {.sa_handler = on_alarm_for_a_while, .sa_flags = SA_RESTART};
    const struct itimerval each_ms = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};

    (void)state;
    guest_new(&spinning, guest_wait, guest_wait_end);
    guest_data(&spinning)[3] = 0x5ca1ab1e;
    guest_enter(&spinning);
    assert_ok(ops->vcpu_set_tls(spinning.vm, DATA_GPA + 24, fresh_error()));
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each_ms, NULL);

    guest_expect_bell(&spinning, 3);

    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(guest_data(&spinning)[2], 0x5ca1ab1e);
    guest_free(&spinning);
}

/* Guests that are processes inherit it. */
static void stay_on_one_processor(void)
{
    const int cpu = sched_getcpu();
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_run_doorbell_leaves_no_selector, remember_the_thread),
        cmocka_unit_test_setup(test_run_fault_leaves_no_selector, remember_the_thread),
        cmocka_unit_test_setup(test_run_syscall_leaves_no_selector, remember_the_thread),
        cmocka_unit_test_setup(test_run_one_selector_alone_is_taken_back, remember_the_thread),
        cmocka_unit_test_setup(test_run_kick_leaves_no_selector, remember_the_thread),
        cmocka_unit_test(test_run_thread_pointer_outlasts_switches),
    };

    stay_on_one_processor();
    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
