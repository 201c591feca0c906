/* SPDX-License-Identifier: Apache-2.0 */
/* arch/aarch64/supervisor.c: the pages' layout, and the shim, run by an interpreter of the test's
 * own that knows the few instructions that it may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/aarch64/supervisor.h"
#include "sconce-guest-abi.h"

#define GPA SCONCE_GPA_MAX

static uint8_t pages[SCONCE_A64_SUPERVISOR_BYTES] __attribute__((aligned(4096)));

/* A processor at EL1: enough of one for the shim. */
struct machine {
    uint64_t x[32]; /* x[31] is XZR */
    uint64_t pc;
    uint64_t esr, elr, far, spsr, sp_el0;
    uint64_t report; /* address of the store that met no memory; 0 for none */
    bool left;       /* ERET */
};

static uint64_t *memory(uint64_t address)
{
    uint64_t offset = address - GPA - SCONCE_A64_OWN_OFFSET;

    assert_true(offset + 8 <= SCONCE_A64_PAGE); /* the save area and nothing else */
    return (uint64_t *)(void *)(pages + offset);
}

static void pair(struct machine *m, uint32_t insn)
{
    int64_t offset = (int64_t)((uint64_t)(insn >> 15 & 0x7f) << 57) >> 57;
    uint64_t at = GPA + SCONCE_A64_SAVE_OFFSET + (uint64_t)(offset * 8);

    assert_int_equal(insn >> 5 & 31, 31); /* by SP alone */
    if (insn >> 22 & 1) {
        m->x[insn & 31] = *memory(at);
        m->x[insn >> 10 & 31] = *memory(at + 8);
    } else {
        *memory(at) = m->x[insn & 31];
        *memory(at + 8) = m->x[insn >> 10 & 31];
    }
}

static void store(struct machine *m, uint64_t at, uint32_t reg)
{
    if (at < GPA + SCONCE_A64_SAVE_OFFSET) {
        assert_int_equal(reg, 31); /* nothing of the guest's leaves this way */
        m->report = at;
    } else {
        *memory(at) = m->x[reg];
    }
}

/* Arm ARM C6: STP and LDP signed offset, STR unsigned offset, STUR, MRS, ERET, B. */
static void step(struct machine *m)
{
    uint64_t sp = GPA + SCONCE_A64_SAVE_OFFSET;
    uint32_t insn;

    assert_true(m->pc - GPA - SCONCE_A64_VECTORS_OFFSET < SCONCE_A64_PAGE);
    memcpy(&insn, pages + (m->pc - GPA - SCONCE_A64_OWN_OFFSET), 4);
    m->pc += 4;
    if ((insn & 0xff800000) == 0xa9000000) {
        pair(m, insn);
    } else if ((insn & 0xffc003e0) == 0xf90003e0) {
        store(m, sp + (insn >> 10 & 0xfff) * 8, insn & 31);
    } else if ((insn & 0xffe00fe0) == 0xf80003e0) {
        store(m, sp + (uint64_t)((int64_t)((uint64_t)(insn >> 12 & 0x1ff) << 55) >> 55), insn & 31);
    } else if ((insn & 0xfff00000) == 0xd5300000) {
        uint64_t *to = &m->x[insn & 31];

        switch (insn >> 5 & 0xffff) {
        case 0xc290: /* 3, 0, c5, c2, 0 */
            *to = m->esr;
            break;
        case 0xc201: /* 3, 0, c4, c0, 1 */
            *to = m->elr;
            break;
        case 0xc300: /* 3, 0, c6, c0, 0 */
            *to = m->far;
            break;
        case 0xc200: /* 3, 0, c4, c0, 0 */
            *to = m->spsr;
            break;
        case 0xc208: /* 3, 0, c4, c1, 0 */
            *to = m->sp_el0;
            break;
        default:
            fail_msg("the shim reads a system register by 0x%08x", insn);
        }
    } else if (insn == 0xd69f03e0) {
        m->left = true;
    } else if ((insn & 0xfc000000) == 0x14000000) {
        m->pc += (uint64_t)(((int64_t)((uint64_t)(insn & 0x3ffffff) << 38) >> 36) - 4);
    } else {
        fail_msg("the shim has an instruction that it must not have: 0x%08x", insn);
    }
}

