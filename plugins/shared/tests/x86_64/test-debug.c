/* SPDX-License-Identifier: Apache-2.0 */
/* Debug registers, which not every backend has. */
#include "plugins/shared/tests/x86_64/code.h"

GUEST(bell_then_more, BELL(1) "1: jmp 1b");

static void test_set_debug_keeps_and_reset_clears_breakpoints(void **state)
{
    static const struct sconce_x86_debug none = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    const struct sconce_x86_debug debug = {
        .dr = {CODE_GPA, DATA_GPA, 0, 0x7fffffffffff}, .dr6 = 0xffff0ff1, .dr7 = 0x455};
    struct sconce_x86_debug again;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    assert_ok(regs->set(guest.vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error()));
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &again, sizeof again, fresh_error()));
    assert_memory_equal(&again, &debug, sizeof debug);
    guest_reset(&guest);
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &again, sizeof again, fresh_error()));

    assert_memory_equal(&again, &none, sizeof none);
    guest_free(&guest);
}

static void test_set_debug_supervisor_breakpoint_is_invalid(void **state)
{
    const struct sconce_x86_debug debug = {
        .dr = {0xffff800000000000}, .dr6 = 0xffff0ff0, .dr7 = 0x400};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    assert_int_equal(regs->set(guest.vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_true(error.text[0]);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_debug_keeps_and_reset_clears_breakpoints),
        cmocka_unit_test(test_set_debug_supervisor_breakpoint_is_invalid),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
