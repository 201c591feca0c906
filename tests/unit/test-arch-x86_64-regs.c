/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/regs.c: what an unprivileged guest may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arch/x86_64/regs.h"

static void test_canonical_is_the_two_halves(void **state)
{
    (void)state;
    assert_true(sconce_x86_canonical(0));
    assert_true(sconce_x86_canonical(0x00007fffffffffff));
    assert_false(sconce_x86_canonical(0x0000800000000000));
    assert_false(sconce_x86_canonical(0xffff7fffffffffff));
    assert_true(sconce_x86_canonical(0xffff800000000000));
    assert_true(sconce_x86_canonical(UINT64_MAX));
}

static void test_user_address_is_the_lower_half(void **state)
{
    (void)state;
    assert_true(sconce_x86_user_address(0));
    assert_true(sconce_x86_user_address(0x00007fffffffffff));
    assert_false(sconce_x86_user_address(0x0000800000000000));
    assert_false(sconce_x86_user_address(0xffff800000000000));
}

static void test_user_rflags_has_interrupts_on_and_no_privilege(void **state)
{
    (void)state;
    assert_int_equal(sconce_x86_user_rflags(0), 0x202);
    /* All but IOPL, RF, VM, VIF, VIP and the reserved ones. */
    assert_int_equal(sconce_x86_user_rflags(UINT64_MAX), 0x244fd7);
}

static struct sconce_x86_standard standard(uint64_t rip, uint64_t rflags)
{
    return (struct sconce_x86_standard){.rip = rip, .rsp = 1ull << 63, .rflags = rflags};
}

static void test_standard_valid_takes_what_ring_3_can_hold(void **state)
{
    struct sconce_x86_standard regs = standard(0x400000, 0x254fd7);

    (void)state;
    assert_true(sconce_x86_standard_valid(&regs)); /* any RSP, too */
    regs = standard(0, 0);
    assert_true(sconce_x86_standard_valid(&regs));
}

static void test_standard_valid_refuses_privilege(void **state)
{
    static const uint64_t bad[] = {1ull << 12, 1ull << 13, 1ull << 17, 1ull << 19, 1ull << 20,
                                   1ull << 3,  1ull << 5,  1ull << 15, 1ull << 22, 1ull << 63};
    struct sconce_x86_standard regs;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        regs = standard(0x400000, 0x202 | bad[i]);
        assert_false(sconce_x86_standard_valid(&regs));
    }
    regs = standard(0xffff800000000000, 0x202);
    assert_false(sconce_x86_standard_valid(&regs));
    regs = standard(0x0000800000000000, 0x202);
    assert_false(sconce_x86_standard_valid(&regs));
}

static void test_debug_valid_takes_breakpoints_on_the_guest(void **state)
{
    struct sconce_x86_debug debug = {
        .dr = {1, 2, 3, 0x7fffffffffff}, .dr6 = 0xffffeffful, .dr7 = 0xffff07ff};

    (void)state;
    assert_true(sconce_x86_debug_valid(&debug));
}

static void test_debug_valid_refuses_the_rest(void **state)
{
    const struct sconce_x86_debug good = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    struct sconce_x86_debug debug = good;

    (void)state;
    assert_true(sconce_x86_debug_valid(&good));
    debug.dr[2] = 0xffff800000000000;
    assert_false(sconce_x86_debug_valid(&debug));
    debug = good;
    debug.dr7 |= 1u << 13; /* general detect */
    assert_false(sconce_x86_debug_valid(&debug));
    debug = good;
    debug.dr7 = 0; /* a bit that is always one */
    assert_false(sconce_x86_debug_valid(&debug));
    debug = good;
    debug.dr6 |= 1ull << 32;
    assert_false(sconce_x86_debug_valid(&debug));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_is_the_two_halves),
        cmocka_unit_test(test_user_address_is_the_lower_half),
        cmocka_unit_test(test_user_rflags_has_interrupts_on_and_no_privilege),
        cmocka_unit_test(test_standard_valid_takes_what_ring_3_can_hold),
        cmocka_unit_test(test_standard_valid_refuses_privilege),
        cmocka_unit_test(test_debug_valid_takes_breakpoints_on_the_guest),
        cmocka_unit_test(test_debug_valid_refuses_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
