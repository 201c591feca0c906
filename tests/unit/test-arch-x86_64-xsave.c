/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/xsave.c: floating-point and SIMD state between XSAVE areas and the register file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/xsave.h"

#define AREA_BYTES 4096u

static const struct sconce_x86_cpuid full[] = {
    {.leaf = 0xd, .subleaf = 0, .eax = 0xe7},
    {.leaf = 0xd, .subleaf = 2, .eax = 0x100, .ebx = 0x240},
    {.leaf = 0xd, .subleaf = 5, .eax = 0x40, .ebx = 0x340},
    {.leaf = 0xd, .subleaf = 6, .eax = 0x200, .ebx = 0x380},
    {.leaf = 0xd, .subleaf = 7, .eax = 0x400, .ebx = 0x580},
};

static struct sconce_x86_xsave_layout layout_of(size_t entries)
{
    struct sconce_x86_xsave_layout layout = {0};

    assert_true(sconce_x86_xsave_layout(full, entries, AREA_BYTES, &layout));
    return layout;
}

/* Every byte of a file that the layout allows, different from its neighbours. */
static void fill(struct sconce_x86_float *regs)
{
    uint8_t *at = (uint8_t *)regs;

    for (size_t i = 0; i < sizeof *regs; i++)
        at[i] = (uint8_t)(i * 7 + i / 256 + 1);
    regs->xfeatures = 0xe7;
    regs->reserved0 = 0;
    memset(regs->fxsave + 24, 0, 8); /* MXCSR and its mask */
    memset(regs->fxsave + 464, 0, 48);
}

static void test_xsave_pack_then_unpack_is_the_same(void **state)
{
    struct sconce_x86_xsave_layout layout = layout_of(5);
    struct sconce_x86_float regs, again;
    uint8_t area[AREA_BYTES];

    (void)state;
    fill(&regs);

    assert_true(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));
    sconce_x86_xsave_unpack(&layout, area, &again);

    assert_memory_equal(&again, &regs, sizeof regs);
}

static void test_xsave_pack_puts_components_where_cpuid_says(void **state)
{
    struct sconce_x86_xsave_layout layout = layout_of(5);
    struct sconce_x86_float regs;
    uint8_t area[AREA_BYTES];
    uint64_t xstate_bv;

    (void)state;
    fill(&regs);
    assert_true(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));

    memcpy(&xstate_bv, area + 512, 8);
    assert_int_equal(xstate_bv, 0xe7);
    assert_memory_equal(area + 0x240, regs.ymm_hi, 0x100);
    assert_memory_equal(area + 0x340, regs.opmask, 0x40);
    assert_memory_equal(area + 0x380, regs.zmm_hi, 0x200);
    assert_memory_equal(area + 0x580, regs.hi16_zmm, 0x400);
}

/* A component whose bit is clear is initial, whatever bytes lie there (SDM vol 1 13.8.1). */
static void test_xsave_unpack_component_not_in_use_is_zero(void **state)
{
    struct sconce_x86_xsave_layout layout = layout_of(5);
    struct sconce_x86_float regs;
    uint8_t area[AREA_BYTES], zero[0x100] = {0};
    const uint64_t xstate_bv = 0xe3;

    (void)state;
    memset(area, 0x5a, sizeof area);
    memcpy(area + 512, &xstate_bv, 8);

    sconce_x86_xsave_unpack(&layout, area, &regs);

    assert_memory_equal(regs.ymm_hi, zero, sizeof regs.ymm_hi);
    assert_int_equal(regs.opmask[0][0], 0x5a);
}

static void test_xsave_init_is_the_reset_state(void **state)
{
    struct sconce_x86_xsave_layout layout = layout_of(5);
    struct sconce_x86_float regs, want = {.xfeatures = 0xe7};
    uint8_t area[AREA_BYTES];

    (void)state;
    memset(area, 0x5a, sizeof area);
    sconce_x86_xsave_init(area, sizeof area);
    sconce_x86_xsave_unpack(&layout, area, &regs);

    want.fxsave[0] = 0x7f; /* FCW */
    want.fxsave[1] = 0x03;
    want.fxsave[24] = 0x80; /* MXCSR */
    want.fxsave[25] = 0x1f;
    assert_memory_equal(&regs, &want, sizeof regs);
    assert_int_equal(area[512], 3); /* x87 and SSE are given, all else becomes initial */
}

