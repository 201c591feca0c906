/* SPDX-License-Identifier: Apache-2.0 */
/* cli/doctor-device.c: devices, and the lists that name them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/doctor-device.h"

static char text[128], hint[320], path[64];

static void test_device_that_opens_is_fine(void **state)
{
    (void)state;
    assert_true(device_check("/dev/null", text, sizeof text, hint, sizeof hint));
    assert_string_equal(hint, "");
}

static void test_device_missing_has_a_hint(void **state)
{
    (void)state;
    assert_false(device_check("/dev/nonexistent", text, sizeof text, hint, sizeof hint));
    assert_string_equal(text, "is not there");
    assert_true(hint[0] != '\0');
}

static void test_device_missing_of_a_hypervisor_has_its_own_hint(void **state)
{
    (void)state;
    if (!device_check("/dev/kvm", text, sizeof text, hint, sizeof hint))
        assert_true(strstr(hint, "virtualization") || strstr(hint, "user"));
    if (!device_check("/dev/mshv", text, sizeof text, hint, sizeof hint))
        assert_true(strstr(hint, "root partition of Hyper-V") || strstr(hint, "user"));
}

static void test_device_that_is_a_file_is_none(void **state)
{
    (void)state;
    assert_false(device_check("/proc/self/status", text, sizeof text, hint, sizeof hint));
    assert_string_equal(text, "is no device");
}

static void test_device_next_picks_paths_out_of_prose(void **state)
{
    const char *list = "Linux 5.10, /dev/kvm;  /dev/mshv";

    (void)state;
    assert_true(device_next(&list, path, sizeof path));
    assert_string_equal(path, "/dev/kvm");
    assert_true(device_next(&list, path, sizeof path));
    assert_string_equal(path, "/dev/mshv");
    assert_false(device_next(&list, path, sizeof path));
}

static void test_device_next_skips_what_is_too_long(void **state)
{
    const char *list = "/0123456789 /ok";
    char small[8];

    (void)state;
    assert_true(device_next(&list, small, sizeof small));
    assert_string_equal(small, "/ok");
    list = "";
    assert_false(device_next(&list, small, sizeof small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_that_opens_is_fine),
        cmocka_unit_test(test_device_missing_has_a_hint),
        cmocka_unit_test(test_device_missing_of_a_hypervisor_has_its_own_hint),
        cmocka_unit_test(test_device_that_is_a_file_is_none),
        cmocka_unit_test(test_device_next_picks_paths_out_of_prose),
        cmocka_unit_test(test_device_next_skips_what_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
