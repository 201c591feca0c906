/* SPDX-License-Identifier: Apache-2.0 */
/* arch/aarch64/regs.c: what an unprivileged guest may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arch/aarch64/regs.h"
#include "sconce-ext-regs.h"

static void test_user_address_is_the_lower_half(void **state)
{
    (void)state;
    assert_true(sconce_a64_user_address(0));
    assert_true(sconce_a64_user_address(0x00007fffffffffff));
    assert_false(sconce_a64_user_address(0x0000800000000000));
    assert_false(sconce_a64_user_address(0xffff800000000000));
    assert_false(sconce_a64_user_address(1ull << 63)); /* no tags */
}

static void test_user_pstate_has_no_privilege(void **state)
{
    (void)state;
    assert_int_equal(sconce_a64_user_pstate(0), 0);
    /* NZCV, TCO, DIT, SSBS, BTYPE; no mode, no mask, not SS, IL, PAN, UAO. */
    assert_int_equal(sconce_a64_user_pstate(UINT64_MAX), 0xf3001c00);
}

static struct sconce_a64_standard standard(uint64_t pc, uint64_t pstate)
{
    return (struct sconce_a64_standard){.pc = pc, .sp = 1ull << 63, .pstate = pstate};
}

static void test_standard_valid_takes_what_el0_can_hold(void **state)
{
    struct sconce_a64_standard regs = standard(0x400000, 0xf0000000);

    (void)state;
    assert_true(sconce_a64_standard_valid(&regs)); /* any SP, too */
    regs = standard(0, 0);
    assert_true(sconce_a64_standard_valid(&regs));
    regs = standard(2, 0); /* misaligned: the guest faults there */
    assert_true(sconce_a64_standard_valid(&regs));
}

static void test_standard_valid_refuses_privilege(void **state)
{
    static const uint64_t bad[] = {1,          2,          4,          8,          1ull << 4,
                                   1ull << 6,  1ull << 7,  1ull << 8,  1ull << 9,  1ull << 13,
                                   1ull << 20, 1ull << 21, 1ull << 22, 1ull << 23, 1ull << 63};
    struct sconce_a64_standard regs;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        regs = standard(0x400000, bad[i]);
        assert_false(sconce_a64_standard_valid(&regs));
    }
    regs = standard(0xffff800000000000, 0);
    assert_false(sconce_a64_standard_valid(&regs));
    regs = standard(0x0000800000000000, 0);
    assert_false(sconce_a64_standard_valid(&regs));
}

static void test_float_valid_knows_the_control_bits(void **state)
{
    struct sconce_a64_float regs = {.fpcr = 0x07ff9f07, .fpsr = 0xf800009f};

    (void)state;
    assert_true(sconce_a64_float_valid(&regs));
    regs.fpcr = 1ull << 27;
    assert_false(sconce_a64_float_valid(&regs));
    regs.fpcr = 1ull << 32;
    assert_false(sconce_a64_float_valid(&regs));
    regs.fpcr = 0;
    regs.fpsr = 1ull << 8;
    assert_false(sconce_a64_float_valid(&regs));
}

static void test_debug_valid_takes_breakpoints_on_the_guest(void **state)
{
    struct sconce_a64_debug debug = {
        .bvr = {0x400000, 0x7ffffffffffc},
        .bcr = {0x1e5, 0x1e4},
        .wvr = {0x500000},
        .wcr = {0x1ffd},
        .mdscr_el1 = 0x9001,
    };

    (void)state;
    assert_true(sconce_a64_debug_valid(&debug));
}

static void test_debug_valid_refuses_the_rest(void **state)
{
    const struct sconce_a64_debug good = {.bcr = {0x1e5}, .wcr = {0x1ffd}};
    struct sconce_a64_debug debug = good;

    (void)state;
    assert_true(sconce_a64_debug_valid(&good));
    debug.bvr[15] = 0xffff800000000000;
    assert_false(sconce_a64_debug_valid(&debug));
    debug = good;
    debug.wvr[3] = 1ull << 47;
    assert_false(sconce_a64_debug_valid(&debug));
    debug = good;
    debug.bcr[0] = 0x1e3; /* EL1 */
    assert_false(sconce_a64_debug_valid(&debug));
    debug = good;
    debug.bcr[0] |= 1ull << 13; /* EL2 */
    assert_false(sconce_a64_debug_valid(&debug));
    debug = good;
    debug.bcr[0] |= 1ull << 20; /* linked, or on a context */
    assert_false(sconce_a64_debug_valid(&debug));
    debug = good;
    debug.wcr[0] = 0x1fff; /* EL1 and EL0 */
    assert_false(sconce_a64_debug_valid(&debug));
    debug = good;
    debug.mdscr_el1 = 1ull << 13; /* EL1 too */
    assert_false(sconce_a64_debug_valid(&debug));
}

static void expect_problem(uint64_t pc, uint64_t sp, uint64_t tls, const char *want, uint64_t value)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = pc, .sp = sp, .tls = tls};
    uint64_t found;
    const char *problem = sconce_a64_entry_problem(&entry, &found);

    if (!want) {
        assert_null(problem);
        return;
    }
    assert_string_equal(problem, want);
    assert_int_equal(found, value);
}

static void test_entry_problem_names_the_register(void **state)
{
    (void)state;
    expect_problem(0x400000, 0x7000, 0x8000, NULL, 0);
    expect_problem(0x400000, 0x7000, 0xffffffffffffff00, NULL, 0);
    expect_problem(1ull << 63, 0x7000, 0, "PC", 1ull << 63);
    expect_problem(0x400000, 1ull << 47, 0, "SP", 1ull << 47);
    expect_problem(0x400000, 0x7000, 1ull << 63, "thread pointer", 1ull << 63);
    expect_problem(0x400000, 0x7000, 0xab00000000001000, "thread pointer", 0xab00000000001000);
}

static void test_file_bytes_of_each_file(void **state)
{
    (void)state;
    assert_int_equal(sconce_a64_file_bytes(SCONCE_REGS_STANDARD), 34 * 8);
    assert_int_equal(sconce_a64_file_bytes(SCONCE_REGS_SPECIAL), 13 * 8);
    assert_int_equal(sconce_a64_file_bytes(SCONCE_REGS_FLOAT), 32 * 16 + 2 * 8);
    assert_int_equal(sconce_a64_file_bytes(SCONCE_REGS_DEBUG), 65 * 8);
    assert_int_equal(sconce_a64_file_bytes(0), 0);
    assert_int_equal(sconce_a64_file_bytes(5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_address_is_the_lower_half),
        cmocka_unit_test(test_user_pstate_has_no_privilege),
        cmocka_unit_test(test_standard_valid_takes_what_el0_can_hold),
        cmocka_unit_test(test_standard_valid_refuses_privilege),
        cmocka_unit_test(test_float_valid_knows_the_control_bits),
        cmocka_unit_test(test_debug_valid_takes_breakpoints_on_the_guest),
        cmocka_unit_test(test_debug_valid_refuses_the_rest),
        cmocka_unit_test(test_entry_problem_names_the_register),
        cmocka_unit_test(test_file_bytes_of_each_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
