/* SPDX-License-Identifier: Apache-2.0 */
/* core/frame.c: hostile frames read, host frames written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/frame.h"

#define BUFFER_BYTES 4096u

static uint8_t memory[BUFFER_BYTES];
static struct sconce_buffer buffer = {memory, BUFFER_BYTES};

static int empty_buffer(void **state)
{
    (void)state;
    memset(memory, 0, sizeof memory);
    return 0;
}

/* A well-formed frame with one slot and room for bytes behind it. */
static struct sconce_frame good_frame(void)
{
    struct sconce_frame frame = {
        .kind = SCONCE_FRAME_RETURN, .slot_count = 1, .used_bytes = sizeof frame + 16 + 100};

    return frame;
}

static int read_with(const struct sconce_frame *frame, const struct sconce_slot *slot,
                     struct sconce_message *message, struct sconce_error *err)
{
    memcpy(memory, frame, sizeof *frame);
    memcpy(memory + sizeof *frame, slot, sizeof *slot);
    return sconce_frame_read(&buffer, message, err);
}

static void assert_malformed(const struct sconce_frame *frame, const struct sconce_slot *slot,
                             const char *why)
{
    struct sconce_error err = {0};
    struct sconce_message message;

    assert_int_equal(read_with(frame, slot, &message, &err), SCONCE_E_GUEST_PROTOCOL);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_frame_read_good_frame_is_copied(void **state)
{
    struct sconce_frame frame = good_frame();
    struct sconce_slot slot = {.type = SCONCE_TYPE_BYTES, .length = 100, .value = 80};
    struct sconce_message message;

    (void)state;
    assert_int_equal(read_with(&frame, &slot, &message, NULL), 0);

    assert_memory_equal(&message.frame, &frame, sizeof frame);
    assert_memory_equal(&message.slots[0], &slot, sizeof slot);
}

static void test_frame_read_header_that_lies_is_refused(void **state)
{
    const struct sconce_slot slot = {.type = SCONCE_TYPE_I32};
    struct sconce_frame frame;

    (void)state;
    frame = good_frame();
    frame.slot_count = SCONCE_MAX_PARAMS + 1;
    assert_malformed(&frame, &slot, "slot count 17");
    frame = good_frame();
    frame.slot_count = UINT32_MAX;
    assert_malformed(&frame, &slot, "slot count");
    frame = good_frame();
    frame.used_bytes = sizeof frame + 15;
    assert_malformed(&frame, &slot, "length");
    frame = good_frame();
    frame.used_bytes = BUFFER_BYTES + 1;
    assert_malformed(&frame, &slot, "length");
    frame = good_frame();
    frame.used_bytes = UINT64_MAX;
    assert_malformed(&frame, &slot, "length");
    frame = good_frame();
    frame.reserved0 = 1;
    assert_malformed(&frame, &slot, "reserved");
}

static void test_frame_read_bytes_outside_the_frame_are_refused(void **state)
{
    static const struct sconce_slot slots[] = {
        {SCONCE_TYPE_BYTES, 1, 0},            /* the header */
        {SCONCE_TYPE_BYTES, 1, 79},           /* the last byte of the slot */
        {SCONCE_TYPE_BYTES, 101, 80},         /* one too long */
        {SCONCE_TYPE_BYTES, 1, 180},          /* right behind */
        {SCONCE_TYPE_STRING, 1, 4096},        /* right behind the buffer */
        {SCONCE_TYPE_STRING, 16, UINT64_MAX}, /* wraps */
        {SCONCE_TYPE_STRING, UINT32_MAX, 80},
        {SCONCE_TYPE_STRING, UINT32_MAX, UINT64_MAX - 1},
    };
    struct sconce_frame frame = good_frame();

    (void)state;
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        assert_malformed(&frame, &slots[i], "bytes lie outside");
}

static void test_frame_read_values_out_of_their_type_are_refused(void **state)
{
    static const struct {
        struct sconce_slot slot;
        const char *why;
    } cases[] = {
        {{SCONCE_TYPE_BOOL, 0, 2}, "a bool holds"},
        {{SCONCE_TYPE_I32, 0, 1ull << 32}, "a 32-bit value holds"},
        {{SCONCE_TYPE_F32, 0, UINT64_MAX}, "a 32-bit value holds"},
        {{SCONCE_TYPE_NONE, 0, 1}, "type none holds"},
        {{SCONCE_TYPE_I64, 1, 0}, "a scalar has length"},
        {{0, 0, 0}, "unknown type"},
        {{'z', 0, 0}, "unknown type"},
    };
    struct sconce_frame frame = good_frame();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_malformed(&frame, &cases[i].slot, cases[i].why);
}

static void test_frame_value_string_that_is_not_utf8_is_refused(void **state)
{
    struct sconce_slot slot = {SCONCE_TYPE_STRING, 2, 80};
    struct sconce_value value;
    uint8_t store[3];

    (void)state;
    memcpy(memory + 80, "\xc3\x28", 2);

    assert_int_equal(sconce_frame_value(&buffer, &slot, store, &value, NULL),
                     SCONCE_E_GUEST_PROTOCOL);
}

static void test_frame_write_then_read_gives_the_same_bits(void **state)
{
    static const uint64_t bits[] = {0, 1, 0x7ff4dead0000beef, 0x8000000000000000, UINT64_MAX};
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL, .index = 7};
    struct sconce_message message;

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        struct sconce_value value = {.type = SCONCE_TYPE_F64}, back;

        memcpy(&value.as, &bits[i], 8);
        assert_int_equal(sconce_frame_write(&buffer, 0, &frame, &value, 1, NULL), 0);
        assert_int_equal(sconce_frame_read(&buffer, &message, NULL), 0);
        assert_int_equal(message.frame.index, 7);
        assert_int_equal(sconce_frame_value(&buffer, &message.slots[0], NULL, &back, NULL), 0);
        assert_memory_equal(&back.as, &bits[i], 8);
    }
}

