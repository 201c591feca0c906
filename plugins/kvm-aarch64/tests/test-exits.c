/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/kvm-aarch64/exits.c without KVM. It reaches what one machine cannot show, and what no
 * guest can provoke.
 */
#include "plugins/kvm-aarch64/tests/fake-kvm.h"

#include <errno.h>
#include <string.h>

static void decode_fault(uint32_t kind, uint64_t pc)
{
    decode();
    expect_fault(kind, pc);
}

static void decode_final_fault(uint32_t kind, uint64_t pc)
{
    decode();
    expect_final_fault(kind, pc);
}

static void decode_failure(const char *text)
{
    decode();
    expect_failure(text);
}

/* ---- What the shim reports ------------------------------------------------------------------- */

static void test_svc_of_the_doorbell(void **state)
{
    (void)state;
    trap(8, SVC(0x5c0e), CODE_GPA + 4);
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(result.u.doorbell.number, 10);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_RUNNABLE);
}

static void test_svc_of_anything_else_is_a_syscall(void **state)
{
    static const uint32_t numbers[] = {0, 1, 0x5c0d, 0xffff};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        start_over(state);
        trap(8, SVC(numbers[i]), CODE_GPA + 4);
        decode();
        assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
        assert_int_equal(result.u.syscall.raw_nr, 64);
        for (uint64_t arg = 0; arg < 6; arg++)
            assert_int_equal(result.u.syscall.args[arg], 10 + arg);
        assert_int_equal(vm.kvm.state, SCONCE_VCPU_SYSCALL);
    }
}

static void test_undefined_is_looked_at_in_the_guests_code(void **state)
{
    const uint32_t hvc = 0xd4000002;

    memcpy(arena + 8, &hvc, sizeof hvc);
    (void)state;
    trap(8, 0x02000000, CODE_GPA + 8);
    memcpy(arena + 8, &hvc, sizeof hvc);
    decode_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA + 8);

    start_over(state);
    memcpy(arena + SCONCE_MEM_GRANULE, &hvc, sizeof hvc);
    trap(8, 0x02000000, DATA_GPA); /* where no code can be: nothing is made of it */
    decode_fault(SCONCE_FAULT_ILLEGAL, DATA_GPA);
}

static void test_abort_has_the_shims_address(void **state)
{
    (void)state;
    trap(8, 0x9200004f, CODE_GPA);
    decode_fault(SCONCE_FAULT_MEMORY, CODE_GPA);
    assert_int_equal(result.u.fault.address, 0x1234);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(result.u.fault.detail, 0x9200004f);
}

static void test_serror_is_told_with_its_syndrome(void **state)
{
    (void)state;
    trap(11, 0xbe000011, CODE_GPA);
    decode_fault(SCONCE_FAULT_OTHER, CODE_GPA);
    assert_int_equal(result.u.fault.detail, 0xbe000011);
}

static void test_svc_by_another_vector_is_none(void **state)
{
    (void)state;
    trap(11, SVC(0x5c0e), CODE_GPA);
    decode_fault(SCONCE_FAULT_OTHER, CODE_GPA);
}

static void test_report_of_any_other_vector_is_a_shutdown(void **state)
{
    for (unsigned vector = 0; vector < SCONCE_A64_VECTORS; vector++) {
        if (vector == 8 || vector == 11)
            continue;
        start_over(state);
        trap(vector, SVC(0x5c0e), CODE_GPA);
        decode();
        expect_shutdown();
    }
}

/* ---- What no guest can provoke -----------------------------------------------------------------
 */

static void test_report_without_an_exception_is_a_failure(void **state)
{
    (void)state;
    trap(8, SVC(0x5c0e), CODE_GPA + 4);
    decode();
    mmio(SAVE_GPA - 8 * 9, true, 8); /* the same again, and the shim has saved nothing */
    decode_failure("the shim's report page was written by something else");
}

static void test_report_page_used_otherwise_is_a_failure(void **state)
{
    static const struct {
        uint64_t address;
        bool is_write;
        uint32_t bytes;
    } rows[] = {
        {SAVE_GPA - 72, false, 8}, {SAVE_GPA - 72, true, 4}, {SAVE_GPA - 136, true, 8},
        {SAVE_GPA - 4, true, 4},   {REPORT_GPA, true, 8},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        mmio(rows[i].address, rows[i].is_write, rows[i].bytes);
        decode_failure("the shim's report page was used by something else");
    }
}

