/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-x86_64/general.c, vcpu.c and regs.c without a hypervisor: the register page and
 * hypercalls, and a vCPU that stopped is answered or sent elsewhere. */
#include "plugins/mshv-x86_64/tests/fake-hv.h"

#include <string.h>

static void ring(void)
{
    struct hv_io_port io = io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 1, CODE_GPA);

    run_to(HV_MESSAGE_IO_PORT, &io, sizeof io);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
}

/* A signal, and no message. */
static void kick(void)
{
    run_to(MSHV_MESSAGE_NONE, "", 1);
    assert_int_equal(result.kind, SCONCE_EXIT_CANCELLED);
}

static void fill(void)
{
    for (uint32_t i = 0; i < 16; i++)
        hv_reg(HV_RAX + i)->low = 0x1000 + i;
    hv_reg(HV_SS)->high = (uint64_t)SCONCE_X86_AR_USER_DATA << 48;
}

static struct sconce_x86_standard get(void)
{
    struct sconce_x86_standard regs;

    assert_int_equal(mshv_x86_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, fresh()),
                     SCONCE_PLUGIN_OK);
    return regs;
}

static void set(const struct sconce_x86_standard *regs)
{
    assert_int_equal(mshv_x86_regs.set(&vm, SCONCE_REGS_STANDARD, regs, sizeof *regs, fresh()),
                     SCONCE_PLUGIN_OK);
}

static void expect_filled(const struct sconce_x86_standard *r)
{
    const uint64_t by_number[] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                                  r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};

    for (uint32_t i = 1; i < 16; i++)
        assert_int_equal(by_number[i], 0x1000 + i);
    assert_int_equal(r->rip, CODE_GPA + 2);
}

static void test_get_after_a_message_reads_the_page(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    use_page();
    fill();
    ring();
    regs = get();
    expect_filled(&regs);
    assert_int_equal(gets, 0);
}

static void test_get_without_a_page_is_a_hypercall(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    fill();
    ring();
    regs = get();
    expect_filled(&regs);
    regs = get(); /* and only once */
    expect_filled(&regs);
    assert_int_equal(gets, 18);
}

/* The page is still what the last message has left. */
static void test_get_after_a_kick_does_not_trust_the_page(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    use_page();
    fill();
    ring();
    memset(page.gp, 0x66, sizeof page.gp);
    kick();
    regs = get();
    expect_filled(&regs);
    assert_int_equal(gets, 18 + 1); /* and SS, to see where it is */
}

static void test_set_goes_by_the_page_after_a_message(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    use_page();
    fill();
    ring();
    regs = get();
    regs.rbx = 0x77;
    regs.rip = CODE_GPA + 0x30;
    set(&regs);
    assert_int_equal(page.dirty, 0); /* not before the run */
    kick();
    assert_int_equal(sets, 0);
    assert_int_equal(hv_reg(HV_RAX + MSHV_RBX)->low, 0x77);
    assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 0x30);
    assert_int_equal(hv_reg(HV_RAX + 15)->low, 0x100f);
}

static void test_set_after_a_kick_goes_by_hypercall(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    use_page();
    fill();
    ring();
    kick();
    regs = get();
    regs.r15 = 0x99;
    set(&regs);
    kick();
    assert_int_equal(sets, 18);
    assert_int_equal(hv_reg(HV_RAX + 15)->low, 0x99);
}

/* A second kick comes before the VP has taken what is in the page: of the doorbell, that it is
 * over.
 */
static void expect_nothing_lost(void **state, enum fake_signal when)
{
    struct sconce_x86_standard regs;

    start_over(state);
    use_page();
    fill();
    ring();
    signal_comes = when;
    kick();
    regs = get();
    expect_filled(&regs);
    regs.rbx = 0x77;
    set(&regs);
    kick();
    assert_int_equal(get().rbx, 0x77);
    assert_int_equal(get().rip, CODE_GPA + 2);
    signal_comes = SIGNAL_AFTER_THE_PAGE;
    kick();
    assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 2);
    assert_int_equal(hv_reg(HV_RAX + MSHV_RBX)->low, 0x77);
    assert_int_equal(hv_reg(HV_RAX + 15)->low, 0x100f);
    kick();
    assert_int_equal(get().rip, CODE_GPA + 2);
    assert_int_equal(page.dirty, 0);
}

static void test_what_the_vp_has_not_taken_is_not_lost(void **state)
{
    expect_nothing_lost(state, SIGNAL_BEFORE_THE_PAGE);
    expect_nothing_lost(state, SIGNAL_AND_NO_PAGE);
}

