/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/process-aarch64/frame.c on frames that the test lays out as a kernel does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "plugins/process-aarch64/frame.h"

#define ROOM 8192u
#define RECORDS sizeof(struct process_a64_frame)

/* asm/sigcontext.h: those that are not looked for. */
#define SVE_MAGIC 0x53564501u
#define EXTRA_MAGIC 0x45585401u

static uint8_t bytes[ROOM];
static struct process_a64_frame frame;
static uint8_t *const records = bytes + RECORDS;

static size_t put_record(size_t at, uint32_t magic, uint32_t size)
{
    const struct process_a64_record head = {magic, size};

    memcpy(records + at, &head, sizeof head);
    return at + size;
}

/* SIMD registers, a syndrome, SVE's, and the end, as kernels of machines with SVE have them. */
static int start_over(void **state)
{
    const uint64_t esr = 0x92000046;
    size_t at = 0;

    (void)state;
    memset(bytes, 0xa5, sizeof bytes);
    memset(&frame, 0xa5, sizeof frame);
    memcpy(bytes, &frame, sizeof frame);
    at = put_record(at, PROCESS_A64_FPSIMD_MAGIC, sizeof(struct process_a64_simd));
    memcpy(records + at + sizeof(struct process_a64_record), &esr, sizeof esr);
    at = put_record(at, PROCESS_A64_ESR_MAGIC, sizeof(struct process_a64_syndrome));
    at = put_record(at, SVE_MAGIC, 16);
    put_record(at, 0, 0);
    return 0;
}

/* ---- Records ------------------------------------------------------------------------------- */

static bool find_syndrome(uint64_t *ret_esr)
{
    struct process_a64_syndrome record = {.esr = 1};
    bool found = process_a64_find(records, PROCESS_A64_ESR_MAGIC, &record, sizeof record);

    *ret_esr = record.esr;
    return found;
}

static void expect_no_syndrome(void)
{
    uint64_t esr;

    assert_false(find_syndrome(&esr));
    assert_int_equal(esr, 1); /* as it was */
    start_over(NULL);
}

static void test_find_goes_over_other_records(void **state)
{
    uint64_t esr;

    (void)state;
    assert_true(find_syndrome(&esr));
    assert_int_equal(esr, 0x92000046);
    put_record(0, SVE_MAGIC, sizeof(struct process_a64_simd));
    assert_true(find_syndrome(&esr));
    put_record(0, 0xffffffff, sizeof(struct process_a64_simd)); /* of a kernel to come */
    assert_true(find_syndrome(&esr));
}

static void test_find_ends_at_the_end(void **state)
{
    (void)state;
    put_record(0, 0, 0);
    expect_no_syndrome();
    put_record(sizeof(struct process_a64_simd), 0, 16);
    expect_no_syndrome();
}

static void test_find_stops_at_what_makes_no_sense(void **state)
{
    static const uint32_t sizes[] = {
        0, 1, 7, 8, 15, 17, 24, 4097, 4112, 8192, 0x80000000, UINT32_MAX, UINT32_MAX & ~15u};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_record(0, SVE_MAGIC, sizes[i]);
        expect_no_syndrome();
    }
    /* Of its own magic, another size. */
    put_record(sizeof(struct process_a64_simd), PROCESS_A64_ESR_MAGIC, 32);
    expect_no_syndrome();
}

static void test_find_stays_within_the_records(void **state)
{
    const size_t last = PROCESS_A64_RECORDS_BYTES - sizeof(struct process_a64_syndrome);
    uint64_t esr;

    (void)state;
    put_record(0, EXTRA_MAGIC, PROCESS_A64_RECORDS_BYTES); /* and none behind it is one */
    put_record(PROCESS_A64_RECORDS_BYTES, PROCESS_A64_ESR_MAGIC, 16);
    expect_no_syndrome();
    put_record(0, EXTRA_MAGIC, (uint32_t)last);
    put_record(last, PROCESS_A64_ESR_MAGIC, 32); /* half of it */
    expect_no_syndrome();
    put_record(0, EXTRA_MAGIC, (uint32_t)last);
    put_record(last, PROCESS_A64_ESR_MAGIC, 16);
    assert_true(find_syndrome(&esr));
}

/* ---- The form ------------------------------------------------------------------------------ */

static void test_known_wants_room_and_simd_registers(void **state)
{
    (void)state;
    assert_true(process_a64_is_known(bytes, ROOM));
    assert_true(process_a64_is_known(bytes, PROCESS_A64_FRAME_BYTES));
    assert_false(process_a64_is_known(bytes, PROCESS_A64_FRAME_BYTES - 1));
    assert_false(process_a64_is_known(bytes, 0));
    put_record(0, SVE_MAGIC, sizeof(struct process_a64_simd));
    assert_false(process_a64_is_known(bytes, ROOM));
}

/* ---- The initial frame --------------------------------------------------------------------- */

