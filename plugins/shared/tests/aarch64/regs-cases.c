/* SPDX-License-Identifier: Apache-2.0 */
/* test-regs.c for aarch64: what its register files take and what they refuse. */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/arch.h"

static void at_a_doorbell(struct fake_guest *guest)
{
    guest_new(guest, CODE(bell_then_spin));
    guest_enter(guest);
    guest_expect_bell(guest, 1);
}

static void expect_refused(struct fake_guest *guest, uint32_t file, const void *from, size_t bytes)
{
    assert_int_equal(regs->set(guest->vm, file, from, bytes, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_true(error.text[0]);
}

static void test_set_special_takes_the_thread_pointer_alone(void **state)
{
    struct sconce_a64_special special, again;
    struct fake_guest guest;

    (void)state;
    at_a_doorbell(&guest);
    guest_get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);

    special.tpidr_el0 = DATA_GPA;
    guest_set(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    guest_get(&guest, SCONCE_REGS_SPECIAL, &again, sizeof again);
    assert_memory_equal(&again, &special, sizeof again);

    special.sctlr_el1 ^= 1;
    expect_refused(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    special.sctlr_el1 ^= 1;
    special.vbar_el1 ^= 0x800;
    expect_refused(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    guest_free(&guest);
}

#define NO_ADDRESS 0x8000000000000001u

/* MOV X0, NO_ADDRESS; MSR TPIDR_EL0, X0. */
GUEST(odd_tls, "mov x0, #1\n movk x0, #0x8000, lsl #48\n msr tpidr_el0, x0\n" BELL(1) BELL(2));

static void test_set_special_takes_back_what_the_guest_holds_there(void **state)
{
    struct sconce_a64_special special, other;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(odd_tls));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.tpidr_el0, NO_ADDRESS);

    guest_set(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    other = special;
    other.tpidr_el0 ^= 2; /* nor is this an address, and it is new */
    expect_refused(&guest, SCONCE_REGS_SPECIAL, &other, sizeof other);

    guest_expect_bell(&guest, 2);
    assert_int_equal(show_tls(&guest), NO_ADDRESS);
    guest_free(&guest);
}

/* Arm ARM C5.2.18 (SPSR_EL1): EL1h, AArch32, a masked interrupt, single step. */
static void test_set_standard_privileged_pstate_is_invalid(void **state)
{
    static const uint64_t bad[] = {0x5, 0x4, 0x10, 0x80, 0x200000};
    struct sconce_a64_standard standard;
    struct fake_guest guest;

    (void)state;
    at_a_doorbell(&guest);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        guest_get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
        standard.pstate |= bad[i];
        expect_refused(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    }
    guest_free(&guest);
}

static void test_set_float_control_is_seen_again(void **state)
{
    struct sconce_a64_float floats, again;
    struct fake_guest guest;

    (void)state;
    at_a_doorbell(&guest);
    guest_get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    floats.fpcr = 0x07c00000; /* C5.2.8: AHP, DN, FZ, round to zero */
    floats.fpsr = 0x0800009f; /* C5.2.10: QC and the exceptions */

    guest_set(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);

    guest_get(&guest, SCONCE_REGS_FLOAT, &again, sizeof again);
    assert_memory_equal(&again, &floats, sizeof again);
    guest_free(&guest);
}

static void test_set_float_with_reserved_control_bits_is_invalid(void **state)
{
    struct sconce_a64_float floats;
    struct fake_guest guest;

    (void)state;
    at_a_doorbell(&guest);
    guest_get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    floats.fpcr = UINT32_MAX;
    expect_refused(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    floats.fpcr = 0;
    floats.fpsr = UINT32_MAX;
    expect_refused(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_set_special_takes_the_thread_pointer_alone),
    cmocka_unit_test(test_set_special_takes_back_what_the_guest_holds_there),
    cmocka_unit_test(test_set_standard_privileged_pstate_is_invalid),
    cmocka_unit_test(test_set_float_control_is_seen_again),
    cmocka_unit_test(test_set_float_with_reserved_control_bits_is_invalid),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
