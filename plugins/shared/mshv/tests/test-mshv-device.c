/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/mshv/device.c: each refusal has its own words, and what a partition is made with.
 */
#include <errno.h>

#include "plugins/shared/mshv/device.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/mshv/tests/fake-mshv.h"

#define HINT_NONE                                                                                  \
    "run Linux 6.15 or later as the root partition of Hyper-V, with CONFIG_MSHV_ROOT (modprobe "   \
    "mshv_root)"

static void expect_open(int errnum, int32_t status, const char *text, const char *hint)
{
    int fd = -1;

    fake.open_errno = errnum;
    assert_int_equal(sconce_mshv_open("/dev/mshv", &fd, fresh()), status);
    assert_int_equal(fd, -1);
    expect_error(text, hint);
    assert_int_equal(error.code, errnum);
}

static void test_open_tells_why_not_and_what_to_do(void **state)
{
    (void)state;
    expect_open(ENOENT, SCONCE_PLUGIN_E_UNAVAILABLE,
                "cannot open /dev/mshv: No such file or directory", HINT_NONE);
    expect_open(ENXIO, SCONCE_PLUGIN_E_UNAVAILABLE,
                "cannot open /dev/mshv: No such device or address", HINT_NONE);
    expect_open(EACCES, SCONCE_PLUGIN_E_UNAVAILABLE, "cannot open /dev/mshv: Permission denied",
                "the device is root's alone (mode 0600): run as root, or give it to a group by a "
                "udev rule");
    expect_open(EMFILE, SCONCE_PLUGIN_E_SYSTEM, "cannot open /dev/mshv: Too many open files",
                "raise the limit of open files (ulimit -n), or keep fewer sandboxes");
    expect_open(EIO, SCONCE_PLUGIN_E_UNAVAILABLE, "cannot open /dev/mshv: Input/output error", "");
}

static const struct sconce_mshv_features features = {{0x11, 0x22}, 0x33, true, true};
static struct sconce_mshv_machine machine;

static int32_t make_with(enum sconce_mshv_masks masks)
{
    machine = (struct sconce_mshv_machine)SCONCE_MSHV_MACHINE_EMPTY;
    return sconce_mshv_machine_init(&machine, "/dev/mshv", FAKE_DEVICE_FD, &features, masks,
                                    fresh());
}

static int32_t make(void)
{
    return make_with(SCONCE_MSHV_MASKS_TRY);
}

static void destroy(void)
{
    sconce_mshv_machine_fini(&machine);
    expect_nothing_left();
}

static void expect_refused(int32_t status, const char *text, const char *hint)
{
    assert_int_equal(make(), status);
    expect_error(text, hint);
    destroy();
}

static void test_create_asks_for_the_masks(void **state)
{
    (void)state;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.creations, 1);
    assert_int_equal(fake.created[0].v1.flags, 8);
    assert_int_equal(fake.created[0].v1.isolation, 0);
    assert_int_equal(fake.created[0].cpu_banks, 2);
    assert_int_equal(fake.created[0].cpu_disabled[0], 0x11);
    assert_int_equal(fake.created[0].cpu_disabled[1], 0x22);
    assert_int_equal(fake.created[0].xsave_disabled, 0x33);
    assert_true(machine.has_masks);
    assert_non_null(machine.register_page);
    destroy();
}

static void test_create_says_of_msrs_only_where_there_are_some(void **state)
{
    static const struct sconce_mshv_features none = {.has_msrs = false};

    (void)state;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 2); /* properties */
    sconce_mshv_machine_fini(&machine);
    fake_start_over(state);
    assert_int_equal(sconce_mshv_machine_init(&machine, "/dev/mshv", FAKE_DEVICE_FD, &none,
                                              SCONCE_MSHV_MASKS_TRY, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 1);
    assert_null(machine.register_page);
    sconce_mshv_machine_fini(&machine);
}

static void test_create_falls_back_to_the_first_form(void **state)
{
    (void)state;
    fake.create_errno[0] = EINVAL;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.creations, 2);
    assert_int_equal(fake.created[1].v1.flags, 0);
    assert_false(machine.has_masks);
    destroy();
}

