/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that lie. Each export writes a frame by hand that is right but for one field, and rings;
 * what the host refuses is GUEST_PROTOCOL, what it takes is the outcome that the comment gives.
 * Never anything else, whatever the value.
 */
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(sconce_str, host_echo_string, (sconce_str value));

#define TEXT "hello"
#define TEXT_AT (sizeof(struct sconce_frame) + sizeof(struct sconce_slot))

static struct sconce_frame *frame(void)
{
    return (struct sconce_frame *)sconce_boot()->out_addr;
}

static struct sconce_slot *slot(uint32_t i)
{
    return (struct sconce_slot *)(frame() + 1) + i;
}

extern void sconce_resume_entry(void);

/* A right frame for @doorbell with the string "hello". */
static void write_frame(uint32_t doorbell)
{
    static const uint32_t kinds[] = {
        [SCONCE_DOORBELL_READY] = SCONCE_FRAME_RETURN,
        [SCONCE_DOORBELL_HOST_CALL] = SCONCE_FRAME_HOST_CALL,
        [SCONCE_DOORBELL_PRINT] = SCONCE_FRAME_PRINT,
        [SCONCE_DOORBELL_ABORT] = SCONCE_FRAME_ABORT,
    };
    const struct sconce_frame *call = (const struct sconce_frame *)sconce_boot()->in_addr;

    *frame() = (struct sconce_frame){
        .kind = doorbell < sizeof kinds / sizeof kinds[0] ? kinds[doorbell] : SCONCE_FRAME_PRINT,
        .slot_count = 1,
        .used_bytes = TEXT_AT + sizeof TEXT - 1,
        .reply_at = doorbell == SCONCE_DOORBELL_HOST_CALL ? (call->used_bytes + 15) & ~15ull : 0,
        .resume_pc = (uintptr_t)sconce_resume_entry,
        .resume_sp = sconce_boot()->stack_top,
    };
    *slot(0) = (struct sconce_slot){SCONCE_TYPE_STRING, sizeof TEXT - 1, TEXT_AT};
    memcpy((char *)frame() + TEXT_AT, TEXT, sizeof TEXT - 1);
}

/* Ring, and go on as the SDK would: behind READY the next call waits in IN. */
static void ring(uint32_t doorbell)
{
    sconce_doorbell(doorbell);
    if (doorbell == SCONCE_DOORBELL_READY)
        sconce_resume(sconce_boot());
}

#define FIELD_KIND 0u
#define FIELD_INDEX 1u
#define FIELD_SLOT_COUNT 2u
#define FIELD_CODE 3u
#define FIELD_USED_BYTES 4u
#define FIELD_REPLY_AT 5u
#define FIELD_RESUME_PC 6u
#define FIELD_RESUME_SP 7u
#define FIELD_RESUME_TLS 8u
#define FIELD_RESERVED0 9u
#define FIELD_SLOT_TYPE 10u
#define FIELD_SLOT_LENGTH 11u
#define FIELD_SLOT_VALUE 12u
#define FIELD_NONE 13u

static void set_field(uint32_t field, uint64_t value)
{
    switch (field) {
    case FIELD_KIND:
        frame()->kind = (uint32_t)value;
        break;
    case FIELD_INDEX:
        frame()->index = (uint32_t)value;
        break;
    case FIELD_SLOT_COUNT:
        frame()->slot_count = (uint32_t)value;
        break;
    case FIELD_CODE:
        frame()->code = (int32_t)value;
        break;
    case FIELD_USED_BYTES:
        frame()->used_bytes = value;
        break;
    case FIELD_REPLY_AT:
        frame()->reply_at = value;
        break;
    case FIELD_RESUME_PC:
        frame()->resume_pc = value;
        break;
    case FIELD_RESUME_SP:
        frame()->resume_sp = value;
        break;
    case FIELD_RESUME_TLS:
        frame()->resume_tls = value;
        break;
    case FIELD_RESERVED0:
        frame()->reserved0 = value;
        break;
    case FIELD_SLOT_TYPE:
        slot(0)->type = (uint32_t)value;
        break;
    case FIELD_SLOT_LENGTH:
        slot(0)->length = (uint32_t)value;
        break;
    case FIELD_SLOT_VALUE:
        slot(0)->value = value;
        break;
    }
}

/*
 * The frame for @doorbell (READY: a RETURN; an unknown number: a PRINT) with @field set to @value.
 * Where the host takes it: READY gives the result "hello" (or what @value makes of it), HOST_CALL
 * and PRINT give the result "went on", ABORT is GUEST_ABORT. READY with the kind FAILED is
 * GUEST_FAILED. Field 13 changes nothing.
 */
SCONCE_EXPORT(sconce_str, mutate, (uint32_t doorbell, uint32_t field, uint64_t value))
{
    write_frame(doorbell);
    set_field(field, value);
    ring(doorbell);
    return SCONCE_STR("went on");
}

/* A whole frame header and first slot of the host's choice, 80 bytes or less. */
SCONCE_EXPORT(sconce_str, raw_frame, (uint32_t doorbell, sconce_bytes bytes))
{
    memcpy(frame(), bytes.data, bytes.length < TEXT_AT ? bytes.length : TEXT_AT);
    ring(doorbell);
    return SCONCE_STR("went on");
}

