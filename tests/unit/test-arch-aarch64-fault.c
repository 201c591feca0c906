/* SPDX-License-Identifier: Apache-2.0 */
/* arch/aarch64/fault.c: exceptions in the contract's words, and their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/aarch64/fault.h"

#define MRS_MIDR_EL1 0xd5380000u
#define UDF 0x00000000u

static struct sconce_exit_fault decode(uint32_t class, uint32_t iss, uint32_t insn)
{
    const struct sconce_a64_exception exception = {
        .esr = (uint64_t) class << 26 | 1u << 25 | iss,
        .far = 0x1234,
        .pc = 0x400010,
        .sp = 0x7008,
        .insn = insn,
    };
    struct sconce_exit_fault fault;

    memset(&fault, 0xa5, sizeof fault);
    sconce_a64_fault(&exception, &fault);
    return fault;
}

static void test_fault_kind_of_each_class(void **state)
{
    static const struct {
        uint32_t class;
        uint32_t kind;
    } rows[] = {
        {0x00, SCONCE_FAULT_ILLEGAL},    {0x01, SCONCE_FAULT_PRIVILEGE},
        {0x07, SCONCE_FAULT_ILLEGAL},    {0x09, SCONCE_FAULT_ILLEGAL},
        {0x0d, SCONCE_FAULT_ILLEGAL},    {0x0e, SCONCE_FAULT_ILLEGAL},
        {0x15, SCONCE_FAULT_OTHER},      {0x18, SCONCE_FAULT_PRIVILEGE},
        {0x19, SCONCE_FAULT_ILLEGAL},    {0x1c, SCONCE_FAULT_ILLEGAL},
        {0x1d, SCONCE_FAULT_ILLEGAL},    {0x20, SCONCE_FAULT_MEMORY},
        {0x21, SCONCE_FAULT_OTHER},      {0x22, SCONCE_FAULT_ALIGNMENT},
        {0x24, SCONCE_FAULT_MEMORY},     {0x25, SCONCE_FAULT_OTHER},
        {0x26, SCONCE_FAULT_ALIGNMENT},  {0x2c, SCONCE_FAULT_FLOAT},
        {0x2f, SCONCE_FAULT_OTHER},      {0x30, SCONCE_FAULT_STEP},
        {0x32, SCONCE_FAULT_STEP},       {0x34, SCONCE_FAULT_STEP},
        {0x38, SCONCE_FAULT_BREAKPOINT}, {0x3c, SCONCE_FAULT_BREAKPOINT},
        {0x3f, SCONCE_FAULT_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(decode(rows[i].class, 0, UDF).kind, rows[i].kind);
}

static void test_fault_has_pc_and_the_architectures_detail(void **state)
{
    struct sconce_exit_fault fault = decode(0x3c, 0x5c0e, UDF);

    (void)state;
    assert_int_equal(fault.pc, 0x400010);
    assert_int_equal(fault.detail, 0xf2005c0e);
    assert_int_equal(fault.address, 0);
    assert_int_equal(fault.access, SCONCE_ACCESS_UNKNOWN);
}

static void test_fault_memory_has_address_and_access(void **state)
{
    (void)state;
    assert_int_equal(decode(0x24, 0x07, UDF).access, SCONCE_ACCESS_READ);
    assert_int_equal(decode(0x24, 0x4f, UDF).access, SCONCE_ACCESS_WRITE);
    assert_int_equal(decode(0x24, 0x14f, UDF).access, SCONCE_ACCESS_READ); /* DC CIVAC */
    assert_int_equal(decode(0x20, 0x0f, UDF).access, SCONCE_ACCESS_EXEC);
    assert_int_equal(decode(0x20, 0x0f, UDF).address, 0x1234);
    assert_int_equal(decode(0x24, 0x07, UDF).address, 0x1234);
    assert_int_equal(decode(0x24, 0x10, UDF).address, 0x1234);
    assert_int_equal(decode(0x24, 0x410, UDF).address, 0); /* FnV */
    assert_int_equal(decode(0x20, 0x410, UDF).address, 0);
    assert_int_equal(decode(0x24, 0x407, UDF).address, 0x1234); /* reserved there */
}

static void test_fault_alignment_of_data_pc_and_sp(void **state)
{
    struct sconce_exit_fault fault = decode(0x24, 0x21, UDF);

    (void)state;
    assert_int_equal(fault.kind, SCONCE_FAULT_ALIGNMENT);
    assert_int_equal(fault.address, 0x1234);
    assert_int_equal(decode(0x22, 0, UDF).address, 0x1234);
    assert_int_equal(decode(0x26, 0, UDF).address, 0x7008);
    assert_int_equal(decode(0x26, 0, UDF).access, SCONCE_ACCESS_UNKNOWN);
}

static void test_fault_undefined_is_privilege_when_el1_may(void **state)
{
    (void)state;
    assert_int_equal(decode(0, 0, MRS_MIDR_EL1).kind, SCONCE_FAULT_PRIVILEGE);
    assert_int_equal(decode(0, 0, UDF).kind, SCONCE_FAULT_ILLEGAL);
    assert_int_equal(decode(7, 0, MRS_MIDR_EL1).kind, SCONCE_FAULT_ILLEGAL);
}

