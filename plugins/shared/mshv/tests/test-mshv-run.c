/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/shared/mshv/run.c and vm.c: no kick is lost once it was taken notice of, none is
 * invented, no exit is lost to one. RUN_VP is the test's own; it knows of no flag, as the kernel's.
 */
#include <errno.h>
#include <string.h>

#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/mshv/run.h"
#include "plugins/shared/mshv/tests/fake-mshv.h"
#include "plugins/shared/mshv/vm.h"
#include "plugins/shared/plugin-error.h"

enum step {
    DONE,        /* a message */
    KICK_INSIDE, /* a kick's signal while the guest runs */
    NOISE,       /* a signal of others while the guest runs */
    KICK_RACES,  /* a kick's signal, and a message that was on its way */
    AGAIN,       /* EAGAIN */
    EMPTY,       /* no message, and no reason */
    FAULT,       /* EFAULT */
};

static struct sconce_mshv_vm vm;
static enum step steps[40], always;

static int run(struct mshv_message *message)
{
    switch (fake.runs <= 40 ? steps[fake.runs - 1] : always) {
    case KICK_INSIDE:
        sconce_mshv_kick(&vm.kick);
        return EINTR;
    case NOISE:
        return EINTR;
    case KICK_RACES:
        sconce_mshv_kick(&vm.kick);
        break;
    case AGAIN:
        return EAGAIN;
    case EMPTY:
        message->type = MSHV_MESSAGE_NONE;
        return 0;
    case FAULT:
        return EFAULT;
    case DONE:
    default:
        break;
    }
    message->type = 0x80010000 + fake.runs;
    return 0;
}

static int start_over(void **state)
{
    fake_start_over(state);
    memset(steps, 0, sizeof steps);
    always = DONE;
    vm =
        (struct sconce_mshv_vm){.machine = {.partition_fd = FAKE_PARTITION_FD, .vp_fd = FAKE_VP_FD},
                                .state = SCONCE_VCPU_RUNNABLE};
    fake.run = run;
    return 0;
}

static unsigned flushes;
static int32_t flush_status;

static int32_t flush(struct sconce_plugin_vm *plugin_vm, struct sconce_plugin_error *err)
{
    (void)plugin_vm;
    flushes++;
    return flush_status == SCONCE_PLUGIN_OK
               ? flush_status
               : sconce_plugin_fail(err, flush_status, SCONCE_DOMAIN_HV_STATUS, 0x15, NULL,
                                    "cannot set registers");
}

static struct sconce_exit result;
static bool entered;

static int32_t vcpu_run(int expected_outcome)
{
    int outcome = -1000;
    int32_t r;

    result = (struct sconce_exit){.size = sizeof result};
    flushes = 0;
    r = sconce_mshv_vcpu_run(NULL, &vm, flush, &result, &outcome, &entered, fresh());
    if (r == SCONCE_PLUGIN_OK)
        assert_int_equal(outcome, expected_outcome);
    return r;
}

static void test_run_a_message_is_one_run(void **state)
{
    (void)state;
    assert_int_equal(vcpu_run(SCONCE_MSHV_EXITED), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.runs, 1);
    assert_int_equal(flushes, 1);
    assert_int_equal(vm.message.type, 0x80010001);
}

static void test_run_kick_inside_is_reported_once(void **state)
{
    (void)state;
    steps[0] = KICK_INSIDE;
    vcpu_run(SCONCE_MSHV_CANCELLED);
    assert_int_equal(result.kind, SCONCE_EXIT_CANCELLED);
    assert_true(entered);
    assert_int_equal(vm.state, SCONCE_VCPU_RUNNABLE);
    vcpu_run(SCONCE_MSHV_EXITED);
}

static void test_run_kick_before_it_lets_no_guest_run(void **state)
{
    (void)state;
    sconce_mshv_kick(&vm.kick);
    vcpu_run(SCONCE_MSHV_CANCELLED);
    assert_int_equal(fake.runs, 0);
    assert_int_equal(flushes, 0); /* where the vCPU stands has not changed */
    assert_false(entered);
    vcpu_run(SCONCE_MSHV_EXITED);
}

static void test_run_noise_and_eagain_go_on(void **state)
{
    (void)state;
    steps[0] = NOISE;
    steps[1] = AGAIN;
    steps[2] = EMPTY;
    steps[3] = NOISE;
    vcpu_run(SCONCE_MSHV_EXITED);
    assert_int_equal(fake.runs, 5);
    assert_int_equal(flushes, 5); /* before each */
}

static void all_steps(enum step what)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        steps[i] = what;
    always = what;
}

static void expect_given_up_on(enum step what)
{
    all_steps(what);
    vcpu_run(-EAGAIN);
    assert_int_equal(fake.runs, SCONCE_MSHV_MAX_IDLE);
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(result.u.fail.text, "cannot run the virtual processor: the hypervisor does "
                                            "not run it, and says no reason");
    assert_int_equal(vm.state, SCONCE_VCPU_DEAD);
}

