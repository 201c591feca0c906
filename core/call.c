/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: the frame in, the exit loop, the frame out. Everything that comes back is the guest's
 * word and is checked; what poisons a sandbox is decided here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "core/guest-text.h"
#include "core/sandbox.h"
#include "core/signature.h"

#define ENOSYS_RESULT (-38) /* -ENOSYS of Linux, on every architecture */

/* What one call has used up of its limits. */
struct spent {
    uint64_t host_calls;
    uint64_t traps;
    uint64_t printed;
};

static int limit_reached(struct sconce_error *err, uint32_t limit, const char *key,
                         const char *what, uint64_t most)
{
    sconce_fail(err, SCONCE_E_LIMIT, "the guest reached its limit of %" PRIu64 " %s", most, what);
    if (err) {
        err->limit = limit;
        snprintf(err->hint, sizeof err->hint, "raise limits.%s if the guest is to be trusted", key);
    }
    return SCONCE_E_LIMIT;
}

static int deadline_passed(const struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    sconce_fail_hint(err, SCONCE_E_LIMIT, "raise limits.deadline_ms if the guest is to be trusted",
                     "the guest reached its deadline of %g milliseconds",
                     (double)sandbox->limits.deadline_ns / 1e6);
    if (err)
        err->limit = SCONCE_LIMIT_DEADLINE;
    return SCONCE_E_LIMIT;
}

static int check_stop(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    switch (sconce_run_stop_reason(&sandbox->run)) {
    case SCONCE_STOP_NONE:
        return 0;
    case SCONCE_STOP_DEADLINE:
        return deadline_passed(sandbox, err);
    default:
        return sconce_fail(err, SCONCE_E_KICKED, "the call was ended by a kick");
    }
}

/* Whatever an op failed with while the guest was between exits: nobody knows what state it is in.
 */
static int backend_failed(int result, struct sconce_error *err)
{
    if (!result)
        return 0;
    if (err)
        err->code = SCONCE_E_BACKEND;
    return SCONCE_E_BACKEND;
}

static int report_fault(const struct sconce_sandbox *sandbox, const struct sconce_exit_fault *fault,
                        struct sconce_error *err)
{
    static const char *const access[] = {"", " (read)", " (write)", " (execute)"};
    const struct sconce_ext_arch *arch = &sandbox->guest->backend->arch;
    const struct sconce_image *image = sandbox->guest->image;
    char where[64] = "", machine[96] = "";

    if (fault->kind == SCONCE_FAULT_MEMORY)
        snprintf(where, sizeof where, " at 0x%" PRIx64 "%s", fault->address,
                 fault->access <= SCONCE_ACCESS_EXEC ? access[fault->access] : "");
    arch->describe_fault(fault, machine, sizeof machine);
    machine[sizeof machine - 1] = '\0';
    sconce_fail(err, SCONCE_E_GUEST_FAULT, "the guest faulted: %s fault%s, pc 0x%" PRIx64 "%s%s%s",
                sconce_fault_name(fault->kind), where, fault->pc, machine[0] ? " (" : "", machine,
                machine[0] ? ")" : "");
    if (err && fault->pc >= image->start && fault->pc < image->end)
        snprintf(err->hint, sizeof err->hint,
                 "addr2line -fe %.200s 0x%" PRIx64 " tells where that is", image->name,
                 fault->pc - image->base);
    if (err)
        err->fault = (struct sconce_fault){.kind = fault->kind,
                                           .access = fault->access,
                                           .address = fault->address,
                                           .pc = fault->pc,
                                           .detail = fault->detail};
    return SCONCE_E_GUEST_FAULT;
}

static int report_abort(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    struct sconce_message message;
    char text[SCONCE_GUEST_TEXT_BYTES];
    int r = sconce_frame_read(&sandbox->out, &message, err);

    if (r < 0)
        return r;
    if (message.frame.kind != SCONCE_FRAME_ABORT)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang ABORT with a frame of kind %u", message.frame.kind);
    sconce_guest_text(&sandbox->out, &message, text);
    sconce_fail(err, SCONCE_E_GUEST_ABORT, "the guest aborted: %s", text);
    if (err)
        err->guest_code = message.frame.code;
    return SCONCE_E_GUEST_ABORT;
}

