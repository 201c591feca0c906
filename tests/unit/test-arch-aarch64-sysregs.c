/* SPDX-License-Identifier: Apache-2.0 */
/* arch/aarch64/sysregs.c: what each register holds, by machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arch/aarch64/sysregs.h"

#define TTBR0 0xfff012000ull
#define VBAR 0xfff011000ull

/* ID_AA64MMFR0_EL1 and ID_AA64MMFR1_EL1 as a Cortex-A72 (44 bits, no PAN) and a Cortex-A76 (40
 * bits, PAN 2) have them, in the fields that count. */
static const struct sconce_a64_features a72 = {.dfr0 = 0x10305106, .mmfr0 = 0x00001124};
static const struct sconce_a64_features a76 = {
    .dfr0 = 0x10305408, .mmfr0 = 0x00101122, .mmfr1 = 0x10212122};

static uint64_t value_of(const struct sconce_a64_features *features, uint16_t id)
{
    struct sconce_a64_sysreg regs[SCONCE_A64_SYSREG_COUNT];

    sconce_a64_sysregs(features, TTBR0, VBAR, regs);
    for (unsigned i = 0; i < SCONCE_A64_SYSREG_COUNT; i++)
        if (regs[i].id == id)
            return regs[i].value;
    fail_msg("register 0x%x is not set", id);
    return 0;
}

/* Numbers as Linux's KVM lists them. */
static void test_sysreg_numbers_are_the_instructions(void **state)
{
    (void)state;
    assert_int_equal(SCONCE_A64_SCTLR_EL1, 0xc080);
    assert_int_equal(SCONCE_A64_TTBR0_EL1, 0xc100);
    assert_int_equal(SCONCE_A64_TCR_EL1, 0xc102);
    assert_int_equal(SCONCE_A64_ESR_EL1, 0xc290);
    assert_int_equal(SCONCE_A64_FAR_EL1, 0xc300);
    assert_int_equal(SCONCE_A64_MAIR_EL1, 0xc510);
    assert_int_equal(SCONCE_A64_VBAR_EL1, 0xc600);
    assert_int_equal(SCONCE_A64_TPIDR_EL1, 0xc684);
    assert_int_equal(SCONCE_A64_CNTKCTL_EL1, 0xc708);
    assert_int_equal(SCONCE_A64_TPIDR_EL0, 0xde82);
    assert_int_equal(SCONCE_A64_MDSCR_EL1, 0x8012);
    assert_int_equal(SCONCE_A64_DBGBVR_EL1(15), 0x807c);
}

static void test_sctlr_turns_on_mmu_and_caches_and_closes_the_rest(void **state)
{
    uint64_t sctlr = value_of(&a76, SCONCE_A64_SCTLR_EL1);
    static const unsigned set[] = {0, 2, 3, 4, 12, 14, 15, 19, 26};
    /* A, UMA, nTWI, nTWE, E0E, EE, EnIA, EnIB, EnDA, EnDB, BT0, MSCEn */
    static const unsigned clear[] = {1, 9, 16, 18, 24, 25, 31, 30, 27, 13, 35, 33};
    static const unsigned res1[] = {11, 20, 22, 28, 29};

    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        assert_int_equal(sctlr >> set[i] & 1, 1);
    for (size_t i = 0; i < sizeof clear / sizeof clear[0]; i++)
        assert_int_equal(sctlr >> clear[i] & 1, 0);
    for (size_t i = 0; i < sizeof res1 / sizeof res1[0]; i++)
        assert_int_equal(sctlr >> res1[i] & 1, 1);
}

static void test_sctlr_shuts_the_guests_pages_where_there_is_pan(void **state)
{
    (void)state;
    assert_int_equal(value_of(&a76, SCONCE_A64_SCTLR_EL1) >> 23 & 1, 0);
    assert_int_equal(value_of(&a72, SCONCE_A64_SCTLR_EL1) >> 23 & 1, 1); /* RES1 there */
}