/* All of OUT filled with one byte. */
SCONCE_EXPORT(sconce_str, filled_frame, (uint32_t doorbell, uint32_t byte))
{
    memset(frame(), (int)byte, sconce_boot()->out_bytes);
    ring(doorbell);
    return SCONCE_STR("went on");
}

/* A RETURN whose slot has another type than the signature: GUEST_PROTOCOL but for 's'. */
SCONCE_EXPORT(sconce_str, result_of_type, (uint32_t type))
{
    write_frame(SCONCE_DOORBELL_READY);
    *slot(0) = (struct sconce_slot){.type = type};
    if (type == SCONCE_TYPE_STRING || type == SCONCE_TYPE_BYTES)
        slot(0)->value = TEXT_AT;
    ring(SCONCE_DOORBELL_READY);
    return SCONCE_STR("not reached");
}

/* GUEST_PROTOCOL: a bool that is neither 0 nor 1. */
SCONCE_EXPORT(bool, bool_of, (uint64_t value))
{
    write_frame(SCONCE_DOORBELL_READY);
    *slot(0) = (struct sconce_slot){.type = SCONCE_TYPE_BOOL, .value = value};
    frame()->used_bytes = TEXT_AT;
    ring(SCONCE_DOORBELL_READY);
    return false;
}

/* GUEST_PROTOCOL: an i32 that is not zero-extended, when @value has more than 32 bits. */
SCONCE_EXPORT(int32_t, i32_of, (uint64_t value))
{
    write_frame(SCONCE_DOORBELL_READY);
    *slot(0) = (struct sconce_slot){.type = SCONCE_TYPE_I32, .value = value};
    frame()->used_bytes = TEXT_AT;
    ring(SCONCE_DOORBELL_READY);
    return 0;
}

/* RETURN with this many slots, all right ones: GUEST_PROTOCOL unless it is 1. */
SCONCE_EXPORT(sconce_str, result_slots, (uint32_t count))
{
    write_frame(SCONCE_DOORBELL_READY);
    for (uint32_t i = 0; i < count && i < 64; i++)
        *slot(i) = (struct sconce_slot){SCONCE_TYPE_STRING, 0,
                                        sizeof(struct sconce_frame) + count * sizeof *slot(i)};
    frame()->slot_count = count;
    frame()->used_bytes = sizeof(struct sconce_frame) + count * sizeof *slot(0);
    ring(SCONCE_DOORBELL_READY);
    return SCONCE_STR("not reached");
}

/* A HOST_CALL with this many string arguments: GUEST_PROTOCOL unless it is 1. */
SCONCE_EXPORT(sconce_str, host_call_slots, (uint32_t count))
{
    write_frame(SCONCE_DOORBELL_HOST_CALL);
    for (uint32_t i = 0; i < count && i < 64; i++)
        *slot(i) = (struct sconce_slot){SCONCE_TYPE_STRING, 0,
                                        sizeof(struct sconce_frame) + count * sizeof *slot(i)};
    frame()->slot_count = count;
    frame()->used_bytes = sizeof(struct sconce_frame) + count * sizeof *slot(0);
    ring(SCONCE_DOORBELL_HOST_CALL);
    return SCONCE_STR("went on");
}

/* ---- Strings that are not UTF-8 -------------------------------------------------------------- */

static const char not_utf8[] = "a\xff\xc0\x80z";

/* GUEST_PROTOCOL. */
SCONCE_EXPORT(sconce_str, bad_utf8_result, (void))
{
    return (sconce_str){not_utf8, sizeof not_utf8 - 1};
}

/* GUEST_PROTOCOL. */
SCONCE_EXPORT(sconce_str, bad_utf8_argument, (void))
{
    return host_echo_string((sconce_str){not_utf8, sizeof not_utf8 - 1});
}

/* GUEST_PROTOCOL, or a failure whose text is made printable. */
SCONCE_EXPORT(void, bad_utf8_failure, (void))
{
    sconce_fail(5, "%s", not_utf8);
}

/* GUEST_ABORT, or GUEST_PROTOCOL. */
SCONCE_EXPORT(void, bad_utf8_abort, (void))
{
    sconce_abort("%s", not_utf8);
}

/* Printed text is bytes: succeeds. */
SCONCE_EXPORT(void, bad_utf8_print, (void))
{
    sconce_printf("%s", not_utf8);
}

/* ---- Lies about what is where a snapshot resumes --------------------------------------------- */

/* A RETURN that asks to be resumed at @pc with @sp and @tls. GUEST_PROTOCOL when @pc is no code of
 * the guest's; else the call gives "hello", and a snapshot taken then is an error to restore
 * (values that no user register holds) or faults at the next call. */
SCONCE_EXPORT(sconce_str, resume_at, (uint64_t pc, uint64_t sp, uint64_t tls))
{
    write_frame(SCONCE_DOORBELL_READY);
    frame()->resume_pc = pc;
    frame()->resume_sp = sp;
    frame()->resume_tls = tls;
    ring(SCONCE_DOORBELL_READY);
    return SCONCE_STR("not reached");
}
