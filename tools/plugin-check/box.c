/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime, guest, sandbox and the host functions that the guests import. */
#include "tools/plugin-check/box.h"

#include <limits.h>
#include <stdio.h>

/* ---- host functions ---- */

static int echo(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct check_box *box = ctx;

    (void)arg_count;
    (void)err;
    box->served++;
    *ret = args[0];
    if (args[0].type == SCONCE_TYPE_STRING || args[0].type == SCONCE_TYPE_BYTES) {
        void *copy = sconce_host_alloc(call, args[0].as.span.length + 1);

        if (!copy)
            return 1;
        memcpy(copy, args[0].as.span.data, args[0].as.span.length);
        ret->as.span.data = copy;
    }
    return 0;
}

static int nothing(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                   size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct check_box *box = ctx;

    (void)call;
    (void)args;
    (void)arg_count;
    (void)err;
    box->served++;
    if (box->on_nothing)
        box->on_nothing(box);
    *ret = check_none();
    return 0;
}

static int fail_with(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                     size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct check_box *box = ctx;

    (void)call;
    (void)arg_count;
    (void)ret;
    box->served++;
    snprintf(err->text, sizeof err->text, "the host said no to %d", args[0].as.i32);
    return args[0].as.i32;
}

static int again(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                 size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct check_box *box = ctx;

    (void)call;
    (void)arg_count;
    box->served++;
    return box->on_again ? box->on_again(box, args[0].as.u32, &args[1], ret, err) : 1;
}

/* Tells its arguments as the guest's mixed functions do: "1,-2,3,...". */
static int tell_mixed(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                      size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct check_box *box = ctx;
    char *text = sconce_host_alloc(call, 1 << 16);

    (void)err;
    box->served++;
    if (!text)
        return 1;
    check_tell(args, arg_count, text, 1 << 16);
    *ret = sconce_string(text);
    return 0;
}

#define MIXED_9 "bool, i32, u32, i64, u64, f32, f64, string, bytes"

static const struct sconce_host_function offers[] = {
    {"host_echo_bool", "(bool) -> bool", echo, NULL},
    {"host_echo_i32", "(i32) -> i32", echo, NULL},
    {"host_echo_u32", "(u32) -> u32", echo, NULL},
    {"host_echo_i64", "(i64) -> i64", echo, NULL},
    {"host_echo_u64", "(u64) -> u64", echo, NULL},
    {"host_echo_f32", "(f32) -> f32", echo, NULL},
    {"host_echo_f64", "(f64) -> f64", echo, NULL},
    {"host_echo_string", "(string) -> string", echo, NULL},
    {"host_echo_bytes", "(bytes) -> bytes", echo, NULL},
    {"host_echo_text", "(string) -> string", echo, NULL},
    {"host_echo_long_long", "(i64) -> i64", echo, NULL},
    {"host_echo_unsigned_long_long", "(u64) -> u64", echo, NULL},
    {"host_nothing", "() -> none", nothing, NULL},
    {"host_fail", "(i32) -> i32", fail_with, NULL},
    {"host_again", "(u32, string) -> string", again, NULL},
    {"host_mixed16", "(" MIXED_9 ", bool, i32, u32, i64, u64, f32, f64) -> string", tell_mixed,
     NULL},
};
#define OFFERS (sizeof offers / sizeof offers[0])

static void keep_printed(void *ctx, const char *text, size_t bytes)
{
    struct check_box *box = ctx;

    if (box->printed_bytes < sizeof box->printed - 1) {
        size_t room = sizeof box->printed - 1 - (size_t)box->printed_bytes;
        size_t kept = bytes < room ? bytes : room;

        memcpy(box->printed + box->printed_bytes, text, kept);
        box->printed[box->printed_bytes + kept] = '\0';
    }
    box->printed_bytes += bytes;
}

/* ---- life ---- */

enum check_outcome check_box_load(struct check *check, struct check_box *box, const char *file)
{
    const struct sconce_runtime_options options = {.size = sizeof options,
                                                   .config = check->setup->config};
    char path[PATH_MAX];

    if (!box->runtime)
        CHECK(check, sconce_runtime_new(&options, &box->runtime, &box->err) == 0,
              "cannot make a runtime: %s", box->err.text);
    snprintf(path, sizeof path, "%s/%s", check->setup->guest_dir, file);
    CHECK(check, sconce_guest_load_file(box->runtime, path, &box->guest, &box->err) == 0,
          "cannot load %s: %s", path, box->err.text);
    return CHECK_OK;
}

