/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/supervisor.c: the pages' layout, the shim's code, the frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/supervisor.h"
#include "sconce-guest-abi.h"

#define GPA SCONCE_GPA_MAX

static uint8_t pages[SCONCE_X86_SUPERVISOR_BYTES];

static void test_shim_handler_reports_and_returns(void **state)
{
    (void)state;
    sconce_x86_supervisor_build(pages, GPA);

    for (unsigned vector = 0; vector < 256; vector++) {
        const uint8_t *code =
            pages + SCONCE_X86_SHIM_OFFSET + (size_t)vector * SCONCE_X86_SHIM_STRIDE;
        const uint8_t out[] = {0xe6, SCONCE_X86_SHIM_PORT};
        const uint8_t drop[] = {0x48, 0x83, 0xc4, 0x08};
        const uint8_t iretq[] = {0x48, 0xcf};
        bool has_error = sconce_x86_has_error_code((uint8_t)vector);

        assert_memory_equal(code, out, sizeof out);
        if (has_error)
            assert_memory_equal(code + 2, drop, sizeof drop);
        assert_memory_equal(code + (has_error ? 6 : 2), iretq, sizeof iretq);
    }
}

static void test_shim_error_codes_are_where_the_manual_has_them(void **state)
{
    static const uint8_t with[] = {8, 10, 11, 12, 13, 14, 17, 21, 29, 30};
    unsigned count = 0;

    (void)state;
    for (unsigned vector = 0; vector < 256; vector++)
        count += sconce_x86_has_error_code((uint8_t)vector);
    for (size_t i = 0; i < sizeof with; i++)
        assert_true(sconce_x86_has_error_code(with[i]));
    assert_int_equal(count, sizeof with);
}

static void test_shim_port_is_not_the_doorbell(void **state)
{
    (void)state;
    assert_int_not_equal(SCONCE_X86_SHIM_PORT, SCONCE_DOORBELL_PORT_X86_64);
}

static void test_shim_vector_is_found_at_and_behind_the_out(void **state)
{
    uint8_t vector = 0;

    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        uint64_t handler = GPA + SCONCE_X86_SHIM_OFFSET + (uint64_t)v * 16;

        assert_true(sconce_x86_shim_vector(GPA, handler, &vector));
        assert_int_equal(vector, v);
        vector = (uint8_t)~v;
        assert_true(sconce_x86_shim_vector(GPA, handler + 2, &vector));
        assert_int_equal(vector, v);
    }
}

/* A kick may stop the vCPU before any instruction: only with an error code there is a third. */
static void test_shim_vector_is_found_before_an_iretq_behind_an_add(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        uint64_t handler = GPA + SCONCE_X86_SHIM_OFFSET + (uint64_t)v * 16;
        uint8_t vector = (uint8_t)~v;
        bool found = sconce_x86_shim_vector(GPA, handler + 6, &vector);

        assert_int_equal(found, sconce_x86_has_error_code((uint8_t)v));
        assert_int_equal(vector, found ? v : (uint8_t)~v);
    }
}

static void test_shim_vector_elsewhere_is_none(void **state)
{
    static const uint64_t elsewhere[] = {
        0,
        0x400000,
        GPA + SCONCE_X86_SHIM_OFFSET - 1,
        GPA + SCONCE_X86_SHIM_OFFSET + 1,
        GPA + SCONCE_X86_SHIM_OFFSET + 4,
        GPA + SCONCE_X86_SHIM_OFFSET + 0x1000,
        GPA + SCONCE_X86_LSTAR_OFFSET,
        UINT64_MAX,
    };
    uint8_t vector;

    (void)state;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        assert_false(sconce_x86_shim_vector(GPA, elsewhere[i], &vector));
}

/* LSTAR points at no handler and, should it ever run, at a trap. */
static void test_shim_lstar_is_a_trap_in_the_shim_page(void **state)
{
    (void)state;
    sconce_x86_supervisor_build(pages, GPA);

    assert_in_range(SCONCE_X86_LSTAR_OFFSET, SCONCE_X86_SHIM_OFFSET, SCONCE_X86_STACKS_OFFSET - 1);
    assert_int_equal(pages[SCONCE_X86_LSTAR_OFFSET], 0xcc);
}