/* The words are an assembler's. */
static void test_privileged_instructions(void **state)
{
    static const uint32_t privileged[] = {
        0xd4000202, /* hvc #0x10 */
        0xd4000063, /* smc #3 */
        0xd45e0000, /* hlt #0xf000 */
        0xd4a00001, /* dcps1 */
        0xd4a000a3, /* dcps3 #5 */
        0xd69f03e0, /* eret */
        0xd69f0bff, /* eretaa */
        0xd69f0fff, /* eretab */
        0xd6bf03e0, /* drps */
        0xd500417f, /* msr uao, #1 */
        0xd500419f, /* msr pan, #1 */
        0xd50041bf, /* msr spsel, #1 */
        0xd5034fdf, /* msr daifset, #15 */
        0xd50342ff, /* msr daifclr, #2 */
        0xd5380000, /* mrs x0, midr_el1 */
        0xd5181000, /* msr sctlr_el1, x0 */
        0xd53c1100, /* mrs x0, hcr_el2 */
        0xd51be005, /* msr cntfrq_el0, x5 */
        0xd51bd063, /* msr tpidrro_el0, x3 */
        0xd508871f, /* tlbi vmalle1 */
        0xd5087840, /* at s1e0r, x0 */
        0xd508751f, /* ic iallu */
        0xd5100200, /* msr mdccint_el1, x0 */
        0xd9e00041, /* ldgm x1, [x2] */
        0xd9a00083, /* stgm x3, [x4] */
        0xd92000c5, /* stzgm x5, [x6] */
    };

    (void)state;
    for (size_t i = 0; i < sizeof privileged / sizeof privileged[0]; i++)
        assert_true(sconce_a64_is_privileged(privileged[i]));
}

static void test_unprivileged_instructions(void **state)
{
    static const uint32_t unprivileged[] = {
        0x00000000, /* udf #0 */
        0xd4000021, /* svc #1 */
        0xd4200020, /* brk #1 */
        0xd4a00000, /* Unallocated, beside DCPS1 */
        0xd500401f, /* cfinv */
        0xd503415f, /* msr dit, #1 */
        0xd503413f, /* msr ssbs, #1 */
        0xd503419f, /* msr tco, #1 */
        0xd503201f, /* nop */
        0xd503207f, /* wfi */
        0xd5033fdf, /* isb */
        0xd5033f9f, /* dsb sy */
        0xd53b00e1, /* mrs x1, dczid_el0 */
        0xd53be040, /* mrs x0, cntvct_el0 */
        0xd51bd041, /* msr tpidr_el0, x1 */
        0xd53bd063, /* mrs x3, tpidrro_el0 */
        0xd50b7420, /* dc zva, x0 */
        0xd50b7522, /* ic ivau, x2 */
        0xd51b4200, /* msr nzcv, x0 */
        0xd65f03c0, /* ret */
        0xf9400000, /* ldr x0, [x0] */
        0xffffffff,
    };

    (void)state;
    for (size_t i = 0; i < sizeof unprivileged / sizeof unprivileged[0]; i++)
        assert_false(sconce_a64_is_privileged(unprivileged[i]));
}

static void expect_text(uint32_t class, uint32_t iss, const char *want)
{
    struct sconce_exit_fault fault = decode(class, iss, UDF);
    char text[96]; /* as much as the core has */

    sconce_a64_describe_fault(&fault, text, sizeof text);
    assert_string_equal(text, want);
}

static void test_describe_names_class_status_and_syndrome(void **state)
{
    (void)state;
    expect_text(0x24, 0x07, "data abort, translation fault, level 3, ESR 0x92000007");
    expect_text(0x24, 0x4e, "data abort, permission fault, level 2, ESR 0x9200004e");
    expect_text(0x20, 0x04, "instruction abort, translation fault, level 0, ESR 0x82000004");
    expect_text(0x24, 0x15, "data abort, external abort on a table walk, level 1, ESR 0x92000015");
    expect_text(0x24, 0x10, "data abort, external abort, ESR 0x92000010");
    expect_text(0x24, 0x21, "data abort, alignment fault, ESR 0x92000021");
    expect_text(0x24, 0x3f, "data abort, ESR 0x9200003f");
    expect_text(0x00, 0, "undefined instruction, ESR 0x2000000");
    expect_text(0x3c, 7, "BRK, ESR 0xf2000007");
    expect_text(0x3f, 0, "exception class 0x3f, ESR 0xfe000000");
}

static void test_describe_cuts_and_terminates(void **state)
{
    struct sconce_exit_fault fault = decode(0x24, 0x07, UDF);
    char text[8];

    (void)state;
    for (uint64_t bytes = 1; bytes <= sizeof text; bytes++) {
        memset(text, 'x', sizeof text);
        sconce_a64_describe_fault(&fault, text, bytes);
        assert_int_equal(strlen(text), bytes - 1);
        assert_memory_equal(text, "data abort", bytes - 1);
    }
    text[0] = 'x';
    sconce_a64_describe_fault(&fault, text, 0);
    assert_int_equal(text[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault_kind_of_each_class),
        cmocka_unit_test(test_fault_has_pc_and_the_architectures_detail),
        cmocka_unit_test(test_fault_memory_has_address_and_access),
        cmocka_unit_test(test_fault_alignment_of_data_pc_and_sp),
        cmocka_unit_test(test_fault_undefined_is_privilege_when_el1_may),
        cmocka_unit_test(test_privileged_instructions),
        cmocka_unit_test(test_unprivileged_instructions),
        cmocka_unit_test(test_describe_names_class_status_and_syndrome),
        cmocka_unit_test(test_describe_cuts_and_terminates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