/* Signals that are no kick: the run goes on by itself. */
static void test_what_the_vp_has_not_taken_survives_signals_of_others(void **state)
{
    for (enum fake_signal when = SIGNAL_BEFORE_THE_PAGE; when <= SIGNAL_AND_NO_PAGE; when++) {
        struct hv_io_port io;

        start_over(state);
        use_page();
        fill();
        ring();
        io = io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 1, CODE_GPA);
        signal_comes = when;
        signals_left = 3;
        run_to(HV_MESSAGE_IO_PORT, &io, sizeof io);
        assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
        assert_int_equal(signals_left, 0);
        assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 2); /* what the run found */
    }
}

/* What is set in between is the newer one: the page must not win. */
static void test_what_is_set_after_the_vp_has_not_taken_the_page_counts(void **state)
{
    for (enum fake_signal when = SIGNAL_BEFORE_THE_PAGE; when <= SIGNAL_AND_NO_PAGE; when++) {
        struct sconce_x86_standard regs;

        start_over(state);
        use_page();
        fill();
        ring();
        signal_comes = when;
        kick();
        regs = get();
        regs.rip = CODE_GPA + 0x30;
        set(&regs);
        signal_comes = SIGNAL_AFTER_THE_PAGE;
        kick();
        assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 0x30);
    }
}

/* Nobody looks at the registers in between. */
static void test_what_the_vp_has_not_taken_goes_with_the_next_run(void **state)
{
    for (enum fake_signal when = SIGNAL_BEFORE_THE_PAGE; when <= SIGNAL_AND_NO_PAGE; when++) {
        start_over(state);
        use_page();
        fill();
        ring();
        signal_comes = when;
        kick();
        kick();
        signal_comes = SIGNAL_AFTER_THE_PAGE;
        kick();
        assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 2);
    }
}

/* A message came, and the hypervisor did not fill the page. */
/* Else the second doorbell would be rung for ever: its RIP would become that of the page again. */
static void test_what_the_vp_has_taken_is_over_whatever_the_page_says(void **state)
{
    struct sconce_x86_standard regs;
    struct hv_io_port io;

    (void)state;
    use_page();
    leaves_dirty = true;
    ring();
    regs = get();
    regs.rbx = 0x77;
    set(&regs);
    ring();
    hv_reg(HV_RAX + MSHV_RBX)->low = 0x88; /* the guest's own, since */
    io = io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 1, CODE_GPA + 0x10);
    run_to(HV_MESSAGE_IO_PORT, &io, sizeof io);
    kick();
    assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 0x12);
    assert_int_equal(hv_reg(HV_RAX + MSHV_RBX)->low, 0x88);
}

static void test_a_page_that_is_not_valid_is_not_used(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    use_page();
    fill();
    ring();
    memset(page.gp, 0x66, sizeof page.gp);
    page.is_valid = 0;
    regs = get();
    expect_filled(&regs);
    regs.rbx = 0x77;
    set(&regs);
    kick();
    assert_int_equal(page.dirty, 0);
    assert_int_equal(hv_reg(HV_RAX + MSHV_RBX)->low, 0x77);
}

static void test_a_kick_before_the_run_keeps_what_was_set(void **state)
{
    (void)state;
    fill();
    ring();
    mshv_x86_vcpu_kick_local(&vm);
    kick();
    assert_int_equal(fake.runs, 1);
    assert_int_equal(get().rip, CODE_GPA + 2);
    ring();
    assert_int_equal(hv_reg(HV_RIP)->low, CODE_GPA + 2);
    assert_int_equal(sets, 1);
}

/* ---- Answering --------------------------------------------------------------------------------
 */

static void stop_in_a_system_call(void)
{
    struct hv_io_port io;

    vm.x86.route = SCONCE_X86_ROUTE_UD;
    put_syscall_at(CODE_GPA);
    io = trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);
    run_to(HV_MESSAGE_IO_PORT, &io, sizeof io);
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
}

static void test_complete_returns_by_a_frame_that_ring_3_can_hold(void **state)
{
    struct sconce_x86_frame frame;

    (void)state;
    fill();
    stop_in_a_system_call();
    assert_int_equal(mshv_x86_vcpu_complete(&vm, -14, fresh()), SCONCE_PLUGIN_OK);

    sconce_x86_frame_read(own, 6, &frame);
    assert_int_equal(frame.rip, CODE_GPA + 2);
    assert_int_equal(frame.cs, SCONCE_X86_USER_CS);
    assert_int_equal(frame.rsp, 0x7000);
    kick();
    assert_int_equal(hv_reg(HV_RAX)->low, (uint64_t)-14);
    assert_int_equal(hv_reg(HV_RAX + MSHV_RCX)->low, CODE_GPA + 2);
    assert_int_equal(hv_reg(HV_RAX + 11)->low, frame.rflags);
    assert_int_equal(hv_reg(HV_RAX + 15)->low, 0x100f);
    assert_int_equal(hv_reg(HV_RIP)->low, sconce_x86_shim_return(SCONCE_GPA_MAX, 6));
}

