/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/kvm-x86_64/exits.c and the answering half of vcpu.c, without KVM: the test lays out what
 * processor and kernel leave behind. It reaches what one machine cannot show: both ways in which a
 * SYSCALL arrives, and what no guest can provoke.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "sconce-guest-abi.h"

#define CODE_GPA 0x400000ull
#define DATA_GPA 0x410000ull
#define LSTAR (SCONCE_GPA_MAX + SCONCE_X86_LSTAR_OFFSET)

static uint8_t arena[2 * SCONCE_MEM_GRANULE] __attribute__((aligned(65536)));
static uint8_t own[SCONCE_X86_SUPERVISOR_BYTES] __attribute__((aligned(4096)));
static union {
    struct kvm_run run;
    uint8_t pages[12288];
} shared;
static struct sconce_plugin_vm vm;
static struct sconce_exit result;
static uint64_t cr2;
static int cr2_errno;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    (void)fd;
    assert_int_equal(request, KVM_GET_SREGS);
    ((struct kvm_sregs *)argument)->cr2 = cr2;
    errno = cr2_errno;
    return cr2_errno ? -1 : 0;
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
    memset(&shared, 0, sizeof shared);
    shared.run.s.regs.regs.rflags = 2;
    memset(arena, 0x90, sizeof arena);
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    cr2 = 0;
    cr2_errno = 0;
    vm.kvm.machine.run = &shared.run;
    vm.kvm.own = own;
    vm.kvm.state = SCONCE_VCPU_RUNNABLE;
    vm.kvm.memory.gpa_min = SCONCE_GPA_MIN;
    vm.kvm.memory.gpa_max = SCONCE_GPA_MAX;
    map(CODE_GPA, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    map(DATA_GPA, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    sconce_x86_supervisor_build(own, SCONCE_GPA_MAX);
    return 0;
}

static void port_exit(uint8_t direction, uint8_t size, uint16_t port, uint32_t count, uint8_t value)
{
    shared.run.exit_reason = KVM_EXIT_IO;
    shared.run.io.direction = direction;
    shared.run.io.size = size;
    shared.run.io.port = port;
    shared.run.io.count = count;
    shared.run.io.data_offset = 4096;
    shared.pages[4096] = value;
}

/* An exception with a frame on its stack, and the shim's OUT. */
static void trap(uint8_t vector, uint64_t error, uint64_t rip, uint64_t cs)
{
    const uint64_t frame[] = {error, rip, cs, 0x10246, 0x7000, 0x2b};
    unsigned ist = own[SCONCE_X86_IDT_OFFSET + 16 * vector + 4] & 7; /* as the processor does */
    uint64_t top;

    memcpy(&top, own + SCONCE_X86_TSS_OFFSET + 36 + 8 * (ist - 1), sizeof top);
    memcpy(own + (top - SCONCE_GPA_MAX) - sizeof frame, frame, sizeof frame);
    port_exit(KVM_EXIT_IO_OUT, 1, SCONCE_X86_SHIM_PORT, 1, 0);
    shared.run.s.regs.regs.rip =
        SCONCE_GPA_MAX + SCONCE_X86_SHIM_OFFSET + (uint64_t)vector * SCONCE_X86_SHIM_STRIDE;
}

static void decode(void)
{
    kvm_x86_decode(&vm, &result);
}

static void expect_fault(uint32_t kind, uint64_t pc)
{
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(result.u.fault.kind, kind);
    assert_int_equal(result.u.fault.pc, pc);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_STOPPED);
}

static void expect_syscall(uint64_t resume)
{
    shared.run.s.regs.regs.rax = 60;
    shared.run.s.regs.regs.rdi = 7;
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(result.u.syscall.raw_nr, 60);
    assert_int_equal(result.u.syscall.args[0], 7);
    assert_int_equal(vm.syscall_resume, resume);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_SYSCALL);
}

static void put_syscall_at(uint64_t gpa)
{
    memcpy(arena + (gpa - CODE_GPA), "\x0f\x05", 2);
}

/* ---- The route by #UD ------------------------------------------------------------------------ */

static void test_ud_route_syscall_bytes_are_a_syscall(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_UD;
    put_syscall_at(CODE_GPA + 0x10);
    trap(6, 0, CODE_GPA + 0x10, SCONCE_X86_USER_CS);

    expect_syscall(CODE_GPA + 0x12);
}

static void test_ud_route_other_bytes_are_a_fault(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_UD;
    trap(6, 0, CODE_GPA + 0x10, SCONCE_X86_USER_CS);

    expect_fault(SCONCE_FAULT_ILLEGAL, CODE_GPA + 0x10);
}

