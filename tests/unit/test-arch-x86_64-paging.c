/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/x86_64/paging.c: the tables, read by a walker of the test's own that follows SDM vol 3A 4.5
 * and shares nothing with the builder but the span.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/paging.h"

#define TABLES_GPA 0xfff004000ull
#define SPAN_BYTES (64u * 4096u)

#define R SCONCE_PROT_READ
#define RW (SCONCE_PROT_READ | SCONCE_PROT_WRITE)
#define RX (SCONCE_PROT_READ | SCONCE_PROT_EXEC)

static uint8_t span[SPAN_BYTES] __attribute__((aligned(4096)));

struct leaf {
    uint64_t pa;
    uint64_t entry;
    uint64_t page_bytes;
    bool user; /* at every level */
    bool writable;
    bool executable;
    bool accessed;
};

/* What the processor does with an address; false: page fault, not present. */
static bool walk(uint64_t used, uint64_t va, struct leaf *leaf)
{
    static const unsigned shifts[] = {39, 30, 21, 12};
    uint64_t table = TABLES_GPA;

    *leaf = (struct leaf){.user = true, .writable = true, .executable = true, .accessed = true};
    for (int i = 0; i < 4; i++) {
        uint64_t entry;

        assert_true(table >= TABLES_GPA && table + 4096 <= TABLES_GPA + used);
        memcpy(&entry, span + (table - TABLES_GPA) + ((va >> shifts[i]) & 511) * 8, 8);
        if (!(entry & 1))
            return false;
        leaf->writable &= entry >> 1 & 1;
        leaf->user &= entry >> 2 & 1;
        leaf->accessed &= entry >> 5 & 1;
        leaf->executable &= !(entry >> 63);
        if (i == 3 || (i == 2 && (entry >> 7 & 1))) {
            leaf->page_bytes = 1ull << shifts[i];
            leaf->pa = (entry & 0x000ffffffffff000) | (va & (leaf->page_bytes - 1));
            leaf->entry = entry;
            return true;
        }
        table = entry & 0x000ffffffffff000;
    }
    return false;
}

static uint64_t build(const struct sconce_x86_range *ranges, size_t count)
{
    uint64_t used = 0;

    memset(span, 0xdb, sizeof span);
    assert_int_equal(sconce_x86_paging_build(ranges, count, span, sizeof span, TABLES_GPA, &used),
                     SCONCE_X86_PAGING_OK);
    return used;
}

static void expect_page(uint64_t used, uint64_t va, uint32_t prot, bool user)
{
    struct leaf leaf;

    assert_true(walk(used, va, &leaf));
    assert_int_equal(leaf.pa, va);
    assert_int_equal(leaf.user, user);
    assert_int_equal(leaf.writable, !!(prot & SCONCE_PROT_WRITE));
    assert_int_equal(leaf.executable, !!(prot & SCONCE_PROT_EXEC));
    assert_true(leaf.accessed);
    assert_true(leaf.entry >> 6 & 1); /* dirty */
    assert_int_equal(leaf.entry >> 52 & 0x7ff, 0);
}

static void expect_hole(uint64_t used, uint64_t va)
{
    struct leaf leaf;

    assert_false(walk(used, va, &leaf));
}

static void test_paging_every_page_maps_to_itself_with_its_rights(void **state)
{
    static const struct sconce_x86_range ranges[] = {
        {0x400000, 0x10000, RX, true},    {0x410000, 0x10000, R, true},
        {0x430000, 0x5d0000, RW, true},   {0x40000000 - 0x10000, 0x20000, RW, true},
        {0x8000000000, 0x10000, R, true}, {0xfff000000, 0x1000, R, false},
        {0xfff002000, 0x1000, RX, false}, {0xfff003000, 0x1000, RW, false},
    };
    uint64_t used;

    (void)state;
    used = build(ranges, 8);

    for (size_t i = 0; i < 8; i++) {
        for (uint64_t at = 0; at < ranges[i].bytes; at += 0x1000)
            expect_page(used, ranges[i].gpa + at + 0x123, ranges[i].prot, ranges[i].user);
    }
    expect_hole(used, 0x3fffff);
    expect_hole(used, 0x420000);
    expect_hole(used, 0x42ffff);
    expect_hole(used, 0xa00000);
    expect_hole(used, 0xfff001000);
    expect_hole(used, 0xfff004000); /* the tables themselves */
    expect_hole(used, 0);
    expect_hole(used, 0xffff800000400000); /* the upper half */
}