static void test_frame_write_bytes_are_followed_by_nul_and_aligned(void **state)
{
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL};
    const struct sconce_value values[] = {sconce_string("abc"), sconce_bytes("", 0),
                                          sconce_bytes("0123456789abcdef", 16)};
    struct sconce_message message;

    (void)state;
    memset(memory, 0xff, sizeof memory);
    assert_int_equal(sconce_frame_write(&buffer, 64, &frame, values, 3, NULL), 0);
    memmove(memory, memory + 64, sizeof(struct sconce_frame) + 3 * 16);
    memcpy(&message, memory, sizeof(struct sconce_frame) + 3 * 16);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(message.slots[i].value % 16, 0);
        assert_int_equal(memory[message.slots[i].value + message.slots[i].length], 0);
    }
    assert_memory_equal(memory + message.slots[0].value, "abc", 3);
}

static void test_frame_write_tells_where_what_was_written_ends(void **state)
{
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL};
    const struct sconce_value text = sconce_string("abc"), huge = sconce_bytes(memory, SIZE_MAX);

    (void)state;
    buffer.used = 0;
    assert_int_equal(sconce_frame_write(&buffer, 64, &frame, &text, 1, NULL), 0);
    assert_int_equal(buffer.used, 64 + 64 + 16 + 16);
    assert_int_equal(sconce_frame_write(&buffer, 0, &frame, &text, 0, NULL), 0);
    assert_int_equal(buffer.used, 64 + 64 + 16 + 16);
    assert_int_equal(sconce_frame_write(&buffer, 256, &frame, &huge, 1, NULL), SCONCE_E_LIMIT);
    assert_int_equal(buffer.used, 64 + 64 + 16 + 16);
}

static void test_frame_write_that_just_fits_fits(void **state)
{
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL};
    uint8_t *large = calloc(1, BUFFER_BYTES);
    struct sconce_value value = sconce_bytes(large, BUFFER_BYTES - 64 - 16 - 1);

    (void)state;
    assert_int_equal(sconce_frame_write(&buffer, 0, &frame, &value, 1, NULL), 0);
    free(large);
}

static void test_frame_write_that_does_not_fit_writes_nothing(void **state)
{
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL};
    const struct sconce_value value = sconce_bytes(memory, BUFFER_BYTES - 64 - 16);
    const struct sconce_value huge = sconce_bytes(memory, SIZE_MAX);
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_frame_write(&buffer, 0, &frame, &value, 1, &err), SCONCE_E_LIMIT);
    assert_int_equal(err.limit, SCONCE_LIMIT_IO);
    assert_int_equal(sconce_frame_write(&buffer, 0, &frame, &huge, 1, &err), SCONCE_E_LIMIT);
    assert_int_equal(sconce_frame_write(&buffer, 4080, &frame, &value, 0, &err), SCONCE_E_LIMIT);
    for (size_t i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_frame_read_good_frame_is_copied, empty_buffer),
        cmocka_unit_test_setup(test_frame_read_header_that_lies_is_refused, empty_buffer),
        cmocka_unit_test_setup(test_frame_read_bytes_outside_the_frame_are_refused, empty_buffer),
        cmocka_unit_test_setup(test_frame_read_values_out_of_their_type_are_refused, empty_buffer),
        cmocka_unit_test_setup(test_frame_value_string_that_is_not_utf8_is_refused, empty_buffer),
        cmocka_unit_test_setup(test_frame_write_then_read_gives_the_same_bits, empty_buffer),
        cmocka_unit_test_setup(test_frame_write_bytes_are_followed_by_nul_and_aligned,
                               empty_buffer),
        cmocka_unit_test_setup(test_frame_write_tells_where_what_was_written_ends, empty_buffer),
        cmocka_unit_test_setup(test_frame_write_that_just_fits_fits, empty_buffer),
        cmocka_unit_test_setup(test_frame_write_that_does_not_fit_writes_nothing, empty_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