static void test_ud_route_bytes_where_no_code_is_are_a_fault(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_UD;
    put_syscall_at(DATA_GPA);
    trap(6, 0, DATA_GPA, SCONCE_X86_USER_CS);
    expect_fault(SCONCE_FAULT_ILLEGAL, DATA_GPA);

    put_syscall_at(DATA_GPA - 1); /* one byte of it */
    trap(6, 0, DATA_GPA - 1, SCONCE_X86_USER_CS);
    expect_fault(SCONCE_FAULT_ILLEGAL, DATA_GPA - 1);

    trap(6, 0, 0xffff800000000000, SCONCE_X86_USER_CS);
    expect_fault(SCONCE_FAULT_ILLEGAL, 0xffff800000000000);
}

static void test_ud_route_a_jump_to_lstar_is_no_syscall(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_UD;
    shared.run.s.regs.regs.rcx = CODE_GPA;
    cr2 = LSTAR;
    trap(14, 0x15, LSTAR, SCONCE_X86_USER_CS);

    expect_fault(SCONCE_FAULT_MEMORY, LSTAR);
    assert_int_equal(result.u.fault.address, LSTAR);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_EXEC);
}

/* ---- The route by #PF ------------------------------------------------------------------------ */

static void test_pf_route_fetch_from_lstar_is_a_syscall(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_PF;
    shared.run.s.regs.regs.rcx = CODE_GPA + 0x22;
    trap(14, 0x15, LSTAR, SCONCE_X86_USER_CS);

    expect_syscall(CODE_GPA + 0x22);
}

static void test_pf_route_wild_return_is_a_fault(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_PF;
    shared.run.s.regs.regs.rcx = 1ull << 63;
    trap(14, 0x15, LSTAR, SCONCE_X86_USER_CS);

    expect_fault(SCONCE_FAULT_PRIVILEGE, 1ull << 63);
}

static void test_pf_route_another_fault_at_lstar_is_a_fault(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_PF;
    trap(14, 0x14, LSTAR, SCONCE_X86_USER_CS);
    expect_fault(SCONCE_FAULT_MEMORY, LSTAR);

    trap(14, 0x15, LSTAR + 1, SCONCE_X86_USER_CS);
    expect_fault(SCONCE_FAULT_MEMORY, LSTAR + 1);
}

static void test_pf_route_undefined_syscall_bytes_are_a_fault(void **state)
{
    (void)state;
    vm.route = KVM_X86_ROUTE_PF;
    put_syscall_at(CODE_GPA);
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);

    expect_fault(SCONCE_FAULT_ILLEGAL, CODE_GPA);
}

static void test_no_route_nothing_is_a_syscall(void **state)
{
    (void)state;
    put_syscall_at(CODE_GPA);
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    expect_fault(SCONCE_FAULT_ILLEGAL, CODE_GPA);
}

/* ---- Answering ------------------------------------------------------------------------------- */

static void test_complete_writes_a_frame_that_ring_3_can_hold(void **state)
{
    struct sconce_x86_frame frame;

    (void)state;
    vm.route = KVM_X86_ROUTE_UD;
    put_syscall_at(CODE_GPA);
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    sconce_x86_frame_read(own, 6, &frame);
    frame.rflags = ~0ull;
    sconce_x86_frame_write(own, 6, &frame);
    decode();

    assert_int_equal(kvm_x86_vcpu_complete(&vm, -14, NULL), SCONCE_PLUGIN_OK);

    sconce_x86_frame_read(own, 6, &frame);
    assert_int_equal(frame.rip, CODE_GPA + 2);
    assert_int_equal(frame.cs, SCONCE_X86_USER_CS);
    assert_int_equal(frame.ss, SCONCE_X86_USER_SS);
    assert_int_equal(frame.rsp, 0x7000);
    assert_int_equal(frame.rflags, 0x244fd7); /* no IOPL, RF, VM */
    assert_int_equal(shared.run.s.regs.regs.rax, (uint64_t)-14);
    assert_int_equal(shared.run.s.regs.regs.rcx, CODE_GPA + 2);
    assert_int_equal(shared.run.s.regs.regs.r11, frame.rflags);
    assert_int_equal(shared.run.kvm_dirty_regs, KVM_SYNC_X86_REGS);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_RUNNABLE);
}

/* ---- Kicks that come before the shim has told of an exception ----------------------------------
 */

/* The vCPU at #UD's OUT, or behind it. */
static struct sconce_x86_standard kicked_at(uint64_t rip)
{
    struct sconce_x86_standard regs;

