/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the host's functions: begin, put each argument, call, take the reply. The answer comes
 * into IN behind the arguments of the call that is running, and is used up before the next. Calls
 * that come in its place are served first.
 */
#include <string.h>

#include "internal.h"

/* The import that is being called, or was last. */
static struct {
    int32_t code; /* 0: no failure yet */
    struct sconce_note_text text;
    uint64_t bits;     /* of a scalar result, 0 after a failure */
    sconce_bytes span; /* of a string or bytes, a copy with a NUL behind; empty after a failure */
} import;

extern const struct sconce_table_entry __start_sconce_imports[]
    __attribute__((weak, visibility("hidden")));

static void import_failed(int32_t code, const void *text, size_t length)
{
    import.code = code ? code : 1;
    sconce_note_copy(&import.text, text, length);
}

static void forget_last(void)
{
    import.code = 0;
    import.text.length = 0;
    import.text.text[0] = '\0';
    import.bits = 0;
    import.span = (sconce_bytes){"", 0};
}

void sconce_import_begin(const struct sconce_table_entry *entry, unsigned arg_count)
{
    sconce_print_flush();
    forget_last();
    sconce_out_begin(SCONCE_FRAME_HOST_CALL, (uint32_t)(entry - __start_sconce_imports), arg_count);
}

/* Copies, so that the next reply may take the place of this one. */
static void take_span(const unsigned char *data, size_t length)
{
    char *copy = sconce_alloc(length + 1);

    if (!copy) {
        static const char text[] = "the heap cannot hold the host function's result";

        import_failed(SCONCE_FAILED_NO_MEMORY, text, sizeof text - 1);
        return;
    }
    memcpy(copy, data, length);
    copy[length] = '\0';
    import.span = (sconce_bytes){copy, length};
}

static const struct sconce_frame *frame_at(uint64_t at)
{
    return (const struct sconce_frame *)(sconce_boot_page->in_addr + at);
}

static void take_reply(uint64_t reply_at)
{
    const unsigned char *in = (const unsigned char *)sconce_boot_page->in_addr;
    const struct sconce_frame *frame = frame_at(reply_at);
    const struct sconce_slot *slot = (const struct sconce_slot *)(frame + 1);

    if (frame->kind == SCONCE_FRAME_HOST_FAILED) {
        import_failed(frame->code, in + slot->value, frame->slot_count ? slot->length : 0);
        return;
    }
    if (frame->kind != SCONCE_FRAME_HOST_RETURN)
        sconce_abort("a frame of kind %u came as an answer", frame->kind);
    if (!frame->slot_count)
        return;
    if (slot->type == SCONCE_TYPE_STRING || slot->type == SCONCE_TYPE_BYTES)
        take_span(in + slot->value, slot->length);
    else
        import.bits = slot->value;
}

void sconce_import_call(void)
{
    uint64_t reply_at = sconce_serve_in_used();

    if (import.code) /* an argument did not fit: the host is not asked */
        return;
    sconce_out_frame()->reply_at = reply_at;
    sconce_out_ring(SCONCE_DOORBELL_HOST_CALL);
    while (frame_at(reply_at)->kind == SCONCE_FRAME_CALL) {
        sconce_serve_nested(reply_at);
        forget_last(); /* of its imports: this one has not been answered yet */
    }
    take_reply(reply_at);
}

int32_t sconce_host_failed(void)
{
    return import.code;
}

const char *sconce_host_error(void)
{
    return import.text.text;
}

/* ---- Arguments ------------------------------------------------------------------------------- */

void sconce_put_bool(unsigned i, bool value)
{
    sconce_out_scalar(i, SCONCE_TYPE_BOOL, value);
}

void sconce_put_i32(unsigned i, int32_t value)
{
    sconce_out_scalar(i, SCONCE_TYPE_I32, (uint32_t)value);
}

void sconce_put_u32(unsigned i, uint32_t value)
{
    sconce_out_scalar(i, SCONCE_TYPE_U32, value);
}

void sconce_put_i64(unsigned i, int64_t value)
{
    sconce_out_scalar(i, SCONCE_TYPE_I64, (uint64_t)value);
}

void sconce_put_u64(unsigned i, uint64_t value)
{
    sconce_out_scalar(i, SCONCE_TYPE_U64, value);
}

void sconce_put_f32(unsigned i, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    sconce_out_scalar(i, SCONCE_TYPE_F32, bits);
}

void sconce_put_f64(unsigned i, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    sconce_out_scalar(i, SCONCE_TYPE_F64, bits);
}

static void put_span(unsigned i, uint32_t type, const void *data, size_t length)
{
    static const char text[] = "the arguments do not fit the call buffer";

    if (!sconce_out_span(i, type, data, length))
        import_failed(SCONCE_FAILED_TOO_LARGE, text, sizeof text - 1);
}

void sconce_put_str(unsigned i, sconce_str value)
{
    put_span(i, SCONCE_TYPE_STRING, value.data, value.length);
}

void sconce_put_text(unsigned i, const char *value)
{
    sconce_put_str(i, sconce_str_from(value));
}

void sconce_put_bytes(unsigned i, sconce_bytes value)
{
    put_span(i, SCONCE_TYPE_BYTES, value.data, value.length);
}

/* ---- Results --------------------------------------------------------------------------------- */

bool sconce_reply_bool(void)
{
    return import.bits != 0;
}

int32_t sconce_reply_i32(void)
{
    return (int32_t)(uint32_t)import.bits;
}

uint32_t sconce_reply_u32(void)
{
    return (uint32_t)import.bits;
}

int64_t sconce_reply_i64(void)
{
    return (int64_t)import.bits;
}

uint64_t sconce_reply_u64(void)
{
    return import.bits;
}

float sconce_reply_f32(void)
{
    float value;

    memcpy(&value, &import.bits, sizeof value);
    return value;
}

double sconce_reply_f64(void)
{
    double value;

    memcpy(&value, &import.bits, sizeof value);
    return value;
}

sconce_str sconce_reply_str(void)
{
    return (sconce_str){import.span.data, import.span.length};
}

const char *sconce_reply_text(void)
{
    return import.span.data;
}

sconce_bytes sconce_reply_bytes(void)
{
    return import.span;
}
