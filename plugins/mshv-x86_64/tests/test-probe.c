/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-x86_64/probe.c: what a probe finds, what it and the settings refuse, and in which
 * words. Without a hypervisor, which is played. */
#include "plugins/mshv-x86_64/tests/fake-machine.h"

#include <errno.h>
#include <string.h>

/* ---- Findings ----------------------------------------------------------------------------------
 */

#define ALL_OF_IT "feature masks, register page, SYSCALL by #UD, AVX"

static const char *describe(void)
{
    static struct sconce_probe probe;

    probe = (struct sconce_probe){.size = sizeof probe};
    if (mshv_x86_probe(&probe, fresh()) != SCONCE_PLUGIN_OK)
        return error.text;
    return probe.description;
}

static void test_probe_tells_what_there_is(void **state)
{
    (void)state;
    assert_string_equal(describe(), ALL_OF_IT);
    expect_nothing_left();

    machine_start(state);
    fake.create_errno[0] = EINVAL;
    fake.mmap_errno = ENODEV;
    assert_string_equal(describe(), "no feature masks, no register page, SYSCALL by #UD, AVX");
    assert_int_equal(fake.creations, 3); /* the trial's partition is made as it was found to work */
    expect_nothing_left();
}

static void test_probe_tells_of_overrides_that_do_nothing(void **state)
{
    (void)state;
    machine.is_deaf = true;
    assert_string_equal(describe(), ALL_OF_IT ", CPUID unfiltered");
}

