/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/fault.c: exceptions in the contract's words, and their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/fault.h"

static struct sconce_exit_fault decode(uint8_t vector, uint32_t error)
{
    const struct sconce_x86_exception exception = {
        .vector = vector, .error = error, .rip = 0x400010, .rsp = 0x7000, .cr2 = 0x1234};
    struct sconce_exit_fault fault;

    memset(&fault, 0xa5, sizeof fault);
    sconce_x86_fault(&exception, &fault);
    return fault;
}

static void test_fault_kind_of_each_vector(void **state)
{
    static const struct {
        uint8_t vector;
        uint32_t kind;
    } rows[] = {
        {0, SCONCE_FAULT_ARITHMETIC}, {1, SCONCE_FAULT_STEP},       {2, SCONCE_FAULT_OTHER},
        {3, SCONCE_FAULT_BREAKPOINT}, {6, SCONCE_FAULT_ILLEGAL},    {7, SCONCE_FAULT_ILLEGAL},
        {8, SCONCE_FAULT_OTHER},      {10, SCONCE_FAULT_PRIVILEGE}, {11, SCONCE_FAULT_PRIVILEGE},
        {12, SCONCE_FAULT_STACK},     {13, SCONCE_FAULT_PRIVILEGE}, {14, SCONCE_FAULT_MEMORY},
        {16, SCONCE_FAULT_FLOAT},     {17, SCONCE_FAULT_ALIGNMENT}, {19, SCONCE_FAULT_FLOAT},
        {9, SCONCE_FAULT_OTHER},      {32, SCONCE_FAULT_OTHER},     {255, SCONCE_FAULT_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(decode(rows[i].vector, 0).kind, rows[i].kind);
}

static void test_fault_has_pc_and_the_architectures_detail(void **state)
{
    struct sconce_exit_fault fault = decode(13, 0x402);

    (void)state;
    assert_int_equal(fault.pc, 0x400010);
    assert_int_equal(fault.detail, 0x4020d);
    assert_int_equal(fault.address, 0);
    assert_int_equal(fault.access, SCONCE_ACCESS_UNKNOWN);
}

static void test_fault_memory_has_address_and_access(void **state)
{
    (void)state;
    assert_int_equal(decode(14, 0x4).access, SCONCE_ACCESS_READ);
    assert_int_equal(decode(14, 0x6).access, SCONCE_ACCESS_WRITE);
    assert_int_equal(decode(14, 0x7).access, SCONCE_ACCESS_WRITE);
    assert_int_equal(decode(14, 0x14).access, SCONCE_ACCESS_EXEC);
    assert_int_equal(decode(14, 0x15).access, SCONCE_ACCESS_EXEC);
    assert_int_equal(decode(14, 0x4).address, 0x1234);
}

static void test_fault_stack_has_the_stack_pointer(void **state)
{
    (void)state;
    assert_int_equal(decode(12, 0).address, 0x7000);
}

static void expect_text(uint8_t vector, uint32_t error, const char *want)
{
    struct sconce_exit_fault fault = decode(vector, error);
    char text[64];

    sconce_x86_describe_fault(&fault, text, sizeof text);
    assert_string_equal(text, want);
}

static void test_describe_names_vector_and_error(void **state)
{
    (void)state;
    expect_text(14, 0x6, "#PF, error 0x6");
    expect_text(14, 0x15, "#PF, error 0x15");
    expect_text(13, 0, "#GP, error 0x0");
    expect_text(13, 0xfffffffa, "#GP, error 0xfffffffa");
    expect_text(6, 0, "#UD");
    expect_text(2, 0, "NMI");
    expect_text(9, 0, "vector 0x9");
    expect_text(200, 0, "vector 0xc8");
}

static void test_describe_cuts_and_terminates(void **state)
{
    struct sconce_exit_fault fault = decode(14, 0x6);
    char text[8];

    (void)state;
    for (uint64_t bytes = 1; bytes <= sizeof text; bytes++) {
        memset(text, 'x', sizeof text);
        sconce_x86_describe_fault(&fault, text, bytes);
        assert_int_equal(strlen(text), bytes - 1);
        assert_memory_equal(text, "#PF, error", bytes - 1);
    }
    text[0] = 'x';
    sconce_x86_describe_fault(&fault, text, 0);
    assert_int_equal(text[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault_kind_of_each_vector),
        cmocka_unit_test(test_fault_has_pc_and_the_architectures_detail),
        cmocka_unit_test(test_fault_memory_has_address_and_access),
        cmocka_unit_test(test_fault_stack_has_the_stack_pointer),
        cmocka_unit_test(test_describe_names_vector_and_error),
        cmocka_unit_test(test_describe_cuts_and_terminates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