/* The frame behind a READY doorbell, with where the guest wants to be resumed. */
static int take_ready(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                      struct sconce_error *err)
{
    struct sconce_message message;
    const struct sconce_frame *frame = &message.frame;
    int r = sconce_frame_read(&sandbox->out, &message, err);

    if (r < 0)
        return r;
    if (frame->kind != SCONCE_FRAME_READY && frame->kind != SCONCE_FRAME_RETURN &&
        frame->kind != SCONCE_FRAME_FAILED)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang READY with a frame of kind %u", frame->kind);
    if (frame->resume_pc &&
        !sconce_layout_allows(&sandbox->layout, frame->resume_pc, SCONCE_PROT_EXEC))
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest wants to resume at 0x%" PRIx64
                           ", which is no code of its own",
                           frame->resume_pc);
    sandbox->resume = (struct sconce_resume){frame->resume_pc, frame->resume_sp, frame->resume_tls};
    *ret_message = message;
    return 0;
}

/* Answers one exit. Returns 1 when the guest is ready, 0 to run on. */
static int handle_doorbell(struct sconce_sandbox *sandbox, uint32_t number, struct spent *spent,
                           struct sconce_message *ret_message, struct sconce_error *err)
{
    int r;

    switch (number) {
    case SCONCE_DOORBELL_READY:
        r = take_ready(sandbox, ret_message, err);
        return r < 0 ? r : 1;
    case SCONCE_DOORBELL_HOST_CALL:
        if (++spent->host_calls > sandbox->limits.host_calls)
            return limit_reached(err, SCONCE_LIMIT_HOST_CALLS, "host_calls",
                                 "host calls in one call", sandbox->limits.host_calls);
        sandbox->stats.host_calls++;
        return sconce_host_call_serve(sandbox, err);
    case SCONCE_DOORBELL_PRINT:
        r = sconce_print_serve(sandbox, &spent->printed, err);
        if (!r && spent->printed > sandbox->limits.output_bytes)
            return limit_reached(err, SCONCE_LIMIT_OUTPUT, "output_bytes",
                                 "bytes printed in one call", sandbox->limits.output_bytes);
        return r;
    case SCONCE_DOORBELL_ABORT:
        return report_abort(sandbox, err);
    default:
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL, "the guest rang unknown doorbell %u",
                           number);
    }
}

/* The contract: what has no meaning yet is zero, so that it can be given one. */
static bool reserved_is_zero(const struct sconce_exit *exit)
{
    switch (exit->kind) {
    case SCONCE_EXIT_DOORBELL:
        return !exit->u.doorbell.reserved0;
    case SCONCE_EXIT_SYSCALL:
        return !exit->u.syscall.reserved0;
    case SCONCE_EXIT_FAIL:
        return !exit->u.fail.reserved0;
    default:
        return true;
    }
}

static int handle_exit(struct sconce_sandbox *sandbox, const struct sconce_exit *exit,
                       struct spent *spent, struct sconce_message *ret_message,
                       struct sconce_error *err)
{
    if (!reserved_is_zero(exit))
        return sconce_fail(err, SCONCE_E_BACKEND,
                           "%s reported an exit whose reserved field is not 0",
                           sandbox->guest->backend->name);
    switch (exit->kind) {
    case SCONCE_EXIT_DOORBELL:
        return handle_doorbell(sandbox, exit->u.doorbell.number, spent, ret_message, err);
    case SCONCE_EXIT_SYSCALL:
        sandbox->stats.traps++;
        if (++spent->traps > sandbox->limits.traps)
            return limit_reached(err, SCONCE_LIMIT_TRAPS, "traps",
                                 "trapped system calls in one call", sandbox->limits.traps);
        return backend_failed(sconce_vm_complete(&sandbox->vm, ENOSYS_RESULT, err), err);
    case SCONCE_EXIT_FAULT:
        return report_fault(sandbox, &exit->u.fault, err);
    case SCONCE_EXIT_CANCELLED:
        sandbox->stats.cancelled_exits++;
        return 0;
    case SCONCE_EXIT_SHUTDOWN:
        sconce_fail(err, SCONCE_E_GUEST_FAULT, "the guest shut its machine down");
        if (err)
            err->fault.kind = SCONCE_FAULT_OTHER;
        return SCONCE_E_GUEST_FAULT;
    case SCONCE_EXIT_FAIL:
        return sconce_fail(err, SCONCE_E_BACKEND,
                           "%s failed while the guest ran: %.*s (code %" PRId64 ")",
                           sandbox->guest->backend->name, (int)sizeof exit->u.fail.text - 1,
                           exit->u.fail.text, exit->u.fail.code);
    default:
        return sconce_fail(err, SCONCE_E_BACKEND, "%s reported an exit of unknown kind %u",
                           sandbox->guest->backend->name, exit->kind);
    }
}