static void test_init_writes_all_and_keeps_mask_and_stack(void **state)
{
    const struct process_a64_frame old = {
        .altstack = {0xfff811000, 0, 0xf000}, .mask = 0xfffffffeffff0000, .link = 5, .code = 1};
    const struct process_a64_simd simd = {.head = {PROCESS_A64_FPSIMD_MAGIC, sizeof simd}};
    struct process_a64_frame fresh = {.altstack = {0xfff811000, 0, 0xf000},
                                      .mask = 0xfffffffeffff0000};

    (void)state;
    process_a64_frame_init(&old, false, bytes, ROOM - 16);

    assert_memory_equal(bytes, &fresh, sizeof fresh);
    assert_memory_equal(records, &simd, sizeof simd);
    for (size_t i = RECORDS + sizeof simd; i < ROOM - 16; i++)
        assert_int_equal(bytes[i], 0);
    for (size_t i = ROOM - 16; i < ROOM; i++)
        assert_int_equal(bytes[i], 0xa5);
}

/* The pointer to the host's shadow stack is no guest's, before nor after the host sets registers.
 */
static void test_init_clears_the_shadow_stacks_pointer_where_there_is_one(void **state)
{
    const struct process_a64_frame old = {.mask = 1};
    const struct process_a64_gcs none = {.head = {PROCESS_A64_GCS_MAGIC, sizeof none}};
    const struct sconce_a64_float zero = {.fpsr = 0};
    struct process_a64_gcs gcs;

    (void)state;
    process_a64_frame_init(&old, false, bytes, ROOM);
    assert_false(process_a64_find(records, PROCESS_A64_GCS_MAGIC, &gcs, sizeof gcs));
    process_a64_frame_init(&old, true, bytes, ROOM);
    assert_true(process_a64_find(records, PROCESS_A64_GCS_MAGIC, &gcs, sizeof gcs));
    assert_memory_equal(&gcs, &none, sizeof gcs);
    assert_true(process_a64_is_known(bytes, ROOM));

    assert_true(process_a64_set_float(&zero, records));
    memset(&gcs, 0xa5, sizeof gcs);
    assert_true(process_a64_find(records, PROCESS_A64_GCS_MAGIC, &gcs, sizeof gcs));
    assert_memory_equal(&gcs, &none, sizeof gcs);
}

/* ---- Registers ----------------------------------------------------------------------------- */

static void test_standard_comes_back_as_it_was_set(void **state)
{
    struct sconce_a64_standard set, got;
    uint64_t *words = (uint64_t *)(void *)&set;
    struct process_a64_frame before = frame;

    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof *words; i++)
        words[i] = 0x1111000000000000 + i;
    process_a64_set_standard(&frame, &set);
    process_a64_get_standard(&frame, &got);
    assert_memory_equal(&got, &set, sizeof set);
    assert_int_equal(frame.x[30], set.x[30]);
    assert_int_equal(frame.pstate, set.pstate);
    /* Around them nothing moves. */
    assert_memory_equal(&frame, &before, offsetof(struct process_a64_frame, x));
    assert_int_equal(frame.pad2, before.pad2);
}

static void test_float_comes_back_as_the_only_record(void **state)
{
    struct sconce_a64_float set = {.fpsr = 0x8000009f, .fpcr = 0x07c00000}, got;
    uint64_t esr;

    (void)state;
    for (size_t i = 0; i < sizeof set.v; i++)
        ((uint8_t *)set.v)[i] = (uint8_t)(i * 7);
    assert_true(process_a64_set_float(&set, records));
    assert_true(process_a64_get_float(records, &got));
    assert_memory_equal(&got, &set, sizeof set);
    assert_false(find_syndrome(&esr));
    assert_int_equal(bytes[PROCESS_A64_FRAME_BYTES], 0xa5);
}

static void test_float_that_is_not_there_is_refused(void **state)
{
    struct sconce_a64_float got;

    (void)state;
    put_record(0, SVE_MAGIC, sizeof(struct process_a64_simd));
    assert_false(process_a64_get_float(records, &got));
}

static void test_float_of_no_guest_changes_nothing(void **state)
{
    /* Each is wrong in one bit of one register: reserved in it, or beyond its 32. */
    static const struct sconce_a64_float none[] = {
        {.fpsr = 1ull << 32}, {.fpsr = 1u << 5},  {.fpsr = 1u << 26}, {.fpcr = 1ull << 32},
        {.fpcr = 1u << 3},    {.fpcr = 1u << 13}, {.fpcr = 1u << 31}, {.fpcr = 1ull << 63}};
    uint8_t before[ROOM];

    (void)state;
    memcpy(before, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_false(process_a64_set_float(&none[i], records));
        assert_memory_equal(bytes, before, sizeof bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_find_goes_over_other_records, start_over),
        cmocka_unit_test_setup(test_find_ends_at_the_end, start_over),
        cmocka_unit_test_setup(test_find_stops_at_what_makes_no_sense, start_over),
        cmocka_unit_test_setup(test_find_stays_within_the_records, start_over),
        cmocka_unit_test_setup(test_known_wants_room_and_simd_registers, start_over),
        cmocka_unit_test_setup(test_init_writes_all_and_keeps_mask_and_stack, start_over),
        cmocka_unit_test_setup(test_init_clears_the_shadow_stacks_pointer_where_there_is_one,
                               start_over),
        cmocka_unit_test_setup(test_standard_comes_back_as_it_was_set, start_over),
        cmocka_unit_test_setup(test_float_comes_back_as_the_only_record, start_over),
        cmocka_unit_test_setup(test_float_that_is_not_there_is_refused, start_over),
        cmocka_unit_test_setup(test_float_of_no_guest_changes_nothing, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