/* What is to be overridden was found out with the masks: without them it would not be enough. */
static void test_vm_without_the_masks_that_were_found_is_refused(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = SCONCE_GPA_RESERVED};
    struct sconce_plugin_vm *made = NULL;

    (void)state;
    describe();
    fake.create_errno[2] = EINVAL;
    assert_int_equal(mshv_x86_vm_create(&config, &made, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_null(made);
    assert_int_equal(fake.creations, 3);
    expect_nothing_left();
}

/* A moment's trouble never makes a lesser machine of it, which would be kept. */
static void expect_all_or_nothing(void **state, int errnum, uint16_t status)
{
    unsigned calls;

    machine_start(state);
    assert_string_equal(describe(), ALL_OF_IT);
    calls = fake.calls;
    for (unsigned n = 1; n <= calls; n++) {
        struct sconce_probe probe = {.size = sizeof probe};

        machine_start(state);
        fake.fail_at = n;
        fake.fail_errno = errnum;
        fake.fail_status = status;
        if (mshv_x86_probe(&probe, fresh()) == SCONCE_PLUGIN_OK)
            assert_string_equal(probe.description, ALL_OF_IT);
        else
            assert_string_not_equal(error.text, "");
        expect_nothing_left();
        assert_string_equal(describe(), ALL_OF_IT);
    }
}

static void test_probe_with_one_call_that_fails_finds_all_or_nothing(void **state)
{
    expect_all_or_nothing(state, ENOMEM, 0);
    expect_all_or_nothing(state, EIO, 0);
    expect_all_or_nothing(state, ENOMEM, 0xb);
    expect_all_or_nothing(state, EIO, 0x75); /* no contiguous memory */
    expect_all_or_nothing(state, EIO, 0x15);
}

/* Asked for without end: neither memory nor patience is. */
static void test_probe_with_a_hypercall_that_never_gets_on_is_an_error(void **state)
{
    static struct fake_hvcall calls[400];
    unsigned made;

    (void)state;
    describe();
    made = (unsigned)fake.hvcalls_made;
    assert_in_range(made, 100, 399);
    for (unsigned n = 0; n < made; n += 7) { /* each kind of call comes more than seven times */
        for (unsigned i = 0; i < 400; i++)
            calls[i] = (struct fake_hvcall){.done = i < n ? FAKE_ALL : 0};
        machine_start(state);
        fake.hvcalls = calls;
        fake.hvcall_count = n + 1;
        assert_string_not_equal(describe(), ALL_OF_IT);
        expect_nothing_left();
    }
}

static void expect_unusable(const char *text, const char *hint)
{
    struct sconce_probe probe = {.size = sizeof probe};

    assert_int_equal(mshv_x86_probe(&probe, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error(text, hint);
}

/* ---- Refusals -----------------------------------------------------------------------------------
 */

static void test_probe_without_a_device_says_what_is_needed(void **state)
{
    (void)state;
    fake.open_errno = ENOENT;
    expect_unusable("cannot open /dev/mshv: No such file or directory",
                    "run Linux 6.15 or later as the root partition of Hyper-V, with "
                    "CONFIG_MSHV_ROOT (modprobe mshv_root)");
}

static void test_probe_without_the_right_says_whose_it_is(void **state)
{
    (void)state;
    fake.open_errno = EACCES;
    expect_unusable("cannot open /dev/mshv: Permission denied",
                    "the device is root's alone (mode 0600): run as root, or give it to a group by "
                    "a udev rule");
}

static void test_probe_of_another_device_says_so(void **state)
{
    (void)state;
    fake.create_errno[0] = ENOTTY;
    expect_unusable("/dev/mshv does not answer as the driver does: Inappropriate ioctl for device",
                    "set device to the hypervisor's device node, usually /dev/mshv");
}

static void test_probe_without_nx_is_refused(void **state)
{
    (void)state;
    machine.no_nx = true;
    expect_unusable("the hypervisor offers no pages that cannot be executed (NX)",
                    "turn on \"execute disable\" in the firmware");
}

static void test_probe_of_a_strange_xsave_area_is_refused(void **state)
{
    (void)state;
    machine.odd_xsave = true;
    expect_unusable("the hypervisor keeps SIMD state in a way that this backend does not know", "");
}

static const struct fake_hvcall no_cpuid[] = {
    {.done = FAKE_ALL}, {.done = FAKE_ALL}, {EINVAL, 0, 0, true}};

static void test_probe_without_cpuid_is_refused(void **state)
{
    (void)state;
    fake.hvcalls = no_cpuid; /* after two properties */
    fake.hvcall_count = 3;
    expect_unusable("the hypervisor does not tell which CPU features its guests have: Invalid "
                    "argument",
                    "use the interface of upstream Linux, 6.15 or later");
}

static void test_probe_of_a_strange_trial_is_refused(void **state)
{
    (void)state;
    machine.odd_trial = true;
    expect_unusable("a guest's system call arrives in no known way (exit 1)",
                    "this hypervisor does something that is not known here: please report it, with "
                    "kernel, processor and this message");
}

static int run_never(struct mshv_message *message)
{
    (void)message;
    return EAGAIN;
}

static void test_probe_of_a_trial_that_never_runs_is_refused(void **state)
{
    (void)state;
    fake.run = run_never;
    expect_unusable("a guest's system call arrives in no known way (exit 7, cannot run the virtual "
                    "processor: the hypervisor does not run it, and says no reason)",
                    "this hypervisor does something that is not known here: please report it, with "
                    "kernel, processor and this message");
    expect_nothing_left();
}

static void test_probe_without_room_is_invalid(void **state)
{
    struct sconce_probe probe = {.size = 8};

    (void)state;
    assert_int_equal(mshv_x86_probe(&probe, fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot probe: no room for what is found", "");
}

static void test_configure_tells_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(mshv_x86_configure("tss", "busy", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("there is no setting tss", "the only setting is device");
    assert_int_equal(mshv_x86_configure("device", "mshv", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("device is not an absolute path: mshv", "write device = /dev/mshv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_probe_tells_what_there_is, machine_start),
        cmocka_unit_test_setup(test_probe_tells_of_overrides_that_do_nothing, machine_start),
        cmocka_unit_test_setup(test_vm_without_the_masks_that_were_found_is_refused, machine_start),
        cmocka_unit_test_setup(test_probe_with_one_call_that_fails_finds_all_or_nothing,
                               machine_start),
        cmocka_unit_test_setup(test_probe_with_a_hypercall_that_never_gets_on_is_an_error,
                               machine_start),
        cmocka_unit_test_setup(test_probe_without_a_device_says_what_is_needed, machine_start),
        cmocka_unit_test_setup(test_probe_without_the_right_says_whose_it_is, machine_start),
        cmocka_unit_test_setup(test_probe_of_another_device_says_so, machine_start),
        cmocka_unit_test_setup(test_probe_without_nx_is_refused, machine_start),
        cmocka_unit_test_setup(test_probe_of_a_strange_xsave_area_is_refused, machine_start),
        cmocka_unit_test_setup(test_probe_without_cpuid_is_refused, machine_start),
        cmocka_unit_test_setup(test_probe_of_a_strange_trial_is_refused, machine_start),
        cmocka_unit_test_setup(test_probe_of_a_trial_that_never_runs_is_refused, machine_start),
        cmocka_unit_test_setup(test_probe_without_room_is_invalid, machine_start),
        cmocka_unit_test_setup(test_configure_tells_what_there_is, machine_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