static void test_mmio_elsewhere_is_a_memory_fault(void **state)
{
    (void)state;
    vcpu.pc = CODE_GPA + 8;
    mmio(0x500000, true, 4);
    decode_final_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
    assert_int_equal(result.u.fault.address, 0x500000);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(result.u.fault.detail, 0x92000047); /* a translation fault, level 3 */

    start_over(state);
    mmio(REPORT_GPA - 8, false, 8);
    decode_final_fault(SCONCE_FAULT_MEMORY, 0);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_READ);
}

static void test_access_without_a_syndrome_is_a_memory_fault(void **state)
{
    (void)state;
    vcpu.pc = CODE_GPA + 8;
    run.exit_reason = KVM_EXIT_ARM_NISV;
    run.arm_nisv.esr_iss = 0x4f;
    run.arm_nisv.fault_ipa = DATA_GPA;
    decode_final_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
    assert_int_equal(result.u.fault.address, DATA_GPA);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
}

static void test_cache_maintenance_without_a_syndrome_is_done(void **state)
{
    (void)state;
    vcpu.pc = CODE_GPA + 8;
    run.exit_reason = KVM_EXIT_ARM_NISV;
    run.arm_nisv.esr_iss = 0x14f; /* CM, and WnR as it always is with it */
    run.arm_nisv.fault_ipa = CODE_GPA + 0x8000;
    assert_false(kvm_a64_decode(&vm, &result)); /* the guest goes on */
    assert_int_equal(vcpu.pc, CODE_GPA + 12);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_RUNNABLE);
}

static void test_pc_that_cannot_be_read_is_a_failure(void **state)
{
    (void)state;
    vcpu.errno_of_pc = EIO;
    mmio(0x500000, true, 4);
    decode_failure("cannot read where the guest stopped");

    start_over(state);
    vcpu.errno_of_pc = EIO;
    run.exit_reason = KVM_EXIT_ARM_NISV;
    run.arm_nisv.esr_iss = 0x14f;
    decode_failure("cannot step over the guest's cache maintenance");
}

static void test_power_off_and_shutdown_wait_for_a_reset(void **state)
{
    static const uint32_t reasons[] = {KVM_EXIT_SYSTEM_EVENT, KVM_EXIT_SHUTDOWN};

    for (size_t i = 0; i < 2; i++) {
        start_over(state);
        run.exit_reason = reasons[i];
        decode();
        expect_shutdown();
    }
}

static void test_internal_error_is_the_end(void **state)
{
    (void)state;
    run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_DEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_svc_of_the_doorbell, start_over),
        cmocka_unit_test_setup(test_svc_of_anything_else_is_a_syscall, start_over),
        cmocka_unit_test_setup(test_undefined_is_looked_at_in_the_guests_code, start_over),
        cmocka_unit_test_setup(test_abort_has_the_shims_address, start_over),
        cmocka_unit_test_setup(test_serror_is_told_with_its_syndrome, start_over),
        cmocka_unit_test_setup(test_svc_by_another_vector_is_none, start_over),
        cmocka_unit_test_setup(test_report_of_any_other_vector_is_a_shutdown, start_over),
        cmocka_unit_test_setup(test_report_without_an_exception_is_a_failure, start_over),
        cmocka_unit_test_setup(test_report_page_used_otherwise_is_a_failure, start_over),
        cmocka_unit_test_setup(test_mmio_elsewhere_is_a_memory_fault, start_over),
        cmocka_unit_test_setup(test_access_without_a_syndrome_is_a_memory_fault, start_over),
        cmocka_unit_test_setup(test_cache_maintenance_without_a_syndrome_is_done, start_over),
        cmocka_unit_test_setup(test_pc_that_cannot_be_read_is_a_failure, start_over),
        cmocka_unit_test_setup(test_power_off_and_shutdown_wait_for_a_reset, start_over),
        cmocka_unit_test_setup(test_internal_error_is_the_end, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
