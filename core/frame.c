/* SPDX-License-Identifier: Apache-2.0 */
#include "core/frame.h"

#include <inttypes.h>
#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/overflow.h"
#include "common/untrusted.h"
#include "core/signature.h"

#define SLOT_ALIGN 16u

static int malformed(struct sconce_error *err, const char *what, uint64_t value)
{
    return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                       "the guest wrote a malformed frame: %s %" PRIu64, what, value);
}

SCONCE_HOT static int check_slot(const struct sconce_slot *slot, uint64_t bytes_start,
                                 uint64_t bytes_end, struct sconce_error *err)
{
    uint64_t end;

    switch (slot->type) {
    case SCONCE_TYPE_STRING:
    case SCONCE_TYPE_BYTES:
        if (slot->value < bytes_start || !sconce_add_u64(slot->value, slot->length, &end) ||
            end > bytes_end)
            return malformed(err, "a value's bytes lie outside it, at offset", slot->value);
        return 0;
    case SCONCE_TYPE_NONE:
        if (slot->value)
            return malformed(err, "a value of type none holds", slot->value);
        break;
    case SCONCE_TYPE_BOOL:
        if (slot->value > 1)
            return malformed(err, "a bool holds", slot->value);
        break;
    case SCONCE_TYPE_I32:
    case SCONCE_TYPE_U32:
    case SCONCE_TYPE_F32:
        if (slot->value > UINT32_MAX)
            return malformed(err, "a 32-bit value holds", slot->value);
        break;
    case SCONCE_TYPE_I64:
    case SCONCE_TYPE_U64:
    case SCONCE_TYPE_F64:
        break;
    default:
        return malformed(err, "unknown type", slot->type);
    }
    return slot->length ? malformed(err, "a scalar has length", slot->length) : 0;
}

SCONCE_HOT int sconce_frame_read(const struct sconce_buffer *out,
                                 struct sconce_message *ret_message, struct sconce_error *err)
{
    struct sconce_frame *frame = &ret_message->frame;
    struct sconce_slot *slots = ret_message->slots;
    uint64_t slots_end;

    sconce_copy_untrusted(frame, out->host, sizeof *frame);
    if (frame->slot_count > SCONCE_MAX_PARAMS)
        return malformed(err, "slot count", frame->slot_count);
    slots_end = sizeof *frame + (uint64_t)frame->slot_count * sizeof slots[0];
    if (frame->used_bytes < slots_end || frame->used_bytes > out->bytes)
        return malformed(err, "length", frame->used_bytes);
    if (frame->reserved0)
        return malformed(err, "reserved field", frame->reserved0);

    sconce_copy_untrusted(slots, out->host + sizeof *frame, frame->slot_count * sizeof slots[0]);
    for (uint32_t i = 0; i < frame->slot_count; i++) {
        int r = check_slot(&slots[i], slots_end, frame->used_bytes, err);

        if (r < 0)
            return r;
    }
    return 0;
}

SCONCE_HOT int sconce_frame_value(const struct sconce_buffer *out, const struct sconce_slot *slot,
                                  uint8_t *store, struct sconce_value *ret_value,
                                  struct sconce_error *err)
{
    struct sconce_value value = {.type = slot->type};

    if (!sconce_type_has_bytes(slot->type)) {
        if (slot->type == SCONCE_TYPE_BOOL)
            value.as.boolean = slot->value != 0;
        else
            memcpy(&value.as, &slot->value, sizeof slot->value);
        *ret_value = value;
        return 0;
    }
    sconce_copy_untrusted(store, out->host + slot->value, slot->length);
    store[slot->length] = '\0';
    if (slot->type == SCONCE_TYPE_STRING && !sconce_utf8_valid(store, slot->length))
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest gave a string of %" PRIu32 " bytes that is not UTF-8",
                           slot->length);
    value.as.span.data = store;
    value.as.span.length = slot->length;
    *ret_value = value;
    return 0;
}

/* The bits of a scalar, zero-extended. */
SCONCE_HOT static uint64_t scalar_bits(const struct sconce_value *value)
{
    uint32_t half;
    uint64_t whole;

    switch (value->type) {
    case SCONCE_TYPE_NONE:
        return 0;
    case SCONCE_TYPE_BOOL:
        return value->as.boolean;
    case SCONCE_TYPE_I32:
    case SCONCE_TYPE_U32:
    case SCONCE_TYPE_F32:
        memcpy(&half, &value->as, sizeof half);
        return half;
    default:
        memcpy(&whole, &value->as, sizeof whole);
        return whole;
    }
}

/* Bytes that the whole message takes, every byte string with a NUL behind it. */
SCONCE_HOT static bool message_bytes(const struct sconce_value *values, uint32_t count,
                                     uint64_t *ret_bytes)
{
    uint64_t total = sizeof(struct sconce_frame) + (uint64_t)count * sizeof(struct sconce_slot);

    for (uint32_t i = 0; i < count; i++) {
        if (!sconce_type_has_bytes(values[i].type))
            continue;
        if (values[i].as.span.length >= UINT32_MAX ||
            !sconce_add_u64(total, values[i].as.span.length + 1, &total) ||
            !sconce_round_up_u64(total, SLOT_ALIGN, &total))
            return false;
    }
    *ret_bytes = total;
    return true;
}

SCONCE_HOT int sconce_frame_write(struct sconce_buffer *in, uint64_t at,
                                  const struct sconce_frame *frame,
                                  const struct sconce_value *values, uint32_t value_count,
                                  struct sconce_error *err)
{
    struct sconce_frame head = *frame;
    uint64_t next = at + sizeof head + (uint64_t)value_count * sizeof(struct sconce_slot);

    if (!message_bytes(values, value_count, &head.used_bytes) ||
        !sconce_range_within(at, head.used_bytes, in->bytes)) {
        sconce_fail_hint(err, SCONCE_E_LIMIT, "raise limits.io_bytes",
                         "the values do not fit the buffer of %" PRIu64 " bytes", in->bytes);
        if (err)
            err->limit = SCONCE_LIMIT_IO;
        return SCONCE_E_LIMIT;
    }
    if (at + head.used_bytes > in->used)
        in->used = at + head.used_bytes;
    head.slot_count = value_count;
    memcpy(in->host + at, &head, sizeof head);
    for (uint32_t i = 0; i < value_count; i++) {
        const struct sconce_value *value = &values[i];
        struct sconce_slot slot = {.type = value->type};

        if (!sconce_type_has_bytes(value->type)) {
            slot.value = scalar_bits(value);
        } else {
            slot.length = (uint32_t)value->as.span.length;
            slot.value = next;
            if (slot.length)
                memcpy(in->host + next, value->as.span.data, slot.length);
            in->host[next + slot.length] = '\0';
            next = (next + slot.length + 1 + SLOT_ALIGN - 1) & ~(uint64_t)(SLOT_ALIGN - 1);
        }
        memcpy(in->host + at + sizeof head + i * sizeof slot, &slot, sizeof slot);
    }
    return 0;
}
