/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of a stopped guest: what sconce.regs/1 reads and takes. */
#include "plugins/shared/tests/arch.h"

#include <stdio.h>
#include <string.h>

/* Where another guest is put, besides the one that is entered. */
#define OTHER_CODE 0x100u

static void put_other(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    memcpy(guest->host + OTHER_CODE, code, (size_t)(end - code));
    assert_ok(guest_sync_code(guest, fresh_error()));
}

/* ---- Setting and getting -----------------------------------------------------------------------
 */

static void test_set_standard_moves_a_guest_at_a_doorbell(void **state)
{
    struct shown_registers registers;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bell_then_spin));
    put_other(&guest, CODE(store));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    registers = show_registers(&guest);
    assert_int_equal(registers.pc,
                     CODE_GPA + (uint64_t)(guest_bell_then_spin_behind - guest_bell_then_spin));
    registers.pc = CODE_GPA + OTHER_CODE;
    registers.result = 0x0123456789abcdef;
    registers.kept = ~0ull;
    assert_ok(change_registers(&guest, &registers));
    fill_vector(&guest, 0x5e);
    guest_expect_bell(&guest, 3);

    assert_int_equal(guest_data(&guest)[0], 0x0123456789abcdef);
    assert_int_equal(guest_data(&guest)[1], ~0ull);
    assert_int_equal(guest_data(&guest)[2], 0x5e5e5e5e5e5e5e5e);
    assert_int_equal(guest_data(&guest)[3], 0x5e5e5e5e5e5e5e5e);
    guest_free(&guest);
}

static void test_set_standard_moves_a_guest_in_a_system_call(void **state)
{
    struct shown_registers registers;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(trap));
    put_other(&guest, CODE(store));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);

    registers = show_registers(&guest);
    assert_int_equal(registers.sp, STACK_TOP); /* the guest's own */
    assert_int_equal(registers.kept, 7);
    registers.pc = CODE_GPA + OTHER_CODE;
    registers.kept = 0x1515;
    assert_ok(change_registers(&guest, &registers));
    assert_ok(ops->vcpu_complete(guest.vm, 77, fresh_error()));
    guest_expect_bell(&guest, 3);

    assert_int_equal(guest_data(&guest)[0], 77);
    assert_int_equal(guest_data(&guest)[1], 0x1515);
    guest_free(&guest);
}

static void test_get_at_a_fault_shows_the_guest(void **state)
{
    struct shown_registers registers;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(nop_undefined));
    guest_enter(&guest);
    guest_run(&guest, &exit);

    registers = show_registers(&guest);

    assert_int_equal(registers.pc,
                     CODE_GPA + (uint64_t)(guest_nop_undefined_at - guest_nop_undefined));
    assert_int_equal(registers.sp, STACK_TOP);
    assert_int_equal(registers.argument, 0x1111);
    assert_int_equal(show_tls(&guest), 0x123456789000);
    expect_unprivileged(&guest);
    guest_free(&guest);
}

/* ---- Refusals ----------------------------------------------------------------------------------
 */

static void test_set_standard_supervisor_pc_is_invalid(void **state)
{
    struct shown_registers registers;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bell_then_spin));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    registers = show_registers(&guest);
    registers.pc = 0xffff800000000000;

    assert_int_equal(change_registers(&guest, &registers), SCONCE_PLUGIN_E_INVALID);
    assert_true(error.text[0]);
    guest_free(&guest);
}

static void test_get_wrong_size_is_invalid(void **state)
{
    struct fake_guest guest;
    uint8_t buffer[4096];

    (void)state;
    guest_new(&guest, CODE(bell_then_spin));
    guest_enter(&guest);

    assert_int_equal(
        regs->get(guest.vm, SCONCE_REGS_STANDARD, buffer, arch_standard_bytes - 8, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(regs->get(guest.vm, 99, buffer, arch_standard_bytes, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    guest_free(&guest);
}

/* A kicked vCPU may stand in code of the backend; set must not put guest code there. */
static void test_set_standard_after_a_kick_stays_unprivileged(void **state)
{
    struct shown_registers registers;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(trap_loop));
    put_other(&guest, CODE(store));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
    ops->vcpu_kick_local(guest.vm); /* before the guest goes on */
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);

    registers = show_registers(&guest);
    assert_int_equal(registers.sp, STACK_TOP);
    registers.pc = CODE_GPA + OTHER_CODE;
    assert_ok(change_registers(&guest, &registers));
    guest_expect_bell(&guest, 3);

    expect_unprivileged(&guest);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_standard_moves_a_guest_at_a_doorbell),
        cmocka_unit_test(test_set_standard_moves_a_guest_in_a_system_call),
        cmocka_unit_test(test_get_at_a_fault_shows_the_guest),
        cmocka_unit_test(test_set_standard_supervisor_pc_is_invalid),
        cmocka_unit_test(test_get_wrong_size_is_invalid),
        cmocka_unit_test(test_set_standard_after_a_kick_stays_unprivileged),
    };

    return fake_host_main_with(argc, argv, tests, sizeof tests / sizeof tests[0], arch_tests,
                               arch_test_count);
}