static void test_tcr_is_39_bits_of_ttbr0_alone(void **state)
{
    uint64_t tcr = value_of(&a76, SCONCE_A64_TCR_EL1);

    (void)state;
    assert_int_equal(64 - (tcr & 0x3f), 39);
    assert_int_equal(tcr >> 7 & 1, 0);      /* EPD0 */
    assert_int_equal(tcr >> 23 & 1, 1);     /* EPD1 */
    assert_int_equal(tcr >> 8 & 3, 1);      /* IRGN0: WBWA */
    assert_int_equal(tcr >> 10 & 3, 1);     /* ORGN0 */
    assert_int_equal(tcr >> 12 & 3, 3);     /* SH0: inner */
    assert_int_equal(tcr >> 14 & 3, 0);     /* TG0: 4 KiB */
    assert_int_equal(tcr >> 30 & 3, 2);     /* TG1: 4 KiB, coded otherwise */
    assert_int_equal(tcr >> 37 & 0x7ff, 0); /* TBI, HA, HD and all above */
}

static void test_tcr_reaches_what_the_machine_does_and_no_further(void **state)
{
    struct sconce_a64_features small = {.mmfr0 = 0};

    (void)state;
    assert_int_equal(value_of(&a72, SCONCE_A64_TCR_EL1) >> 32 & 7, 1); /* 36 bits */
    assert_int_equal(value_of(&a76, SCONCE_A64_TCR_EL1) >> 32 & 7, 1);
    assert_int_equal(value_of(&small, SCONCE_A64_TCR_EL1) >> 32 & 7, 0); /* 32 bits */
}

static void test_the_other_registers(void **state)
{
    (void)state;
    assert_int_equal(value_of(&a72, SCONCE_A64_MAIR_EL1), 0x04ff);
    assert_int_equal(value_of(&a72, SCONCE_A64_TTBR0_EL1), TTBR0);
    assert_int_equal(value_of(&a72, SCONCE_A64_TTBR1_EL1), 0);
    assert_int_equal(value_of(&a72, SCONCE_A64_VBAR_EL1), VBAR);
    assert_int_equal(value_of(&a72, SCONCE_A64_CPACR_EL1), 3u << 20);
    assert_int_equal(value_of(&a72, SCONCE_A64_CNTKCTL_EL1), 2);
    assert_int_equal(value_of(&a72, SCONCE_A64_MDSCR_EL1), 1u << 12);
    assert_int_equal(value_of(&a72, SCONCE_A64_TPIDR_EL0), 0);
    assert_int_equal(value_of(&a72, SCONCE_A64_TPIDRRO_EL0), 0);
}

static void test_sysregs_name_none_twice(void **state)
{
    struct sconce_a64_sysreg regs[SCONCE_A64_SYSREG_COUNT];

    (void)state;
    sconce_a64_sysregs(&a72, TTBR0, VBAR, regs);
    for (unsigned i = 0; i < SCONCE_A64_SYSREG_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(regs[i].id, regs[j].id);
}

static void test_features_of_a_machine(void **state)
{
    struct sconce_a64_features odd = {.mmfr0 = 0xf000000f};

    (void)state;
    assert_int_equal(sconce_a64_address_bits(&a72), 44);
    assert_int_equal(sconce_a64_address_bits(&a76), 40);
    assert_int_equal(sconce_a64_address_bits(&odd), 0);
    assert_true(sconce_a64_small_pages(&a72));
    assert_false(sconce_a64_small_pages(&odd));
    assert_int_equal(SCONCE_A64_DFR0_BREAKPOINTS(a72.dfr0), 6);
    assert_int_equal(SCONCE_A64_DFR0_WATCHPOINTS(a72.dfr0), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sysreg_numbers_are_the_instructions),
        cmocka_unit_test(test_sctlr_turns_on_mmu_and_caches_and_closes_the_rest),
        cmocka_unit_test(test_sctlr_shuts_the_guests_pages_where_there_is_pan),
        cmocka_unit_test(test_tcr_is_39_bits_of_ttbr0_alone),
        cmocka_unit_test(test_tcr_reaches_what_the_machine_does_and_no_further),
        cmocka_unit_test(test_the_other_registers),
        cmocka_unit_test(test_sysregs_name_none_twice),
        cmocka_unit_test(test_features_of_a_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
