/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/shared/kvm/run.c: no kick is lost and none is invented. KVM_RUN is the test's own: it
 * obeys immediate_exit as the kernel does, and lets a "signal" come at the moments that matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/kvm/run.h"

enum step {
    DONE,            /* an exit to userspace */
    KICK_INSIDE,     /* a kick's signal while the guest runs */
    NOISE,           /* a signal of others while the guest runs */
    KICK_AFTER,      /* an exit; the kick's signal comes before the caller looks */
    NOISE_THEN_KICK, /* a signal of others, then a kick before the caller looks */
    FAULT,           /* EFAULT */
};

static struct kvm_run page;
static struct sconce_kvm_machine machine = {.vm_fd = -1, .vcpu_fd = -1, .run = &page};
static enum step script[40];
static int played;
static int entered; /* KVM_RUNs that let the guest run */
static int refused; /* KVM_RUNs that immediate_exit stopped */

int __wrap_ioctl(int fd, unsigned long request, ...);

static int interrupted(void)
{
    errno = EINTR;
    return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    (void)fd;
    assert_int_equal(request, KVM_RUN);
    if (page.immediate_exit) {
        refused++;
        return interrupted();
    }
    entered++;
    page.exit_reason = KVM_EXIT_IO;
    switch (script[played++]) {
    case KICK_INSIDE:
        sconce_kvm_kick(&machine);
        return interrupted();
    case NOISE:
        return interrupted();
    case NOISE_THEN_KICK:
        sconce_kvm_kick(&machine);
        return interrupted();
    case KICK_AFTER:
        sconce_kvm_kick(&machine);
        return 0;
    case FAULT:
        errno = EFAULT;
        return -1;
    case DONE:
    default:
        return 0;
    }
}

static int start_over(void **state)
{
    (void)state;
    memset(&page, 0, sizeof page);
    memset(script, 0, sizeof script);
    machine.has_expired = NULL;
    played = entered = refused = 0;
    return 0;
}

static void test_run_an_exit_is_one_run(void **state)
{
    (void)state;
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
    assert_int_equal(entered, 1);
}

static void test_run_kick_inside_is_reported_once(void **state)
{
    (void)state;
    script[0] = KICK_INSIDE;
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_CANCELLED);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
}

static void test_run_kick_before_it_lets_no_guest_run(void **state)
{
    (void)state;
    sconce_kvm_kick(&machine);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_CANCELLED);
    assert_int_equal(entered, 0);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
}

static void test_run_kick_after_the_exit_waits_for_the_next_run(void **state)
{
    (void)state;
    script[0] = KICK_AFTER;
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_CANCELLED);
    assert_int_equal(entered, 1);
}

static void test_run_noise_goes_on(void **state)
{
    (void)state;
    script[0] = script[1] = NOISE;
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
    assert_int_equal(entered, 3);
}

static void test_run_kick_behind_noise_is_not_lost(void **state)
{
    (void)state;
    script[0] = NOISE;
    script[1] = NOISE_THEN_KICK;
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_CANCELLED);
    assert_int_equal(entered, 2);
}

static bool has_expired(const struct kvm_run *run)
{
    (void)run;
    return entered == 2;
}

static void test_run_noise_at_the_end_of_its_time_is_the_end(void **state)
{
    (void)state;
    script[0] = script[1] = script[2] = NOISE;
    machine.has_expired = has_expired;
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_CANCELLED);
    assert_int_equal(entered, 2);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED); /* and is over only then */
}

static void test_run_failure_is_its_errno(void **state)
{
    (void)state;
    script[0] = FAULT;
    assert_int_equal(sconce_kvm_run(&machine), -EFAULT);
}

static void test_drain_lets_no_guest_run(void **state)
{
    (void)state;
    assert_int_equal(sconce_kvm_drain(&machine, NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(entered, 0);
    assert_int_equal(refused, 1);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
}

static void test_drain_keeps_a_kick(void **state)
{
    (void)state;
    sconce_kvm_kick(&machine);
    assert_int_equal(sconce_kvm_drain(&machine, NULL), SCONCE_PLUGIN_OK);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_CANCELLED);
    assert_int_equal(entered, 0);
}

static void test_forget_kick_drops_it(void **state)
{
    (void)state;
    sconce_kvm_kick(&machine);
    sconce_kvm_forget_kick(&machine);
    assert_int_equal(sconce_kvm_run(&machine), SCONCE_KVM_EXITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_run_an_exit_is_one_run, start_over),
        cmocka_unit_test_setup(test_run_kick_inside_is_reported_once, start_over),
        cmocka_unit_test_setup(test_run_kick_before_it_lets_no_guest_run, start_over),
        cmocka_unit_test_setup(test_run_kick_after_the_exit_waits_for_the_next_run, start_over),
        cmocka_unit_test_setup(test_run_noise_goes_on, start_over),
        cmocka_unit_test_setup(test_run_kick_behind_noise_is_not_lost, start_over),
        cmocka_unit_test_setup(test_run_noise_at_the_end_of_its_time_is_the_end, start_over),
        cmocka_unit_test_setup(test_run_failure_is_its_errno, start_over),
        cmocka_unit_test_setup(test_drain_lets_no_guest_run, start_over),
        cmocka_unit_test_setup(test_drain_keeps_a_kick, start_over),
        cmocka_unit_test_setup(test_forget_kick_drops_it, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
