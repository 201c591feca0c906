/* SPDX-License-Identifier: Apache-2.0 */
/* test-backend.c for x86_64. */
#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/x86_64/code.h"

GUEST(bells_dx, "mov $0xffff005c, %edx\n mov $7, %al\n out %al, %dx\n mov $0x100000000005c, %rdx\n"
                "mov $8, %al\n out %al, %dx\n mov %rdx, 0x420000\n" BELL(9));

static void test_run_doorbell_by_dx_is_one_too(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells_dx, guest_bells_dx_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 7);
    guest_expect_bell(&guest, 8);
    guest_expect_bell(&guest, 9);
    assert_int_equal(guest_data(&guest)[0], 0x100000000005c);
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_run_doorbell_by_dx_is_one_too),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
