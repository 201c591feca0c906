/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/process-x86_64/frame.c on frames that the test lays out as a kernel does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "plugins/process-x86_64/frame.h"

#define USER_CS 0x33u /* arch/x86/include/asm/segment.h, __USER_CS */

#define AT 0xfff818000ull
#define ROOM 4096u
#define FPSTATE 384u
#define XSTATE_BYTES 832u /* AVX's: SDM vol 1 13.4 */
#define EXTENDED_BYTES (XSTATE_BYTES + 4)
#define FRAME_BYTES (FPSTATE + EXTENDED_BYTES)

static const struct sconce_x86_xsave_layout avx = {.components = 7, .offset = {[2] = 576}};

static uint8_t bytes[ROOM];
static struct process_x86_frame frame;
static struct process_x86_software software;

static int start_over(void **state)
{
    (void)state;
    memset(bytes, 0xa5, sizeof bytes);
    memset(&frame, 0xa5, sizeof frame);
    frame.fpstate = AT + FPSTATE;
    frame.cs = USER_CS;
    frame.ss = 0x2b;
    software = (struct process_x86_software){.magic1 = PROCESS_X86_XSTATE_MAGIC1,
                                             .extended_bytes = EXTENDED_BYTES,
                                             .features = 7,
                                             .xstate_bytes = XSTATE_BYTES};
    return 0;
}

static bool shape_of(uint64_t room, struct process_x86_shape *ret_shape)
{
    memcpy(bytes, &frame, sizeof frame);
    memcpy(bytes + FPSTATE + PROCESS_X86_SOFTWARE_OFFSET, &software, sizeof software);
    return process_x86_shape(bytes, AT, room, ret_shape);
}

/* Refused, and the answer is as it was. */
static void expect_refused(uint64_t room)
{
    struct process_x86_shape shape, before;

    memset(&shape, 0x3c, sizeof shape);
    before = shape;
    assert_false(shape_of(room, &shape));
    assert_memory_equal(&shape, &before, sizeof shape);
    start_over(NULL);
}

/* ---- The shape ----------------------------------------------------------------------------- */

static void test_shape_of_a_kernels_frame_is_what_lies_where(void **state)
{
    struct process_x86_shape shape;

    (void)state;
    assert_true(shape_of(ROOM, &shape));
    assert_int_equal(shape.bytes, FRAME_BYTES);
    assert_int_equal(shape.fpstate, FPSTATE);
    assert_int_equal(shape.xstate_bytes, XSTATE_BYTES);
    assert_memory_equal(shape.software, &software, sizeof software);
    assert_memory_equal(&shape.pattern, &frame, sizeof frame);
}

static void test_shape_that_just_fits_is_taken(void **state)
{
    struct process_x86_shape shape;

    (void)state;
    assert_true(shape_of(FRAME_BYTES, &shape));
}

static void test_shape_without_room_is_refused(void **state)
{
    (void)state;
    expect_refused(0);
    expect_refused(sizeof frame - 1);
    expect_refused(sizeof frame);
    expect_refused(FPSTATE);
    expect_refused(FPSTATE + SCONCE_X86_XSAVE_HEAD - 1);
    expect_refused(FPSTATE + SCONCE_X86_XSAVE_HEAD);
    expect_refused(FRAME_BYTES - 1);
}

static void test_shape_with_fpstate_elsewhere_is_refused(void **state)
{
    static const uint64_t places[] = {
        0,         AT - 64,        AT,        AT + sizeof frame - 1, AT + ROOM - 575,
        AT + ROOM, AT + ROOM + 64, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        frame.fpstate = places[i];
        expect_refused(ROOM);
    }
}

static void test_shape_of_another_magic_is_refused(void **state)
{
    (void)state;
    software.magic1 = 0;
    expect_refused(ROOM);
    software.magic1 = PROCESS_X86_XSTATE_MAGIC2;
    expect_refused(ROOM);
}

