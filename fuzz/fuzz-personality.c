/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundary: a guest's system calls. The input is what lies in the guest's memory, then one call
 * after another: numbers, and arguments near to what matters. Whatever they are, memory that the
 * guest may not write stays, and the books of its heap stay in order.
 */
#include <string.h>

#include "fuzz.h"
#include "personality-fixture.h"

#define MEMORY_BYTES 256u
#define CALL_BYTES (1u + 6u * 3u) /* number; of each argument a base, and 16 bits to add */
#define CODE_BYTE 0xc0
#define BOOT_BYTE 0xb0

static uint64_t take_arg(const uint8_t *at)
{
    static const uint64_t bases[] = {
        0,          DATA_AT,   HEAP_AT,    HEAP_AT + HEAP_BYTES,
        CODE_AT,    BOOT_AT,   MORE_AT,    1ull << 32,
        1ull << 63, INT64_MAX, UINT64_MAX, MORE_AT + STRETCH,
    };
    const int16_t offset = (int16_t)(at[1] | at[2] << 8);
    const uint64_t base = bases[(at[0] & 0x7f) % (sizeof bases / sizeof bases[0])];

    const uint64_t unit = at[0] & 0x80 ? PAGE : 1;

    return base + (uint64_t)(int64_t)offset * unit;
}

static void check_books(const struct sconce_personality *p)
{
    const struct sconce_personality_state *state = &p->state;
    uint64_t last = (state->brk + PAGE - 1) & ~(PAGE - 1);

    FUZZ_CHECK(state->brk >= HEAP_AT && state->brk <= HEAP_AT + HEAP_BYTES);
    FUZZ_CHECK(state->mapping_count <= state->mapping_room);
    FUZZ_CHECK(state->mapping_count <= SCONCE_PERSONALITY_MAPPINGS);
    for (uint32_t i = 0; i < state->mapping_count; i++) {
        const struct sconce_personality_range *range = &state->mappings[i];

        FUZZ_CHECK(range->start % PAGE == 0 && range->end % PAGE == 0);
        FUZZ_CHECK(i ? range->start > last : range->start >= last);
        FUZZ_CHECK(range->end > range->start && range->end <= HEAP_AT + HEAP_BYTES);
        last = range->end;
    }
}

static void check_mapping(struct fixture *f, uint64_t number, const uint64_t args[6],
                          int64_t result)
{
    if (number != fixture_number("mmap") || result < 0)
        return;
    FUZZ_CHECK((uint64_t)result % PAGE == 0 && (uint64_t)result >= HEAP_AT);
    FUZZ_CHECK(args[1] && args[1] <= HEAP_AT + HEAP_BYTES - (uint64_t)result);
    FUZZ_CHECK(fixture_at(f, (uint64_t)result + args[1] - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char input[] = "what the host has to say";
    struct fixture f;

    if (bytes < MEMORY_BYTES)
        return 0;
    fixture_open(&f);
    f.p.settings.clock = SCONCE_PERSONALITY_CLOCK_FROZEN;
    f.p.settings.seeded = true;
    f.input = input;
    memset(fixture_at(&f, CODE_AT), CODE_BYTE, STRETCH);
    memset(fixture_at(&f, BOOT_AT), BOOT_BYTE, STRETCH);
    fixture_put(&f, DATA_AT, data, MEMORY_BYTES);
    for (size_t at = MEMORY_BYTES; at + CALL_BYTES <= bytes; at += CALL_BYTES) {
        const uint64_t number = data[at] & 0x7f;
        struct sconce_error err = {0};
        uint64_t args[6];
        int64_t result = 0;
        int r;

        for (size_t i = 0; i < 6; i++)
            args[i] = take_arg(data + at + 1 + 3 * i);
        f.stopped = data[at] & 0x80; /* long work is left undone; the books stay in order */
        r = sconce_personality_call(&f.p, number, args, &result, &err);
        if (r != 0) {
            FUZZ_CHECK(r == SCONCE_E_GUEST_EXIT || r == SCONCE_E_GUEST_ABORT);
            fuzz_check_error(r, &err);
            break;
        }
        FUZZ_CHECK(result > -4096);
        check_mapping(&f, number, args, result);
        check_books(&f.p);
    }
    FUZZ_CHECK(fixture_is(&f, CODE_AT, CODE_BYTE, STRETCH));
    FUZZ_CHECK(fixture_is(&f, BOOT_AT, BOOT_BYTE, STRETCH));
    fixture_close(&f);
    return 0;
}