static void test_run_without_a_message_for_ever_is_a_failure(void **state)
{
    expect_given_up_on(AGAIN);
    start_over(state);
    expect_given_up_on(EMPTY);
}

/* There is nobody to kick a trial guest. */
static void test_run_of_signals_alone_ends_with_its_time(void **state)
{
    (void)state;
    all_steps(NOISE);
    vm.deadline_ns = 1;
    vcpu_run(SCONCE_MSHV_CANCELLED);
    assert_int_equal(result.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(fake.runs, 1);
    vm.deadline_ns = UINT64_MAX;
    steps[20] = DONE;
    vcpu_run(SCONCE_MSHV_EXITED);
}

static void test_run_kick_ends_eagain_for_ever(void **state)
{
    (void)state;
    for (int i = 0; i < 39; i++)
        steps[i] = AGAIN;
    steps[7] = KICK_INSIDE;
    vcpu_run(SCONCE_MSHV_CANCELLED);
    assert_int_equal(fake.runs, 8);
}

static void test_run_kick_that_races_a_message_waits_for_the_next_run(void **state)
{
    (void)state;
    steps[0] = KICK_RACES;
    vcpu_run(SCONCE_MSHV_EXITED);
    assert_int_equal(vm.message.type, 0x80010001);
    vcpu_run(SCONCE_MSHV_CANCELLED);
    assert_int_equal(fake.runs, 1);
    vcpu_run(SCONCE_MSHV_EXITED);
}

static void test_run_kick_behind_noise_is_not_lost(void **state)
{
    (void)state;
    steps[0] = NOISE;
    steps[1] = KICK_INSIDE;
    vcpu_run(SCONCE_MSHV_CANCELLED);
    assert_int_equal(fake.runs, 2);
}

static void test_run_that_fails_is_the_end(void **state)
{
    (void)state;
    steps[0] = FAULT;
    vcpu_run(-EFAULT);
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(result.u.fail.code, EFAULT);
    assert_string_equal(
        result.u.fail.text,
        "cannot run the virtual processor: guest memory is not accessible to the host");
    assert_int_equal(vm.state, SCONCE_VCPU_DEAD);
    assert_int_equal(vcpu_run(0), SCONCE_PLUGIN_E_DEAD);
}

static void test_run_without_its_registers_does_not_run(void **state)
{
    (void)state;
    flush_status = SCONCE_PLUGIN_E_SYSTEM;
    vcpu_run(-EIO);
    flush_status = SCONCE_PLUGIN_OK;
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_HV_STATUS);
    assert_int_equal(result.u.fail.code, 0x15);
    assert_string_equal(result.u.fail.text, "cannot set registers");
    assert_int_equal(fake.runs, 0);
    assert_int_equal(vm.state, SCONCE_VCPU_DEAD);
}

static void test_run_is_refused_where_it_may_not_come(void **state)
{
    struct sconce_exit exit = {.size = 8};
    int outcome;

    (void)state;
    assert_int_equal(sconce_mshv_vcpu_run(NULL, &vm, flush, &exit, &outcome, &entered, fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot run the guest: no room for the exit", "");
    vm.state = SCONCE_VCPU_FRESH;
    assert_int_equal(vcpu_run(0), SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot run the guest: it was not entered", "");
}

static void test_forget_kick_drops_it(void **state)
{
    (void)state;
    sconce_mshv_kick(&vm.kick);
    sconce_mshv_forget_kick(&vm.kick);
    vcpu_run(SCONCE_MSHV_EXITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_run_a_message_is_one_run, start_over),
        cmocka_unit_test_setup(test_run_kick_inside_is_reported_once, start_over),
        cmocka_unit_test_setup(test_run_kick_before_it_lets_no_guest_run, start_over),
        cmocka_unit_test_setup(test_run_noise_and_eagain_go_on, start_over),
        cmocka_unit_test_setup(test_run_without_a_message_for_ever_is_a_failure, start_over),
        cmocka_unit_test_setup(test_run_of_signals_alone_ends_with_its_time, start_over),
        cmocka_unit_test_setup(test_run_kick_ends_eagain_for_ever, start_over),
        cmocka_unit_test_setup(test_run_kick_that_races_a_message_waits_for_the_next_run,
                               start_over),
        cmocka_unit_test_setup(test_run_kick_behind_noise_is_not_lost, start_over),
        cmocka_unit_test_setup(test_run_that_fails_is_the_end, start_over),
        cmocka_unit_test_setup(test_run_without_its_registers_does_not_run, start_over),
        cmocka_unit_test_setup(test_run_is_refused_where_it_may_not_come, start_over),
        cmocka_unit_test_setup(test_forget_kick_drops_it, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
