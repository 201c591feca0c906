/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-aarch64/vcpu.c and regs.c without a hypervisor: a VP that stopped is answered,
 * looked at, kicked, scrubbed. */
#include "plugins/mshv-aarch64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

#include "arch/aarch64/regs.h"

static void stop_in_syscall(void)
{
    const struct hv_gpa_access access = report_of(8, SVC(0), CODE_GPA + 4);

    run_to_store(&access);
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
}

static struct sconce_a64_standard standard(void)
{
    struct sconce_a64_standard regs;

    assert_int_equal(mshv_a64_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, fresh()),
                     SCONCE_PLUGIN_OK);
    return regs;
}

/* ---- Answering and looking ---------------------------------------------------------------------
 */

static void test_complete_answers_through_the_save_area(void **state)
{
    unsigned before;

    (void)state;
    stop_in_syscall();
    before = sets;
    assert_int_equal(mshv_a64_vcpu_complete(&vm, -38, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(save()->x[0], (uint64_t)-38);
    assert_int_equal(sets, before);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_RUNNABLE);
}

static void test_complete_after_a_look_answers_in_the_register(void **state)
{
    struct sconce_a64_standard regs;

    (void)state;
    hv_reg(HV_X(30))->low = 30;
    hv_reg(HV_SP_EL0)->low = 0x7008;
    stop_in_syscall();
    regs = standard();
    assert_int_equal(regs.x[0], 10);
    assert_int_equal(regs.x[1], 11);
    assert_int_equal(regs.x[30], 30);
    assert_int_equal(regs.sp, 0x7008);
    assert_int_equal(regs.pc, CODE_GPA + 4);
    assert_int_equal(regs.pstate, 0x60000000);
    assert_int_equal(hv_reg(HV_PC)->low, CODE_GPA + 4);
    assert_int_equal(mshv_a64_vcpu_complete(&vm, 99, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(hv_reg(HV_X(0))->low, 99);
}

static void test_standard_file_is_one_hypercall(void **state)
{
    unsigned before;

    (void)state;
    vm.a64.place = SCONCE_A64_IN_GUEST;
    before = fake.hvcalls_made;
    standard();
    assert_int_equal(fake.hvcalls_made, before + 1);
    assert_int_equal(fake.last_reps, 34);
    assert_int_equal(fake.last_in_bytes, 16 + 34 * 4);
    assert_int_equal(fake.last_out_bytes, 34 * 16);
}

static void test_float_file_goes_both_ways(void **state)
{
    struct sconce_a64_float file = {.fpsr = 1, .fpcr = 0x07c00000}, read;

    (void)state;
    vm.a64.place = SCONCE_A64_IN_GUEST;
    for (unsigned i = 0; i < 32; i++)
        memset(file.v[i], (int)i + 1, 16);
    assert_int_equal(mshv_a64_regs.set(&vm, SCONCE_REGS_FLOAT, &file, sizeof file, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(hv_reg(HV_Q(31))->low, 0x2020202020202020);
    assert_int_equal(hv_reg(HV_Q(31))->high, 0x2020202020202020);
    assert_int_equal(hv_reg(HV_FPSR)->low, 1);
    assert_int_equal(hv_reg(HV_FPCR)->low, 0x07c00000);
    assert_int_equal(mshv_a64_regs.get(&vm, SCONCE_REGS_FLOAT, &read, sizeof read, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_memory_equal(&read, &file, sizeof file);
    file.fpcr = ~0ull;
    assert_int_equal(mshv_a64_regs.set(&vm, SCONCE_REGS_FLOAT, &file, sizeof file, fresh()),
                     SCONCE_PLUGIN_E_INVALID);
}

static void test_debug_file_goes_both_ways(void **state)
{
    struct sconce_a64_debug file = {.mdscr_el1 = 0}, read;

    (void)state;
    vm.a64.place = SCONCE_A64_IN_GUEST;
    hv_reg(HV_DBGBVR_EL1(15))->low = 0x400000;
    hv_reg(HV_DBGWCR_EL1(2))->low = 7;
    assert_int_equal(mshv_a64_regs.get(&vm, SCONCE_REGS_DEBUG, &read, sizeof read, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(read.bvr[15], 0x400000);
    assert_int_equal(read.wcr[2], 7);
    assert_int_equal(mshv_a64_regs.set(&vm, SCONCE_REGS_DEBUG, &file, sizeof file, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(hv_reg(HV_DBGBVR_EL1(15))->low, 0);
    assert_int_equal(hv_reg(HV_DBGWCR_EL1(2))->low, 0);
}

/* ---- Kicks -------------------------------------------------------------------------------------
 */

static void test_kick_ends_the_run(void **state)
{
    (void)state;
    run_to_kick();
    assert_int_equal(result.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_RUNNABLE);
    assert_int_equal(vm.a64.place, SCONCE_A64_ANYWHERE);
    assert_int_equal(fake.runs, 1);
}

/* One that came before is not lost, and the guest does not run: it stands where it stood. */
static void test_kick_before_the_run_leaves_the_report_where_it_is(void **state)
{
    (void)state;
    stop_in_syscall();
    assert_int_equal(mshv_a64_vcpu_complete(&vm, 5, fresh()), SCONCE_PLUGIN_OK);
    mshv_a64_vcpu_kick_local(&vm);
    run_to_kick();
    assert_int_equal(result.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(fake.runs, 1); /* stop_in_syscall()'s */
    assert_int_equal(vm.a64.place, SCONCE_A64_AT_REPORT);
    assert_int_equal(save()->x[0], 5);
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
    assert_int_equal(standard().x[0], 5);
}

/* A kick that met the shim's store on its way: the message came back, the kick is the next run's.
 */
static void test_kick_that_meets_a_message_is_the_next_runs(void **state)
{
    const struct hv_gpa_access access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);

    (void)state;
    run_to_store(&access);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    mshv_a64_vcpu_kick_local(&vm);
    run_to_store(&access);
    assert_int_equal(result.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
}

static void test_kick_in_mid_shim_begins_it_again(void **state)
{
    struct sconce_a64_standard regs;

    (void)state;
    report_of(8, SVC(0), CODE_GPA + 4);
    hv_reg(HV_PC)->low = sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8) + 5 * 4;
    hv_reg(HV_X(0))->low = 0xdead;
    run_to_kick();
    regs = standard();
    assert_int_equal(regs.x[0], 10);
    assert_int_equal(regs.pc, CODE_GPA + 4);
    assert_int_equal(hv_reg(HV_PC)->low, sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8));
}

/* At the store itself nothing was reported, either. */
static void test_kick_at_the_store_begins_the_shim_again(void **state)
{
    (void)state;
    report_of(8, SVC(0), CODE_GPA + 4);
    run_to_kick();
    assert_int_equal(standard().x[0], 10);
    assert_int_equal(hv_reg(HV_PC)->low, sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8));
}

/* ---- Scrubbing ---------------------------------------------------------------------------------
 */

static void fill(uint32_t name)
{
    *hv_reg(name) = (struct mshv_value){UINT64_MAX, UINT64_MAX};
}

static void fill_all(void)
{
    for (uint16_t i = 0; i < vm.reset_count; i++)
        fill(vm.reset[i].name);
}

static void expect_scrubbed(void)
{
    for (uint16_t i = 0; i < vm.reset_count; i++)
        assert_memory_equal(hv_reg(vm.reset[i].name), &vm.reset[i].value, sizeof vm.reset[i].value);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_FRESH);
    assert_int_equal(vm.a64.place, SCONCE_A64_IN_GUEST);
    assert_int_equal(save()->x[0] | save()->esr | save()->elr, 0);
    assert_int_equal(save()->taken, SCONCE_A64_SAVE_TAKEN);
}

static void test_reset_writes_all_in_as_few_hypercalls_as_hold_it(void **state)
{
    unsigned before;

    (void)state;
    stop_in_syscall();
    fill_all();
    mshv_a64_vcpu_kick_local(&vm);
    before = fake.hvcalls_made;
    assert_int_equal(mshv_a64_vcpu_reset(&vm, fresh()), SCONCE_PLUGIN_OK);
    expect_scrubbed();
    assert_int_equal(vm.reset_count, 160);
    assert_int_equal(fake.hvcalls_made, before + 2);
    assert_int_equal(fake.last_reps, 160 - 127);
    assert_int_equal(fake.last_in_bytes, 16 + (160 - 127) * 32);
    assert_false(sconce_mshv_take_kick(&vm.mshv.kick));
}

static const struct fake_hvcall in_parts[] = {
    {EAGAIN, 0xb, 5, false}, {.done = 100}, {EAGAIN, 0xb, 0, false}, {.done = FAKE_ALL}};

static void test_reset_goes_on_where_the_hypervisor_stopped(void **state)
{
    (void)state;
    fill_all();
    fake.hvcalls = in_parts;
    fake.hvcall_count = 4;
    assert_int_equal(mshv_a64_vcpu_reset(&vm, fresh()), SCONCE_PLUGIN_OK);
    expect_scrubbed();
}

static const struct fake_hvcall refused[] = {{EIO, 0x15, 0, false}};

static void test_reset_that_fails_leaves_the_vm_dead(void **state)
{
    (void)state;
    fake.hvcalls = refused;
    fake.hvcall_count = 1;
    assert_int_equal(mshv_a64_vcpu_reset(&vm, fresh()), SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot reset the VP's registers: the hypervisor says 0x15, invalid state of the "
                 "virtual processor",
                 "");
    assert_int_equal(mshv_a64_vcpu_reset(&vm, fresh()), SCONCE_PLUGIN_E_DEAD);
}

static void test_enter_is_five_registers(void **state)
{
    const struct sconce_entry entry = {
        .size = sizeof entry, .pc = CODE_GPA + 16, .sp = 0x7000, .args = {1, 2}, .tls = 0x8000};

    (void)state;
    assert_int_equal(mshv_a64_vcpu_reset(&vm, fresh()), SCONCE_PLUGIN_OK);
    sets = 0;
    assert_int_equal(mshv_a64_vcpu_enter(&vm, &entry, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(sets, 5);
    assert_int_equal(hv_reg(HV_PC)->low, CODE_GPA + 16);
    assert_int_equal(hv_reg(HV_SP_EL0)->low, 0x7000);
    assert_int_equal(hv_reg(HV_X(0))->low, 1);
    assert_int_equal(hv_reg(HV_X(1))->low, 2);
    assert_int_equal(hv_reg(HV_TPIDR_EL0)->low, 0x8000);
    assert_int_equal(hv_reg(HV_PSTATE)->low, 0x2c0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_complete_answers_through_the_save_area, start_over),
        cmocka_unit_test_setup(test_complete_after_a_look_answers_in_the_register, start_over),
        cmocka_unit_test_setup(test_standard_file_is_one_hypercall, start_over),
        cmocka_unit_test_setup(test_float_file_goes_both_ways, start_over),
        cmocka_unit_test_setup(test_debug_file_goes_both_ways, start_over),
        cmocka_unit_test_setup(test_kick_ends_the_run, start_over),
        cmocka_unit_test_setup(test_kick_before_the_run_leaves_the_report_where_it_is, start_over),
        cmocka_unit_test_setup(test_kick_that_meets_a_message_is_the_next_runs, start_over),
        cmocka_unit_test_setup(test_kick_in_mid_shim_begins_it_again, start_over),
        cmocka_unit_test_setup(test_kick_at_the_store_begins_the_shim_again, start_over),
        cmocka_unit_test_setup(test_reset_writes_all_in_as_few_hypercalls_as_hold_it, start_over),
        cmocka_unit_test_setup(test_reset_goes_on_where_the_hypervisor_stopped, start_over),
        cmocka_unit_test_setup(test_reset_that_fails_leaves_the_vm_dead, start_over),
        cmocka_unit_test_setup(test_enter_is_five_registers, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