/* @functions: what the options point to. */
static void choose(struct check_box *box, const struct sconce_limits *limits,
                   struct sconce_host_function functions[OFFERS],
                   struct sconce_sandbox_options *ret_options)
{
    *ret_options = (struct sconce_sandbox_options){.size = sizeof *ret_options,
                                                   .functions = functions,
                                                   .function_count = OFFERS,
                                                   .print = keep_printed,
                                                   .print_ctx = box};
    memcpy(functions, offers, sizeof offers);
    for (size_t i = 0; i < OFFERS; i++)
        functions[i].ctx = box;
    if (limits)
        ret_options->limits = *limits;
    if (box->choose)
        box->choose(box, ret_options);
}

int check_box_new(struct check_box *box, const struct sconce_limits *limits,
                  struct sconce_sandbox **ret_sandbox)
{
    struct sconce_host_function functions[OFFERS];
    struct sconce_sandbox_options options;

    choose(box, limits, functions, &options);
    memset(&box->err, 0, sizeof box->err);
    return sconce_sandbox_new(box->guest, &options, ret_sandbox, &box->err);
}

int check_box_pool(struct check_box *box, const struct sconce_limits *limits,
                   struct sconce_pool_options *options, struct sconce_pool **ret_pool)
{
    struct sconce_host_function functions[OFFERS];
    struct sconce_sandbox_options sandbox;
    int code;

    choose(box, limits, functions, &sandbox);
    options->size = sizeof *options;
    options->sandbox = &sandbox;
    memset(&box->err, 0, sizeof box->err);
    code = sconce_pool_new(box->guest, options, ret_pool, &box->err);
    options->sandbox = NULL;
    return code;
}

enum check_outcome check_box_open(struct check *check, struct check_box *box, const char *file,
                                  const struct sconce_limits *limits)
{
    CHECK_STEP(check_box_load(check, box, file));
    CHECK(check, check_box_new(box, limits, &box->sandbox) == 0, "cannot make a sandbox of %s: %s",
          file, box->err.text);
    return CHECK_OK;
}

void check_box_close(struct check_box *box)
{
    sconce_snapshot_free(box->start);
    sconce_sandbox_free(box->sandbox);
    sconce_guest_free(box->guest);
    sconce_runtime_free(box->runtime);
    box->start = NULL;
    box->sandbox = NULL;
    box->guest = NULL;
    box->runtime = NULL;
}

/* ---- calls ---- */

int check_call(struct check_box *box, const char *function, const struct sconce_value *args,
               size_t arg_count)
{
    memset(&box->err, 0, sizeof box->err);
    return sconce_sandbox_call(box->sandbox, function, args, arg_count, &box->result, &box->err);
}

enum check_outcome check_call_done(struct check *check, struct check_box *box, const char *function,
                                   const struct sconce_value *args, size_t arg_count)
{
    int code = check_call(box, function, args, arg_count);

    CHECK(check, code == 0, "%s failed (%s): %s", function, sconce_error_name(code), box->err.text);
    return CHECK_OK;
}

enum check_outcome check_error(struct check *check, const struct sconce_error *err, int code,
                               const char *what)
{
    const char *problem = check_text_problem(err->text, sizeof err->text);

    CHECK(check, err->code == code, "%s: error.code is %s, the call returned %s", what,
          sconce_error_name(err->code), sconce_error_name(code));
    CHECK(check, !problem, "%s ended with %s, but %s", what, sconce_error_name(code), problem);
    return CHECK_OK;
}

enum check_outcome check_call_ends(struct check *check, struct check_box *box, int code,
                                   uint32_t state, const char *function,
                                   const struct sconce_value *args, size_t arg_count)
{
    int got = check_call(box, function, args, arg_count);

    CHECK(check, got == code, "%s ended with %s, not %s%s%s", function,
          got == 0 ? "success" : sconce_error_name(got), sconce_error_name(code),
          got == 0 ? "" : ": ", box->err.text);
    CHECK_STEP(check_error(check, &box->err, code, function));
    CHECK(check, sconce_sandbox_state(box->sandbox) == state, "%s left the sandbox in state %u",
          function, sconce_sandbox_state(box->sandbox));
    return CHECK_OK;
}

