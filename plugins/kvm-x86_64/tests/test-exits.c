/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/kvm-x86_64/exits.c without KVM. It reaches what one machine cannot show: both ways in
 * which a SYSCALL arrives, and what no guest can provoke.
 */
#include "plugins/kvm-x86_64/tests/fake-kvm.h"

#include <errno.h>
#include <string.h>

#define LSTAR (SCONCE_GPA_MAX + SCONCE_X86_LSTAR_OFFSET)

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

static void expect_syscall(uint64_t resume)
{
    shared.run.s.regs.regs.rax = 60;
    shared.run.s.regs.regs.rdi = 7;
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(result.u.syscall.raw_nr, 60);
    assert_int_equal(result.u.syscall.args[0], 7);
    assert_int_equal(vm.x86.syscall_resume, resume);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_SYSCALL);
}

/* ---- The route by #UD ------------------------------------------------------------------------ */

static void test_ud_route_syscall_bytes_are_a_syscall(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_UD;
    put_syscall_at(CODE_GPA + 0x10);
    trap(6, 0, CODE_GPA + 0x10, SCONCE_X86_USER_CS);

    expect_syscall(CODE_GPA + 0x12);
}

static void test_ud_route_other_bytes_are_a_fault(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_UD;
    trap(6, 0, CODE_GPA + 0x10, SCONCE_X86_USER_CS);

    decode_fault(SCONCE_FAULT_ILLEGAL, CODE_GPA + 0x10);
}

static void test_ud_route_bytes_where_no_code_is_are_a_fault(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_UD;
    put_syscall_at(DATA_GPA);
    trap(6, 0, DATA_GPA, SCONCE_X86_USER_CS);
    decode_fault(SCONCE_FAULT_ILLEGAL, DATA_GPA);

    put_syscall_at(DATA_GPA - 1); /* one byte of it */
    trap(6, 0, DATA_GPA - 1, SCONCE_X86_USER_CS);
    decode_fault(SCONCE_FAULT_ILLEGAL, DATA_GPA - 1);

    trap(6, 0, 0xffff800000000000, SCONCE_X86_USER_CS);
    decode_fault(SCONCE_FAULT_ILLEGAL, 0xffff800000000000);
}

static void test_ud_route_a_jump_to_lstar_is_no_syscall(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_UD;
    shared.run.s.regs.regs.rcx = CODE_GPA;
    cr2 = LSTAR;
    trap(14, 0x15, LSTAR, SCONCE_X86_USER_CS);

    decode_fault(SCONCE_FAULT_MEMORY, LSTAR);
    assert_int_equal(result.u.fault.address, LSTAR);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_EXEC);
}

/* ---- The route by #PF ------------------------------------------------------------------------ */

static void test_pf_route_fetch_from_lstar_is_a_syscall(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_PF;
    shared.run.s.regs.regs.rcx = CODE_GPA + 0x22;
    trap(14, 0x15, LSTAR, SCONCE_X86_USER_CS);

    expect_syscall(CODE_GPA + 0x22);
}

static void test_pf_route_wild_return_is_a_fault(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_PF;
    shared.run.s.regs.regs.rcx = 1ull << 63;
    trap(14, 0x15, LSTAR, SCONCE_X86_USER_CS);

    decode_fault(SCONCE_FAULT_PRIVILEGE, 1ull << 63);
}

static void test_pf_route_another_fault_at_lstar_is_a_fault(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_PF;
    trap(14, 0x14, LSTAR, SCONCE_X86_USER_CS);
    decode_fault(SCONCE_FAULT_MEMORY, LSTAR);

    trap(14, 0x15, LSTAR + 1, SCONCE_X86_USER_CS);
    decode_fault(SCONCE_FAULT_MEMORY, LSTAR + 1);
}

static void test_pf_route_undefined_syscall_bytes_are_a_fault(void **state)
{
    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_PF;
    put_syscall_at(CODE_GPA);
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);

    decode_fault(SCONCE_FAULT_ILLEGAL, CODE_GPA);
}

static void test_no_route_nothing_is_a_syscall(void **state)
{
    (void)state;
    put_syscall_at(CODE_GPA);
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    decode_fault(SCONCE_FAULT_ILLEGAL, CODE_GPA);
}

/* ---- What no guest can provoke -----------------------------------------------------------------
 */

