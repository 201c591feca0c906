/* SPDX-License-Identifier: Apache-2.0 */
/* What every backend does with a guest: entering, doorbells and system calls, resets between them.
 */
#include "plugins/shared/tests/arch.h"

#include <string.h>

/* ---- Doorbells ------------------------------------------------------------------------------ */

static void test_run_doorbells_come_in_order_with_their_numbers(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 200);
    guest_expect_bell(&guest, 3);
    guest_free(&guest);
}

static void test_enter_sets_arguments_stack_and_tls(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_entry, guest_entry_end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.address, 0x123456789100);
    assert_int_equal(guest_data(&guest)[0], 0x1111);
    assert_int_equal(guest_data(&guest)[1], 0x2222);
    assert_int_equal(guest_data(&guest)[2], STACK_TOP);
    guest_free(&guest);
}

/* Callee-saved registers and the stack live across a doorbell. */
static void test_run_doorbell_keeps_registers_and_stack(void **state)
{
    static const uint64_t want[] = {0x51, 0x52, 0x53, 0x54, 0x55};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_saved, guest_saved_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);

    assert_memory_equal(guest_data(&guest), want, sizeof want);
    guest_free(&guest);
}

/* ---- System calls --------------------------------------------------------------------------- */

static void test_run_syscall_reports_number_and_arguments(void **state)
{
    static const uint64_t want[] = {1, 2, 3, 4, 5, 6};
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(exit.u.syscall.id, SCONCE_SYS_UNKNOWN);
    assert_int_equal(exit.u.syscall.raw_nr, 39);
    assert_memory_equal(exit.u.syscall.args, want, sizeof want);
    guest_free(&guest);
}

static void test_complete_goes_on_behind_the_syscall_with_its_result(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    const uint64_t *data;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);

    assert_ok(ops->vcpu_complete(guest.vm, -38, fresh_error()));
    guest_expect_bell(&guest, 4);

    data = guest_data(&guest);
    assert_int_equal(data[0], (uint64_t)-38);
    assert_int_equal(data[1], STACK_TOP);
    assert_int_equal(data[2], 0x77);
    arch_expect_syscall(data);
    guest_free(&guest);
}

static void test_run_syscall_without_an_answer_is_invalid(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);

    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot run the guest: its system call is not answered");
    guest_free(&guest);
}

static void test_complete_without_a_syscall_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    assert_int_equal(ops->vcpu_complete(guest.vm, 0, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot answer a system call: it is between two runs");
    guest_free(&guest);
}

/* Flags that bite whoever forgets to mask them, with a wild stack pointer. */
static void test_complete_survives_odd_flags_and_stack(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_odd_syscall, guest_odd_syscall_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);

    assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
    guest_run(&guest, &exit);

    if (exit.kind == SCONCE_EXIT_FAULT && exit.u.fault.kind == SCONCE_FAULT_PRIVILEGE &&
        strcmp(plugin->isolation, "process") == 0) {
        print_message("here the kernel cannot go on with a process that has such a stack\n");
        guest_free(&guest);
        skip();
    }
    assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(exit.u.doorbell.number, 5);
    assert_int_equal(guest_data(&guest)[0], 0x8000000000000000);
    guest_free(&guest);
}

static void test_set_tls_between_exits_is_seen_by_the_guest(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_own_tls, guest_own_tls_end);
    guest_data(&guest)[1] = 0x5ca1ab1e;
    guest_enter(&guest);
    guest_run(&guest, &exit);

    assert_ok(ops->vcpu_set_tls(guest.vm, DATA_GPA + 8, fresh_error()));
    assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
    guest_expect_bell(&guest, 6);

    assert_int_equal(guest_data(&guest)[2], 0x5ca1ab1e);
    guest_free(&guest);
}

static void test_set_tls_not_canonical_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(ops->vcpu_set_tls(guest.vm, 1ull << 63, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

/* ---- Entering ------------------------------------------------------------------------------- */

static void expect_entry_refused(uint64_t pc, uint64_t sp, uint64_t tls, const char *text)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = pc, .sp = sp, .tls = tls};
    struct fake_guest guest;

    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(ops->vcpu_enter(guest.vm, &entry, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, text);
    guest_enter(&guest); /* it changed nothing */
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

static void test_enter_at_a_supervisor_pc_is_invalid(void **state)
{
    (void)state;
    expect_entry_refused(
        0xffff800000000000, STACK_TOP, 0,
        "cannot enter the guest: its PC 0xffff800000000000 is none that a guest can hold");
}

static void test_enter_with_a_wild_sp_is_invalid(void **state)
{
    (void)state;
    expect_entry_refused(
        CODE_GPA, 1ull << 47, 0,
        "cannot enter the guest: its SP 0x800000000000 is none that a guest can hold");
}

static void test_enter_with_a_wild_tls_is_invalid(void **state)
{
    (void)state;
    expect_entry_refused(CODE_GPA, STACK_TOP, 1ull << 63,
                         "cannot enter the guest: its thread pointer 0x8000000000000000 is none "
                         "that a guest can hold");
}

static void test_enter_twice_without_a_reset_is_invalid(void **state)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(ops->vcpu_enter(guest.vm, &entry, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot enter the guest: it is between two runs");
    guest_free(&guest);
}

static void test_run_before_the_entry_is_invalid(void **state)
{
    struct sconce_exit exit = {.size = sizeof exit};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot run the guest: it was not entered");
    guest_free(&guest);
}

static void test_reset_at_any_time_starts_over(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_reset(&guest); /* before the first entry */
    guest_enter(&guest);
    guest_reset(&guest); /* before the first run */
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
    guest_reset(&guest); /* with a system call unanswered */
    guest_load(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_reset(&guest); /* with a doorbell to be finished */
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbells_come_in_order_with_their_numbers),
        cmocka_unit_test(test_enter_sets_arguments_stack_and_tls),
        cmocka_unit_test(test_run_doorbell_keeps_registers_and_stack),
        cmocka_unit_test(test_run_syscall_reports_number_and_arguments),
        cmocka_unit_test(test_complete_goes_on_behind_the_syscall_with_its_result),
        cmocka_unit_test(test_run_syscall_without_an_answer_is_invalid),
        cmocka_unit_test(test_complete_without_a_syscall_is_invalid),
        cmocka_unit_test(test_complete_survives_odd_flags_and_stack),
        cmocka_unit_test(test_set_tls_between_exits_is_seen_by_the_guest),
        cmocka_unit_test(test_set_tls_not_canonical_is_invalid),
        cmocka_unit_test(test_enter_at_a_supervisor_pc_is_invalid),
        cmocka_unit_test(test_enter_with_a_wild_sp_is_invalid),
        cmocka_unit_test(test_enter_with_a_wild_tls_is_invalid),
        cmocka_unit_test(test_enter_twice_without_a_reset_is_invalid),
        cmocka_unit_test(test_run_before_the_entry_is_invalid),
        cmocka_unit_test(test_reset_at_any_time_starts_over),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
