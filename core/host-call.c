/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest asks of the host while it runs: imported functions and printing. Requests are
 * hostile frames; host functions get copies that no guest can change any more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/overflow.h"
#include "common/untrusted.h"
#include "core/sandbox.h"
#include "core/signature.h"

#define REPLY_ALIGN 16u

/* Memory that a host function asked for, freed when its result has been copied. */
struct chunk {
    struct chunk *next;
    max_align_t bytes[];
};

struct sconce_host_call {
    struct chunk *chunks;
};

void *sconce_host_alloc(struct sconce_host_call *call, size_t bytes)
{
    struct chunk *chunk;
    size_t total;

    if (__builtin_add_overflow(sizeof *chunk, bytes, &total))
        return NULL;
    chunk = malloc(total);
    if (!chunk)
        return NULL;
    chunk->next = call->chunks;
    call->chunks = chunk;
    return chunk->bytes;
}

static void free_chunks(struct sconce_host_call *call)
{
    while (call->chunks) {
        struct chunk *chunk = call->chunks;

        call->chunks = chunk->next;
        free(chunk);
    }
}

/* The frame in OUT, of the kind that the doorbell promised. */
static int read_request(const struct sconce_sandbox *sandbox, uint32_t kind,
                        struct sconce_message *ret_message, struct sconce_error *err)
{
    int r = sconce_frame_read(&sandbox->out, ret_message, err);

    if (!r && ret_message->frame.kind != kind)
        r = sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                        "the guest sent a frame of kind %u where %u was due",
                        ret_message->frame.kind, kind);
    return r;
}

/* Every argument as a value; bytes side by side in the level's scratch memory. */
static int take_arguments(struct sconce_sandbox *sandbox,
                          const struct sconce_image_function *import,
                          const struct sconce_message *message, struct sconce_value *args,
                          struct sconce_error *err)
{
    uint64_t total = 0, used = 0;
    uint8_t *store;

    if (message->frame.slot_count != import->param_count)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL, "the guest called %s%s with %u arguments",
                           import->name, import->text, message->frame.slot_count);
    for (uint32_t i = 0; i < import->param_count; i++) {
        if (message->slots[i].type != (uint32_t)import->params[i])
            return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                               "the guest called %s%s with argument %u of type %s", import->name,
                               import->text, i + 1, sconce_type_name(message->slots[i].type));
        total += (uint64_t)message->slots[i].length + 1;
    }
    /* Slots may overlap, so the sum can pass the buffer's size by their number. */
    if (total > sandbox->out.bytes + SCONCE_MAX_PARAMS)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest called %s with arguments that share bytes", import->name);
    store = sconce_scratch_reserve(&sandbox->level->host_args, total);
    if (!store)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for host arguments");
    for (uint32_t i = 0; i < import->param_count; i++) {
        int r = sconce_frame_value(&sandbox->out, &message->slots[i], store + used, &args[i], err);

        if (r < 0)
            return r;
        used += (uint64_t)message->slots[i].length + 1;
    }
    return 0;
}

/* The host's own mistakes: told to the guest as a failure, and so to whoever debugs it. */
static int check_result(const struct sconce_image_function *import,
                        const struct sconce_value *value, struct sconce_error *err)
{
    if (value->type != import->result)
        return sconce_fail(err, SCONCE_E_TYPE, "host function %s%s returned another type",
                           import->name, import->text);
    if (value->type == SCONCE_TYPE_STRING &&
        !sconce_utf8_valid(value->as.span.data, value->as.span.length))
        return sconce_fail(err, SCONCE_E_TYPE,
                           "host function %s%s returned a string that is not "
                           "UTF-8",
                           import->name, import->text);
    return 0;
}

/* Cut at the last whole character, so that the guest gets UTF-8. */
static struct sconce_value failure_text(const char *text)
{
    struct sconce_value value = sconce_string(text);

    while (value.as.span.length && !sconce_utf8_valid(text, value.as.span.length))
        value.as.span.length--;
    return value;
}

/* A result that does not fit is a failure that the guest can handle; no room even for that is not.
 */
static int reply(struct sconce_sandbox *sandbox, uint64_t at, int code,
                 const struct sconce_value *result, const char *text, struct sconce_error *err)
{
    struct sconce_frame frame = {.kind = SCONCE_FRAME_HOST_RETURN};
    struct sconce_value value;

    if (!code) {
        if (!sconce_frame_write(&sandbox->in, at, &frame, result, 1, NULL))
            return 0;
        code = SCONCE_E_LIMIT;
        text = "the result does not fit the call buffer";
    }
    frame = (struct sconce_frame){.kind = SCONCE_FRAME_HOST_FAILED, .code = code};
    value = failure_text(text);
    if (!sconce_frame_write(&sandbox->in, at, &frame, &value, 1, NULL))
        return 0;
    return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                       "the guest left no room for a reply at offset %" PRIu64, at);
}

