/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of the guest ABI: finds the buffers through the boot page as a guest does,
 * writes OUT, reads IN. Checks nothing of the plugin contract; that is vm.c's and vcpu.c's.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/overflow.h"
#include "common/untrusted.h"
#include "plugins/stub/stub.h"
#include "sconce-guest-abi.h"

#define FRAME_ALIGN 16u

struct buffers {
    uint8_t *in, *out;
    uint64_t in_bytes, out_bytes;
};

/* A message in IN: its header copied, and where its slots are. */
struct message {
    struct sconce_frame frame;
    uint64_t at;
};

/* A value as a frame holds it. */
struct cell {
    uint32_t type;
    uint32_t length;
    uint64_t bits;
    const uint8_t *data; /* of string and bytes; in the script or in IN */
};

int32_t stub_fail_at(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                     struct sconce_plugin_error *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%s:%u: %s", vm->script->path, step->line, text);
}

static bool is_span(uint32_t type)
{
    return type == SCONCE_TYPE_STRING || type == SCONCE_TYPE_BYTES;
}

static int32_t find_buffers(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                            struct buffers *ret, struct sconce_plugin_error *err)
{
    const struct stub_mapping *page = stub_mapping_of(vm, SCONCE_MEM_BOOT);
    struct sconce_boot boot;

    if (!page)
        return stub_fail_at(vm, step, err, "no memory of role BOOT is mapped");
    if (vm->entry.args[0] != page->at.gpa)
        return stub_fail_at(vm, step, err,
                            "vcpu_enter gave 0x%" PRIx64 " as the first argument, but the boot "
                            "page is at 0x%" PRIx64,
                            vm->entry.args[0], page->at.gpa);
    sconce_copy_untrusted(&boot, page->host, sizeof boot);
    if (boot.magic != SCONCE_BOOT_MAGIC || boot.abi < SCONCE_GUEST_ABI_MIN ||
        boot.boot_bytes < sizeof boot)
        return stub_fail_at(
            vm, step, err, "the boot page is not filled in (magic 0x%" PRIx64 ", abi %u, %u bytes)",
            boot.magic, boot.abi, boot.boot_bytes);
    ret->in = stub_host(vm, boot.in_addr, boot.in_bytes, SCONCE_PROT_READ);
    ret->out = stub_host(vm, boot.out_addr, boot.out_bytes, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    ret->in_bytes = boot.in_bytes;
    ret->out_bytes = boot.out_bytes;
    if (!ret->in || !ret->out)
        return stub_fail_at(vm, step, err,
                            "the boot page puts %s at 0x%" PRIx64 ", where the guest cannot %s it",
                            ret->in ? "OUT" : "IN", ret->in ? boot.out_addr : boot.in_addr,
                            ret->in ? "write" : "read");
    return SCONCE_PLUGIN_OK;
}

/* ---- reading IN ---- */

static int32_t read_message(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                            const struct buffers *buffers, uint64_t at, struct message *ret,
                            struct sconce_plugin_error *err)
{
    uint64_t slots_end;

    ret->at = at;
    if (!sconce_range_within(at, sizeof ret->frame, buffers->in_bytes))
        return stub_fail_at(vm, step, err, "IN has no room for a frame at offset %" PRIu64, at);
    sconce_copy_untrusted(&ret->frame, buffers->in + at, sizeof ret->frame);
    slots_end = sizeof ret->frame + ret->frame.slot_count * (uint64_t)sizeof(struct sconce_slot);
    if (ret->frame.slot_count > SCONCE_MAX_PARAMS || ret->frame.used_bytes < slots_end ||
        !sconce_range_within(at, ret->frame.used_bytes, buffers->in_bytes))
        return stub_fail_at(vm, step, err,
                            "the frame at offset %" PRIu64 " of IN is malformed: kind %u, %u slots "
                            "in %" PRIu64 " bytes",
                            at, ret->frame.kind, ret->frame.slot_count, ret->frame.used_bytes);
    if (ret->frame.reserved0 != 0)
        return stub_fail_at(vm, step, err, "reserved0 of the frame in IN is not zero");
    return SCONCE_PLUGIN_OK;
}

static int32_t read_cell(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                         const struct buffers *buffers, const struct message *message,
                         uint32_t index, struct cell *ret, struct sconce_plugin_error *err)
{
    struct sconce_slot slot;
    uint64_t end;

    if (index >= message->frame.slot_count)
        return stub_fail_at(vm, step, err, "the frame in IN has %u values, not one at place %u",
                            message->frame.slot_count, index);
    sconce_copy_untrusted(&slot,
                          buffers->in + message->at + sizeof message->frame + index * sizeof slot,
                          sizeof slot);
    *ret = (struct cell){.type = slot.type, .length = slot.length, .bits = slot.value};
    if (!is_span(slot.type))
        return SCONCE_PLUGIN_OK;
    if (slot.value < message->at || !sconce_add_u64(slot.value, slot.length, &end) ||
        end - message->at > message->frame.used_bytes)
        return stub_fail_at(vm, step, err,
                            "value %u of the frame in IN lies outside it: %u bytes at offset "
                            "%" PRIu64,
                            index, slot.length, slot.value);
    ret->data = buffers->in + slot.value;
    ret->bits = 0;
    return SCONCE_PLUGIN_OK;
}

/* A step's value: its own, or one that IN holds. */
static int32_t resolve(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                       const struct buffers *buffers, const struct stub_value *value,
                       struct cell *ret, struct sconce_plugin_error *err)
{
    const bool is_arg = value->source == STUB_ARG;
    struct message message;
    int32_t status;

    if (value->source == STUB_LITERAL) {
        *ret = (struct cell){value->type, value->length, value->bits, value->data};
        return SCONCE_PLUGIN_OK;
    }
    status = read_message(vm, step, buffers, is_arg ? 0 : vm->reply_at, &message, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (message.frame.kind != (is_arg ? SCONCE_FRAME_CALL : SCONCE_FRAME_HOST_RETURN))
        return stub_fail_at(vm, step, err, "IN holds a frame of kind %u, not the %s",
                            message.frame.kind, is_arg ? "CALL" : "HOST_RETURN");
    return read_cell(vm, step, buffers, &message, is_arg ? (uint32_t)value->bits : 0, ret, err);
}

/* ---- writing OUT ---- */

/* Where the answer to a host call may go: behind the call that is running, whose arguments the
 * function still reads. */
static uint64_t reply_place(const struct buffers *buffers)
{
    struct sconce_frame call;
    uint64_t place = 0;

    sconce_copy_untrusted(&call, buffers->in, sizeof call);
    if (call.kind == SCONCE_FRAME_CALL && call.used_bytes <= buffers->in_bytes)
        sconce_round_up_u64(call.used_bytes, FRAME_ALIGN, &place);
    return place;
}

static void fill_header(struct sconce_plugin_vm *vm, const struct stub_step *step,
                        const struct buffers *buffers, struct sconce_frame *frame)
{
    *frame = (struct sconce_frame){.kind = step->frame_kind,
                                   .index = step->index,
                                   .slot_count = step->value_count,
                                   .code = step->code};
    if (step->doorbell == SCONCE_DOORBELL_READY) {
        frame->resume_pc = vm->entry.pc;
        frame->resume_sp = vm->entry.sp;
        frame->resume_tls = vm->regs.special.fs_base;
    }
    if (step->frame_kind == SCONCE_FRAME_HOST_CALL) {
        vm->reply_at = reply_place(buffers);
        frame->reply_at = vm->reply_at;
    }
}

int32_t stub_write_frame(struct sconce_plugin_vm *vm, const struct stub_step *step,
                         struct sconce_plugin_error *err)
{
    uint64_t used = sizeof(struct sconce_frame) + step->value_count * sizeof(struct sconce_slot);
    struct sconce_slot slots[SCONCE_MAX_PARAMS] = {0};
    struct sconce_frame frame;
    struct buffers buffers;
    int32_t status = find_buffers(vm, step, &buffers, err);

    for (uint32_t i = 0; i < step->value_count && status == SCONCE_PLUGIN_OK; i++) {
        struct cell cell;

        status = resolve(vm, step, &buffers, &step->values[i], &cell, err);
        if (status != SCONCE_PLUGIN_OK)
            break;
        slots[i] = (struct sconce_slot){cell.type, cell.length, cell.bits};
        if (!is_span(cell.type))
            continue;
        /* The bytes, and the NUL that follows a string. */
        slots[i].value = used;
        if (!sconce_range_within(used, cell.length + 1ull, buffers.out_bytes))
            return stub_fail_at(vm, step, err, "OUT's %" PRIu64 " bytes cannot hold this frame",
                                buffers.out_bytes);
        memcpy(buffers.out + used, cell.data, cell.length);
        buffers.out[used + cell.length] = 0;
        used += (cell.length + 1ull + FRAME_ALIGN - 1) & ~(uint64_t)(FRAME_ALIGN - 1);
    }
    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (used > buffers.out_bytes)
        used = buffers.out_bytes; /* padding of the last bytes only */
    fill_header(vm, step, &buffers, &frame);
    frame.used_bytes = used;
    memcpy(buffers.out + sizeof frame, slots, step->value_count * sizeof slots[0]);
    memcpy(buffers.out, &frame, sizeof frame);
    return SCONCE_PLUGIN_OK;
}

int32_t stub_write_out(struct sconce_plugin_vm *vm, const struct stub_step *step,
                       struct sconce_plugin_error *err)
{
    struct buffers buffers;
    int32_t status = find_buffers(vm, step, &buffers, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!sconce_range_within(step->offset, step->text.length, buffers.out_bytes))
        return stub_fail_at(vm, step, err, "OUT has only %" PRIu64 " bytes", buffers.out_bytes);
    memcpy(buffers.out + step->offset, step->text.data, step->text.length);
    return SCONCE_PLUGIN_OK;
}

/* ---- expectations ---- */

static bool same_cell(const struct cell *a, const struct cell *b)
{
    return a->type == b->type && a->length == b->length && a->bits == b->bits &&
           (!a->data || memcmp(a->data, b->data, a->length) == 0);
}

static int32_t expect_cell(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                           const struct buffers *buffers, const struct message *message,
                           uint32_t index, struct sconce_plugin_error *err)
{
    struct cell wanted, got;
    int32_t status = resolve(vm, step, buffers, &step->values[index], &wanted, err);

    if (status == SCONCE_PLUGIN_OK)
        status = read_cell(vm, step, buffers, message, index, &got, err);
    if (status != SCONCE_PLUGIN_OK || same_cell(&wanted, &got))
        return status;
    return stub_fail_at(vm, step, err,
                        "value %u is not the one expected: type '%c', length %u, bits 0x%" PRIx64
                        " for type '%c', length %u, bits 0x%" PRIx64,
                        index, (char)got.type, got.length, got.bits, (char)wanted.type,
                        wanted.length, wanted.bits);
}

int32_t stub_expect_frame(struct sconce_plugin_vm *vm, const struct stub_step *step,
                          struct sconce_plugin_error *err)
{
    uint64_t at = step->frame_kind == SCONCE_FRAME_CALL && !step->nested ? 0 : vm->reply_at;
    struct message message;
    struct buffers buffers;
    int32_t status = find_buffers(vm, step, &buffers, err);

    if (status == SCONCE_PLUGIN_OK)
        status = read_message(vm, step, &buffers, at, &message, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (message.frame.kind != step->frame_kind || message.frame.index != step->index ||
        message.frame.code != step->code)
        return stub_fail_at(vm, step, err,
                            "IN holds a frame of kind %u, index %u, code %d; expected kind %u, "
                            "index %u, code %d",
                            message.frame.kind, message.frame.index, message.frame.code,
                            step->frame_kind, step->index, step->code);
    if (message.frame.slot_count < step->value_count ||
        (message.frame.slot_count > step->value_count && !step->more))
        return stub_fail_at(vm, step, err, "the frame in IN has %u values; expected %u",
                            message.frame.slot_count, step->value_count);
    for (uint32_t i = 0; i < step->value_count && status == SCONCE_PLUGIN_OK; i++)
        status = expect_cell(vm, step, &buffers, &message, i, err);
    return status;
}

int32_t stub_expect_in(struct sconce_plugin_vm *vm, const struct stub_step *step,
                       struct sconce_plugin_error *err)
{
    struct buffers buffers;
    int32_t status = find_buffers(vm, step, &buffers, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!sconce_range_within(step->offset, step->text.length, buffers.in_bytes))
        return stub_fail_at(vm, step, err, "IN has only %" PRIu64 " bytes", buffers.in_bytes);
    for (uint32_t i = 0; i < step->text.length; i++) {
        uint8_t wanted = (uint8_t)step->text.data[i];
        uint8_t got;

        sconce_copy_untrusted(&got, buffers.in + step->offset + i, 1);
        if (got != wanted)
            return stub_fail_at(vm, step, err, "byte %" PRIu64 " of IN is 0x%02x; expected 0x%02x",
                                step->offset + i, got, wanted);
    }
    return SCONCE_PLUGIN_OK;
}
