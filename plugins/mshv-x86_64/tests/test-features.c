/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-x86_64/cpuid.c and msrs.c: what CPUID and MSRs become, and that only the
 * hypervisor's own refusal makes less of them. Without a hypervisor, which is played. */
#include "plugins/mshv-x86_64/tests/fake-machine.h"

#include <errno.h>

/* ---- MSRs ---------------------------------------------------------------------------------------
 */

static const struct fake_hvcall refuses_msr[] = {
    {.done = FAKE_ALL}, {.done = FAKE_ALL}, {.done = FAKE_ALL}, {EINVAL, 5, 0, false}};

/* The first one is read, and put back; the second is read, and not taken back. */
static void test_msr_that_cannot_be_put_back_is_refused(void **state)
{
    static struct mshv_x86_facts facts;

    (void)state;
    fake.hvcalls = refuses_msr;
    fake.hvcall_count = 4;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error("the hypervisor shows an MSR that cannot be put back (register 0x80004)",
                 "please report it, with kernel, processor and this message");
}

/* MTRRs matter to nobody. */
static void test_msr_of_no_importance_that_cannot_be_put_back_is_left_out(void **state)
{
    static struct fake_hvcall calls[64];
    static struct mshv_x86_facts facts;

    (void)state;
    for (size_t i = 0; i < 64; i++)
        calls[i] = (struct fake_hvcall){.done = FAKE_ALL};
    calls[2 * 9 + 1] = (struct fake_hvcall){EINVAL, 5, 0, false};
    fake.hvcalls = calls;
    fake.hvcall_count = 64;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(facts.msr_count, 38);
    for (uint32_t i = 0; i < facts.msr_count; i++)
        assert_int_not_equal(facts.msrs[i], HV_MTRR_DEF_TYPE);
}

/* What says nothing about a name does not make it one that is not there. */
static void test_msr_that_fails_otherwise_is_an_error(void **state)
{
    static const struct fake_hvcall rows[] = {
        {EIO, 0x75, 0, false}, {ENOMEM, 0xb, 0, false}, {0, 0, 0, false}, {EIO, 0, 0, true}};
    static struct mshv_x86_facts facts;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        machine_start(state);
        fake.hvcalls = &rows[i];
        fake.hvcall_count = 1;
        assert_int_not_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
        assert_int_not_equal(error.domain, SCONCE_DOMAIN_PLUGIN);
    }
}

static const struct fake_hvcall no_msrs[] = {{EINVAL, 5, 0, false}};

static void test_msrs_that_are_not_there_are_no_trouble(void **state)
{
    static struct mshv_x86_facts facts;

    (void)state;
    fake.hvcalls = no_msrs;
    fake.hvcall_count = 1;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(facts.msr_count, 0);
}

