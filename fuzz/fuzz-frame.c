/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundary: the OUT buffer, which a guest fills. The input is the buffer. What is accepted is
 * written to an IN buffer and read back: the same values must come out, bit for bit.
 */
#include <string.h>

#include "core/frame.h"
#include "core/guest-text.h"
#include "fuzz.h"

/* The core's buffers are never smaller than a frame with all its slots. */
#define LEAST_BYTES (sizeof(struct sconce_frame) + SCONCE_MAX_PARAMS * sizeof(struct sconce_slot))

struct values {
    struct sconce_value value[SCONCE_MAX_PARAMS];
    uint8_t *store[SCONCE_MAX_PARAMS];
    uint32_t count;
};

static void free_values(struct values *v)
{
    for (uint32_t i = 0; i < SCONCE_MAX_PARAMS; i++)
        free(v->store[i]);
}

/* All the values of a message; false when one is refused, as a string that is not UTF-8. */
static bool read_values(const struct sconce_buffer *out, const struct sconce_message *m,
                        struct values *v)
{
    struct sconce_error err = {0};

    *v = (struct values){.count = m->frame.slot_count};
    for (uint32_t i = 0; i < v->count; i++) {
        const struct sconce_slot *slot = &m->slots[i];
        int r;

        FUZZ_CHECK(slot->length <= out->bytes);
        v->store[i] = malloc((size_t)slot->length + 1);
        FUZZ_CHECK(v->store[i]);
        r = sconce_frame_value(out, slot, v->store[i], &v->value[i], &err);
        if (r != 0) {
            fuzz_check_error(r, &err);
            return false;
        }
        FUZZ_CHECK(v->value[i].type == slot->type);
    }
    return true;
}

static bool same_value(const struct sconce_value *a, const struct sconce_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case SCONCE_TYPE_NONE:
        return true;
    case SCONCE_TYPE_BOOL:
        return a->as.boolean == b->as.boolean;
    case SCONCE_TYPE_I32:
    case SCONCE_TYPE_U32:
    case SCONCE_TYPE_F32:
        return a->as.u32 == b->as.u32;
    case SCONCE_TYPE_STRING:
    case SCONCE_TYPE_BYTES:
        return a->as.span.length == b->as.span.length &&
               memcmp(a->as.span.data, b->as.span.data, a->as.span.length) == 0;
    default:
        return a->as.u64 == b->as.u64;
    }
}

static void check_round_trip(const struct sconce_message *m, const struct values *v, uint64_t bytes)
{
    struct sconce_buffer in = {.host = calloc(1, bytes), .bytes = bytes};
    struct sconce_error err = {0};
    struct sconce_message again;
    struct values w;
    int r;

    FUZZ_CHECK(in.host);
    /* Wherever the guest wants its answer: nothing is written outside the buffer. */
    r = sconce_frame_write(&in, m->frame.reply_at, &m->frame, v->value, v->count, &err);
    if (r != 0)
        fuzz_check_error(r, &err);
    r = sconce_frame_write(&in, 0, &m->frame, v->value, v->count, &err);
    if (r == 0) {
        FUZZ_CHECK(sconce_frame_read(&in, &again, NULL) == 0);
        FUZZ_CHECK(again.frame.kind == m->frame.kind && again.frame.slot_count == v->count);
        FUZZ_CHECK(read_values(&in, &again, &w));
        for (uint32_t i = 0; i < v->count; i++)
            FUZZ_CHECK(same_value(&v->value[i], &w.value[i]));
        free_values(&w);
    } else {
        fuzz_check_error(r, &err);
        FUZZ_CHECK(r == SCONCE_E_LIMIT && err.limit == SCONCE_LIMIT_IO);
    }
    free(in.host);
}

/* The text of a failure: always clean, and as the guest wrote it when that is clean already. */
static void check_guest_text(const struct sconce_buffer *out, const struct sconce_message *m)
{
    const struct sconce_slot *slot = &m->slots[0];
    char text[SCONCE_GUEST_TEXT_BYTES];
    size_t length;

    memset(text, 'x', sizeof text);
    sconce_guest_text(out, m, text);
    FUZZ_CHECK(memchr(text, '\0', sizeof text));
    length = strlen(text);
    FUZZ_CHECK(fuzz_text_clean(text, length));
    if (m->frame.slot_count == 0 || !sconce_type_has_bytes(slot->type))
        return;
    if (memchr(out->host + slot->value, '\n', slot->length) ||
        !fuzz_text_clean(out->host + slot->value, slot->length))
        return;
    FUZZ_CHECK(memcmp(text, out->host + slot->value, length) == 0);
    FUZZ_CHECK(length == slot->length || length + 4 >= sizeof text); /* whole characters */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const size_t size = bytes > LEAST_BYTES ? bytes : LEAST_BYTES;
    struct sconce_buffer out = {.host = calloc(1, size), .bytes = size};
    struct sconce_error err = {0};
    struct sconce_message m;
    struct values v;
    int r;

    FUZZ_CHECK(out.host);
    if (bytes)
        memcpy(out.host, data, bytes);
    r = sconce_frame_read(&out, &m, &err);
    if (r != 0) {
        fuzz_check_error(r, &err);
    } else {
        check_guest_text(&out, &m);
        if (read_values(&out, &m, &v))
            check_round_trip(&m, &v, 2 * size);
        free_values(&v);
    }
    free(out.host);
    return 0;
}