static void test_shape_of_wild_sizes_is_refused(void **state)
{
    static const struct {
        uint32_t xstate, extended;
    } rows[] = {
        {0, EXTENDED_BYTES},
        {SCONCE_X86_XSAVE_HEAD - 1, EXTENDED_BYTES},
        {XSTATE_BYTES, 0},
        {XSTATE_BYTES, XSTATE_BYTES - 1},
        {XSTATE_BYTES, XSTATE_BYTES}, /* no room for the second magic number */
        {XSTATE_BYTES, XSTATE_BYTES + 3},
        {UINT32_MAX, EXTENDED_BYTES},
        {UINT32_MAX - 4, UINT32_MAX},
        {XSTATE_BYTES, ROOM - FPSTATE + 1},
        {XSTATE_BYTES, UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        software.xstate_bytes = rows[i].xstate;
        software.extended_bytes = rows[i].extended;
        expect_refused(ROOM);
    }
}

/* ---- The initial frame --------------------------------------------------------------------- */

static void make_initial(struct process_x86_shape *shape, struct process_x86_frame *ret_frame)
{
    assert_true(shape_of(ROOM, shape));
    memset(bytes, 0x77, sizeof bytes);
    process_x86_frame_init(shape, bytes);
    memcpy(ret_frame, bytes, sizeof *ret_frame);
}

static void test_init_clears_every_register_but_the_flags(void **state)
{
    const struct sconce_x86_standard initial = {.rflags = 0x202};
    struct sconce_x86_standard now;
    struct process_x86_shape shape;
    struct process_x86_frame fresh;

    (void)state;
    make_initial(&shape, &fresh);
    process_x86_get_standard(&fresh, &now);
    assert_memory_equal(&now, &initial, sizeof now);
    assert_int_equal(fresh.trapno | fresh.error | fresh.cr2 | fresh.call_address, 0);
    assert_int_equal(fresh.signal | fresh.info_errno | fresh.code, 0);
}

static void test_init_keeps_what_the_kernel_wants_to_find(void **state)
{
    struct process_x86_shape shape;
    struct process_x86_frame fresh;

    (void)state;
    frame.mask = ~0x0102ull;
    frame.flags = 7;
    make_initial(&shape, &fresh);
    assert_int_equal(fresh.mask, ~0x0102ull);
    assert_int_equal(fresh.flags, 7);
    assert_int_equal(fresh.cs, USER_CS);
    assert_int_equal(fresh.ss, 0x2b);
    assert_int_equal(fresh.fpstate, AT + FPSTATE);
    assert_memory_equal(fresh.altstack, shape.pattern.altstack, sizeof fresh.altstack);
}

static void test_init_writes_initial_floats_sealed(void **state)
{
    static const uint8_t fcw[2] = {0x7f, 0x03}, mxcsr[4] = {0x80, 0x1f, 0, 0};
    const uint32_t magic2 = PROCESS_X86_XSTATE_MAGIC2;
    struct process_x86_shape shape;
    struct process_x86_frame fresh;
    struct sconce_x86_float floats;
    const uint8_t *area = bytes + FPSTATE;

    (void)state;
    make_initial(&shape, &fresh);
    assert_memory_equal(area, fcw, sizeof fcw);
    assert_memory_equal(area + 24, mxcsr, sizeof mxcsr);
    assert_memory_equal(area + PROCESS_X86_SOFTWARE_OFFSET, shape.software, sizeof shape.software);
    assert_memory_equal(area + XSTATE_BYTES, &magic2, sizeof magic2);
    sconce_x86_xsave_unpack(&avx, area, &floats);
    for (size_t i = 32; i < PROCESS_X86_SOFTWARE_OFFSET; i++)
        assert_int_equal(floats.fxsave[i], 0);
    for (size_t i = 0; i < sizeof floats.ymm_hi; i++)
        assert_int_equal(((const uint8_t *)floats.ymm_hi)[i], 0);
}

static void test_init_writes_the_frame_and_no_more(void **state)
{
    struct process_x86_shape shape;
    struct process_x86_frame fresh;

    (void)state;
    make_initial(&shape, &fresh);
    for (size_t i = sizeof fresh; i < FPSTATE; i++)
        assert_int_equal(bytes[i], 0);
    for (size_t i = shape.bytes; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0x77);
}

/* ---- Registers ----------------------------------------------------------------------------- */

static void test_standard_comes_back_as_it_was_set(void **state)
{
    struct sconce_x86_standard set, got;
    uint64_t *words = (uint64_t *)(void *)&set;
    struct process_x86_frame before;

    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof *words; i++)
        words[i] = 0x1111000000000000 + i;
    before = frame;
    process_x86_set_standard(&frame, &set);
    process_x86_get_standard(&frame, &got);
    assert_memory_equal(&got, &set, sizeof set);
    assert_int_equal(frame.rdx, set.rdx);
    assert_int_equal(frame.r15, set.r15);
    /* Around them nothing moves. */
    assert_memory_equal(&frame, &before, offsetof(struct process_x86_frame, r8));
    assert_memory_equal(&frame.cs, &before.cs,
                        sizeof frame - offsetof(struct process_x86_frame, cs));
}

