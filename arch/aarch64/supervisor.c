/* SPDX-License-Identifier: Apache-2.0 */
/* Layout and contents of the supervisor's pages. */
#include "arch/aarch64/supervisor.h"

#include <stddef.h>
#include <string.h>

/* The shim of a vector that EL0 comes by. SP is SP_EL1, the save area. */
static const uint32_t from_el0[] = {
    0xa90007e0, /* stp x0, x1, [sp] */
    0xa9010fe2, /* stp x2, x3, [sp, #16] */
    0xa90217e4, /* stp x4, x5, [sp, #32] */
    0xa9037fe8, /* stp x8, xzr, [sp, #48] */
    0xd5385200, /* mrs x0, esr_el1 */
    0xd5384021, /* mrs x1, elr_el1 */
    0xa90407e0, /* stp x0, x1, [sp, #64] */
    0xd5386000, /* mrs x0, far_el1 */
    0xd5384001, /* mrs x1, spsr_el1 */
    0xa90507e0, /* stp x0, x1, [sp, #80] */
    0xd5384100, /* mrs x0, sp_el0 */
    0xf90033e0, /* str x0, [sp, #96] */
    0xf80003ff, /* stur xzr, [sp, #report] */
    0xa94007e0, /* ldp x0, x1, [sp] */
    0xd69f03e0, /* eret */
};
#define REPORT_INDEX 12u

/* Of a vector that only EL1 comes by. */
static const uint32_t from_el1[] = {
    0xf80003ff, /* stur xzr, [sp, #report] */
    0x17ffffff, /* b .-4 */
};

#define FIRST_EL0 8u
#define BRK_0 0xd4200000u /* nothing falls through, nothing lands between */

_Static_assert(sizeof from_el0 <= SCONCE_A64_VECTOR_BYTES, "a shim fits its vector");
_Static_assert(offsetof(struct sconce_a64_save, x8) == 48, "as the shim stores it");
_Static_assert(offsetof(struct sconce_a64_save, taken) == 56, "as the shim stores it");
_Static_assert(offsetof(struct sconce_a64_save, esr) == 64, "as the shim stores it");
_Static_assert(offsetof(struct sconce_a64_save, far) == 80, "as the shim stores it");
_Static_assert(offsetof(struct sconce_a64_save, sp) == 96, "as the shim stores it");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "instructions are stored as they are");

/* Where vector @vector stores to report, below SP: STUR reaches 256 bytes down. */
static unsigned report_distance(unsigned vector)
{
    return 8 * (vector + 1);
}
_Static_assert(8 * SCONCE_A64_VECTORS <= 256, "STUR reaches them all");
_Static_assert(SCONCE_A64_REPORT_OFFSET + SCONCE_A64_PAGE == SCONCE_A64_SAVE_OFFSET,
               "the report page lies below the save area");

static void put_word(uint8_t *at, uint32_t word)
{
    memcpy(at, &word, sizeof word);
}

/* STUR (Arm ARM C6.2.348): the offset is imm9, in bits 20:12. */
static void build_vector(uint8_t *at, unsigned vector)
{
    const uint32_t *code = vector < FIRST_EL0 ? from_el1 : from_el0;
    size_t count = (vector < FIRST_EL0 ? sizeof from_el1 : sizeof from_el0) / sizeof *code;
    size_t report = vector < FIRST_EL0 ? 0 : REPORT_INDEX;

    for (size_t i = 0; i < count; i++)
        put_word(at + 4 * i, code[i]);
    put_word(at + 4 * report, code[report] | ((512 - report_distance(vector)) & 0x1ff) << 12);
}

void sconce_a64_save_clear(void *pages)
{
    struct sconce_a64_save *save = pages;

    memset(pages, 0, SCONCE_A64_PAGE);
    save->taken = SCONCE_A64_SAVE_TAKEN;
}

void sconce_a64_supervisor_build(void *pages)
{
    uint8_t *vectors = (uint8_t *)pages + (SCONCE_A64_VECTORS_OFFSET - SCONCE_A64_OWN_OFFSET);

    sconce_a64_save_clear(pages);
    for (unsigned at = 0; at < SCONCE_A64_PAGE; at += 4)
        put_word(vectors + at, BRK_0);
    for (unsigned vector = 0; vector < SCONCE_A64_VECTORS; vector++)
        build_vector(vectors + (size_t)vector * SCONCE_A64_VECTOR_BYTES, vector);
}

void sconce_a64_supervisor_ranges(uint64_t gpa,
                                  struct sconce_a64_range ranges[SCONCE_A64_SUPERVISOR_RANGES])
{
    const uint32_t rw = SCONCE_PROT_READ | SCONCE_PROT_WRITE;
    const uint32_t rx = SCONCE_PROT_READ | SCONCE_PROT_EXEC;
    const struct sconce_a64_range all[SCONCE_A64_SUPERVISOR_RANGES] = {
        {gpa + SCONCE_A64_REPORT_OFFSET, SCONCE_A64_PAGE, rw, false, true},
        {gpa + SCONCE_A64_SAVE_OFFSET, SCONCE_A64_PAGE, rw, false, false},
        {gpa + SCONCE_A64_VECTORS_OFFSET, SCONCE_A64_PAGE, rx, false, false},
    };

    memcpy(ranges, all, sizeof all);
}

bool sconce_a64_report_vector(uint64_t gpa, uint64_t address, unsigned *ret_vector)
{
    uint64_t distance = gpa + SCONCE_A64_SAVE_OFFSET - address;

    if (distance == 0 || distance % 8 || distance > report_distance(SCONCE_A64_VECTORS - 1))
        return false;
    *ret_vector = (unsigned)(distance / 8 - 1);
    return true;
}

bool sconce_a64_shim_at(uint64_t gpa, uint64_t pc, unsigned *ret_vector,
                        enum sconce_a64_progress *ret_progress)
{
    uint64_t offset = pc - gpa - SCONCE_A64_VECTORS_OFFSET;
    uint64_t vector = offset / SCONCE_A64_VECTOR_BYTES;
    uint64_t within = offset % SCONCE_A64_VECTOR_BYTES;

    if (vector < FIRST_EL0 || vector >= SCONCE_A64_VECTORS || within % 4 ||
        within >= sizeof from_el0)
        return false;
    *ret_vector = (unsigned)vector;
    if (within == 0)
        *ret_progress = SCONCE_A64_SHIM_ENTERED;
    else
        *ret_progress =
            within / 4 <= REPORT_INDEX ? SCONCE_A64_SHIM_SAVED : SCONCE_A64_SHIM_REPORTED;
    return true;
}

uint64_t sconce_a64_vector_gpa(uint64_t gpa, unsigned vector)
{
    return gpa + SCONCE_A64_VECTORS_OFFSET + (uint64_t)vector * SCONCE_A64_VECTOR_BYTES;
}
