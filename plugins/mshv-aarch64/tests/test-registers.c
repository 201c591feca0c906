/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-aarch64/sysregs.c: names by the hypervisor's own numbers, and a reset that forgets
 * nothing. */
#include "plugins/mshv-aarch64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

#include "arch/aarch64/regs.h"

/* ---- Names ------------------------------------------------------------------------------------
 */

/* The numbers of the hypervisor's interface, written out once more. */
static void test_names_are_the_hypervisors(void **state)
{
    static const struct {
        uint16_t id;
        uint32_t name;
    } rows[] = {
        {SCONCE_A64_X(0), 0x20000},
        {SCONCE_A64_X(28), 0x2001c},
        {SCONCE_A64_X(29), 0x2001d},
        {SCONCE_A64_X(30), 0x2001e},
        {SCONCE_A64_SP_EL0, 0x20020},
        {SCONCE_A64_SP_EL1, 0x20021},
        {SCONCE_A64_PC, 0x20022},
        {SCONCE_A64_PSTATE, 0x20023},
        {SCONCE_A64_SCTLR_EL1, 0x40002},
        {SCONCE_A64_CPACR_EL1, 0x40004},
        {SCONCE_A64_TTBR0_EL1, 0x40005},
        {SCONCE_A64_TTBR1_EL1, 0x40006},
        {SCONCE_A64_TCR_EL1, 0x40007},
        {SCONCE_A64_ESR_EL1, 0x40008},
        {SCONCE_A64_FAR_EL1, 0x40009},
        {SCONCE_A64_MAIR_EL1, 0x4000b},
        {SCONCE_A64_VBAR_EL1, 0x4000c},
        {SCONCE_A64_CONTEXTIDR_EL1, 0x4000d},
        {SCONCE_A64_TPIDR_EL1, 0x4000e},
        {SCONCE_A64_TPIDRRO_EL0, 0x40010},
        {SCONCE_A64_TPIDR_EL0, 0x40011},
        {SCONCE_A64_SPSR_EL1, 0x40014},
        {SCONCE_A64_ELR_EL1, 0x40015},
        {SCONCE_A64_AMAIR_EL1, 0x40018},
        {SCONCE_A64_MDCCINT_EL1, 0x50049},
        {SCONCE_A64_MDSCR_EL1, 0x5004d},
        {SCONCE_A64_CNTKCTL_EL1, 0x58008},
        {SCONCE_A64_DBGBCR_EL1(0), 0x50000},
        {SCONCE_A64_DBGBCR_EL1(15), 0x5000f},
        {SCONCE_A64_DBGWCR_EL1(3), 0x50013},
        {SCONCE_A64_DBGBVR_EL1(1), 0x50021},
        {SCONCE_A64_DBGWVR_EL1(15), 0x5003f},
        {SCONCE_A64_ID_AA64DFR0_EL1, 0x22028},
        {SCONCE_A64_ID_AA64MMFR0_EL1, 0x22038},
        {SCONCE_A64_ID_AA64MMFR1_EL1, 0x22039},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(mshv_a64_name(rows[i].id), rows[i].name);
    assert_int_equal(HV_Q(31), 0x3001f);
    assert_int_equal(HV_FPCR, 0x40012);
    assert_int_equal(HV_FPSR, 0x40013);
    assert_int_equal(mshv_a64_name(SCONCE_A64_SYSREG(3, 0, 0, 0, 0)), 0);
}

static void test_features_are_the_id_registers(void **state)
{
    struct sconce_a64_features found;

    (void)state;
    hv_reg(0x22028)->low = 1;
    hv_reg(0x22038)->low = 2;
    hv_reg(0x22039)->low = 3;
    assert_int_equal(mshv_a64_features_read(FAKE_VP_FD, &found, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(found.dfr0, 1);
    assert_int_equal(found.mmfr0, 2);
    assert_int_equal(found.mmfr1, 3);
}

/* A partition is not made without an interrupt controller, FP and SIMD. */
static void test_masks_hide_what_guests_are_to_be_without(void **state)
{
    const uint64_t *off = mshv_a64_features.cpu_disabled;

    (void)state;
    assert_int_equal(off[0], 1ull << 8 | 0xfull << 16);
    assert_int_equal(off[0] >> 9 & 31, 0); /* FP, half precision, SIMD, GICv3 */
    assert_int_equal(off[1] >> 37 & 7, 7); /* SVE */
    assert_int_equal(off[1] >> 53, 0x7f);  /* SME; nothing reserved */
    assert_false(mshv_a64_features.has_msrs);
    assert_false(mshv_a64_features.has_register_page);
}

/* ---- The reset --------------------------------------------------------------------------------
 */

static struct mshv_a64_reset list[MSHV_A64_MAX_RESET];
static uint16_t count;

static const struct mshv_a64_reset *find(uint32_t name)
{
    for (uint16_t i = 0; i < count; i++)
        if (list[i].reg.name == name)
            return &list[i];
    return NULL;
}

static void expect_listed(uint32_t name, uint64_t value)
{
    const struct mshv_a64_reset *entry = find(name);

    if (!entry)
        fail_msg("0x%x is not reset", name);
    assert_true(entry->needed);
    assert_int_equal(entry->reg.value.low, value);
    assert_int_equal(entry->reg.value.high, 0);
}

static void test_reset_has_all_that_a_guest_can_write(void **state)
{
    struct sconce_a64_sysreg system[SCONCE_A64_SYSREG_COUNT];

    (void)state;
    count = mshv_a64_reset_list(&all_features, SCONCE_GPA_MAX, list);
    assert_int_equal(count, MSHV_A64_MAX_RESET);
    for (unsigned i = 0; i < 31; i++)
        expect_listed(0x20000 + i, 0);
    for (unsigned i = 0; i < 32; i++)
        expect_listed(0x30000 + i, 0);
    expect_listed(HV_FPCR, 0);
    expect_listed(HV_FPSR, 0);
    expect_listed(HV_SP_EL0, 0);
    expect_listed(HV_ELR_EL1, 0);
    expect_listed(HV_SPSR_EL1, 0);
    expect_listed(HV_SP_EL1, SAVE_GPA);
    expect_listed(HV_PSTATE, 0x2c0); /* EL0 */
    expect_listed(HV_TTBR0_EL1, SCONCE_GPA_MAX + 0x12000);
    expect_listed(HV_VBAR_EL1, SCONCE_GPA_MAX + 0x11000);
    for (unsigned i = 0; i < 64; i++)
        expect_listed(0x50000 + i, 0);

    /* Every register of the architecture's table has a name, and its value. */
    sconce_a64_sysregs(&all_features, SCONCE_GPA_MAX + SCONCE_A64_TABLES_OFFSET,
                       sconce_a64_vector_gpa(SCONCE_GPA_MAX, 0), system);
    for (unsigned i = 0; i < SCONCE_A64_SYSREG_COUNT; i++) {
        const struct mshv_a64_reset *entry = find(mshv_a64_name(system[i].id));

        assert_int_not_equal(mshv_a64_name(system[i].id), 0);
        assert_non_null(entry);
        assert_int_equal(entry->needed, system[i].needed);
        assert_int_equal(entry->reg.value.low, system[i].value);
    }
}

static void test_reset_has_each_register_once(void **state)
{
    (void)state;
    count = mshv_a64_reset_list(&all_features, SCONCE_GPA_MAX, list);
    for (uint16_t i = 0; i < count; i++)
        assert_ptr_equal(find(list[i].reg.name), &list[i]);
}

/* Two of each are the fewest that a processor may have, but for what the field can say. */
static void test_reset_leaves_out_debug_registers_that_are_not_there(void **state)
{
    const struct sconce_a64_features few = {.dfr0 = 1u << 12 | 1u << 20, .mmfr0 = 5};

    (void)state;
    count = mshv_a64_reset_list(&few, SCONCE_GPA_MAX, list);
    assert_int_equal(count, MSHV_A64_MAX_RESET - 64 + 8);
    assert_non_null(find(HV_DBGBVR_EL1(1)));
    assert_null(find(HV_DBGBVR_EL1(2)));
    assert_null(find(HV_DBGWCR_EL1(2)));
}

/* ---- What a hypervisor refuses ------------------------------------------------------------------
 */

static struct fake_hvcall answer[MSHV_A64_MAX_RESET];

/* One hypercall a register, in the list's order. */
static void refuse(uint32_t name, struct fake_hvcall as)
{
    count = mshv_a64_reset_list(&all_features, SCONCE_GPA_MAX, list);
    for (uint16_t i = 0; i < count; i++)
        answer[i] = list[i].reg.name == name ? as : (struct fake_hvcall){.done = FAKE_ALL};
    fake.hvcalls = answer;
    fake.hvcall_count = count;
}

static struct mshv_a64_facts facts;

static int32_t try_all(void)
{
    facts = (struct mshv_a64_facts){.features = all_features};
    return mshv_a64_reset_try(FAKE_VP_FD, &facts, fresh());
}

static void test_register_that_no_reset_needs_may_be_missing(void **state)
{
    static const uint32_t names[] = {HV_AMAIR_EL1, HV_TPIDR2_EL0, HV_PENDING_EVENT1};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        start_over(state);
        refuse(names[i], (struct fake_hvcall){EINVAL, 5, 0, false});
        assert_int_equal(try_all(), SCONCE_PLUGIN_OK);
        assert_int_equal(facts.missing_count, 1);
        assert_int_equal(facts.missing[0], names[i]);
        vm.reset_count = 0;
        mshv_a64_reset_keep(&vm, &facts);
        assert_int_equal(vm.reset_count, count - 1);
        for (uint16_t at = 0; at < vm.reset_count; at++)
            assert_int_not_equal(vm.reset[at].name, names[i]);
    }
}

static void test_register_that_a_reset_needs_is_told_by_its_number(void **state)
{
    (void)state;
    refuse(HV_CNTKCTL_EL1, (struct fake_hvcall){EINVAL, 5, 0, false});
    assert_int_equal(try_all(), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error("the hypervisor does not let a register be set (0x58008, status 0x5)",
                 "please report it, with kernel, processor and this message");
}

static void test_kernel_that_refuses_is_no_missing_register(void **state)
{
    (void)state;
    refuse(HV_AMAIR_EL1, (struct fake_hvcall){ENOTTY, 0, 0, true});
    assert_int_equal(try_all(), SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot set one of the VP's registers: Inappropriate ioctl for device", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names_are_the_hypervisors, start_over),
        cmocka_unit_test_setup(test_features_are_the_id_registers, start_over),
        cmocka_unit_test_setup(test_masks_hide_what_guests_are_to_be_without, start_over),
        cmocka_unit_test_setup(test_reset_has_all_that_a_guest_can_write, start_over),
        cmocka_unit_test_setup(test_reset_has_each_register_once, start_over),
        cmocka_unit_test_setup(test_reset_leaves_out_debug_registers_that_are_not_there,
                               start_over),
        cmocka_unit_test_setup(test_register_that_no_reset_needs_may_be_missing, start_over),
        cmocka_unit_test_setup(test_register_that_a_reset_needs_is_told_by_its_number, start_over),
        cmocka_unit_test_setup(test_kernel_that_refuses_is_no_missing_register, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
