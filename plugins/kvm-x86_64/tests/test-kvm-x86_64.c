/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-x86_64 on this machine's KVM: what doorbells and resets cost, and a system call that is none.
 */
#include "plugins/shared/tests/ioctl-count.h"
#include "plugins/shared/tests/x86_64/code.h"

static void test_run_doorbell_takes_one_ioctl(void **state)
{
    (void)state;
    expect_doorbell_ioctls(1);
}

/* Jumps to where LSTAR points. Where that is how a SYSCALL arrives, RCX is the return address. */
GUEST(fake_syscall, "mov $0xfff002ff8, %rax\n mov $0x8000000000000000, %rcx\n jmp *%rax");

static void test_run_syscall_with_a_wild_return_is_a_fault(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_fake_syscall, guest_fake_syscall_end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    guest_free(&guest);
}

/* OUT is the first instruction: it is what a reset leaves unfinished, and where the guest enters.
 */
GUEST(out_first, "out %al, $0x5c\n" BELL(7));

static void test_enter_at_the_doorbell_that_a_reset_left_rings_it(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_out_first, guest_out_first_end);
    for (int i = 0; i < 3; i++) {
        guest_enter(&guest);
        guest_expect_bell(&guest, 0);
        guest_reset(&guest);
        guest_enter(&guest);
        guest_expect_bell(&guest, 0);
        guest_expect_bell(&guest, 7);
        guest_reset(&guest); /* at another */
    }
    guest_free(&guest);
}

/* A reset after doorbells alone leaves out what only ring 0 writes; after a fault it does not. */
GUEST(flags_then_bell, "pushfq\n orq $0x40000, (%rsp)\n popfq\n fld1\n" BELL(1) "ud2");

static void test_reset_after_doorbells_costs_one_ioctl(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    unsigned before;

    (void)state;
    guest_new(&guest, guest_flags_then_bell, guest_flags_then_bell_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    before = ioctl_count();
    guest_reset(&guest);
    assert_int_equal(ioctl_count() - before, 1);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    before = ioctl_count();
    guest_reset(&guest);
    assert_true(ioctl_count() - before > 1);
    guest_free(&guest);
}

static unsigned reset_ioctls(struct fake_guest *guest)
{
    unsigned before = ioctl_count();

    guest_reset(guest);
    return ioctl_count() - before;
}

/* Between doorbells somebody sets debug registers, or a kick comes: all is scrubbed. */
static void test_reset_after_more_than_doorbells_scrubs_all(void **state)
{
    const struct sconce_x86_debug set = {.dr = {CODE_GPA}, .dr6 = 0xffff0ff0, .dr7 = 0x401};
    struct sconce_x86_debug got;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_ok(regs->set(guest.vm, SCONCE_REGS_DEBUG, &set, sizeof set, fresh_error()));
    assert_true(reset_ioctls(&guest) > 1);
    assert_ok(regs->get(guest.vm, SCONCE_REGS_DEBUG, &got, sizeof got, fresh_error()));
    assert_int_equal(got.dr[0], 0);
    assert_int_equal(got.dr7 & 0xff, 0);

    guest_enter(&guest);
    ops->vcpu_kick_local(guest.vm);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    guest_expect_bell(&guest, 1);
    assert_true(reset_ioctls(&guest) > 1);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbell_takes_one_ioctl),
        cmocka_unit_test(test_enter_at_the_doorbell_that_a_reset_left_rings_it),
        cmocka_unit_test(test_reset_after_doorbells_costs_one_ioctl),
        cmocka_unit_test(test_reset_after_more_than_doorbells_scrubs_all),
        cmocka_unit_test(test_run_syscall_with_a_wild_return_is_a_fault),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
