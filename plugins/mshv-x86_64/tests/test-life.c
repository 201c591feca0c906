/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a VM without a hypervisor: what is mapped for it and given back, and what is left
 * when any one call of it fails. Nothing but an error, and of a VM that is half one, a dead VM.
 */
#include "plugins/mshv-x86_64/tests/fake-machine.h"

#include <errno.h>
#include <string.h>

static struct sconce_plugin_vm *made;

/* With what a probe has found. */
static void start(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    machine_start(state);
    assert_int_equal(mshv_x86_probe(&probe, fresh()), SCONCE_PLUGIN_OK);
    expect_nothing_left();
    fake.run = machine_ring;
    fake.calls = 0;
    fake.region_count = 0;
}

/* ---- What is mapped -------------------------------------------------------------------------- */

static void expect_region(unsigned number, uint64_t gpa, uint64_t bytes, uint8_t flags)
{
    const struct mshv_user_mem_region *r = &fake.regions[number];

    assert_int_equal(r->guest_pfn, gpa >> 12);
    assert_int_equal(r->size, bytes);
    assert_int_equal(r->flags, flags);
}

/* What is written is nowhere executed, and what says where exceptions go is not written. */
static void test_regions_have_the_least_rights(void **state)
{
    start(state);
    made = machine_vm();
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.region_count, 5);
    expect_region(0, CODE_GPA, SCONCE_MEM_GRANULE, 2);
    expect_region(1, DATA_GPA, SCONCE_MEM_GRANULE, 1);
    expect_region(2, SCONCE_GPA_MAX, 2 * 4096, 0);        /* GDT, TSS, IDT */
    expect_region(3, SCONCE_GPA_MAX + 2 * 4096, 4096, 2); /* the shim */
    assert_int_equal(fake.regions[4].guest_pfn, (SCONCE_GPA_MAX + 3 * 4096) >> 12);
    assert_int_equal(fake.regions[4].flags, 1); /* its stacks, and page tables */
    assert_int_equal(fake.regions[4].userspace_addr, (uintptr_t)made->mshv.own + 3 * 4096);
    mshv_x86_vm_destroy(made);
    expect_nothing_left();
}

/* From there on the host's views and the guest's pages are the same ones, until the VM ends. */
static void test_nothing_is_mapped_or_unmapped_after_the_entry(void **state)
{
    struct sconce_exit exit = {.size = sizeof exit};
    int maps;

    start(state);
    made = machine_vm();
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    maps = fake.maps;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(mshv_x86_vcpu_run(made, &exit, fresh()), SCONCE_PLUGIN_OK);
        assert_int_equal(mshv_x86_vcpu_reset(made, fresh()), SCONCE_PLUGIN_OK);
        assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    }
    assert_int_equal(fake.region_count, 5);
    assert_int_equal(fake.maps, maps);
    mshv_x86_vm_destroy(made);
    assert_int_equal(fake.region_count, 10);
    expect_nothing_left();
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void expect_told(int32_t status)
{
    assert_int_not_equal(status, SCONCE_PLUGIN_OK);
    assert_int_not_equal(status, SCONCE_PLUGIN_E_INVALID);
    assert_string_not_equal(error.text, "");
}

static void expect_dead(void)
{
    struct sconce_exit exit = {.size = sizeof exit};

    assert_int_equal(made->mshv.state, SCONCE_VCPU_DEAD);
    assert_int_equal(mshv_x86_vcpu_run(made, &exit, fresh()), SCONCE_PLUGIN_E_DEAD);
    assert_int_equal(mshv_x86_vcpu_reset(made, fresh()), SCONCE_PLUGIN_E_DEAD);
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_E_DEAD);
}

/* A VM whose memory is built is as good as before when the thread pointer could not be set. */
static bool enters(void)
{
    int32_t r = machine_enter(made, fresh());

    if (r == SCONCE_PLUGIN_OK)
        return true;
    expect_told(r);
    if (made->mshv.state != SCONCE_VCPU_FRESH) {
        expect_dead();
        return false;
    }
    assert_non_null(strstr(error.text, "segment"));
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    return true;
}

static bool runs(void)
{
    struct sconce_exit exit = {.size = sizeof exit};

    assert_int_equal(mshv_x86_vcpu_run(made, &exit, fresh()), SCONCE_PLUGIN_OK);
    if (exit.kind != SCONCE_EXIT_FAIL) {
        assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
        assert_int_equal(exit.u.doorbell.number, 7);
        return true;
    }
    assert_string_not_equal(exit.u.fail.text, "");
    expect_dead();
    return false;
}

static bool resets(void)
{
    int32_t r = mshv_x86_vcpu_reset(made, fresh());

    if (r == SCONCE_PLUGIN_OK)
        return true;
    expect_told(r);
    expect_dead();
    return false;
}

/* Returns how many calls of the driver it took, where none was to fail. */
static unsigned live(void)
{
    int32_t r = machine_make(&made, fresh());
    bool is_whole = r == SCONCE_PLUGIN_OK;

    if (!is_whole) {
        expect_told(r);
        assert_null(made);
    }
    is_whole = is_whole && enters() && runs() && runs() && resets() && enters() && runs();
    if (!fake.fail_at)
        assert_true(is_whole);
    mshv_x86_vm_destroy(made);
    expect_nothing_left();
    return fake.calls;
}

static void expect_each_failure_to_be_told(void **state, bool has_page, int errnum, uint16_t status)
{
    unsigned calls;

    start(state);
    fake.mmap_errno = has_page ? 0 : ENODEV;
    calls = live();
    assert_in_range(calls, 40, 100);
    for (unsigned n = 1; n <= calls; n++) {
        start(state);
        fake.mmap_errno = has_page ? 0 : ENODEV;
        fake.fail_at = n;
        fake.fail_errno = errnum;
        fake.fail_status = status;
        live();
        assert_true(fake.calls >= n); /* it was met */
    }
}

static void test_life_with_any_call_failing_ends_in_an_error_and_no_leak(void **state)
{
    expect_each_failure_to_be_told(state, true, ENOMEM, 0);
    expect_each_failure_to_be_told(state, true, EIO, 0x15);
    expect_each_failure_to_be_told(state, false, ENOMEM, 0xb);
    expect_each_failure_to_be_told(state, false, EIO, 0x5);
}

/* What the driver can always say; RUN_VP's own answers are held elsewhere. */
static void test_life_with_any_call_asked_for_again_goes_on(void **state)
{
    unsigned calls;

    start(state);
    calls = live();
    for (unsigned n = 1; n <= calls; n++) {
        start(state);
        fake.fail_at = n;
        fake.fail_errno = EAGAIN;
        fake.fail_status = 0xb;
        live();
    }
}

static void test_life_on_a_dead_driver_is_one_error(void **state)
{
    start(state);
    fake.fail_at = 1;
    fake.fail_errno = ENODEV;
    assert_int_equal(machine_make(&made, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_null(made);
    expect_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_have_the_least_rights),
        cmocka_unit_test(test_nothing_is_mapped_or_unmapped_after_the_entry),
        cmocka_unit_test(test_life_with_any_call_failing_ends_in_an_error_and_no_leak),
        cmocka_unit_test(test_life_with_any_call_asked_for_again_goes_on),
        cmocka_unit_test(test_life_on_a_dead_driver_is_one_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
