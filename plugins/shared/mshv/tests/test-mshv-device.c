/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/mshv/device.c: each refusal has its own words, and what a partition is made with.
 */
#include <errno.h>

#include "plugins/shared/mshv/device.h"
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

static const struct sconce_mshv_features features = {{0x11, 0x22}, 0x33};
static struct sconce_mshv_machine machine;

static int32_t make(void)
{
    machine = (struct sconce_mshv_machine)SCONCE_MSHV_MACHINE_EMPTY;
    return sconce_mshv_machine_init(&machine, "/dev/mshv", FAKE_DEVICE_FD, &features, true,
                                    fresh());
}

static void expect_refused(int32_t status, const char *text, const char *hint)
{
    assert_int_equal(make(), status);
    expect_error(text, hint);
    sconce_mshv_machine_fini(&machine);
    assert_int_equal(machine.partition_fd, -1);
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
    sconce_mshv_machine_fini(&machine);
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

static void test_create_does_without_a_register_page(void **state)
{
    (void)state;
    fake.mmap_errno = ENODEV;
    assert_int_equal(make(), SCONCE_PLUGIN_OK);
    assert_null(machine.register_page);
    sconce_mshv_machine_fini(&machine);
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
    sconce_mshv_machine_fini(&machine);
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
    sconce_mshv_machine_fini(&machine);

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
        cmocka_unit_test_setup(test_create_falls_back_to_the_first_form, fake_start_over),
        cmocka_unit_test_setup(test_create_falls_back_on_einval_alone, fake_start_over),
        cmocka_unit_test_setup(test_create_tells_what_is_no_driver_of_ours, fake_start_over),
        cmocka_unit_test_setup(test_create_tells_which_step_failed, fake_start_over),
        cmocka_unit_test_setup(test_create_does_without_a_register_page, fake_start_over),
        cmocka_unit_test_setup(test_create_sets_the_early_properties, fake_start_over),
        cmocka_unit_test_setup(test_create_goes_on_without_the_msr_property_alone, fake_start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