static int exit_loop(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                     struct sconce_error *err)
{
    struct spent spent = {0};
    struct sconce_exit exit;

    for (;;) {
        int r;

        sconce_run_guest_in(&sandbox->run);
        r = check_stop(sandbox, err);
        if (r < 0) {
            sconce_run_guest_out(&sandbox->run);
            return r;
        }
        r = sconce_vm_run(&sandbox->vm, &exit, err);
        sconce_run_guest_out(&sandbox->run);
        sandbox->stats.exits++;
        if (r < 0)
            return backend_failed(r, err);
        r = handle_exit(sandbox, &exit, &spent, ret_message, err);
        if (r)
            return r < 0 ? r : 0;
    }
}

static uint32_t state_after(int result)
{
    switch (result) {
    case 0:
        return SCONCE_STATE_READY;
    case SCONCE_E_BACKEND:
        return SCONCE_STATE_DEAD;
    default:
        return SCONCE_STATE_POISONED;
    }
}

int sconce_sandbox_run_to_ready(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                                struct sconce_error *err)
{
    int r = sconce_run_begin(&sandbox->run, sandbox->limits.deadline_ns, err);

    if (r < 0)
        return r;
    sconce_sandbox_set_state(sandbox, SCONCE_STATE_RUNNING);
    r = exit_loop(sandbox, ret_message, err);
    /* Whoever kicked was told that this call ends so. */
    if (sconce_run_end(&sandbox->run) && r != SCONCE_E_BACKEND)
        r = sconce_fail(err, SCONCE_E_KICKED, "the call was ended by a kick");
    sconce_sandbox_set_state(sandbox, state_after(r));
    return r;
}

static int check_arguments(const struct sconce_image_function *function,
                           const struct sconce_value *args, size_t arg_count,
                           struct sconce_error *err)
{
    if (arg_count != function->param_count)
        return sconce_fail(err, SCONCE_E_TYPE, "%s%s takes %u arguments, not %zu", function->name,
                           function->text, function->param_count, arg_count);
    for (uint32_t i = 0; i < function->param_count; i++) {
        const char *given = sconce_type_name(args[i].type);

        if (args[i].type != (uint32_t)function->params[i])
            return sconce_fail(
                err, SCONCE_E_TYPE, "argument %u of %s%s must be %s, but %s was given", i + 1,
                function->name, function->text, sconce_type_name((uint32_t)function->params[i]),
                given ? given : "a value of no known type");
        if (args[i].type == SCONCE_TYPE_STRING &&
            !sconce_utf8_valid(args[i].as.span.data, args[i].as.span.length))
            return sconce_fail_hint(err, SCONCE_E_TYPE, "pass bytes for data that is not text",
                                    "argument %u of %s%s is not valid UTF-8", i + 1, function->name,
                                    function->text);
    }
    return 0;
}

/* The value of a RETURN. A malformed one poisons, like any other broken frame. */
static int take_result(struct sconce_sandbox *sandbox, const struct sconce_image_function *function,
                       const struct sconce_message *message, struct sconce_value *ret_result,
                       struct sconce_error *err)
{
    static const struct sconce_slot none = {.type = SCONCE_TYPE_NONE};
    const struct sconce_slot *slot = message->frame.slot_count ? &message->slots[0] : &none;
    const char *given = sconce_type_name(slot->type);
    struct sconce_value value;
    uint8_t *store;
    int r;