static void test_xsave_pack_refuses_what_a_guest_cannot_hold(void **state)
{
    struct sconce_x86_xsave_layout layout = layout_of(5), small;
    struct sconce_x86_float regs;
    struct sconce_x86_cpuid sse_only = {.leaf = 0xd, .eax = 3};
    uint8_t area[AREA_BYTES];

    (void)state;
    fill(&regs);
    regs.fxsave[24 + 3] = 1; /* MXCSR bit 24 */
    assert_false(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));
    fill(&regs);
    regs.fxsave[500] = 1; /* bytes that the processor never stores */
    assert_false(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));
    fill(&regs);
    regs.reserved0 = 1;
    assert_false(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));
    fill(&regs);
    regs.xfeatures = 7;
    assert_false(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));

    assert_true(sconce_x86_xsave_layout(&sse_only, 1, AREA_BYTES, &small));
    fill(&regs);
    regs.xfeatures = 3; /* but AVX registers are not zero */
    assert_false(sconce_x86_xsave_pack(&small, &regs, area, sizeof area));
}

static void expect_no_layout(struct sconce_x86_cpuid entry, size_t bytes)
{
    struct sconce_x86_cpuid entries[5];
    struct sconce_x86_xsave_layout layout;

    memcpy(entries, full, sizeof entries);
    entries[1] = entry;
    assert_false(sconce_x86_xsave_layout(entries, 5, bytes, &layout));
}

static void test_xsave_layout_refuses_a_strange_component(void **state)
{
    const struct sconce_x86_cpuid good = full[1];
    struct sconce_x86_cpuid bad = good;

    (void)state;
    bad.eax = 0x80; /* another size */
    expect_no_layout(bad, AREA_BYTES);
    bad = good;
    bad.ebx = 0x200; /* inside the header */
    expect_no_layout(bad, AREA_BYTES);
    bad = good;
    bad.ebx = AREA_BYTES - 0x80; /* beyond the end */
    expect_no_layout(bad, AREA_BYTES);
    bad = good;
    bad.ebx = 0xfffffff0;
    expect_no_layout(bad, AREA_BYTES);
    bad = good;
    bad.subleaf = 3; /* there is none for AVX */
    expect_no_layout(bad, AREA_BYTES);
    expect_no_layout(good, 512); /* not even the head fits */
}

/* ---- Compacted format ------------------------------------------------------------------------ */

#define COMPACTED (1ull << 63)

static struct sconce_x86_xsave_layout compacted(size_t entries, uint64_t states)
{
    struct sconce_x86_xsave_layout layout = {0};

    assert_true(sconce_x86_xsave_compacted(full, entries, COMPACTED | states, AREA_BYTES, &layout));
    return layout;
}

static void test_xsave_compacted_has_components_one_behind_the_other(void **state)
{
    struct sconce_x86_xsave_layout layout = compacted(5, 0xe7);

    (void)state;
    assert_int_equal(layout.components, 0xe7);
    assert_int_equal(layout.offset[2], 576);
    assert_int_equal(layout.offset[5], 576 + 256);
    assert_int_equal(layout.offset[6], 576 + 256 + 64);
    assert_int_equal(layout.offset[7], 576 + 256 + 64 + 512);
}

/* An area may hold what the guest is not shown: MPX between AVX and AVX-512, others behind. */
static void test_xsave_compacted_leaves_room_for_what_is_hidden(void **state)
{
    struct sconce_x86_xsave_layout layout = compacted(5, 0x2ff | 1ull << 18);

    (void)state;
    assert_int_equal(layout.offset[2], 576);
    assert_int_equal(layout.offset[3], 0);
    assert_int_equal(layout.offset[4], 0);
    assert_int_equal(layout.offset[5], 576 + 256 + 128);
}