static void test_set_float_packs_and_seals(void **state)
{
    const uint32_t magic2 = PROCESS_X86_XSTATE_MAGIC2;
    struct sconce_x86_float set = {.xfeatures = 7}, got;
    struct process_x86_shape shape;
    uint8_t *area = bytes + FPSTATE;

    (void)state;
    assert_true(shape_of(ROOM, &shape));
    memset(area, 0, EXTENDED_BYTES);
    set.fxsave[24] = 0x80;
    set.fxsave[25] = 0x1f;
    memset(set.fxsave + 160, 0x5e, 256);
    memset(set.ymm_hi, 0x6f, sizeof set.ymm_hi);

    assert_true(process_x86_set_float(&shape, &avx, &set, area));

    sconce_x86_xsave_unpack(&avx, area, &got);
    assert_memory_equal(&got, &set, sizeof set);
    assert_memory_equal(area + PROCESS_X86_SOFTWARE_OFFSET, shape.software, sizeof shape.software);
    assert_memory_equal(area + XSTATE_BYTES, &magic2, sizeof magic2);
}

static void test_set_float_of_no_guest_changes_nothing(void **state)
{
    struct sconce_x86_float set = {.xfeatures = 7};
    struct process_x86_shape shape;
    uint8_t before[ROOM];

    (void)state;
    assert_true(shape_of(ROOM, &shape));
    memcpy(before, bytes, sizeof bytes);
    set.fxsave[27] = 0x80; /* a reserved bit of MXCSR */
    assert_false(process_x86_set_float(&shape, &avx, &set, bytes + FPSTATE));
    set.fxsave[27] = 0;
    set.hi16_zmm[0][0] = 1; /* which the machine has not */
    assert_false(process_x86_set_float(&shape, &avx, &set, bytes + FPSTATE));
    assert_memory_equal(bytes, before, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_shape_of_a_kernels_frame_is_what_lies_where, start_over),
        cmocka_unit_test_setup(test_shape_that_just_fits_is_taken, start_over),
        cmocka_unit_test_setup(test_shape_without_room_is_refused, start_over),
        cmocka_unit_test_setup(test_shape_with_fpstate_elsewhere_is_refused, start_over),
        cmocka_unit_test_setup(test_shape_of_another_magic_is_refused, start_over),
        cmocka_unit_test_setup(test_shape_of_wild_sizes_is_refused, start_over),
        cmocka_unit_test_setup(test_init_clears_every_register_but_the_flags, start_over),
        cmocka_unit_test_setup(test_init_keeps_what_the_kernel_wants_to_find, start_over),
        cmocka_unit_test_setup(test_init_writes_initial_floats_sealed, start_over),
        cmocka_unit_test_setup(test_init_writes_the_frame_and_no_more, start_over),
        cmocka_unit_test_setup(test_standard_comes_back_as_it_was_set, start_over),
        cmocka_unit_test_setup(test_set_float_packs_and_seals, start_over),
        cmocka_unit_test_setup(test_set_float_of_no_guest_changes_nothing, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
