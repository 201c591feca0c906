/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-aarch64's debug registers, which not every backend has. */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/arch.h"

#include <string.h>

#define INITIAL_MDSCR (1ull << 12) /* TDCC */
#define MONITOR (1ull << 15)       /* MDE */

GUEST(bell_then_store, BELL(1) DATA "str x9, [x20, #64]\n" BELL(2) "1: b 1b");

static void start(struct fake_guest *guest)
{
    guest_new(guest, CODE(bell_then_store));
    guest_enter(guest);
    guest_expect_bell(guest, 1);
}

static void test_set_debug_keeps_and_reset_clears_breakpoints(void **state)
{
    static const struct sconce_a64_debug none = {.mdscr_el1 = INITIAL_MDSCR};
    const struct sconce_a64_debug debug = {
        .bvr = {CODE_GPA, 0x7ffffffffffc},
        .bcr = {0x1e5, 0x1e4},
        .wvr = {DATA_GPA},
        .wcr = {0x1ffd},
        .mdscr_el1 = INITIAL_MDSCR | MONITOR,
    };
    struct sconce_a64_debug again;
    struct fake_guest guest;

    (void)state;
    start(&guest);

    assert_ok(regs->set(guest.vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error()));
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &again, sizeof again, fresh_error()));
    assert_memory_equal(&again, &debug, sizeof debug);
    guest_reset(&guest);
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &again, sizeof again, fresh_error()));

    assert_memory_equal(&again, &none, sizeof none);
    guest_free(&guest);
}

static void test_watchpoint_is_a_step_fault(void **state)
{
    const struct sconce_a64_debug debug = {
        .wvr = {DATA_GPA + 64},
        .wcr = {0x1ff5}, /* enabled, at EL0, stores, eight bytes */
        .mdscr_el1 = INITIAL_MDSCR | MONITOR,
    };
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    start(&guest);
    assert_ok(regs->set(guest.vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error()));

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.kind, SCONCE_FAULT_STEP);
    assert_int_equal(exit.u.fault.detail >> 26, 0x34);
    guest_reset(&guest);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);
    guest_free(&guest);
}

/* A refusal changes nothing. */
static void expect_refused(const struct sconce_a64_debug *debug, const char *text)
{
    struct sconce_a64_debug before, after;
    struct fake_guest guest;

    start(&guest);
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &before, sizeof before, fresh_error()));
    assert_int_equal(regs->set(guest.vm, SCONCE_REGS_DEBUG, debug, sizeof *debug, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_non_null(strstr(error.text, text));
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &after, sizeof after, fresh_error()));
    assert_memory_equal(&after, &before, sizeof before);
    guest_free(&guest);
}

static void test_set_debug_supervisor_breakpoint_is_invalid(void **state)
{
    const struct sconce_a64_debug address = {.bvr = {CODE_GPA, 0xffff800000000000}};
    const struct sconce_a64_debug level = {.bvr = {CODE_GPA}, .bcr = {0x1e5, 0x1e7}};
    const struct sconce_a64_debug step = {.bvr = {CODE_GPA}, .mdscr_el1 = INITIAL_MDSCR | 1};

    (void)state;
    expect_refused(&address, "an address beyond the guest");
    expect_refused(&level, "reserved bits");
    expect_refused(&step, "reserved bits");
}

static void test_set_debug_more_than_there_are_is_invalid(void **state)
{
    const struct sconce_a64_debug watchpoints = {
        .bvr = {CODE_GPA}, .bcr = {0x1e5}, .wvr = {DATA_GPA, [15] = DATA_GPA}};
    const struct sconce_a64_debug breakpoints = {.bvr = {CODE_GPA, [15] = CODE_GPA},
                                                 .bcr = {0x1e5}};

    (void)state;
    expect_refused(&watchpoints, "the processor has not so many debug ones");
    expect_refused(&breakpoints, "the processor has not so many debug ones");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_debug_keeps_and_reset_clears_breakpoints),
        cmocka_unit_test(test_watchpoint_is_a_step_fault),
        cmocka_unit_test(test_set_debug_supervisor_breakpoint_is_invalid),
        cmocka_unit_test(test_set_debug_more_than_there_are_is_invalid),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
