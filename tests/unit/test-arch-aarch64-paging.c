/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/aarch64/paging.c: the tables, read by a walker of the test's own that follows Arm ARM D8 and
 * shares nothing with the builder but the span.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/aarch64/paging.h"

#define TABLES_GPA 0xfff012000ull
#define SPAN_BYTES (64u * 4096u)

#define R SCONCE_PROT_READ
#define RW (SCONCE_PROT_READ | SCONCE_PROT_WRITE)
#define RX (SCONCE_PROT_READ | SCONCE_PROT_EXEC)

static uint8_t span[SPAN_BYTES] __attribute__((aligned(4096)));

struct leaf {
    uint64_t pa;
    uint64_t descriptor;
    uint64_t page_bytes;
};

/* What the processor does with an address of 39 bits, the 4 KiB granule and TTBR0_EL1 at the root:
 * levels 1 to 3 (Arm ARM D8.2.9). False: translation fault. */
static bool walk(uint64_t used, uint64_t va, struct leaf *leaf)
{
    static const unsigned shifts[] = {30, 21, 12};
    uint64_t table = TABLES_GPA;

    if (va >> 39)
        return false;
    for (int i = 0; i < 3; i++) {
        uint64_t descriptor;

        assert_true(table >= TABLES_GPA && table + 4096 <= TABLES_GPA + used);
        memcpy(&descriptor, span + (table - TABLES_GPA) + ((va >> shifts[i]) & 511) * 8, 8);
        if (!(descriptor & 1)) {
            assert_int_equal(descriptor, 0); /* nothing of the span's old contents */
            return false;
        }
        if (i == 2)
            assert_int_equal(descriptor & 2, 2); /* 0b01 is reserved at level 3 */
        if (i == 2 || !(descriptor & 2)) {
            assert_true(i > 0); /* no blocks of 1 GiB are wanted */
            leaf->page_bytes = 1ull << shifts[i];
            leaf->descriptor = descriptor;
            leaf->pa = (descriptor & 0x0000fffffffff000) | (va & (leaf->page_bytes - 1));
            assert_int_equal(descriptor & 0x0000fffffffff000 & (leaf->page_bytes - 1), 0);
            return true;
        }
        /* NSTable, APTable, UXNTable, PXNTable: 63:59 */
        assert_int_equal(descriptor & ~0x0000fffffffff000ull, 3);
        table = descriptor & 0x0000fffffffff000;
    }
    return false;
}

/* Arm ARM D8.4.1: what AP[2:1], UXN and PXN allow at an exception level. */
static uint32_t rights(const struct leaf *leaf, bool el0)
{
    bool read_only = leaf->descriptor >> 7 & 1;
    bool for_el0 = leaf->descriptor >> 6 & 1;
    bool pxn = leaf->descriptor >> 53 & 1;
    bool uxn = leaf->descriptor >> 54 & 1;
    uint32_t prot = 0;

    if (!el0 || for_el0)
        prot |= SCONCE_PROT_READ | (read_only ? 0 : SCONCE_PROT_WRITE);
    if (el0 && !uxn)
        prot |= SCONCE_PROT_EXEC;
    if (!el0 && !pxn && !(for_el0 && !read_only)) /* what EL0 writes EL1 never executes */
        prot |= SCONCE_PROT_EXEC;
    return prot;
}

static uint64_t build(const struct sconce_a64_range *ranges, size_t count)
{
    uint64_t used = 0;

    memset(span, 0xdb, sizeof span);
    assert_int_equal(sconce_a64_paging_build(ranges, count, span, sizeof span, TABLES_GPA, &used),
                     SCONCE_A64_PAGING_OK);
    return used;
}

static void expect_page(uint64_t used, uint64_t va, const struct sconce_a64_range *range)
{
    struct leaf leaf;

    assert_true(walk(used, va, &leaf));
    assert_int_equal(leaf.pa, va);
    if (range->user) {
        assert_int_equal(rights(&leaf, true), range->prot);
        assert_int_equal(rights(&leaf, false) & SCONCE_PROT_EXEC, 0);
    } else {
        assert_int_equal(rights(&leaf, true), 0);
        assert_int_equal(rights(&leaf, false), range->prot);
    }
    assert_int_equal(leaf.descriptor >> 2 & 7, range->device ? 1 : 0); /* AttrIndx */
    assert_int_equal(leaf.descriptor >> 8 & 3, 3);                     /* SH: inner */
    assert_int_equal(leaf.descriptor >> 10 & 1, 1);                    /* AF */
    /* NS, nG, GP, DBM, contiguous, software's and PBHA: all clear. */
    assert_int_equal(leaf.descriptor & 0xff9f000000000820, 0);
}

static void expect_hole(uint64_t used, uint64_t va)
{
    struct leaf leaf;

    assert_false(walk(used, va, &leaf));
}

