/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/kvm-aarch64/exits.c, and what of vcpu.c and regs.c goes with it, without KVM: the test
 * lays out what processor and kernel leave behind. It reaches what one machine cannot show, and
 * what no guest can provoke.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "arch/aarch64/fault.h"
#include "arch/aarch64/regs.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "sconce-guest-abi.h"

#define CODE_GPA 0x400000ull
#define DATA_GPA 0x410000ull
#define REPORT_GPA (SCONCE_GPA_MAX + SCONCE_A64_REPORT_OFFSET)
#define SAVE_GPA (SCONCE_GPA_MAX + SCONCE_A64_SAVE_OFFSET)
#define SVC(imm16) (0x56000000u | (imm16))

static uint8_t arena[2 * SCONCE_MEM_GRANULE] __attribute__((aligned(65536)));
static uint8_t own[SCONCE_A64_SUPERVISOR_BYTES] __attribute__((aligned(4096)));
static struct kvm_run run;
static struct sconce_plugin_vm vm;
static struct sconce_exit result;

/* The vCPU's registers that the code under test asks for, and KVM_RUN. */
static struct {
    uint64_t pc, pstate, x0, x1, elr, spsr, tpidr;
    int errno_of_pc;
    int errno_of_amair; /* a register that is not needed */
    unsigned runs;      /* KVM_RUN that ran the guest */
} vcpu;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

static uint64_t *register_of(uint64_t number)
{
    static uint64_t other;

    switch (number) {
    case KVM_A64_PC:
        return &vcpu.pc;
    case KVM_A64_PSTATE:
        return &vcpu.pstate;
    case KVM_A64_X(0):
        return &vcpu.x0;
    case KVM_A64_X(1):
        return &vcpu.x1;
    case KVM_A64_ELR_EL1:
        return &vcpu.elr;
    case KVM_A64_SPSR_EL1:
        return &vcpu.spsr;
    default:
        other = 0;
        return &other;
    }
}

/* KVM_RUN finishes the store that was reported; it runs nothing when it is told not to. */
static int run_vcpu(void)
{
    if (run.exit_reason == KVM_EXIT_MMIO)
        vcpu.pc += 4;
    run.exit_reason = KVM_EXIT_INTR;
    if (run.immediate_exit) {
        errno = EINTR;
        return -1;
    }
    vcpu.runs++;
    run.exit_reason = KVM_EXIT_SHUTDOWN;
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    const struct kvm_one_reg *reg = argument;

    (void)fd;
    if (request == KVM_RUN)
        return run_vcpu();
    if (request == KVM_ARM_VCPU_INIT)
        return 0;
    if (reg->id == KVM_A64_SYSREG(SCONCE_A64_AMAIR_EL1) && vcpu.errno_of_amair) {
        errno = vcpu.errno_of_amair;
        return -1;
    }
    if (reg->id == KVM_A64_PC && vcpu.errno_of_pc) {
        errno = vcpu.errno_of_pc;
        return -1;
    }
    if (request == KVM_GET_ONE_REG)
        memcpy((void *)(uintptr_t)reg->addr, register_of(reg->id), sizeof(uint64_t));
    else if (request == KVM_SET_ONE_REG)
        memcpy(register_of(reg->id), (const void *)(uintptr_t)reg->addr, sizeof(uint64_t));
    else
        fail_msg("an ioctl that was not expected: 0x%lx", request);
    return 0;
}

static void map(uint64_t gpa, uint32_t prot)
{
    const struct sconce_memory object = {
        .size = sizeof object, .bytes = sizeof arena, .host_addr = arena};
    const struct sconce_mapping mapping = {.size = sizeof mapping,
                                           .prot = prot,
                                           .gpa = gpa,
                                           .bytes = SCONCE_MEM_GRANULE,
                                           .object_offset = gpa - CODE_GPA};

    assert_int_equal(sconce_plugin_mappings_add(&vm.kvm.memory, &object, &mapping, NULL),
                     SCONCE_PLUGIN_OK);
}