static void test_supervisor_ranges_are_no_users_and_never_writable_code(void **state)
{
    struct sconce_x86_range ranges[SCONCE_X86_SUPERVISOR_RANGES];
    uint64_t bytes = 0;

    (void)state;
    sconce_x86_supervisor_ranges(GPA, ranges);

    for (size_t i = 0; i < SCONCE_X86_SUPERVISOR_RANGES; i++) {
        bool is_stack = ranges[i].gpa == GPA + SCONCE_X86_STACKS_OFFSET;
        bool is_shim = ranges[i].gpa == GPA + SCONCE_X86_SHIM_OFFSET;

        assert_false(ranges[i].user);
        assert_int_equal(!!(ranges[i].prot & SCONCE_PROT_WRITE), is_stack);
        assert_int_equal(!!(ranges[i].prot & SCONCE_PROT_EXEC), is_shim);
        bytes += ranges[i].bytes;
    }
    assert_int_equal(bytes, SCONCE_X86_SUPERVISOR_BYTES);
}

/* The stack pointer that the processor takes for a vector, from IDT and TSS as they were built. */
static uint64_t stack_of(uint8_t vector)
{
    unsigned ist = pages[SCONCE_X86_IDT_OFFSET + 16 * vector + 4] & 7;
    uint64_t top;

    memcpy(&top, pages + SCONCE_X86_TSS_OFFSET + 36 + 8 * (ist - 1), sizeof top);
    return top;
}

/* Push an exception as the processor does. */
static void push(uint8_t vector, uint64_t error)
{
    const uint64_t frame[] = {error, 0x400123, 0x33, 0x10202, 0x7fff0000, 0x2b};
    bool has_error = sconce_x86_has_error_code(vector);
    uint64_t top = stack_of(vector);

    assert_int_equal(top % 16, 0);
    memcpy(pages + (top - 40 - GPA), frame + 1, 40);
    if (has_error)
        memcpy(pages + (top - 48 - GPA), &error, 8);
}

static void test_frame_read_finds_what_the_processor_pushed(void **state)
{
    struct sconce_x86_frame frame;

    (void)state;
    for (unsigned vector = 0; vector < 256; vector++) {
        sconce_x86_supervisor_build(pages, GPA);
        push((uint8_t)vector, 0x15);

        sconce_x86_frame_read(pages, (uint8_t)vector, &frame);

        assert_int_equal(frame.error, sconce_x86_has_error_code((uint8_t)vector) ? 0x15 : 0);
        assert_int_equal(frame.rip, 0x400123);
        assert_int_equal(frame.cs, 0x33);
        assert_int_equal(frame.rflags, 0x10202);
        assert_int_equal(frame.rsp, 0x7fff0000);
        assert_int_equal(frame.ss, 0x2b);
    }
}

/* What an earlier exception left below a frame is no error code. */
static void test_frame_read_takes_no_stale_error_code(void **state)
{
    struct sconce_x86_frame frame;

    (void)state;
    sconce_x86_supervisor_build(pages, GPA);
    push(14, 7);
    push(6, 0);

    sconce_x86_frame_read(pages, 6, &frame);

    assert_int_equal(frame.error, 0);
}

static void test_frame_write_changes_what_iretq_takes(void **state)
{
    struct sconce_x86_frame frame = {0}, again;

    (void)state;
    sconce_x86_supervisor_build(pages, GPA);
    push(14, 0x15);
    frame.rip = 0x400200;
    frame.rsp = 0x1234;

    sconce_x86_frame_write(pages, 14, &frame);
    sconce_x86_frame_read(pages, 14, &again);

    assert_int_equal(again.rip, 0x400200);
    assert_int_equal(again.rsp, 0x1234);
    assert_int_equal(again.error, 0x15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shim_handler_reports_and_returns),
        cmocka_unit_test(test_shim_error_codes_are_where_the_manual_has_them),
        cmocka_unit_test(test_shim_port_is_not_the_doorbell),
        cmocka_unit_test(test_shim_vector_is_found_at_and_behind_the_out),
        cmocka_unit_test(test_shim_vector_is_found_before_an_iretq_behind_an_add),
        cmocka_unit_test(test_shim_vector_elsewhere_is_none),
        cmocka_unit_test(test_shim_lstar_is_a_trap_in_the_shim_page),
        cmocka_unit_test(test_supervisor_ranges_are_no_users_and_never_writable_code),
        cmocka_unit_test(test_frame_read_finds_what_the_processor_pushed),
        cmocka_unit_test(test_frame_read_takes_no_stale_error_code),
        cmocka_unit_test(test_frame_write_changes_what_iretq_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