static void test_trap_inside_the_shim_is_a_shutdown(void **state)
{
    (void)state;
    trap(13, 0, SCONCE_GPA_MAX + SCONCE_X86_SHIM_OFFSET, SCONCE_X86_KERNEL_CS);
    decode();
    expect_shutdown();
}

static void test_trap_from_outside_the_shim_is_a_failure(void **state)
{
    (void)state;
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    shared.run.s.regs.regs.rip = CODE_GPA;
    decode();
    expect_failure("the shim's port was written by something else");
}

static void test_page_fault_without_its_address_is_a_failure(void **state)
{
    (void)state;
    cr2_errno = EIO;
    trap(14, 6, CODE_GPA, SCONCE_X86_USER_CS);
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_ERRNO);
    assert_int_equal(result.u.fail.code, EIO);
    assert_string_equal(result.u.fail.text, "cannot read the address of a page fault");
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_DEAD);
}

static void test_port_doorbell_is_one_byte_out(void **state)
{
    (void)state;
    port_exit(KVM_EXIT_IO_OUT, 1, SCONCE_DOORBELL_PORT_X86_64, 1, 0xfe);
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(result.u.doorbell.number, 0xfe);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_RUNNABLE);
}

static void test_port_anything_else_is_a_fault(void **state)
{
    static const struct {
        uint8_t direction, size;
        uint16_t port;
        uint32_t count;
    } rows[] = {
        {KVM_EXIT_IO_IN, 1, SCONCE_DOORBELL_PORT_X86_64, 1},
        {KVM_EXIT_IO_OUT, 2, SCONCE_DOORBELL_PORT_X86_64, 1},
        {KVM_EXIT_IO_OUT, 1, SCONCE_DOORBELL_PORT_X86_64, 2},
        {KVM_EXIT_IO_IN, 1, SCONCE_X86_SHIM_PORT, 1},
        {KVM_EXIT_IO_OUT, 4, SCONCE_X86_SHIM_PORT, 1},
        {KVM_EXIT_IO_OUT, 1, 0x80, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        port_exit(rows[i].direction, rows[i].size, rows[i].port, rows[i].count, 1);
        shared.run.s.regs.regs.rip = CODE_GPA + 2;
        decode_final_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA + 2);
    }
}

static void test_mmio_is_a_memory_fault(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_MMIO;
    shared.run.mmio.phys_addr = 0x500000;
    shared.run.mmio.is_write = 1;
    shared.run.s.regs.regs.rip = CODE_GPA;
    decode_final_fault(SCONCE_FAULT_MEMORY, CODE_GPA);
    assert_int_equal(result.u.fault.address, 0x500000);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
}

static void test_shutdown_waits_for_a_reset(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_SHUTDOWN;
    decode();
    expect_shutdown();
}

static void test_internal_error_is_the_end(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_DEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ud_route_syscall_bytes_are_a_syscall, start_over),
        cmocka_unit_test_setup(test_ud_route_other_bytes_are_a_fault, start_over),
        cmocka_unit_test_setup(test_ud_route_bytes_where_no_code_is_are_a_fault, start_over),
        cmocka_unit_test_setup(test_ud_route_a_jump_to_lstar_is_no_syscall, start_over),
        cmocka_unit_test_setup(test_pf_route_fetch_from_lstar_is_a_syscall, start_over),
        cmocka_unit_test_setup(test_pf_route_wild_return_is_a_fault, start_over),
        cmocka_unit_test_setup(test_pf_route_another_fault_at_lstar_is_a_fault, start_over),
        cmocka_unit_test_setup(test_pf_route_undefined_syscall_bytes_are_a_fault, start_over),
        cmocka_unit_test_setup(test_no_route_nothing_is_a_syscall, start_over),
        cmocka_unit_test_setup(test_trap_inside_the_shim_is_a_shutdown, start_over),
        cmocka_unit_test_setup(test_trap_from_outside_the_shim_is_a_failure, start_over),
        cmocka_unit_test_setup(test_page_fault_without_its_address_is_a_failure, start_over),
        cmocka_unit_test_setup(test_port_doorbell_is_one_byte_out, start_over),
        cmocka_unit_test_setup(test_port_anything_else_is_a_fault, start_over),
        cmocka_unit_test_setup(test_mmio_is_a_memory_fault, start_over),
        cmocka_unit_test_setup(test_shutdown_waits_for_a_reset, start_over),
        cmocka_unit_test_setup(test_internal_error_is_the_end, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