static void test_paging_every_page_maps_to_itself_with_its_rights(void **state)
{
    static const struct sconce_a64_range ranges[] = {
        {0x400000, 0x10000, RX, true, false},    {0x410000, 0x10000, R, true, false},
        {0x430000, 0x5d0000, RW, true, false},   {0x40000000 - 0x10000, 0x20000, RW, true, false},
        {0x7fc0000000, 0x10000, R, true, false}, {0xfff00f000, 0x1000, RW, false, true},
        {0xfff010000, 0x1000, RW, false, false}, {0xfff011000, 0x1000, RX, false, false},
    };
    uint64_t used;

    (void)state;
    used = build(ranges, 8);

    for (size_t i = 0; i < 8; i++) {
        for (uint64_t at = 0; at < ranges[i].bytes; at += 0x1000)
            expect_page(used, ranges[i].gpa + at + 0x123, &ranges[i]);
    }
    expect_hole(used, 0x3fffff);
    expect_hole(used, 0x420000);
    expect_hole(used, 0x42ffff);
    expect_hole(used, 0xa00000);
    expect_hole(used, 0xfff00e000);
    expect_hole(used, 0xfff012000); /* the tables themselves */
    expect_hole(used, 0);
    expect_hole(used, 0xffffff8000400000); /* the upper half */
}

static void test_paging_large_leaves_where_aligned(void **state)
{
    static const struct sconce_a64_range ranges[] = {{0x1ff000, 0x402000, RW, true, false}};
    struct leaf leaf;
    uint64_t used;

    (void)state;
    used = build(ranges, 1);

    assert_true(walk(used, 0x1ff000, &leaf));
    assert_int_equal(leaf.page_bytes, 0x1000);
    assert_true(walk(used, 0x200000, &leaf));
    assert_int_equal(leaf.page_bytes, 0x200000);
    assert_true(walk(used, 0x5fffff, &leaf));
    assert_int_equal(leaf.page_bytes, 0x200000);
    expect_page(used, 0x400123, &ranges[0]);
    assert_true(walk(used, 0x600fff, &leaf));
    assert_int_equal(leaf.page_bytes, 0x1000);
    expect_hole(used, 0x601000);
    assert_int_equal(used, 4 * 4096); /* root, level 2, a level 3 table at each end */
}

/* Descriptors as the manual's tables make them, by hand. */
static void test_paging_golden_descriptors(void **state)
{
    static const struct sconce_a64_range ranges[] = {
        {0x400000, 0x1000, RX, true, false},  {0x401000, 0x1000, R, true, false},
        {0x402000, 0x1000, RW, true, false},  {0x600000, 0x200000, RW, true, false},
        {0x403000, 0x1000, RX, false, false}, {0x404000, 0x1000, RW, false, false},
        {0x405000, 0x1000, RW, false, true},
    };
    static const uint64_t golden[] = {
        0x00200000004007c3, /* EL0 R-X: PXN, AF, ISH, AP 11, page */
        0x00600000004017c3, /* EL0 R--: UXN, PXN */
        0x0060000000402743, /* EL0 RW-: AP 01 */
        0x0040000000403783, /* EL1 R-X: UXN, AP 10 */
        0x0060000000404703, /* EL1 RW-: AP 00 */
        0x0060000000405707, /* the same, device */
    };
    uint64_t entry;

    (void)state;
    assert_int_equal(build(ranges, 7), 3 * 4096);

    memcpy(&entry, span, 8); /* 0 to 1 GiB */
    assert_int_equal(entry, (TABLES_GPA + 0x1000) | 3);
    memcpy(&entry, span + 0x1000 + 2 * 8, 8); /* 4 MiB */
    assert_int_equal(entry, (TABLES_GPA + 0x2000) | 3);
    memcpy(&entry, span + 0x1000 + 3 * 8, 8); /* 6 MiB: a block */
    assert_int_equal(entry, 0x0060000000600741);
    assert_memory_equal(span + 0x2000, golden, sizeof golden);
}

static void test_paging_no_ranges_is_an_empty_root(void **state)
{
    uint64_t used;

    (void)state;
    used = build(NULL, 0);

    assert_int_equal(used, 4096);
    expect_hole(used, 0x400000);
}

static void test_paging_bytes_is_enough(void **state)
{
    static const struct sconce_a64_range ranges[] = {
        {0x1ff000, 0x40000000, RW, true, false},
        {0x7fffff000, 0x402000, RX, true, false},
        {0x7000000000 - 0x1000, 0x2000, R, true, false},
    };
    uint64_t used = 0, bytes = sconce_a64_paging_bytes(ranges, 3);

    (void)state;
    assert_true(bytes <= sizeof span);
    assert_int_equal(sconce_a64_paging_build(ranges, 3, span, bytes, TABLES_GPA, &used),
                     SCONCE_A64_PAGING_OK);
    assert_true(used <= bytes);
}