static void test_msrs_go_back_to_what_a_new_vp_had(void **state)
{
    static struct mshv_x86_facts facts;
    bool pat = false, lstar = false;

    (void)state;
    hv_reg(HV_PAT)->low = 0x7040600070406;
    hv_reg(HV_LSTAR)->low = 0x55;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    vm.x86.msr_count = 1;
    vm.x86.msrs[0] = (struct sconce_x86_msr){SCONCE_X86_MSR_LSTAR, 0xfff002ff8};
    assert_int_equal(mshv_x86_msrs_keep(&vm, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(vm.msr_count, facts.msr_count);
    for (uint32_t i = 0; i < vm.msr_count; i++) {
        pat |= vm.msrs[i].name == HV_PAT && vm.msrs[i].value.low == 0x7040600070406;
        lstar |= vm.msrs[i].name == HV_LSTAR && vm.msrs[i].value.low == 0xfff002ff8;
    }
    assert_true(pat);
    assert_true(lstar);
    vm.x86.msrs[0].index = 0x10;
    assert_int_equal(mshv_x86_msrs_keep(&vm, &facts, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error("the hypervisor has no MSR 0x10 for its guests",
                 "please report it, with kernel, processor and this message");
}

/* ---- CPUID --------------------------------------------------------------------------------------
 */

static const struct hv_cpuid_override *override_of(uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < machine.override_count; i++)
        if (machine.overrides[i].leaf == leaf && machine.overrides[i].subleaf == subleaf)
            return &machine.overrides[i];
    return NULL;
}

static void test_cpuid_is_overridden_where_it_differs_from_the_policy(void **state)
{
    static struct mshv_x86_facts facts;
    const struct hv_cpuid_override *o;

    (void)state;
    assert_int_equal(mshv_x86_cpuid_read(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(facts.control.xcr0, 7);
    assert_int_equal(mshv_x86_cpuid_set(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(machine.override_count, facts.override_count);

    o = override_of(0, 0);
    assert_non_null(o);
    assert_int_equal(o->intercept, 2);
    assert_int_equal(o->always_override, 1);
    assert_int_equal(o->subleaf_specific, 0);
    assert_int_equal(o->eax, 0xd);
    assert_int_equal(o->eax_mask, ~0u);
    assert_int_equal(o->edx, 3);
    o = override_of(1, 0);
    assert_non_null(o);
    assert_int_equal(o->ecx >> 27 & 1, 1); /* OSXSAVE: CR4 has it */
    assert_int_equal(o->ecx >> 31, 0);     /* no hypervisor */
    assert_int_equal(o->edx >> 9 & 1, 0);  /* no APIC */
    o = override_of(7, 0);
    assert_non_null(o);
    assert_int_equal(o->subleaf_specific, 1);
    assert_int_equal(o->ecx >> 7 & 1, 0); /* no CET */
    o = override_of(SCONCE_X86_CPUID_HYPERVISOR, 0);
    assert_non_null(o);
    assert_int_equal(o->eax | o->ebx | o->ecx | o->edx, 0);
    assert_null(override_of(5, 0)); /* says nothing already */
}

static int32_t try_with(const struct fake_hvcall *calls, size_t count, struct mshv_x86_facts *facts)
{
    assert_int_equal(mshv_x86_cpuid_read(FAKE_VP_FD, facts, fresh()), SCONCE_PLUGIN_OK);
    fake.hvcalls = calls;
    fake.hvcall_count = count;
    fake.hvcalls_made = 0;
    return mshv_x86_cpuid_try(FAKE_VP_FD, facts, fresh());
}

static void test_cpuid_overrides_are_read_back(void **state)
{
    static struct mshv_x86_facts facts;

    (void)state;
    assert_int_equal(try_with(NULL, 0, &facts), SCONCE_PLUGIN_OK);
    assert_true(facts.has_overrides);
    assert_true(facts.is_overridden);
    assert_int_equal(fake.hvcalls_made, 2 * facts.override_count);

    machine_start(state);
    machine.is_deaf = true;
    assert_int_equal(try_with(NULL, 0, &facts), SCONCE_PLUGIN_OK);
    assert_true(facts.has_overrides);
    assert_false(facts.is_overridden);
}

static void test_cpuid_that_cannot_be_overridden_is_noted(void **state)
{
    static const struct fake_hvcall by_kernel[] = {{EINVAL, 0, 0, true}};
    static const struct fake_hvcall by_hypervisor[] = {{EIO, 8, 0, false}};
    static struct mshv_x86_facts facts;

    (void)state;
    assert_int_equal(try_with(by_kernel, 1, &facts), SCONCE_PLUGIN_OK);
    assert_false(facts.has_overrides);
    assert_false(facts.is_overridden);
    machine_start(state);
    assert_int_equal(try_with(by_hypervisor, 1, &facts), SCONCE_PLUGIN_OK);
    assert_false(facts.has_overrides);
}

static void test_cpuid_override_that_fails_otherwise_is_an_error(void **state)
{
    static const struct fake_hvcall no_memory[] = {{ENOMEM, 0xb, 0, false}};
    static struct mshv_x86_facts facts;

    (void)state;
    assert_int_equal(try_with(no_memory, 1, &facts), SCONCE_PLUGIN_E_NO_MEMORY);
    expect_error("cannot set the CPU features of policy sconce-x86-1: there is no memory that the "
                 "hypervisor wants",
                 "keep fewer sandboxes, or give the root partition more memory");
    assert_int_equal(error.domain, SCONCE_DOMAIN_HV_STATUS);
}

/* The eleventh question is leaf 7.0's: without its answer SMEP and SMAP would be off. */
static void ask_with_leaf_7(const struct fake_hvcall *seventh, int32_t status)
{
    static struct fake_hvcall calls[12];
    static struct mshv_x86_facts facts;

    for (size_t i = 0; i < 12; i++)
        calls[i] = (struct fake_hvcall){.done = FAKE_ALL};
    calls[10] = *seventh;
    fake.hvcalls = calls;
    fake.hvcall_count = 12;
    fake.hvcalls_made = 0;
    assert_int_equal(mshv_x86_cpuid_read(FAKE_VP_FD, &facts, fresh()), status);
}

static void test_cpuid_leaf_that_cannot_be_read_is_an_error(void **state)
{
    static const struct fake_hvcall no_memory = {ENOMEM, 0, 0, true};
    static const struct fake_hvcall refused = {EINVAL, 5, 0, false};

    (void)state;
    ask_with_leaf_7(&no_memory, SCONCE_PLUGIN_E_NO_MEMORY);
    ask_with_leaf_7(&refused, SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error("the hypervisor does not tell which CPU features its guests have",
                 "use the interface of upstream Linux, 6.15 or later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_msr_that_cannot_be_put_back_is_refused, machine_start),
        cmocka_unit_test_setup(test_msr_of_no_importance_that_cannot_be_put_back_is_left_out,
                               machine_start),
        cmocka_unit_test_setup(test_msr_that_fails_otherwise_is_an_error, machine_start),
        cmocka_unit_test_setup(test_msrs_that_are_not_there_are_no_trouble, machine_start),
        cmocka_unit_test_setup(test_msrs_go_back_to_what_a_new_vp_had, machine_start),
        cmocka_unit_test_setup(test_cpuid_is_overridden_where_it_differs_from_the_policy,
                               machine_start),
        cmocka_unit_test_setup(test_cpuid_overrides_are_read_back, machine_start),
        cmocka_unit_test_setup(test_cpuid_that_cannot_be_overridden_is_noted, machine_start),
        cmocka_unit_test_setup(test_cpuid_override_that_fails_otherwise_is_an_error, machine_start),
        cmocka_unit_test_setup(test_cpuid_leaf_that_cannot_be_read_is_an_error, machine_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
