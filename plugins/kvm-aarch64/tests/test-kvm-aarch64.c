/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-aarch64 on this machine's KVM: what a doorbell costs, where registers are while the shim has
 * them, and code that the host changes. */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/ioctl-count.h"

#include <signal.h>
#include <string.h>
#include <time.h>

static void test_run_doorbell_takes_one_ioctl(void **state)
{
    (void)state;
    expect_doorbell_ioctls(1);
}

static struct sconce_a64_standard read_standard(struct fake_guest *guest)
{
    struct sconce_a64_standard standard;

    assert_ok(
        regs->get(guest->vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));
    return standard;
}

static void write_standard(struct fake_guest *guest, const struct sconce_a64_standard *standard)
{
    assert_ok(
        regs->set(guest->vm, SCONCE_REGS_STANDARD, standard, sizeof *standard, fresh_error()));
}

/* A number with more bits than a doorbell's is no doorbell's. */
GUEST(wide_bell, SET(x0, 0, 1, 0, 1) "svc #0x5c0e");

static void test_run_doorbell_keeps_wide_numbers_apart(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(wide_bell));
    guest_enter(&guest);
    guest_expect_bell(&guest, UINT32_MAX);
    guest_free(&guest);
}

/* X0 is the shim's scratch: it is the guest's for whoever looks, before and after an answer. */
GUEST(two_calls, "mov x0, #11\n mov x1, #12\n mov x8, #20\n svc #0\n mov x8, #21\n svc #0\n" DATA
                 "stp x0, x1, [x20]\n" BELL(3));

static void test_regs_while_a_call_is_open_are_the_guests(void **state)
{
    struct sconce_a64_standard standard;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(two_calls));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.u.syscall.raw_nr, 20);

    standard = read_standard(&guest);
    assert_int_equal(standard.x[0], 11);
    assert_int_equal(standard.x[1], 12);
    assert_int_equal(standard.pc, CODE_GPA + 16); /* behind the SVC */
    standard.x[1] = 13;
    write_standard(&guest, &standard);
    assert_ok(ops->vcpu_complete(guest.vm, -38, fresh_error()));
    assert_int_equal(read_standard(&guest).x[0], (uint64_t)-38);
    guest_run(&guest, &exit);
    assert_int_equal(exit.u.syscall.raw_nr, 21);
    assert_int_equal(exit.u.syscall.args[0], (uint64_t)-38);
    assert_int_equal(exit.u.syscall.args[1], 13);
    assert_ok(ops->vcpu_complete(guest.vm, 5, fresh_error()));
    guest_expect_bell(&guest, 3);

    assert_int_equal(guest_data(&guest)[0], 5);
    assert_int_equal(guest_data(&guest)[1], 13);
    guest_free(&guest);
}

/* ---- Kicks that come while the shim runs ------------------------------------------------------
 */

static struct sconce_plugin_vm *kicked;

static void on_timer(int signal)
{
    (void)signal;
    ops->vcpu_kick_local(kicked);
}

/* For ever: counts in X19, and rings with the count. */
GUEST(count_bells, "mov x19, #0\n1: add x19, x19, #1\n mov x0, x19\n svc #0x5c0e\n"
                   "cmp x0, x19\n b.eq 1b\n udf #0\n");

/* Wherever a kick hits, between two bells there is one bell; a host that reads all registers and
 * writes them back changes nothing. */
static void test_kick_loses_and_repeats_no_report(void **state)
{
    const struct itimerspec often = {{0, 700000}, {0, 700000}};
    struct sigaction action = {.sa_handler = on_timer};
    unsigned kicks = 0, bells = 0;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct fake_guest guest;
    timer_t timer;

    (void)state;
    guest_new(&guest, CODE(count_bells));
    guest_enter(&guest);
    kicked = guest.vm;
    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
    while (kicks < 100 || bells < 100) {
        struct sconce_exit exit;

        guest_run(&guest, &exit);
        if (exit.kind == SCONCE_EXIT_DOORBELL) {
            assert_int_equal(exit.u.doorbell.number, ++bells);
            continue;
        }
        assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
        kicks++;
        if (kicks % 2) {
            struct sconce_a64_standard standard = read_standard(&guest);

            assert_in_range(standard.x[19], bells, bells + 1);
            write_standard(&guest, &standard);
        }
    }
    timer_delete(timer);
    guest_free(&guest);
}

/* ---- Code ------------------------------------------------------------------------------------ */

GUEST(ring_one, BELL(1) "udf #0");
GUEST(ring_two, BELL(2) "udf #0");

static void test_sync_code_shows_what_the_host_wrote(void **state)
{
    struct sconce_a64_standard standard;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(ring_one));
    guest_enter(&guest);
    for (unsigned i = 0; i < 20; i++) {
        guest_expect_bell(&guest, 1 + i % 2);
        standard = read_standard(&guest);
        if (i % 2)
            guest_load(&guest, CODE(ring_one));
        else
            guest_load(&guest, CODE(ring_two));
        assert_ok(ops->mem_sync_code(guest.vm, CODE_GPA, SCONCE_MEM_GRANULE, fresh_error()));
        standard.pc = CODE_GPA;
        write_standard(&guest, &standard);
    }
    guest_free(&guest);
}

static void test_sync_code_of_what_is_no_code_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(ring_one));
    guest_enter(&guest);
    assert_int_equal(ops->mem_sync_code(guest.vm, DATA_GPA, 4, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot make fetches see 4 bytes at 0x420000: not all of them "
                                    "are mapped as code");
    assert_int_equal(ops->mem_sync_code(guest.vm, CODE_GPA, SCONCE_MEM_GRANULE + 1, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(ops->mem_sync_code(guest.vm, ~0ull, 2, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbell_takes_one_ioctl),
        cmocka_unit_test(test_run_doorbell_keeps_wide_numbers_apart),
        cmocka_unit_test(test_regs_while_a_call_is_open_are_the_guests),
        cmocka_unit_test(test_kick_loses_and_repeats_no_report),
        cmocka_unit_test(test_sync_code_shows_what_the_host_wrote),
        cmocka_unit_test(test_sync_code_of_what_is_no_code_is_invalid),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
