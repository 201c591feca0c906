/* SPDX-License-Identifier: Apache-2.0 */
/* test-regs.c for x86_64: what its register files take and what they refuse. */
#include "plugins/shared/tests/arch.h"
#include "plugins/shared/tests/x86_64/code.h"

static void test_set_special_takes_bases_alone(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_special special, again;

    (void)state;
    guest_new(&guest, CODE(bell_then_spin));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);

    special.fs_base = DATA_GPA;
    special.gs_base = STACK_GPA;
    guest_set(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    guest_get(&guest, SCONCE_REGS_SPECIAL, &again, sizeof again);
    assert_memory_equal(&again, &special, sizeof again);

    special.cr4 ^= 1;
    assert_int_equal(
        regs->set(guest.vm, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    special.cr4 ^= 1;
    special.gs_base = 1ull << 62;
    assert_int_equal(
        regs->set(guest.vm, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    guest_free(&guest);
}

/* A canonical address, which WRGSBASE can load and arch_prctl(2) cannot. */
static void test_set_special_base_in_the_kernels_half_needs_fsgsbase(void **state)
{
    struct sconce_x86_special special;
    struct fake_guest guest;
    int32_t status;

    (void)state;
    guest_new(&guest, CODE(bell_then_spin));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);

    special.gs_base = 0xffff800000000000;
    status = regs->set(guest.vm, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh_error());
    assert_int_equal(status, guests_have_fsgsbase() ? SCONCE_PLUGIN_OK : SCONCE_PLUGIN_E_INVALID);
    special.gs_base = 0x7ffffffff000; /* the first that the kernel keeps to itself */
    status = regs->set(guest.vm, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh_error());
    assert_int_equal(status, guests_have_fsgsbase() ? SCONCE_PLUGIN_OK : SCONCE_PLUGIN_E_INVALID);
    special.gs_base--;
    guest_set(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    guest_free(&guest);
}

static void expect_refused(uint32_t file, const void *from, size_t bytes)
{
    struct fake_guest guest;

    guest_new(&guest, CODE(bell_then_spin));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    assert_int_equal(regs->set(guest.vm, file, from, bytes, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_true(error.text[0]);
    guest_free(&guest);
}

static void test_set_standard_iopl_is_invalid(void **state)
{
    const struct sconce_x86_standard standard = {.rip = CODE_GPA, .rflags = 0x3202};

    (void)state;
    expect_refused(SCONCE_REGS_STANDARD, &standard, sizeof standard);
}

static void test_set_float_reserved_mxcsr_is_invalid(void **state)
{
    struct sconce_x86_float floats = {.xfeatures = 3};

    (void)state;
    floats.fxsave[27] = 1;
    expect_refused(SCONCE_REGS_FLOAT, &floats, sizeof floats);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_set_special_takes_bases_alone),
    cmocka_unit_test(test_set_special_base_in_the_kernels_half_needs_fsgsbase),
    cmocka_unit_test(test_set_standard_iopl_is_invalid),
    cmocka_unit_test(test_set_float_reserved_mxcsr_is_invalid),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