    trap(6, 0, CODE_GPA + 0x10, SCONCE_X86_USER_CS);
    shared.run.exit_reason = KVM_EXIT_INTR;
    shared.run.s.regs.regs.rip = rip;
    shared.run.s.regs.regs.rsp = 0x1234;
    vm.kvm.sealed = true;
    vm.place = KVM_X86_ANYWHERE;
    assert_int_equal(kvm_x86_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(regs.rip, CODE_GPA + 0x10);
    return regs;
}

static void set_standard(const struct sconce_x86_standard *regs)
{
    assert_int_equal(kvm_x86_regs.set(&vm, SCONCE_REGS_STANDARD, regs, sizeof *regs, NULL),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(shared.run.s.regs.regs.rsp, 0x1234); /* the shim's */
}

#define UD_OUT (SCONCE_GPA_MAX + SCONCE_X86_SHIM_OFFSET + 6ull * SCONCE_X86_SHIM_STRIDE)

static void test_set_another_pc_before_the_out_drops_the_exception(void **state)
{
    struct sconce_x86_standard regs = kicked_at(UD_OUT);
    struct sconce_x86_frame frame;

    (void)state;
    regs.rip = CODE_GPA + 0x20;
    set_standard(&regs);
    assert_int_equal(shared.run.s.regs.regs.rip, UD_OUT + 2); /* it returns, and tells nothing */
    sconce_x86_frame_read(own, 6, &frame);
    assert_int_equal(frame.rip, CODE_GPA + 0x20);

    regs.rip = CODE_GPA + 0x30; /* and once is enough */
    set_standard(&regs);
    assert_int_equal(shared.run.s.regs.regs.rip, UD_OUT + 2);
}

static void test_set_the_same_pc_before_the_out_keeps_the_exception(void **state)
{
    struct sconce_x86_standard regs = kicked_at(UD_OUT);

    (void)state;
    regs.rbx = 5;
    set_standard(&regs);
    assert_int_equal(shared.run.s.regs.regs.rip, UD_OUT);
    assert_int_equal(shared.run.s.regs.regs.rbx, 5);
}

static void test_set_another_pc_behind_the_out_returns_there(void **state)
{
    struct sconce_x86_standard regs = kicked_at(UD_OUT + 2);

    (void)state;
    regs.rip = CODE_GPA + 0x20;
    set_standard(&regs);
    assert_int_equal(shared.run.s.regs.regs.rip, UD_OUT + 2);
}

/* KVM has still to finish the OUT of what was told, from where it left the PC. */
static void test_set_another_pc_of_an_open_call_leaves_the_shim_where_it_is(void **state)
{
    struct sconce_x86_standard regs;
    struct sconce_x86_frame frame;

    (void)state;
    vm.route = KVM_X86_ROUTE_UD;
    vm.kvm.sealed = true;
    put_syscall_at(CODE_GPA);
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    shared.run.s.regs.regs.rsp = 0x1234;
    decode();
    assert_int_equal(kvm_x86_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, NULL),
                     SCONCE_PLUGIN_OK);
    regs.rip = CODE_GPA + 0x20;
    set_standard(&regs);
    assert_int_equal(shared.run.s.regs.regs.rip, UD_OUT);
    assert_int_equal(kvm_x86_vcpu_complete(&vm, 0, NULL), SCONCE_PLUGIN_OK);
    sconce_x86_frame_read(own, 6, &frame);
    assert_int_equal(frame.rip, CODE_GPA + 0x20);
}

/* ---- What no guest can provoke -----------------------------------------------------------------
 */

static void test_trap_inside_the_shim_is_a_shutdown(void **state)
{
    (void)state;
    trap(13, 0, SCONCE_GPA_MAX + SCONCE_X86_SHIM_OFFSET, SCONCE_X86_KERNEL_CS);
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_SHUTDOWN);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_STOPPED);
}

static void test_trap_from_outside_the_shim_is_a_failure(void **state)
{
    (void)state;
    trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    shared.run.s.regs.regs.rip = CODE_GPA;
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(result.u.fail.text, "the shim's port was written by something else");
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_DEAD);
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
        expect_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA + 2);
    }
}

static void test_mmio_is_a_memory_fault(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_MMIO;
    shared.run.mmio.phys_addr = 0x500000;
    shared.run.mmio.is_write = 1;
    shared.run.s.regs.regs.rip = CODE_GPA;
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA);
    assert_int_equal(result.u.fault.address, 0x500000);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
}

static void test_shutdown_waits_for_a_reset(void **state)
{
    (void)state;
    shared.run.exit_reason = KVM_EXIT_SHUTDOWN;
    decode();
    assert_int_equal(result.kind, SCONCE_EXIT_SHUTDOWN);
    assert_int_equal(vm.kvm.state, SCONCE_VCPU_STOPPED);
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
        cmocka_unit_test_setup(test_complete_writes_a_frame_that_ring_3_can_hold, start_over),
        cmocka_unit_test_setup(test_set_another_pc_before_the_out_drops_the_exception, start_over),
        cmocka_unit_test_setup(test_set_the_same_pc_before_the_out_keeps_the_exception, start_over),
        cmocka_unit_test_setup(test_set_another_pc_behind_the_out_returns_there, start_over),
        cmocka_unit_test_setup(test_set_another_pc_of_an_open_call_leaves_the_shim_where_it_is,
                               start_over),
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
