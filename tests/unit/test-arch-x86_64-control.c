/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/control.c: special registers as a function of what CPUID shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "arch/x86_64/control.h"

static const struct sconce_x86_cpuid plain[] = {{.leaf = 1}, {.leaf = 7}, {.leaf = 0x80000001}};
static const struct sconce_x86_cpuid modern[] = {
    {.leaf = 1, .ecx = 1u << 26},
    {.leaf = 7, .ebx = 1u << 0 | 1u << 7 | 1u << 20, .ecx = 1u << 2},
    {.leaf = 0xd, .eax = 0xe7},
    {.leaf = 0x80000001, .edx = 1u << 27},
};

static void test_control_runs_long_mode_with_write_protection_and_nx(void **state)
{
    struct sconce_x86_control control;

    (void)state;
    sconce_x86_control(plain, 3, &control);

    assert_int_equal(control.cr0, 0x80050033); /* PG AM WP NE ET MP PE */
    assert_int_equal(control.efer, 0xd00);     /* NXE LMA LME */
}

static void test_control_never_enables_syscall(void **state)
{
    struct sconce_x86_control control;

    (void)state;
    sconce_x86_control(modern, 4, &control);

    assert_int_equal(control.efer & 1, 0); /* SCE */
}

static void test_control_on_a_plain_machine_sets_no_bit_that_it_lacks(void **state)
{
    struct sconce_x86_control control;

    (void)state;
    sconce_x86_control(plain, 3, &control);

    assert_int_equal(control.cr4, 0x620); /* PAE OSFXSR OSXMMEXCPT */
    assert_int_equal(control.xcr0, 0);
}

static void test_control_on_a_modern_machine_takes_every_wall(void **state)
{
    struct sconce_x86_control control;

    (void)state;
    sconce_x86_control(modern, 4, &control);

    /* SMAP SMEP OSXSAVE FSGSBASE UMIP OSXMMEXCPT OSFXSR PAE */
    assert_int_equal(control.cr4, 0x350e20);
    assert_int_equal(control.xcr0, 0xe7);
}

static void expect_components(uint32_t offered, uint64_t want)
{
    const struct sconce_x86_cpuid entries[] = {{.leaf = 1, .ecx = 1u << 26},
                                               {.leaf = 0xd, .eax = offered}};

    assert_int_equal(sconce_x86_components(entries, 2), want);
    assert_int_equal(sconce_x86_xcr0(entries, 2), want);
    assert_int_equal(sconce_x86_xcr0(entries + 1, 1), 0); /* without XSAVE */
}

static void test_xcr0_is_what_is_offered_of_the_policy(void **state)
{
    (void)state;
    expect_components(0x602ff, 0xe7);
    expect_components(0x7, 0x7);
    expect_components(0x3, 0x3);
    expect_components(0x67, 0x7); /* two of AVX-512's three */
    expect_components(0xe3, 0x3); /* AVX-512 without AVX */
    expect_components(0, 0x3);
}

static void test_msrs_tell_tsc_aux_only_where_it_is(void **state)
{
    struct sconce_x86_msr msrs[SCONCE_X86_MSR_COUNT];

    (void)state;
    assert_int_equal(sconce_x86_msrs(plain, 3, 0x1000, msrs), SCONCE_X86_MSR_COUNT - 1);
    for (unsigned i = 0; i < SCONCE_X86_MSR_COUNT - 1; i++)
        assert_int_not_equal(msrs[i].index, SCONCE_X86_MSR_TSC_AUX);
    assert_int_equal(sconce_x86_msrs(modern, 4, 0x1000, msrs), SCONCE_X86_MSR_COUNT);
}

static void test_msrs_hold_nothing_but_the_way_of_a_syscall(void **state)
{
    struct sconce_x86_msr msrs[SCONCE_X86_MSR_COUNT];

    (void)state;
    sconce_x86_msrs(modern, 4, 0xfff002ff8, msrs);
    for (unsigned i = 0; i < SCONCE_X86_MSR_COUNT; i++) {
        switch (msrs[i].index) {
        case SCONCE_X86_MSR_LSTAR:
        case SCONCE_X86_MSR_CSTAR:
            assert_int_equal(msrs[i].value, 0xfff002ff8);
            break;
        case SCONCE_X86_MSR_STAR:
            assert_int_equal(msrs[i].value, 0x0023001000000000);
            break;
        default:
            assert_int_equal(msrs[i].value, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_runs_long_mode_with_write_protection_and_nx),
        cmocka_unit_test(test_control_never_enables_syscall),
        cmocka_unit_test(test_control_on_a_plain_machine_sets_no_bit_that_it_lacks),
        cmocka_unit_test(test_control_on_a_modern_machine_takes_every_wall),
        cmocka_unit_test(test_xcr0_is_what_is_offered_of_the_policy),
        cmocka_unit_test(test_msrs_tell_tsc_aux_only_where_it_is),
        cmocka_unit_test(test_msrs_hold_nothing_but_the_way_of_a_syscall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
