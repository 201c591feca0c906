/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/descriptors.c: the bytes, read as the processor reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/descriptors.h"
#include "sconce-guest-abi.h"

static uint64_t u64_at(const uint8_t *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return value;
}

static void test_gdt_user_segments_are_64_bit_ring_3(void **state)
{
    uint8_t gdt[SCONCE_X86_GDT_BYTES];
    uint64_t code, data;

    (void)state;
    sconce_x86_gdt_build(gdt, 0xfff000100);
    code = u64_at(gdt + (SCONCE_X86_USER_CS & ~7u));
    data = u64_at(gdt + (SCONCE_X86_USER_SS & ~7u));

    assert_int_equal(code >> 45 & 3, 3); /* DPL */
    assert_int_equal(data >> 45 & 3, 3);
    assert_int_equal(code >> 53 & 1, 1);       /* L */
    assert_int_equal(code >> 54 & 1, 0);       /* D */
    assert_int_equal(code >> 40 & 0x19, 0x19); /* code, S, accessed */
    assert_int_equal(data >> 40 & 0x1b, 0x13); /* data, writable, accessed */
    assert_int_equal(code >> 47 & data >> 47 & 1, 1);
}

/* A far transfer to compatibility mode needs a code segment with L clear. */
static void test_gdt_has_no_32_bit_code_segment(void **state)
{
    uint8_t gdt[SCONCE_X86_GDT_BYTES];

    (void)state;
    sconce_x86_gdt_build(gdt, 0xfff000100);
    for (size_t at = 0; at < SCONCE_X86_TSS; at += 8) {
        uint64_t d = u64_at(gdt + at);
        bool present_code = (d >> 47 & 1) && (d >> 43 & 1);

        assert_true(!present_code || (d >> 53 & 1));
    }
}

static void test_gdt_tss_descriptor_has_base_and_limit(void **state)
{
    uint8_t gdt[SCONCE_X86_GDT_BYTES];
    uint64_t low, high;

    (void)state;
    sconce_x86_gdt_build(gdt, 0x1234567890abcdef);
    low = u64_at(gdt + SCONCE_X86_TSS);
    high = u64_at(gdt + SCONCE_X86_TSS + 8);

    assert_int_equal((low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32, 0x1234567890abcdef);
    assert_int_equal(low & 0xffff, SCONCE_X86_TSS_BYTES - 1);
    assert_int_equal(low >> 40 & 0xff, 0x8b); /* present, busy 64-bit TSS, DPL 0 */
}

/* The processor's rule: the two bytes at the port's place, every bit of the access clear. */
static bool allowed(const uint8_t *tss, unsigned port, unsigned width)
{
    unsigned map = (unsigned)tss[102] | (unsigned)tss[103] << 8;
    unsigned at = map + port / 8;
    unsigned bits;

    if (at + 1 > SCONCE_X86_TSS_BYTES - 1)
        return false;
    bits = ((unsigned)tss[at] | (unsigned)tss[at + 1] << 8) >> (port % 8);
    return (bits & ((1u << width) - 1)) == 0;
}

static void test_tss_allows_the_doorbell_and_no_other_port(void **state)
{
    static const uint64_t tops[SCONCE_X86_IST_COUNT] = {0x100, 0x200, 0x300, 0x400, 0x500};
    uint8_t tss[SCONCE_X86_TSS_BYTES];

    (void)state;
    sconce_x86_tss_build(tss, tops);

    for (unsigned port = 0; port < 0x10000; port++) {
        assert_int_equal(allowed(tss, port, 1), port == SCONCE_DOORBELL_PORT_X86_64);
        assert_false(allowed(tss, port, 2));
        assert_false(allowed(tss, port, 4));
    }
    assert_int_equal(tss[SCONCE_X86_TSS_BYTES - 1], 0xff);
}

static void test_tss_has_its_stacks(void **state)
{
    static const uint64_t tops[SCONCE_X86_IST_COUNT] = {0x100, 0x200, 0x300, 0x400, 0x500};
    uint8_t tss[SCONCE_X86_TSS_BYTES];

    (void)state;
    sconce_x86_tss_build(tss, tops);

    assert_int_equal(u64_at(tss + 4), 0x100); /* RSP0 */
    for (unsigned i = 0; i < SCONCE_X86_IST_COUNT; i++)
        assert_int_equal(u64_at(tss + 36 + 8 * i), tops[i]);
}

static void test_idt_every_vector_has_a_gate_and_a_stack(void **state)
{
    uint8_t idt[SCONCE_X86_IDT_BYTES];

    (void)state;
    sconce_x86_idt_build(idt, 0xfedcba9876540000, 16);

    for (unsigned vector = 0; vector < 256; vector++) {
        const uint8_t *gate = idt + 16 * vector;
        uint64_t low = u64_at(gate), high = u64_at(gate + 8);

        assert_int_equal((low & 0xffff) | (low >> 48) << 16 | high << 32,
                         0xfedcba9876540000 + 16 * vector);
        assert_int_equal(high >> 32, 0);
        assert_int_equal(low >> 16 & 0xffff, SCONCE_X86_KERNEL_CS);
        assert_int_equal(low >> 32 & 7, sconce_x86_ist_of((uint8_t)vector));
        assert_in_range(low >> 32 & 7, 1, SCONCE_X86_IST_COUNT);
        assert_int_equal(low >> 40 & 0x9f, 0x8e); /* present interrupt gate */
        assert_int_equal(low >> 45 & 3, vector == 3 ? 3 : 0);
    }
}

static void test_ist_vectors_that_strike_a_handler_stand_apart(void **state)
{
    static const uint8_t apart[] = {1, 2, 8, 18};

    (void)state;
    for (size_t i = 0; i < sizeof apart; i++)
        for (unsigned vector = 0; vector < 256; vector++)
            if (vector != apart[i])
                assert_int_not_equal(sconce_x86_ist_of(apart[i]),
                                     sconce_x86_ist_of((uint8_t)vector));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gdt_user_segments_are_64_bit_ring_3),
        cmocka_unit_test(test_gdt_has_no_32_bit_code_segment),
        cmocka_unit_test(test_gdt_tss_descriptor_has_base_and_limit),
        cmocka_unit_test(test_tss_allows_the_doorbell_and_no_other_port),
        cmocka_unit_test(test_tss_has_its_stacks),
        cmocka_unit_test(test_idt_every_vector_has_a_gate_and_a_stack),
        cmocka_unit_test(test_ist_vectors_that_strike_a_handler_stand_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