/* Once there are masks, there is nothing to fall back to; where there are none, none are asked for.
 */
static void test_create_with_or_without_masks_takes_no_other_form(void **state)
{
    (void)state;
    fake.create_errno[0] = EINVAL;
    assert_int_equal(make_with(SCONCE_MSHV_MASKS_ALL), SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_int_equal(fake.creations, 1);
    destroy();
    fake_start_over(state);
    assert_int_equal(make_with(SCONCE_MSHV_MASKS_NONE), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.creations, 1);
    assert_int_equal(fake.created[0].v1.flags, 0);
    assert_false(machine.has_masks);
    destroy();
}

/* So the driver tells of masks that the hypervisor refuses, and of what is only for a moment. */
static void test_create_asks_for_the_masks_twice_after_eio(void **state)
{
    (void)state;
    fake.create_errno[0] = EIO;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_true(machine.has_masks);
    destroy();
    fake_start_over(state);
    fake.create_errno[0] = fake.create_errno[1] = EIO;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.creations, 3);
    assert_false(machine.has_masks);
    destroy();
    fake_start_over(state);
    fake.create_errno[0] = EIO;
    assert_int_equal(make_with(SCONCE_MSHV_MASKS_ALL), SCONCE_PLUGIN_E_SYSTEM);
    assert_int_equal(fake.creations, 1);
    destroy();
}

static void test_create_falls_back_on_einval_alone(void **state)
{
    (void)state;
    fake.create_errno[0] = ENOMEM;
    expect_refused(SCONCE_PLUGIN_E_NO_MEMORY, "cannot create a partition: Cannot allocate memory",
                   "");
    assert_int_equal(fake.creations, 1);
}

static void test_create_tells_what_is_no_driver_of_ours(void **state)
{
    (void)state;
    fake.create_errno[0] = ENOTTY;
    expect_refused(SCONCE_PLUGIN_E_UNAVAILABLE,
                   "/dev/mshv does not answer as the driver does: Inappropriate ioctl for device",
                   "set device to the hypervisor's device node, usually /dev/mshv");
    fake_start_over(state);
    fake.create_errno[0] = fake.create_errno[1] = EINVAL;
    expect_refused(SCONCE_PLUGIN_E_UNAVAILABLE,
                   "/dev/mshv takes no form of partition that is known here: Invalid argument",
                   "use the interface of upstream Linux, 6.15 or later");
    fake_start_over(state);
    fake.create_errno[0] = EPERM;
    expect_refused(SCONCE_PLUGIN_E_SYSTEM, "cannot create a partition: Operation not permitted",
                   "");
}

static void test_create_tells_which_step_failed(void **state)
{
    (void)state;
    fake.initialize_errno = EIO;
    expect_refused(SCONCE_PLUGIN_E_SYSTEM, "cannot initialize a partition: Input/output error", "");
    fake_start_over(state);
    fake.create_vp_errno = EMFILE;
    expect_refused(SCONCE_PLUGIN_E_SYSTEM, "cannot create a virtual processor: Too many open files",
                   "raise the limit of open files (ulimit -n), or keep fewer sandboxes");
    fake_start_over(state);
    fake.mmap_errno = ENOMEM;
    expect_refused(SCONCE_PLUGIN_E_NO_MEMORY,
                   "cannot map a virtual processor's register page: Cannot allocate memory", "");
}

/* A signal costs nothing; a driver that speaks of signals for ever is given up on. */
static void test_create_asks_again_after_eintr_but_not_for_ever(void **state)
{
    (void)state;
    fake.fail_at = 1;
    fake.fail_errno = EINTR;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.creations, 1);
    destroy();
    fake_start_over(state);
    fake.initialize_errno = EINTR;
    expect_refused(SCONCE_PLUGIN_E_SYSTEM, "cannot initialize a partition: Interrupted system call",
                   "");
    assert_int_equal(fake.initializations, SCONCE_MSHV_MAX_IDLE);
}

static void test_create_does_without_a_register_page(void **state)
{
    (void)state;
    fake.mmap_errno = ENODEV;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_null(machine.register_page);
    destroy();
}

