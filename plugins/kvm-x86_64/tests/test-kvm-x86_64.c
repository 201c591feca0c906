/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-x86_64 on this machine's KVM: what a doorbell costs, and a system call that is none. */
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbell_takes_one_ioctl),
        cmocka_unit_test(test_run_syscall_with_a_wild_return_is_a_fault),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