static void test_paging_too_little_space_is_refused(void **state)
{
    static const struct sconce_a64_range ranges[] = {{0x400000, 0x1000, RW, true, false}};
    uint64_t used = 77;

    (void)state;
    for (uint64_t bytes = 0; bytes < 3 * 4096; bytes += 4096)
        assert_int_equal(sconce_a64_paging_build(ranges, 1, span, bytes, 0x1000, &used),
                         SCONCE_A64_PAGING_E_SPACE);
    assert_int_equal(used, 77);
    assert_int_equal(sconce_a64_paging_build(ranges, 1, span, 3 * 4096, 0x1000, &used),
                     SCONCE_A64_PAGING_OK);
    assert_int_equal(used, 3 * 4096);
}

static void expect_refused(uint64_t gpa, uint64_t bytes, uint32_t prot, int status)
{
    const struct sconce_a64_range range = {gpa, bytes, prot, true, false};
    uint64_t used = 77;

    assert_int_equal(sconce_a64_paging_build(&range, 1, span, sizeof span, TABLES_GPA, &used),
                     status);
    assert_int_equal(used, 77);
    assert_int_equal(sconce_a64_paging_bytes(&range, 1), 0);
}

static void test_paging_bad_range_is_refused(void **state)
{
    (void)state;
    expect_refused(0x400000, 0, R, SCONCE_A64_PAGING_E_RANGE);
    expect_refused(0x400800, 0x1000, R, SCONCE_A64_PAGING_E_RANGE);
    expect_refused(0x400000, 0x1800, R, SCONCE_A64_PAGING_E_RANGE);
    expect_refused((1ull << 39) - 0x1000, 0x2000, R, SCONCE_A64_PAGING_E_RANGE);
    expect_refused(0x1000, ~0ull << 12, R, SCONCE_A64_PAGING_E_RANGE);
}

static void test_paging_last_page_is_taken(void **state)
{
    const struct sconce_a64_range range = {(1ull << 39) - 0x1000, 0x1000, R, true, false};

    (void)state;
    expect_page(build(&range, 1), range.gpa, &range);
}

static void test_paging_bad_rights_are_refused(void **state)
{
    (void)state;
    expect_refused(0x400000, 0x1000, RW | SCONCE_PROT_EXEC, SCONCE_A64_PAGING_E_PROT);
    expect_refused(0x400000, 0x1000, SCONCE_PROT_WRITE, SCONCE_A64_PAGING_E_PROT);
    expect_refused(0x400000, 0x1000, 0, SCONCE_A64_PAGING_E_PROT);
    expect_refused(0x400000, 0x1000, R | 8, SCONCE_A64_PAGING_E_PROT);
}

static void test_paging_overlap_is_refused(void **state)
{
    static const struct sconce_a64_range pairs[][2] = {
        {{0x400000, 0x2000, R, true, false}, {0x401000, 0x1000, RW, true, false}},
        {{0x400000, 0x200000, R, true, false}, {0x5ff000, 0x1000, RW, true, false}},
        {{0x5ff000, 0x1000, R, true, false}, {0x400000, 0x200000, RW, true, false}},
        {{0x400000, 0x200000, R, true, false}, {0x400000, 0x200000, R, true, false}},
    };
    uint64_t used;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sconce_a64_paging_build(pairs[i], 2, span, sizeof span, TABLES_GPA, &used),
                         SCONCE_A64_PAGING_E_OVERLAP);
}

static void test_paging_bad_table_address_is_refused(void **state)
{
    uint64_t used;

    (void)state;
    assert_int_equal(sconce_a64_paging_build(NULL, 0, span, sizeof span, 0x1800, &used),
                     SCONCE_A64_PAGING_E_RANGE);
    assert_int_equal(sconce_a64_paging_build(NULL, 0, span, sizeof span, 1ull << 48, &used),
                     SCONCE_A64_PAGING_E_RANGE);
    assert_int_equal(sconce_a64_paging_build(NULL, 0, span, sizeof span, ~0xfffull, &used),
                     SCONCE_A64_PAGING_E_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paging_every_page_maps_to_itself_with_its_rights),
        cmocka_unit_test(test_paging_large_leaves_where_aligned),
        cmocka_unit_test(test_paging_golden_descriptors),
        cmocka_unit_test(test_paging_no_ranges_is_an_empty_root),
        cmocka_unit_test(test_paging_bytes_is_enough),
        cmocka_unit_test(test_paging_too_little_space_is_refused),
        cmocka_unit_test(test_paging_bad_range_is_refused),
        cmocka_unit_test(test_paging_last_page_is_taken),
        cmocka_unit_test(test_paging_bad_rights_are_refused),
        cmocka_unit_test(test_paging_overlap_is_refused),
        cmocka_unit_test(test_paging_bad_table_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