static struct machine enter(unsigned vector)
{
    struct machine m = {
        .pc = sconce_a64_vector_gpa(GPA, vector),
        .esr = 0x56005c0e,
        .elr = 0x400014,
        .far = 0x1234,
        .spsr = 0x60000000,
        .sp_el0 = 0x7ff0,
    };

    sconce_a64_supervisor_build(pages);
    for (unsigned i = 0; i < 31; i++)
        m.x[i] = 0x1111111111111111ull * (i % 16) + i;
    return m;
}

static void run_to_report(struct machine *m)
{
    for (unsigned i = 0; !m->report; i++) {
        assert_true(i < 32 && !m->left);
        step(m);
    }
}

static void test_shim_saves_reports_and_returns_with_all_as_it_was(void **state)
{
    (void)state;
    for (unsigned vector = 8; vector < SCONCE_A64_VECTORS; vector++) {
        struct machine m = enter(vector), before = m;
        struct sconce_a64_save save;
        unsigned found = 99;

        run_to_report(&m);
        assert_true(sconce_a64_report_vector(GPA, m.report, &found));
        assert_int_equal(found, vector);
        memcpy(&save, pages, sizeof save);
        assert_memory_equal(save.x, before.x, sizeof save.x);
        assert_int_equal(save.x8, before.x[8]);
        assert_int_equal(save.taken, 0);
        assert_int_equal(save.esr, before.esr);
        assert_int_equal(save.elr, before.elr);
        assert_int_equal(save.far, before.far);
        assert_int_equal(save.spsr, before.spsr);
        assert_int_equal(save.sp, before.sp_el0);

        while (!m.left)
            step(&m);
        assert_memory_equal(m.x, before.x, sizeof m.x);
    }
}

static void test_shim_returns_what_the_host_wrote(void **state)
{
    struct machine m = enter(SCONCE_A64_VECTOR_EL0_SYNC), before = m;

    (void)state;
    run_to_report(&m);
    ((struct sconce_a64_save *)(void *)pages)->x[0] = 0xfeed;
    while (!m.left)
        step(&m);
    assert_int_equal(m.x[0], 0xfeed);
    assert_memory_equal(&m.x[1], &before.x[1], 30 * sizeof m.x[0]);
}

static void test_shim_of_el1_reports_again_and_again(void **state)
{
    (void)state;
    for (unsigned vector = 0; vector < 8; vector++) {
        struct machine m = enter(vector);

        for (unsigned i = 0; i < 3; i++) {
            unsigned found = 99;

            run_to_report(&m);
            assert_true(sconce_a64_report_vector(GPA, m.report, &found));
            assert_int_equal(found, vector);
            m.report = 0;
        }
    }
}

/* Wherever a kick stops the vCPU, where X0 and X1 are is known, and beginning again is the same. */
static void test_shim_progress_is_told_at_each_instruction(void **state)
{
    (void)state;
    for (unsigned stop = 0; stop < 15; stop++) {
        struct machine m = enter(SCONCE_A64_VECTOR_EL0_SYNC), before = m;
        enum sconce_a64_progress progress;
        unsigned vector = 99;
        bool reported;

        for (unsigned i = 0; i < stop; i++)
            step(&m);
        reported = m.report != 0;
        assert_true(sconce_a64_shim_at(GPA, m.pc, &vector, &progress));
        assert_int_equal(vector, SCONCE_A64_VECTOR_EL0_SYNC);
        if (stop == 0)
            assert_int_equal(progress, SCONCE_A64_SHIM_ENTERED);
        else
            assert_int_equal(progress, reported ? SCONCE_A64_SHIM_REPORTED : SCONCE_A64_SHIM_SAVED);
        if (progress != SCONCE_A64_SHIM_ENTERED) {
            m.x[0] = *memory(GPA + SCONCE_A64_SAVE_OFFSET);
            m.x[1] = *memory(GPA + SCONCE_A64_SAVE_OFFSET + 8);
        }
        assert_memory_equal(m.x, before.x, sizeof m.x);
    }
}