static void test_paging_large_leaves_where_aligned(void **state)
{
    static const struct sconce_x86_range ranges[] = {{0x1ff000, 0x402000, RW, true}};
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
    assert_true(walk(used, 0x600fff, &leaf));
    assert_int_equal(leaf.page_bytes, 0x1000);
    expect_hole(used, 0x601000);
    assert_int_equal(used, 5 * 4096); /* root, pointers, directory, a small table at each end */
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
    static const struct sconce_x86_range ranges[] = {
        {0x1ff000, 0x40000000, RW, true},
        {0x7fffff000, 0x402000, RX, true},
        {0x8000000000 - 0x1000, 0x2000, R, true},
    };
    uint64_t used = 0, bytes = sconce_x86_paging_bytes(ranges, 3);

    (void)state;
    assert_true(bytes <= sizeof span);
    assert_int_equal(sconce_x86_paging_build(ranges, 3, span, bytes, TABLES_GPA, &used),
                     SCONCE_X86_PAGING_OK);
    assert_true(used <= bytes);
}

static void test_paging_too_little_space_is_refused(void **state)
{
    static const struct sconce_x86_range ranges[] = {{0x400000, 0x1000, RW, true}};
    uint64_t used = 77;

    (void)state;
    for (uint64_t bytes = 0; bytes < 4 * 4096; bytes += 4096)
        assert_int_equal(sconce_x86_paging_build(ranges, 1, span, bytes, 0x1000, &used),
                         SCONCE_X86_PAGING_E_SPACE);
    assert_int_equal(used, 77);
    assert_int_equal(sconce_x86_paging_build(ranges, 1, span, 4 * 4096, 0x1000, &used),
                     SCONCE_X86_PAGING_OK);
    assert_int_equal(used, 4 * 4096);
}

static void expect_refused(uint64_t gpa, uint64_t bytes, uint32_t prot, int status)
{
    const struct sconce_x86_range range = {gpa, bytes, prot, true};
    uint64_t used = 77;

    assert_int_equal(sconce_x86_paging_build(&range, 1, span, sizeof span, TABLES_GPA, &used),
                     status);
    assert_int_equal(used, 77);
    assert_int_equal(sconce_x86_paging_bytes(&range, 1), 0);
}

static void test_paging_bad_range_is_refused(void **state)
{
    (void)state;
    expect_refused(0x400000, 0, R, SCONCE_X86_PAGING_E_RANGE);
    expect_refused(0x400800, 0x1000, R, SCONCE_X86_PAGING_E_RANGE);
    expect_refused(0x400000, 0x1800, R, SCONCE_X86_PAGING_E_RANGE);
    expect_refused((1ull << 47) - 0x1000, 0x2000, R, SCONCE_X86_PAGING_E_RANGE);
    expect_refused(0x1000, ~0ull << 12, R, SCONCE_X86_PAGING_E_RANGE);
}

static void test_paging_last_page_is_taken(void **state)
{
    const struct sconce_x86_range range = {(1ull << 47) - 0x1000, 0x1000, R, true};

    (void)state;
    expect_page(build(&range, 1), range.gpa, R, true);
}

static void test_paging_bad_rights_are_refused(void **state)
{
    (void)state;
    expect_refused(0x400000, 0x1000, RW | SCONCE_PROT_EXEC, SCONCE_X86_PAGING_E_PROT);
    expect_refused(0x400000, 0x1000, SCONCE_PROT_WRITE, SCONCE_X86_PAGING_E_PROT);
    expect_refused(0x400000, 0x1000, 0, SCONCE_X86_PAGING_E_PROT);
    expect_refused(0x400000, 0x1000, R | 8, SCONCE_X86_PAGING_E_PROT);
}

static void test_paging_overlap_is_refused(void **state)
{
    static const struct sconce_x86_range pairs[][2] = {
        {{0x400000, 0x2000, R, true}, {0x401000, 0x1000, RW, true}},
        {{0x400000, 0x200000, R, true}, {0x5ff000, 0x1000, RW, true}}, /* a page in a large one */
        {{0x5ff000, 0x1000, R, true}, {0x400000, 0x200000, RW, true}}, /* and the other way */
        {{0x400000, 0x200000, R, true}, {0x400000, 0x200000, R, true}},
    };
    uint64_t used;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sconce_x86_paging_build(pairs[i], 2, span, sizeof span, TABLES_GPA, &used),
                         SCONCE_X86_PAGING_E_OVERLAP);
}

static void test_paging_bad_table_address_is_refused(void **state)
{
    uint64_t used;

    (void)state;
    assert_int_equal(sconce_x86_paging_build(NULL, 0, span, sizeof span, 0x1800, &used),
                     SCONCE_X86_PAGING_E_RANGE);
    assert_int_equal(sconce_x86_paging_build(NULL, 0, span, sizeof span, 1ull << 52, &used),
                     SCONCE_X86_PAGING_E_RANGE);
    assert_int_equal(sconce_x86_paging_build(NULL, 0, span, sizeof span, ~0xfffull, &used),
                     SCONCE_X86_PAGING_E_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paging_every_page_maps_to_itself_with_its_rights),
        cmocka_unit_test(test_paging_large_leaves_where_aligned),
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