static void test_xsave_compacted_refuses_other_areas(void **state)
{
    struct sconce_x86_xsave_layout layout;

    (void)state;
    assert_false(sconce_x86_xsave_compacted(full, 5, 0xe7, AREA_BYTES, &layout));
    assert_false(sconce_x86_xsave_compacted(full, 5, COMPACTED | 0x7, AREA_BYTES, &layout));
    assert_false(sconce_x86_xsave_compacted(full, 5, COMPACTED | 0xe7, 2431, &layout));
    assert_true(sconce_x86_xsave_compacted(full, 5, COMPACTED | 0xe7, 2432, &layout));
}

static void test_xsave_compacted_pack_then_unpack_is_the_same(void **state)
{
    struct sconce_x86_xsave_layout layout = compacted(5, 0xff);
    struct sconce_x86_float regs, again;
    uint8_t area[AREA_BYTES];

    (void)state;
    fill(&regs);
    assert_true(sconce_x86_xsave_pack(&layout, &regs, area, sizeof area));
    sconce_x86_xsave_set_xcomp_bv(area, COMPACTED | 0xff);
    assert_int_equal(sconce_x86_xsave_xcomp_bv(area), COMPACTED | 0xff);
    assert_memory_equal(area + 576, regs.ymm_hi, 256);

    sconce_x86_xsave_complete(area);
    sconce_x86_xsave_unpack(&layout, area, &again);

    assert_memory_equal(&again, &regs, sizeof regs);
}

static void put_xstate_bv(uint8_t *area, uint64_t states)
{
    memcpy(area + 512, &states, sizeof states);
}

/* XSAVEC does not write what is in its initial state: there is whatever was there before. */
static void test_xsave_complete_writes_what_was_left_out(void **state)
{
    uint8_t area[AREA_BYTES], initial[AREA_BYTES];

    (void)state;
    sconce_x86_xsave_init(initial, sizeof initial);
    memset(area, 0xa5, sizeof area);
    put_xstate_bv(area, 0);

    sconce_x86_xsave_complete(area);

    assert_memory_equal(area, initial, 28);
    assert_memory_equal(area + 32, initial + 32, 416 - 32);
}

static void test_xsave_complete_leaves_what_is_in_use(void **state)
{
    uint8_t area[AREA_BYTES], before[AREA_BYTES];

    (void)state;
    memset(area, 0xa5, sizeof area);
    put_xstate_bv(area, 3);
    memcpy(before, area, sizeof before);
    sconce_x86_xsave_complete(area);
    assert_memory_equal(area, before, sizeof before);

    put_xstate_bv(area, 1 | 4); /* SSE initial, and MXCSR with it, whatever AVX is */
    sconce_x86_xsave_complete(area);
    assert_memory_equal(area, before, 24);
    assert_memory_equal(area + 24, "\x80\x1f\0\0", 4);
    assert_memory_equal(area + 28, before + 28, 160 - 28);
    assert_int_equal(area[160], 0);
    assert_int_equal(area[415], 0);
    assert_int_equal(area[416], 0xa5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xsave_pack_then_unpack_is_the_same),
        cmocka_unit_test(test_xsave_pack_puts_components_where_cpuid_says),
        cmocka_unit_test(test_xsave_unpack_component_not_in_use_is_zero),
        cmocka_unit_test(test_xsave_init_is_the_reset_state),
        cmocka_unit_test(test_xsave_pack_refuses_what_a_guest_cannot_hold),
        cmocka_unit_test(test_xsave_layout_refuses_a_strange_component),
        cmocka_unit_test(test_xsave_compacted_has_components_one_behind_the_other),
        cmocka_unit_test(test_xsave_compacted_leaves_room_for_what_is_hidden),
        cmocka_unit_test(test_xsave_compacted_refuses_other_areas),
        cmocka_unit_test(test_xsave_compacted_pack_then_unpack_is_the_same),
        cmocka_unit_test(test_xsave_complete_writes_what_was_left_out),
        cmocka_unit_test(test_xsave_complete_leaves_what_is_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
