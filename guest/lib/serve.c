/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of a call: wait at the READY doorbell, run the export that the CALL names, hand
 * its result back; the same for a call that comes while an import is being called, at the RETURN
 * doorbell. The host is trusted here (it can do what it likes to a guest); indexes are
 * checked all the same, so that a mistake has a text.
 */
#include <string.h>

#include "internal.h"

/* A call that is running. The result's bytes are still the export's own; they are copied to OUT
 * after it has returned and its last line was printed. */
struct sconce_call {
    const struct sconce_slot *slots; /* in IN */
    uint64_t in_used;
    uint32_t result_type;
    uint64_t result_bits;
    sconce_bytes result_span;
};

/* The innermost one; NULL when none is running. It lies on the stack, as the ones around it do. */
static struct sconce_call *current;

/* What a restored copy is entered with. */
static struct {
    uint64_t sp;
    uint64_t tls;
} resume;

extern const struct sconce_table_entry __start_sconce_exports[]
    __attribute__((weak, visibility("hidden")));
extern const struct sconce_table_entry __stop_sconce_exports[]
    __attribute__((weak, visibility("hidden")));

/* The start of the architecture's resume stub, in crt. */
extern void sconce_resume_entry(void);

uint64_t sconce_serve_in_used(void)
{
    return current ? current->in_used : 0;
}

SCONCE_HOT static const unsigned char *in_buffer(void)
{
    return (const unsigned char *)sconce_boot_page->in_addr;
}

/* Where the host may enter again after a restore: nothing below that stack pointer is needed. */
SCONCE_HOT static void set_resume(struct sconce_frame *frame)
{
    frame->resume_pc = (uintptr_t)sconce_resume_entry;
    frame->resume_sp = resume.sp;
    frame->resume_tls = resume.tls;
}

SCONCE_HOT static void write_failed(int32_t code, const void *text, size_t length)
{
    sconce_out_begin(SCONCE_FRAME_FAILED, 0, 1);
    sconce_out_frame()->code = code;
    sconce_out_span(0, SCONCE_TYPE_STRING, text, length);
}

SCONCE_HOT static bool write_return(const struct sconce_call *call)
{
    if (call->result_type == SCONCE_TYPE_NONE) {
        sconce_out_begin(SCONCE_FRAME_RETURN, 0, 0);
        return true;
    }
    sconce_out_begin(SCONCE_FRAME_RETURN, 0, 1);
    if (call->result_type == SCONCE_TYPE_STRING || call->result_type == SCONCE_TYPE_BYTES)
        return sconce_out_span(0, call->result_type, call->result_span.data,
                               call->result_span.length);
    sconce_out_scalar(0, call->result_type, call->result_bits);
    return true;
}

SCONCE_HOT static void write_outcome(const struct sconce_call *call)
{
    const struct sconce_note_text *text;
    int32_t code;

    if (!sconce_failure_take(&code, &text)) {
        if (write_return(call))
            return;
        sconce_fail(SCONCE_FAILED_TOO_LARGE,
                    "the result of %zu bytes does not fit the buffer of %llu bytes",
                    call->result_span.length, (unsigned long long)sconce_boot_page->out_bytes);
        sconce_failure_take(&code, &text);
    }
    write_failed(code, text->text, text->length);
}

SCONCE_HOT static void run_export(struct sconce_call *call, uint64_t at)
{
    const struct sconce_frame *frame = (const struct sconce_frame *)(in_buffer() + at);
    size_t count = (size_t)(((uintptr_t)__stop_sconce_exports - (uintptr_t)__start_sconce_exports) /
                            sizeof(struct sconce_table_entry));

    if (frame->kind != SCONCE_FRAME_CALL)
        sconce_abort("a frame of kind %u came instead of a call", frame->kind);
    *call = (struct sconce_call){
        .slots = (const struct sconce_slot *)(frame + 1),
        .in_used = (at + frame->used_bytes + 15) & ~(uint64_t)15,
        .result_type = SCONCE_TYPE_NONE,
    };
    if (frame->index >= count) {
        sconce_fail(SCONCE_FAILED_NO_EXPORT, "there is no export %u, but %zu in all", frame->index,
                    count);
        return;
    }
    __start_sconce_exports[frame->index].entry(call);
}

/* The CALL at @at of IN; its outcome is then in OUT. */
SCONCE_HOT static void run_call(uint64_t at)
{
    struct sconce_call *outer = current;
    struct sconce_call call;

    current = &call;
    run_export(&call, at);
    sconce_print_flush();
    write_outcome(&call);
    current = outer;
}

SCONCE_HOT _Noreturn void sconce_serve(void)
{
    for (;;) {
        current = NULL; /* one that rang READY itself is gone with its stack */
        run_call(0);
        sconce_arena_release(NULL);
        set_resume(sconce_out_frame());
        sconce_out_ring(SCONCE_DOORBELL_READY);
    }
}

