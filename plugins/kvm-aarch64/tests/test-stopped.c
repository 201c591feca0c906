/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/kvm-aarch64/vcpu.c and regs.c without KVM: a vCPU that stopped is answered, sent
 * elsewhere, scrubbed. */
#include "plugins/kvm-aarch64/tests/fake-kvm.h"

#include <errno.h>

#include "arch/aarch64/regs.h"

/* ---- Answering, and where registers are --------------------------------------------------------
 */

static struct sconce_a64_standard standard(void)
{
    struct sconce_a64_standard regs;

    assert_int_equal(kvm_a64_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                     SCONCE_PLUGIN_OK);
    return regs;
}

static void test_complete_answers_through_the_save_area(void **state)
{
    (void)state;
    trap(8, SVC(0), CODE_GPA + 4);
    decode();
    assert_int_equal(kvm_a64_vcpu_complete(&vm, -38, NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(save()->x[0], (uint64_t)-38);
    assert_int_equal(save()->x[1], 11);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_RUNNABLE);
}

static void test_complete_after_a_look_answers_in_the_register(void **state)
{
    struct sconce_a64_standard regs;

    (void)state;
    trap(8, SVC(0), CODE_GPA + 4);
    decode();
    regs = standard();
    assert_int_equal(vcpu.runs, 0); /* the guest has not run for it */
    assert_int_equal(regs.x[0], 10);
    assert_int_equal(regs.x[1], 11);
    assert_int_equal(regs.pc, CODE_GPA + 4);
    assert_int_equal(regs.pstate, 0x60000000);
    assert_int_equal(vcpu.pstate & SCONCE_A64_PSTATE_MODE, SCONCE_A64_PSTATE_EL0T);
    assert_int_equal(vcpu.pc, CODE_GPA + 4);

    assert_int_equal(kvm_a64_vcpu_complete(&vm, 99, NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(vcpu.x0, 99);
}

/* A kick in mid-shim: nothing was reported, so the shim begins again. */
static void test_regs_in_mid_shim_begin_it_again(void **state)
{
    struct sconce_a64_standard regs;

    (void)state;
    trap(8, SVC(0), CODE_GPA + 4);
    run.exit_reason = KVM_EXIT_INTR;
    vcpu.pc = sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8) + 5 * 4;
    vcpu.x0 = 0xdead; /* ESR_EL1, or whatever */
    vm.a64.place = SCONCE_A64_ANYWHERE;
    regs = standard();
    assert_int_equal(regs.x[0], 10);
    assert_int_equal(regs.pc, CODE_GPA + 4);
    assert_int_equal(vcpu.pc, sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8));
    assert_int_equal(vcpu.x0, 10);
    assert_int_equal(vcpu.x1, 11);

    regs.pstate = 0x80000000;
    assert_int_equal(kvm_a64_regs.set(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(vcpu.elr, CODE_GPA + 4);
    assert_int_equal(vcpu.spsr, 0x80000000 | SCONCE_A64_PSTATE_RUN);
    assert_int_equal(vcpu.pc, sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8));
}

/* The same kick, and the host sends the guest elsewhere: what was not told never will be. */
static void test_set_another_pc_in_mid_shim_drops_the_exception(void **state)
{
    for (unsigned at = 0; at <= 12; at++) {
        struct sconce_a64_standard regs;

        start_over(state);
        trap(8, SVC(0), CODE_GPA + 4);
        run.exit_reason = KVM_EXIT_INTR;
        vcpu.pc = sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8) + at * 4;
        vm.a64.place = SCONCE_A64_ANYWHERE;
        regs = standard();
        regs.pc = CODE_GPA + 0x20;
        regs.pstate = 0x80000000;
        regs.x[0] = 5;
        assert_int_equal(kvm_a64_regs.set(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                         SCONCE_PLUGIN_OK);
        assert_int_equal(vcpu.pc, CODE_GPA + 0x20);
        assert_int_equal(vcpu.pstate, 0x80000000 | SCONCE_A64_PSTATE_RUN);
        assert_int_equal(vcpu.x0, 5);
        assert_int_equal(save()->taken, SCONCE_A64_SAVE_TAKEN);
        assert_int_equal(standard().pc, CODE_GPA + 0x20);
    }
}

static void test_regs_at_the_shims_first_instruction_are_untouched(void **state)
{
    struct sconce_a64_standard regs;

    (void)state;
    trap(8, SVC(0), CODE_GPA + 4);
    run.exit_reason = KVM_EXIT_INTR;
    vcpu.pc = sconce_a64_vector_gpa(SCONCE_GPA_MAX, 8);
    vcpu.x0 = 77; /* the save area has those of an earlier exception */
    vm.a64.place = SCONCE_A64_ANYWHERE;
    regs = standard();
    assert_int_equal(regs.x[0], 77);
    assert_int_equal(regs.pc, CODE_GPA + 4);
}

static void test_regs_where_only_the_supervisor_is_are_refused(void **state)
{
    struct sconce_a64_standard regs;

    (void)state;
    vcpu.pstate = SCONCE_A64_PSTATE_EL1H;
    vcpu.pc = sconce_a64_vector_gpa(SCONCE_GPA_MAX, 4) + 4;
    vm.a64.place = SCONCE_A64_ANYWHERE;
    assert_int_equal(kvm_a64_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                     SCONCE_PLUGIN_E_INVALID);
}

/* ---- Scrubbing --------------------------------------------------------------------------------
 */

static void test_scrub_takes_the_last_exceptions_return_away(void **state)
{
    (void)state;
    vm.init_clears_all = true;
    trap(8, SVC(0), CODE_GPA + 4);
    sconce_a64_sysregs(&vm.a64.features, 0, 0, vm.a64.sysregs);
    assert_int_equal(kvm_a64_scrub(&vm, NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(vcpu.elr, 0);
    assert_int_equal(vcpu.spsr, 0);
    assert_int_equal(vcpu.pstate, SCONCE_A64_PSTATE_RUN);
    assert_int_equal(save()->esr, 0);
}

static void test_scrub_goes_on_without_a_register_that_is_not_there(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err};

    (void)state;
    vm.init_clears_all = true;
    sconce_a64_sysregs(&vm.a64.features, 0, 0, vm.a64.sysregs);
    vcpu.errno_of_amair = ENOENT;
    assert_int_equal(kvm_a64_scrub(&vm, &err), SCONCE_PLUGIN_OK);
    vcpu.errno_of_amair = EINVAL; /* it is there, and was not set */
    assert_int_equal(kvm_a64_scrub(&vm, &err), SCONCE_PLUGIN_E_SYSTEM);
    assert_string_equal(err.text,
                        "cannot set the vCPU's register 0x603000000013c518: Invalid argument");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_complete_answers_through_the_save_area, start_over),
        cmocka_unit_test_setup(test_complete_after_a_look_answers_in_the_register, start_over),
        cmocka_unit_test_setup(test_regs_in_mid_shim_begin_it_again, start_over),
        cmocka_unit_test_setup(test_set_another_pc_in_mid_shim_drops_the_exception, start_over),
        cmocka_unit_test_setup(test_regs_at_the_shims_first_instruction_are_untouched, start_over),
        cmocka_unit_test_setup(test_regs_where_only_the_supervisor_is_are_refused, start_over),
        cmocka_unit_test_setup(test_scrub_takes_the_last_exceptions_return_away, start_over),
        cmocka_unit_test_setup(test_scrub_goes_on_without_a_register_that_is_not_there, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