SCONCE_HOT int sconce_host_call_serve(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    const uint32_t import_count = sandbox->guest->image->import_count;
    const struct sconce_binding *binding;
    struct sconce_value args[SCONCE_MAX_PARAMS], result = {.type = SCONCE_TYPE_NONE};
    struct sconce_host_call call = {0};
    struct sconce_error failure = {0};
    struct sconce_message message;
    uint64_t at;
    int ended, r = read_request(sandbox, SCONCE_FRAME_HOST_CALL, &message, err);

    if (r < 0)
        return r;
    at = message.frame.reply_at;
    if (at % REPLY_ALIGN || at >= sandbox->in.bytes)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest wants a reply at offset %" PRIu64, at);
    if (message.frame.index >= import_count)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL, "the guest called import number %u of %u",
                           message.frame.index, import_count);
    binding = &sandbox->bindings[message.frame.index];
    r = take_arguments(sandbox, binding->import, &message, args, err);
    if (r < 0)
        return r;

    sconce_serving_begin(sandbox, at);
    r = binding->offer->fn(binding->offer->ctx, &call, args, binding->import->param_count, &result,
                           &failure);
    if (sconce_check_process(sandbox->process, err) < 0) {
        free_chunks(&call);
        return SCONCE_E_FORKED; /* a child that returned from the parent's host function */
    }
    ended = sconce_serving_end(sandbox, err);
    if (!ended) {
        if (!r)
            r = check_result(binding->import, &result, &failure);
        failure.text[sizeof failure.text - 1] = '\0';
        ended = reply(sandbox, at, r, &result, failure.text, err);
    }
    free_chunks(&call);
    return ended;
}

int sconce_print_serve(struct sconce_sandbox *sandbox, uint64_t *printed, struct sconce_error *err)
{
    struct sconce_message message;
    const struct sconce_slot *slot = &message.slots[0];
    uint64_t room = sandbox->limits.output_bytes - *printed;
    size_t length;
    uint8_t *text;
    int r = read_request(sandbox, SCONCE_FRAME_PRINT, &message, err);

    if (r < 0)
        return r;
    if (message.frame.slot_count != 1 || !sconce_type_has_bytes(slot->type))
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest printed something without text");
    *printed += slot->length;
    length = slot->length < room ? slot->length : (size_t)room;
    sandbox->stats.output_bytes += length;
    if (!sandbox->print || !length)
        return 0;
    text = sconce_scratch_reserve(&sandbox->level->host_args, length);
    if (!text)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for guest output");
    sconce_copy_untrusted(text, sandbox->out.host + slot->value, length);
    sandbox->print(sandbox->print_ctx, (const char *)text, length);
    return 0;
}

static const struct sconce_host_function *find_offer(const struct sconce_sandbox *sandbox,
                                                     const char *name)
{
    for (uint32_t i = 0; i < sandbox->function_count; i++) {
        if (!strcmp(sandbox->functions[i].name, name))
            return &sandbox->functions[i];
    }
    return NULL;
}

static int copy_offers(struct sconce_sandbox *sandbox, const struct sconce_host_function *functions,
                       uint32_t count, struct sconce_error *err)
{
    char letters[SCONCE_SIGNATURE_BYTES];

    sandbox->functions = calloc(count ? count : 1, sizeof *functions);
    if (!sandbox->functions)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < count; i++) {
        const struct sconce_host_function *offer = &functions[i];

        if (!offer->name || !offer->signature || !offer->fn)
            return sconce_fail(err, SCONCE_E_INVALID,
                               "host function number %u lacks a name, a signature or a function",
                               i + 1);
        if (find_offer(sandbox, offer->name))
            return sconce_fail(err, SCONCE_E_INVALID, "host function \"%s\" is offered twice",
                               offer->name);
        if (sconce_signature_parse(offer->signature, letters, err) < 0)
            return sconce_error_prefix(err, "host function \"%s\"", offer->name);
        sandbox->functions[i] = *offer;
        sandbox->functions[i].signature = NULL; /* borrowed; only its check counts */
        sandbox->functions[i].name = strdup(offer->name);
        if (!sandbox->functions[i].name)
            return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
        sandbox->function_count++;
    }
    return 0;
}

/* Same result and parameters? The offer's text was parsed before. */
static bool signature_fits(const struct sconce_image_function *import, const char *offered)
{
    char letters[SCONCE_SIGNATURE_BYTES];

    return !sconce_signature_parse(offered, letters, NULL) &&
           (uint32_t)letters[0] == import->result && !strcmp(letters + 1, import->params);
}

int sconce_bind_imports(struct sconce_sandbox *sandbox,
                        const struct sconce_host_function *functions, uint32_t count,
                        struct sconce_error *err)
{
    const struct sconce_image *image = sandbox->guest->image;
    struct sconce_error missing = {0};
    size_t used = 0;
    int r = copy_offers(sandbox, functions, count, err);

    if (r < 0)
        return r;
    sandbox->bindings =
        calloc(image->import_count ? image->import_count : 1, sizeof *sandbox->bindings);
    if (!sandbox->bindings)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < image->import_count; i++) {
        const struct sconce_image_function *import = &image->imports[i];
        const struct sconce_host_function *offer = find_offer(sandbox, import->name);

        if (offer && !signature_fits(import, functions[offer - sandbox->functions].signature))
            return sconce_fail(err, SCONCE_E_TYPE,
                               "guest %s imports %s%s, but the host offers %s%s", image->name,
                               import->name, import->text, import->name,
                               functions[offer - sandbox->functions].signature);
        if (!offer && used < sizeof missing.text)
            used += (size_t)snprintf(missing.text + used, sizeof missing.text - used, "%s%s%s",
                                     used ? ", " : "", import->name, import->text);
        sandbox->bindings[import->index] = (struct sconce_binding){import, offer};
    }
    if (used)
        return sconce_fail_hint(err, SCONCE_E_NO_IMPORT,
                                "offer them in struct sconce_sandbox_options",
                                "guest %s needs host functions that are not offered: %.600s",
                                image->name, missing.text);
    return 0;
}