static int start_over(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    memset(&run, 0, sizeof run);
    memset(arena, 0, sizeof arena);
    memset(&vcpu, 0, sizeof vcpu);
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    vm.kvm.machine.run = &run;
    vm.kvm.own = own;
    vm.kvm.sealed = true;
    vm.kvm.state = SCONCE_VCPU_RUNNABLE;
    vm.kvm.memory.gpa_min = SCONCE_GPA_MIN;
    vm.kvm.memory.gpa_max = SCONCE_GPA_MAX;
    map(CODE_GPA, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    map(DATA_GPA, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    sconce_a64_supervisor_build(own);
    return 0;
}

static struct sconce_a64_save *save(void)
{
    return (struct sconce_a64_save *)(void *)own;
}

static void mmio(uint64_t address, bool is_write, uint32_t bytes)
{
    run.exit_reason = KVM_EXIT_MMIO;
    run.mmio.phys_addr = address;
    run.mmio.is_write = is_write;
    run.mmio.len = bytes;
}

/* An exception from EL0 at @pc, saved and reported by the shim. */
static void trap(unsigned vector, uint64_t esr, uint64_t pc)
{
    *save() = (struct sconce_a64_save){
        .x = {10, 11, 12, 13, 14, 15},
        .x8 = 64,
        .esr = esr,
        .elr = pc,
        .far = 0x1234,
        .spsr = 0x60000000,
        .sp = 0x7008,
    };
    vcpu.elr = pc;
    vcpu.spsr = 0x60000000;
    vcpu.pstate = SCONCE_A64_PSTATE_EL1H | SCONCE_A64_PSTATE_DAIF;
    vcpu.pc = sconce_a64_vector_gpa(SCONCE_GPA_MAX, vector) + 12 * 4;
    mmio(SAVE_GPA - 8 * (vector + 1), true, 8);
}

static void decode(void)
{
    assert_true(kvm_a64_decode(&vm, &result));
}

static void expect_fault(uint32_t kind, uint64_t pc)
{
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(result.u.fault.kind, kind);
    assert_int_equal(result.u.fault.pc, pc);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_STOPPED);
}

static void expect_fail(const char *text)
{
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(result.u.fail.text, text);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_DEAD);
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
    expect_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA + 8);

    start_over(state);
    memcpy(arena + SCONCE_MEM_GRANULE, &hvc, sizeof hvc);
    trap(8, 0x02000000, DATA_GPA); /* where no code can be: nothing is made of it */
    expect_fault(SCONCE_FAULT_ILLEGAL, DATA_GPA);
}

static void test_abort_has_the_shims_address(void **state)
{
    (void)state;
    trap(8, 0x9200004f, CODE_GPA);
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA);
    assert_int_equal(result.u.fault.address, 0x1234);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(result.u.fault.detail, 0x9200004f);
}

static void test_serror_is_told_with_its_syndrome(void **state)
{
    (void)state;
    trap(11, 0xbe000011, CODE_GPA);
    expect_fault(SCONCE_FAULT_OTHER, CODE_GPA);
    assert_int_equal(result.u.fault.detail, 0xbe000011);
}

static void test_svc_by_another_vector_is_none(void **state)
{
    (void)state;
    trap(11, SVC(0x5c0e), CODE_GPA);
    expect_fault(SCONCE_FAULT_OTHER, CODE_GPA);
}

static void test_report_of_any_other_vector_is_a_shutdown(void **state)
{
    for (unsigned vector = 0; vector < SCONCE_A64_VECTORS; vector++) {
        if (vector == 8 || vector == 11)
            continue;
        start_over(state);
        trap(vector, SVC(0x5c0e), CODE_GPA);
        decode();
        assert_int_equal(result.kind, SCONCE_EXIT_SHUTDOWN);
        assert_int_equal(vm.kvm.state, SCONCE_VCPU_STOPPED);
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
    expect_fail("the shim's report page was written by something else");
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
        expect_fail("the shim's report page was used by something else");
    }
}