static void test_shim_is_nowhere_else(void **state)
{
    uint64_t vectors = GPA + SCONCE_A64_VECTORS_OFFSET;
    enum sconce_a64_progress progress;
    unsigned vector;

    (void)state;
    assert_false(sconce_a64_shim_at(GPA, vectors, &vector, &progress));         /* EL1's */
    assert_false(sconce_a64_shim_at(GPA, vectors + 0x3fc, &vector, &progress)); /* EL1's */
    assert_true(sconce_a64_shim_at(GPA, vectors + 0x400, &vector, &progress));
    assert_false(sconce_a64_shim_at(GPA, vectors + 0x402, &vector, &progress));
    assert_true(sconce_a64_shim_at(GPA, vectors + 0x438, &vector, &progress)); /* ERET */
    assert_false(sconce_a64_shim_at(GPA, vectors + 0x43c, &vector, &progress));
    assert_true(sconce_a64_shim_at(GPA, vectors + 0x780, &vector, &progress));
    assert_false(sconce_a64_shim_at(GPA, vectors + 0x800, &vector, &progress));
    assert_false(sconce_a64_shim_at(GPA, vectors - 4, &vector, &progress));
    assert_false(sconce_a64_shim_at(GPA, 0x400000, &vector, &progress));
}

static void test_report_addresses_are_the_shims_alone(void **state)
{
    uint64_t save = GPA + SCONCE_A64_SAVE_OFFSET;
    unsigned vector = 99;

    (void)state;
    assert_true(sconce_a64_report_vector(GPA, save - 8, &vector));
    assert_int_equal(vector, 0);
    assert_true(sconce_a64_report_vector(GPA, save - 128, &vector));
    assert_int_equal(vector, 15);
    assert_false(sconce_a64_report_vector(GPA, save, &vector));
    assert_false(sconce_a64_report_vector(GPA, save - 4, &vector));
    assert_false(sconce_a64_report_vector(GPA, save - 136, &vector));
    assert_false(sconce_a64_report_vector(GPA, save + 8, &vector));
    assert_false(sconce_a64_report_vector(GPA, 0, &vector));
}

static void test_pages_beside_the_shim_are_breakpoints(void **state)
{
    const uint8_t brk[4] = {0, 0, 0x20, 0xd4};

    (void)state;
    sconce_a64_supervisor_build(pages);
    for (unsigned at = 0x800; at < 0x1000; at += 4)
        assert_memory_equal(pages + 0x1000 + at, brk, 4);
    assert_memory_equal(pages + 0x1000 + 0x43c, brk, 4);
}

static void test_save_is_taken_until_the_shim_writes(void **state)
{
    struct sconce_a64_save save;

    (void)state;
    memset(pages, 0xee, sizeof pages);
    sconce_a64_save_clear(pages);
    memcpy(&save, pages, sizeof save);
    assert_int_equal(save.taken, SCONCE_A64_SAVE_TAKEN);
    assert_int_equal(save.x[0] | save.x8 | save.esr | save.elr, 0);
    assert_int_equal(pages[0x1000], 0xee); /* the vectors are left alone */
}

static void test_ranges_are_the_supervisors(void **state)
{
    struct sconce_a64_range ranges[SCONCE_A64_SUPERVISOR_RANGES];

    (void)state;
    sconce_a64_supervisor_ranges(GPA, ranges);
    for (unsigned i = 0; i < SCONCE_A64_SUPERVISOR_RANGES; i++) {
        assert_false(ranges[i].user);
        assert_int_equal(ranges[i].bytes, 0x1000);
    }
    assert_int_equal(ranges[0].gpa, GPA + 0xf000);
    assert_true(ranges[0].device);
    assert_int_equal(ranges[1].gpa, GPA + 0x10000);
    assert_int_equal(ranges[1].prot, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    assert_int_equal(ranges[2].gpa, GPA + 0x11000);
    assert_int_equal(ranges[2].prot, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    assert_int_equal(ranges[2].gpa % 2048, 0); /* VBAR_EL1: Arm ARM D17.2.147 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shim_saves_reports_and_returns_with_all_as_it_was),
        cmocka_unit_test(test_shim_returns_what_the_host_wrote),
        cmocka_unit_test(test_shim_of_el1_reports_again_and_again),
        cmocka_unit_test(test_shim_progress_is_told_at_each_instruction),
        cmocka_unit_test(test_shim_is_nowhere_else),
        cmocka_unit_test(test_report_addresses_are_the_shims_alone),
        cmocka_unit_test(test_pages_beside_the_shim_are_breakpoints),
        cmocka_unit_test(test_save_is_taken_until_the_shim_writes),
        cmocka_unit_test(test_ranges_are_the_supervisors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
