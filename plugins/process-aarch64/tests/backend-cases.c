/* SPDX-License-Identifier: Apache-2.0 */
/* test-backend.c for aarch64. */
#include <string.h>

#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/aarch64/code.h"

/* ---- What the kernel would make again -------------------------------------------------------- */

GUEST(restarts, "mov x0, #-513\n mov x8, #39\n svc #0\n" LABEL(restarts_behind) DATA
      "str x0, [x20]\n" BELL(1) "mov x0, #-513\n svc #0x5c0e\n" BELL(2));
extern const uint8_t guest_restarts_behind[];

/* -ERESTARTNOINTR is a value as any other to a guest. */
static void test_run_call_that_the_kernel_would_make_again_is_made_once(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(restarts));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(exit.u.syscall.args[0], (uint64_t)-513);
    assert_int_equal(exit.u.syscall.raw_nr, 39);
    assert_int_equal(show_registers(&guest).pc,
                     CODE_GPA + (uint64_t)(guest_restarts_behind - guest_restarts));
    assert_ok(ops->vcpu_complete(guest.vm, -513, fresh_error()));
    guest_expect_bell(&guest, 1);
    assert_int_equal(guest_data(&guest)[0], (uint64_t)-513);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(exit.u.doorbell.number, UINT32_MAX);
    guest_expect_bell(&guest, 2);
    guest_free(&guest);
}

/* ---- Code that the host writes --------------------------------------------------------------- */

static void test_sync_code_of_what_is_no_code_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    assert_ok(ops->mem_sync_code(guest.vm, CODE_GPA + 4, 8, fresh_error()));
    assert_int_equal(ops->mem_sync_code(guest.vm, DATA_GPA, 8, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot make fetches see 8 bytes at 0x420000: not all of them "
                                    "are mapped as code");
    guest_free(&guest);
}

static void test_sync_code_shows_a_guest_what_the_host_writes(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(ring));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    /* Every instruction from the second on is another, and so is what is behind the doorbell. */
    for (uint64_t at = 4; at < 64; at += 4)
        memcpy(guest.host + at, guest_three_bells + 8 + at % 8, 4);
    assert_ok(ops->mem_sync_code(guest.vm, CODE_GPA, 64, fresh_error()));
    guest_expect_bell(&guest, 2);
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_run_call_that_the_kernel_would_make_again_is_made_once),
    cmocka_unit_test(test_sync_code_of_what_is_no_code_is_invalid),
    cmocka_unit_test(test_sync_code_shows_a_guest_what_the_host_writes),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