static void test_mmio_elsewhere_is_a_memory_fault(void **state)
{
    (void)state;
    vcpu.pc = CODE_GPA + 8;
    mmio(0x500000, true, 4);
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
    assert_int_equal(result.u.fault.address, 0x500000);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(result.u.fault.detail, 0x92000047); /* a translation fault, level 3 */

    start_over(state);
    mmio(REPORT_GPA - 8, false, 8);
    expect_fault(SCONCE_FAULT_MEMORY, 0);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_READ);
}

static void test_access_without_a_syndrome_is_a_memory_fault(void **state)
{
    (void)state;
    vcpu.pc = CODE_GPA + 8;
    run.exit_reason = KVM_EXIT_ARM_NISV;
    run.arm_nisv.esr_iss = 0x4f;
    run.arm_nisv.fault_ipa = DATA_GPA;
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
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
    expect_fail("cannot read where the guest stopped");

    start_over(state);
    vcpu.errno_of_pc = EIO;
    run.exit_reason = KVM_EXIT_ARM_NISV;
    run.arm_nisv.esr_iss = 0x14f;
    expect_fail("cannot step over the guest's cache maintenance");
}

static void test_power_off_and_shutdown_wait_for_a_reset(void **state)
{
    static const uint32_t reasons[] = {KVM_EXIT_SYSTEM_EVENT, KVM_EXIT_SHUTDOWN};

    for (size_t i = 0; i < 2; i++) {
        start_over(state);
        run.exit_reason = reasons[i];
        decode();
        assert_int_equal(result.kind, SCONCE_EXIT_SHUTDOWN);
        assert_int_equal(vm.kvm.state, SCONCE_VCPU_STOPPED);
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
    vm.place = KVM_A64_ANYWHERE;
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
    assert_int_equal(vcpu.spsr, 0x80000000 | KVM_A64_PSTATE_RUN);
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
        vm.place = KVM_A64_ANYWHERE;
        regs = standard();
        regs.pc = CODE_GPA + 0x20;
        regs.pstate = 0x80000000;
        regs.x[0] = 5;
        assert_int_equal(kvm_a64_regs.set(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                         SCONCE_PLUGIN_OK);
        assert_int_equal(vcpu.pc, CODE_GPA + 0x20);
        assert_int_equal(vcpu.pstate, 0x80000000 | KVM_A64_PSTATE_RUN);
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
    vm.place = KVM_A64_ANYWHERE;
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
    vm.place = KVM_A64_ANYWHERE;
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
    sconce_a64_sysregs(&vm.features, 0, 0, vm.sysregs);
    assert_int_equal(kvm_a64_scrub(&vm, NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(vcpu.elr, 0);
    assert_int_equal(vcpu.spsr, 0);
    assert_int_equal(vcpu.pstate, KVM_A64_PSTATE_RUN);
    assert_int_equal(save()->esr, 0);
}

static void test_scrub_goes_on_without_a_register_that_is_not_there(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err};

    (void)state;
    vm.init_clears_all = true;
    sconce_a64_sysregs(&vm.features, 0, 0, vm.sysregs);
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
        cmocka_unit_test_setup(test_complete_answers_through_the_save_area, start_over),
        cmocka_unit_test_setup(test_complete_after_a_look_answers_in_the_register, start_over),
        cmocka_unit_test_setup(test_regs_in_mid_shim_begin_it_again, start_over),
        cmocka_unit_test_setup(test_set_another_pc_in_mid_shim_drops_the_exception, start_over),
        cmocka_unit_test_setup(test_regs_at_the_shims_first_instruction_are_untouched, start_over),
        cmocka_unit_test_setup(test_scrub_takes_the_last_exceptions_return_away, start_over),
        cmocka_unit_test_setup(test_scrub_goes_on_without_a_register_that_is_not_there, start_over),
        cmocka_unit_test_setup(test_regs_where_only_the_supervisor_is_are_refused, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