    if (message->frame.slot_count > 1 || slot->type != function->result)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL, "%s%s returned %s", function->name,
                           function->text, given);
    store = sconce_scratch_reserve(&sandbox->result, (size_t)slot->length + 1);
    if (!store)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a result of %u bytes",
                           slot->length);
    r = sconce_frame_value(&sandbox->out, slot, store, &value, err);
    if (!r && ret_result)
        *ret_result = value;
    return r;
}

static int take_failure(struct sconce_sandbox *sandbox,
                        const struct sconce_image_function *function,
                        const struct sconce_message *message, struct sconce_error *err)
{
    char text[SCONCE_GUEST_TEXT_BYTES];

    sconce_guest_text(&sandbox->out, message, text);
    sconce_fail(err, SCONCE_E_GUEST_FAILED, "%s failed with code %d%s%s", function->name,
                message->frame.code, text[0] ? ": " : "", text);
    if (err)
        err->guest_code = message->frame.code;
    return SCONCE_E_GUEST_FAILED;
}

static int call(struct sconce_sandbox *sandbox, const struct sconce_image_function *function,
                const struct sconce_value *args, size_t arg_count, struct sconce_value *ret_result,
                struct sconce_error *err)
{
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL, .index = function->index};
    struct sconce_message message;
    int r = check_arguments(function, args, arg_count, err);

    if (r < 0)
        return r;
    r = sconce_frame_write(&sandbox->in, 0, &frame, args, (uint32_t)arg_count, err);
    if (r < 0)
        return r;
    sandbox->stats.calls++;
    r = sconce_sandbox_run_to_ready(sandbox, &message, err);
    if (r < 0)
        return r;
    if (message.frame.kind == SCONCE_FRAME_FAILED)
        return take_failure(sandbox, function, &message, err);
    if (message.frame.kind != SCONCE_FRAME_RETURN)
        r = sconce_fail(err, SCONCE_E_GUEST_PROTOCOL, "the guest answered a call with READY");
    else
        r = take_result(sandbox, function, &message, ret_result, err);
    if (r == SCONCE_E_GUEST_PROTOCOL)
        sconce_sandbox_set_state(sandbox, SCONCE_STATE_POISONED);
    return r;
}

static int check_ready(const struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    switch (sconce_sandbox_state(sandbox)) {
    case SCONCE_STATE_READY:
        return 0;
    case SCONCE_STATE_POISONED:
        return sconce_fail_hint(err, SCONCE_E_STATE, "restore a snapshot, or free it",
                                "the sandbox is poisoned: its last call did not end well");
    default:
        return sconce_fail_hint(err, SCONCE_E_STATE, "free it and make another",
                                "the sandbox is dead: its backend failed");
    }
}

int sconce_sandbox_call_index(struct sconce_sandbox *sandbox, uint32_t export_i,
                              const struct sconce_value *args, size_t arg_count,
                              struct sconce_value *ret_result, struct sconce_error *err)
{
    const struct sconce_image *image = sandbox->guest->image;
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    r = check_ready(sandbox, err);
    if (!r && export_i >= image->export_count)
        r = sconce_fail(err, SCONCE_E_NO_FUNCTION, "guest %s has %u exports, no number %u",
                        image->name, image->export_count, export_i);
    if (!r)
        r = call(sandbox, &image->exports[export_i], args, arg_count, ret_result, err);
    sconce_sandbox_release(sandbox);
    return r;
}

int sconce_sandbox_call(struct sconce_sandbox *sandbox, const char *name,
                        const struct sconce_value *args, size_t arg_count,
                        struct sconce_value *ret_result, struct sconce_error *err)
{
    uint32_t i;
    int r = sconce_check_process(sandbox->process, err);

    if (!r)
        r = sconce_guest_find(sandbox->guest, name, &i, err);
    return r < 0 ? r : sconce_sandbox_call_index(sandbox, i, args, arg_count, ret_result, err);
}