/* The four ioctls that make it, the two hypercalls between them, the page. */
static void test_create_that_fails_anywhere_leaves_nothing(void **state)
{
    unsigned calls;

    (void)state;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    calls = fake.calls;
    destroy();
    for (unsigned n = 1; n <= calls; n++) {
        fake_start_over(state);
        fake.fail_at = n;
        fake.fail_errno = ENOMEM;
        assert_int_equal(make(), SCONCE_PLUGIN_E_NO_MEMORY);
        assert_string_not_equal(error.text, "");
        destroy();
    }
}

/* ---- Early properties ----------------------------------------------------------------------- */

static struct mshv_set_property properties[4];
static unsigned property_count;

static void note_property(uint16_t code, const void *head, const void *in, void *out)
{
    (void)in;
    (void)out;
    assert_int_equal(code, 0x45);
    assert_int_equal(fake.initializations, 0); /* early ones */
    properties[property_count++] = *(const struct mshv_set_property *)head;
}

static void test_create_sets_the_early_properties(void **state)
{
    (void)state;
    property_count = 0;
    fake.repetition = note_property;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_int_equal(property_count, 2);
    assert_int_equal(properties[0].code, 0x10001);
    assert_int_equal(properties[0].value, 0);
    assert_int_equal(properties[1].code, 0x50017);
    assert_int_equal(properties[1].value, 0);
    assert_int_equal(fake.last_in_bytes, 24);
    destroy();
}

/* Faulting is what a hypervisor does that cannot be told; enlightenments must be gone. */
static void test_create_goes_on_without_the_msr_property_alone(void **state)
{
    static const struct fake_hvcall unknown_msr[] = {{.done = FAKE_ALL}, {EIO, 9, 0, false}};
    static const struct fake_hvcall unknown_synthetic[] = {{EIO, 9, 0, false}};
    static const struct fake_hvcall denied_msr[] = {{.done = FAKE_ALL}, {EACCES, 6, 0, false}};

    (void)state;
    fake.hvcalls = unknown_msr;
    fake.hvcall_count = 2;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    expect_error("", "");
    destroy();

    fake_start_over(state);
    fake.hvcalls = unknown_synthetic;
    fake.hvcall_count = 1;
    expect_refused(SCONCE_PLUGIN_E_SYSTEM,
                   "cannot set a partition's property: the hypervisor says 0x9, unknown property",
                   "");
    fake_start_over(state);
    fake.hvcalls = denied_msr;
    fake.hvcall_count = 2;
    expect_refused(SCONCE_PLUGIN_E_SYSTEM,
                   "cannot set a partition's property: the hypervisor says 0x6, access denied", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_open_tells_why_not_and_what_to_do, fake_start_over),
        cmocka_unit_test_setup(test_create_asks_for_the_masks, fake_start_over),
        cmocka_unit_test_setup(test_create_says_of_msrs_only_where_there_are_some, fake_start_over),
        cmocka_unit_test_setup(test_create_falls_back_to_the_first_form, fake_start_over),
        cmocka_unit_test_setup(test_create_with_or_without_masks_takes_no_other_form,
                               fake_start_over),
        cmocka_unit_test_setup(test_create_asks_for_the_masks_twice_after_eio, fake_start_over),
        cmocka_unit_test_setup(test_create_falls_back_on_einval_alone, fake_start_over),
        cmocka_unit_test_setup(test_create_tells_what_is_no_driver_of_ours, fake_start_over),
        cmocka_unit_test_setup(test_create_tells_which_step_failed, fake_start_over),
        cmocka_unit_test_setup(test_create_asks_again_after_eintr_but_not_for_ever,
                               fake_start_over),
        cmocka_unit_test_setup(test_create_does_without_a_register_page, fake_start_over),
        cmocka_unit_test_setup(test_create_that_fails_anywhere_leaves_nothing, fake_start_over),
        cmocka_unit_test_setup(test_create_sets_the_early_properties, fake_start_over),
        cmocka_unit_test_setup(test_create_goes_on_without_the_msr_property_alone, fake_start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
