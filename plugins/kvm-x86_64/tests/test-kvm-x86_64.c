/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-x86_64 on this machine's KVM: what a doorbell costs, and a system call that is none. */
#include "plugins/shared/tests/fake-host.h"

#include <dlfcn.h>
#include <sys/ioctl.h>

/* ---- Counting ioctls: this definition comes before libc's for the plugin too ---------------- */

static unsigned ioctl_calls;

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, void *);
    va_list args;
    void *argument;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    va_start(args, request);
    argument = va_arg(args, void *);
    va_end(args);
    ioctl_calls++;
    return real(fd, request, argument);
}

GUEST(bells, BELL(1) BELL(200));

static void test_run_doorbell_takes_one_ioctl(void **state)
{
    struct fake_guest guest;
    unsigned before;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    before = ioctl_calls;
    guest_expect_bell(&guest, 200);

    assert_int_equal(ioctl_calls - before, 1);
    guest_free(&guest);
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