enum check_outcome check_box_keep_start(struct check *check, struct check_box *box)
{
    CHECK(check, sconce_sandbox_snapshot(box->sandbox, &box->start, &box->err) == 0,
          "cannot take a snapshot: %s", box->err.text);
    return CHECK_OK;
}

enum check_outcome check_box_recover(struct check *check, struct check_box *box)
{
    uint32_t state = sconce_sandbox_state(box->sandbox);
    struct sconce_signature any;

    CHECK(check, state == SCONCE_STATE_POISONED || state == SCONCE_STATE_READY,
          "the sandbox is in state %u", state);
    if (state == SCONCE_STATE_POISONED && sconce_guest_export(box->guest, 0, &any)) {
        int code = sconce_sandbox_call_index(box->sandbox, 0, NULL, 0, NULL, &box->err);

        CHECK(check, code == SCONCE_E_STATE, "a poisoned sandbox answered a call with %s",
              code == 0 ? "success" : sconce_error_name(code));
    }
    CHECK(check, sconce_sandbox_restore(box->sandbox, box->start, &box->err) == 0,
          "cannot restore: %s", box->err.text);
    CHECK(check, sconce_sandbox_state(box->sandbox) == SCONCE_STATE_READY,
          "a restored sandbox is in state %u", sconce_sandbox_state(box->sandbox));
    return CHECK_OK;
}

/* ---- values ---- */

struct sconce_value check_f32(uint32_t bits)
{
    struct sconce_value value = {.type = SCONCE_TYPE_F32};

    memcpy(&value.as.f32, &bits, sizeof bits);
    return value;
}

struct sconce_value check_f64(uint64_t bits)
{
    struct sconce_value value = {.type = SCONCE_TYPE_F64};

    memcpy(&value.as.f64, &bits, sizeof bits);
    return value;
}

bool check_same(const struct sconce_value *a, const struct sconce_value *b)
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
        return memcmp(&a->as, &b->as, 4) == 0;
    case SCONCE_TYPE_STRING:
    case SCONCE_TYPE_BYTES:
        return a->as.span.length == b->as.span.length &&
               (a->as.span.length == 0 ||
                memcmp(a->as.span.data, b->as.span.data, a->as.span.length) == 0);
    default:
        return memcmp(&a->as, &b->as, 8) == 0;
    }
}

bool check_is_text(const struct sconce_value *value, const char *text)
{
    return value->type == SCONCE_TYPE_STRING && value->as.span.length == strlen(text) &&
           memcmp(value->as.span.data, text, value->as.span.length) == 0;
}

/* ---- values as text ---- */

static size_t tell_one(const struct sconce_value *value, char *to, size_t room)
{
    uint64_t bits = 0;
    size_t used = 0;

    switch (value->type) {
    case SCONCE_TYPE_BOOL:
        return (size_t)snprintf(to, room, "%d", value->as.boolean);
    case SCONCE_TYPE_I32:
        return (size_t)snprintf(to, room, "%d", value->as.i32);
    case SCONCE_TYPE_U32:
        return (size_t)snprintf(to, room, "%u", value->as.u32);
    case SCONCE_TYPE_I64:
        return (size_t)snprintf(to, room, "%lld", (long long)value->as.i64);
    case SCONCE_TYPE_U64:
        return (size_t)snprintf(to, room, "%llu", (unsigned long long)value->as.u64);
    case SCONCE_TYPE_F32:
        memcpy(&bits, &value->as.f32, 4);
        return (size_t)snprintf(to, room, "%08llx", (unsigned long long)bits);
    case SCONCE_TYPE_F64:
        memcpy(&bits, &value->as.f64, 8);
        return (size_t)snprintf(to, room, "%016llx", (unsigned long long)bits);
    case SCONCE_TYPE_STRING:
        return (size_t)snprintf(to, room, "%.*s", (int)value->as.span.length,
                                (const char *)value->as.span.data);
    default:
        for (size_t i = 0; i < value->as.span.length && used + 2 < room; i++)
            used += (size_t)snprintf(to + used, room - used, "%02x",
                                     ((const uint8_t *)value->as.span.data)[i]);
        return used;
    }
}

void check_tell(const struct sconce_value *values, size_t count, char *text, size_t room)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < room; i++) {
        if (i > 0)
            used += (size_t)snprintf(text + used, room - used, ",");
        used += tell_one(&values[i], text + used, room - used);
    }
}
