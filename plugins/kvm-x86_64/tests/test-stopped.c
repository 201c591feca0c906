/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/kvm-x86_64/vcpu.c and regs.c without KVM: a vCPU that stopped is answered, or sent
 * elsewhere. */
#include "plugins/kvm-x86_64/tests/fake-kvm.h"

/* ---- Answering ------------------------------------------------------------------------------- */

static void test_complete_writes_a_frame_that_ring_3_can_hold(void **state)
{
    struct sconce_x86_frame frame;

    (void)state;
    vm.x86.route = SCONCE_X86_ROUTE_UD;
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
    vm.x86.place = SCONCE_X86_ANYWHERE;
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
    vm.x86.route = SCONCE_X86_ROUTE_UD;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_complete_writes_a_frame_that_ring_3_can_hold, start_over),
        cmocka_unit_test_setup(test_set_another_pc_before_the_out_drops_the_exception, start_over),
        cmocka_unit_test_setup(test_set_the_same_pc_before_the_out_keeps_the_exception, start_over),
        cmocka_unit_test_setup(test_set_another_pc_behind_the_out_returns_there, start_over),
        cmocka_unit_test_setup(test_set_another_pc_of_an_open_call_leaves_the_shim_where_it_is,
                               start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