static void test_complete_is_refused_where_nobody_called(void **state)
{
    (void)state;
    ring();
    assert_int_equal(mshv_x86_vcpu_complete(&vm, 0, fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot answer a system call: it is between two runs", "");
}

/* ---- Kicks that come before the shim has told of an exception ---------------------------------
 */

#define UD_OUT (SCONCE_GPA_MAX + SCONCE_X86_SHIM_OFFSET + 6ull * SCONCE_X86_SHIM_STRIDE)

static struct sconce_x86_standard kicked_at(uint64_t rip)
{
    struct sconce_x86_standard regs;

    trap(6, 0, CODE_GPA + 0x10, SCONCE_X86_USER_CS);
    hv_reg(HV_SS)->high = 0x93ull << 48; /* DPL 0 */
    hv_reg(HV_RIP)->low = rip;
    hv_reg(HV_RAX + MSHV_RSP)->low = 0x1234;
    kick();
    regs = get();
    assert_int_equal(regs.rip, CODE_GPA + 0x10);
    assert_int_equal(regs.rsp, 0x7000);
    return regs;
}

static void expect_shim_at(const struct sconce_x86_standard *regs, uint64_t rip)
{
    set(regs);
    assert_int_equal(vm.general.rip, rip);
    assert_int_equal(vm.general.gp[MSHV_RSP], 0x1234);
}

static void test_set_another_pc_before_the_out_drops_the_exception(void **state)
{
    struct sconce_x86_standard regs = kicked_at(UD_OUT);

    (void)state;
    regs.rip = CODE_GPA + 0x20;
    expect_shim_at(&regs, UD_OUT + 2);
    assert_int_equal(get().rip, CODE_GPA + 0x20);
}

static void test_set_the_same_pc_before_the_out_keeps_the_exception(void **state)
{
    struct sconce_x86_standard regs = kicked_at(UD_OUT);

    (void)state;
    regs.rbx = 5;
    expect_shim_at(&regs, UD_OUT);
    assert_int_equal(vm.general.gp[MSHV_RBX], 5);
}

static void test_get_where_no_vp_may_stand_is_refused(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    hv_reg(HV_SS)->high = 0x93ull << 48;
    hv_reg(HV_RIP)->low = CODE_GPA;
    kick();
    assert_int_equal(mshv_x86_regs.get(&vm, SCONCE_REGS_STANDARD, &regs, sizeof regs, fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot use the guest's registers: the VP stopped where it has none", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_get_after_a_message_reads_the_page, start_over),
        cmocka_unit_test_setup(test_get_without_a_page_is_a_hypercall, start_over),
        cmocka_unit_test_setup(test_get_after_a_kick_does_not_trust_the_page, start_over),
        cmocka_unit_test_setup(test_set_goes_by_the_page_after_a_message, start_over),
        cmocka_unit_test_setup(test_set_after_a_kick_goes_by_hypercall, start_over),
        cmocka_unit_test_setup(test_what_the_vp_has_not_taken_is_not_lost, start_over),
        cmocka_unit_test_setup(test_what_the_vp_has_not_taken_survives_signals_of_others,
                               start_over),
        cmocka_unit_test_setup(test_what_is_set_after_the_vp_has_not_taken_the_page_counts,
                               start_over),
        cmocka_unit_test_setup(test_what_the_vp_has_not_taken_goes_with_the_next_run, start_over),
        cmocka_unit_test_setup(test_what_the_vp_has_taken_is_over_whatever_the_page_says,
                               start_over),
        cmocka_unit_test_setup(test_a_page_that_is_not_valid_is_not_used, start_over),
        cmocka_unit_test_setup(test_a_kick_before_the_run_keeps_what_was_set, start_over),
        cmocka_unit_test_setup(test_complete_returns_by_a_frame_that_ring_3_can_hold, start_over),
        cmocka_unit_test_setup(test_complete_is_refused_where_nobody_called, start_over),
        cmocka_unit_test_setup(test_set_another_pc_before_the_out_drops_the_exception, start_over),
        cmocka_unit_test_setup(test_set_the_same_pc_before_the_out_keeps_the_exception, start_over),
        cmocka_unit_test_setup(test_get_where_no_vp_may_stand_is_refused, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