SCONCE_HOT void sconce_serve_nested(uint64_t at)
{
    const void *mark = sconce_arena_mark();
    struct sconce_failure outer;

    sconce_failure_set_aside(&outer);
    run_call(at);
    sconce_failure_put_back(&outer);
    sconce_arena_release(mark);
    sconce_out_ring(SCONCE_DOORBELL_RETURN);
}

_Noreturn void sconce_serve_first(uint64_t sp, uint64_t tls)
{
    sconce_failure_end_start();
    resume.sp = sp;
    resume.tls = tls;
    sconce_print_flush();
    sconce_arena_release(NULL);
    sconce_out_begin(SCONCE_FRAME_READY, 0, 0);
    set_resume(sconce_out_frame());
    sconce_out_ring(SCONCE_DOORBELL_READY);
    sconce_serve();
}

/* ---- Arguments ------------------------------------------------------------------------------- */

SCONCE_HOT bool sconce_arg_bool(const struct sconce_call *call, unsigned i)
{
    return call->slots[i].value != 0;
}

SCONCE_HOT int32_t sconce_arg_i32(const struct sconce_call *call, unsigned i)
{
    return (int32_t)(uint32_t)call->slots[i].value;
}

SCONCE_HOT uint32_t sconce_arg_u32(const struct sconce_call *call, unsigned i)
{
    return (uint32_t)call->slots[i].value;
}

SCONCE_HOT int64_t sconce_arg_i64(const struct sconce_call *call, unsigned i)
{
    return (int64_t)call->slots[i].value;
}

SCONCE_HOT uint64_t sconce_arg_u64(const struct sconce_call *call, unsigned i)
{
    return call->slots[i].value;
}

/* Floating-point values are copied as bits: signalling NaNs stay what they are. */
SCONCE_HOT float sconce_arg_f32(const struct sconce_call *call, unsigned i)
{
    float value;

    memcpy(&value, &call->slots[i].value, sizeof value);
    return value;
}

SCONCE_HOT double sconce_arg_f64(const struct sconce_call *call, unsigned i)
{
    double value;

    memcpy(&value, &call->slots[i].value, sizeof value);
    return value;
}

SCONCE_HOT sconce_str sconce_arg_str(const struct sconce_call *call, unsigned i)
{
    return (sconce_str){sconce_arg_text(call, i), call->slots[i].length};
}

SCONCE_HOT const char *sconce_arg_text(const struct sconce_call *call, unsigned i)
{
    return (const char *)in_buffer() + call->slots[i].value;
}

SCONCE_HOT sconce_bytes sconce_arg_bytes(const struct sconce_call *call, unsigned i)
{
    return (sconce_bytes){in_buffer() + call->slots[i].value, call->slots[i].length};
}

/* ---- Results --------------------------------------------------------------------------------- */

SCONCE_HOT static void result_scalar(struct sconce_call *call, uint32_t type, uint64_t bits)
{
    call->result_type = type;
    call->result_bits = bits;
}

SCONCE_HOT void sconce_result_bool(struct sconce_call *call, bool value)
{
    result_scalar(call, SCONCE_TYPE_BOOL, value);
}

SCONCE_HOT void sconce_result_i32(struct sconce_call *call, int32_t value)
{
    result_scalar(call, SCONCE_TYPE_I32, (uint32_t)value);
}

SCONCE_HOT void sconce_result_u32(struct sconce_call *call, uint32_t value)
{
    result_scalar(call, SCONCE_TYPE_U32, value);
}

SCONCE_HOT void sconce_result_i64(struct sconce_call *call, int64_t value)
{
    result_scalar(call, SCONCE_TYPE_I64, (uint64_t)value);
}

SCONCE_HOT void sconce_result_u64(struct sconce_call *call, uint64_t value)
{
    result_scalar(call, SCONCE_TYPE_U64, value);
}

SCONCE_HOT void sconce_result_f32(struct sconce_call *call, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    result_scalar(call, SCONCE_TYPE_F32, bits);
}

SCONCE_HOT void sconce_result_f64(struct sconce_call *call, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    result_scalar(call, SCONCE_TYPE_F64, bits);
}

SCONCE_HOT void sconce_result_str(struct sconce_call *call, sconce_str value)
{
    call->result_type = SCONCE_TYPE_STRING;
    call->result_span = (sconce_bytes){value.data, value.length};
}

SCONCE_HOT void sconce_result_text(struct sconce_call *call, const char *value)
{
    sconce_result_str(call, sconce_str_from(value));
}

SCONCE_HOT void sconce_result_bytes(struct sconce_call *call, sconce_bytes value)
{
    call->result_type = SCONCE_TYPE_BYTES;
    call->result_span = value;
}
