/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: the frame in, the run, the frame out. Who may call when is decided here; what happens
 * while the guest runs is exits.c's.
 */
#include "common/attributes.h"
#include "common/error.h"
#include "core/guest-text.h"
#include "core/sandbox.h"
#include "core/signature.h"

SCONCE_HOT static int check_arguments(const struct sconce_image_function *function,
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
SCONCE_HOT static int take_result(struct sconce_sandbox *sandbox,
                                  const struct sconce_image_function *function,
                                  const struct sconce_message *message,
                                  struct sconce_value *ret_result, struct sconce_error *err)
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
    store = sconce_scratch_reserve(&sandbox->level->result, (size_t)slot->length + 1);
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

SCONCE_HOT static int call(struct sconce_sandbox *sandbox,
                           const struct sconce_image_function *function,
                           const struct sconce_value *args, size_t arg_count,
                           struct sconce_value *ret_result, struct sconce_error *err)
{
    const struct sconce_frame frame = {.kind = SCONCE_FRAME_CALL, .index = function->index};
    SCONCE_UNINITIALIZED struct sconce_message message;
    int r = check_arguments(function, args, arg_count, err);

    if (r < 0)
        return r;
    r = sconce_frame_write(&sandbox->in, sandbox->level->call_at, &frame, args, (uint32_t)arg_count,
                           err);
    if (r < 0)
        return r;
    sandbox->stats.calls++;
    r = sconce_sandbox_run_call(sandbox, &message, err);
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

/* READY, or RUNNING for a host function. */
SCONCE_HOT static int check_callable(const struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    switch (sconce_sandbox_state(sandbox)) {
    case SCONCE_STATE_READY:
    case SCONCE_STATE_RUNNING:
        return 0;
    case SCONCE_STATE_POISONED:
        return sconce_fail_hint(err, SCONCE_E_STATE, "restore a snapshot, or free it",
                                "the sandbox is poisoned: its last call did not end well");
    default:
        return sconce_fail_hint(err, SCONCE_E_STATE, "free it and make another",
                                "the sandbox is dead: its backend failed");
    }
}

SCONCE_HOT static int call_export(struct sconce_sandbox *sandbox, uint32_t export_i,
                                  const struct sconce_value *args, size_t arg_count,
                                  struct sconce_value *ret_result, struct sconce_error *err)
{
    const struct sconce_image *image = sandbox->guest->image;

    if (export_i >= image->export_count)
        return sconce_fail(err, SCONCE_E_NO_FUNCTION, "guest %s has %u exports, no number %u",
                           image->name, image->export_count, export_i);
    return call(sandbox, &image->exports[export_i], args, arg_count, ret_result, err);
}

/* From a host function, which has the sandbox already. The error is kept for the calls around it,
 * whether the host function wants it or not. */
static int call_nested(struct sconce_sandbox *sandbox, uint32_t export_i,
                       const struct sconce_value *args, size_t arg_count,
                       struct sconce_value *ret_result, struct sconce_error *err)
{
    struct sconce_error why = {0};
    int r = check_callable(sandbox, err);

    if (!r)
        r = sconce_nested_enter(sandbox, err);
    if (r < 0)
        return r;
    r = call_export(sandbox, export_i, args, arg_count, ret_result, &why);
    sconce_nested_leave(sandbox, r, &why);
    if (r < 0 && err)
        *err = why;
    return r;
}

SCONCE_HOT int sconce_sandbox_call_index(struct sconce_sandbox *sandbox, uint32_t export_i,
                                         const struct sconce_value *args, size_t arg_count,
                                         struct sconce_value *ret_result, struct sconce_error *err)
{
    int r = sconce_check_process(sandbox->process, err);

    if (r < 0)
        return r;
    if (sconce_serves_here(sandbox))
        return call_nested(sandbox, export_i, args, arg_count, ret_result, err);
    r = sconce_sandbox_hold(sandbox, err);
    if (r < 0)
        return r;
    r = check_callable(sandbox, err);
    if (!r)
        r = call_export(sandbox, export_i, args, arg_count, ret_result, err);
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
