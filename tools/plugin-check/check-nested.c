/* SPDX-License-Identifier: Apache-2.0 */
/* Calls within calls that end well: a host function calls the sandbox that it serves. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/box.h"
#include "tools/plugin-check/nested.h"

int check_nested_call(struct check_box *box, const char *function, const struct sconce_value *args,
                      size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct sconce_value none;

    return sconce_sandbox_call(box->sandbox, function, args, arg_count, ret ? ret : &none, err);
}

/* ---- depth ---- */

/* Calls descend again with what is left, and fails when its own argument was lost meanwhile. */
static int descend(struct check_box *box, uint32_t left, const struct sconce_value *text,
                   struct sconce_value *ret, struct sconce_error *err)
{
    char was[64];
    int r;

    snprintf(was, sizeof was, "%.*s", (int)text->as.span.length, (const char *)text->as.span.data);
    r = check_nested_call(box, "descend", WITH(check_u32(left), *text), ret, err);
    if (!check_is_text(text, was)) {
        snprintf(err->text, sizeof err->text, "the host function's argument was lost");
        return 99;
    }
    if (r == SCONCE_E_LIMIT)
        snprintf(err->text, sizeof err->text, "limit %u", err->limit);
    return r;
}

/* "N(...2(1(deep))...)" or, with @inner, that around it. */
static void tell_descent(char *told, size_t room, uint32_t levels, uint32_t lowest,
                         const char *inner)
{
    size_t used = 0;

    for (uint32_t level = levels; level >= lowest; level--)
        used += (size_t)snprintf(told + used, room - used, "%u(", level);
    used += (size_t)snprintf(told + used, room - used, "%s", inner);
    for (uint32_t level = levels; level >= lowest; level--)
        used += (size_t)snprintf(told + used, room - used, ")");
}

/* @allowed nested calls are made, and one more is refused; all of them end well. */
static enum check_outcome descends(struct check *check, struct check_box *box, uint32_t allowed)
{
    char told[256], refused[32];

    CHECK_STEP(
        check_call_done(check, box, "descend", WITH(check_u32(allowed), sconce_string("deep"))));
    tell_descent(told, sizeof told, allowed, 1, "deep");
    CHECK(check, check_is_text(&box->result, told), "%u nested calls gave \"%s\", not \"%s\"",
          allowed, (const char *)box->result.as.span.data, told);
    CHECK_STEP(check_call_done(check, box, "descend",
                               WITH(check_u32(allowed + 2), sconce_string("deep"))));
    snprintf(refused, sizeof refused, "%d:limit %u", SCONCE_E_LIMIT, SCONCE_LIMIT_NESTING);
    tell_descent(told, sizeof told, allowed + 2, 2, refused);
    CHECK(check, check_is_text(&box->result, told), "%u nested calls gave \"%s\", not \"%s\"",
          allowed + 1, (const char *)box->result.as.span.data, told);
    return CHECK_OK;
}

static enum check_outcome check_depth(struct check *check)
{
    const uint32_t allowed[] = {1, 3, 8, 20};

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        const struct sconce_limits limits = {.nesting = allowed[i]};
        SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = descend};

        CHECK_STEP(check_box_open(check, &box, "nested.elf", &limits));
        for (int round = 0; round < 3; round++)
            CHECK_STEP(descends(check, &box, allowed[i]));
    }
    return CHECK_OK;
}

static enum check_outcome check_too_large_depth(struct check *check)
{
    const struct sconce_limits limits = {.nesting = UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_load(check, &box, "nested.elf"));
    CHECK(check, check_box_new(&box, &limits, &box.sandbox) == SCONCE_E_INVALID,
          "an impossible depth was taken: %s", box.err.text);
    return check_error(check, &box.err, SCONCE_E_INVALID, "an impossible depth");
}

/* ---- values ---- */

static const char large[] = "a string with \0 in it, of some length; and more, and more, and more";

/* Every type there and back, while a host function's own argument and result are on their way. */
static int exchange(struct check_box *box, uint32_t what, const struct sconce_value *text,
                    struct sconce_value *ret, struct sconce_error *err)
{
    static const struct {
        const char *function;
        struct sconce_value value;
    } cases[] = {
        {"echo_i32", {.type = SCONCE_TYPE_I32, .as.i32 = INT32_MIN}},
        {"echo_u64", {.type = SCONCE_TYPE_U64, .as.u64 = UINT64_MAX}},
        {"echo_bool", {.type = SCONCE_TYPE_BOOL, .as.boolean = true}},
        {"echo_f64", {.type = SCONCE_TYPE_F64, .as.f64 = -0.0}},
        {"echo_string", {.type = SCONCE_TYPE_STRING, .as.span = {large, sizeof large - 1}}},
        {"echo_bytes", {.type = SCONCE_TYPE_BYTES, .as.span = {large, sizeof large}}},
        {"via_host_string", {.type = SCONCE_TYPE_STRING, .as.span = {large, sizeof large - 1}}},
        {"via_host_bytes", {.type = SCONCE_TYPE_BYTES, .as.span = {"", 0}}},
    };

    (void)what, (void)text;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int r = check_nested_call(box, cases[i].function, &cases[i].value, 1, ret, err);

        if (r < 0 || !check_same(ret, &cases[i].value)) {
            *(const char **)box->ctx = cases[i].function;
            return 1;
        }
    }
    return 0;
}

static void exchange_in_nothing(struct check_box *box)
{
    struct sconce_value ret;
    struct sconce_error err = {0};

    exchange(box, 0, NULL, &ret, &err);
}

static enum check_outcome check_values(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_nothing = exchange_in_nothing};
    const char *wrong = NULL;

    box.ctx = &wrong;
    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    for (int i = 0; i < 20; i++) {
        CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
        CHECK(check, !wrong, "a nested call of %s gave another value", wrong);
    }
    return CHECK_OK;
}

/* ---- failures ---- */

static int fail_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                       struct sconce_value *ret, struct sconce_error *err)
{
    struct sconce_value seen;
    int *codes = box->ctx;

    (void)what, (void)text;
    codes[0] = check_nested_call(box, "fail_with", WITH(sconce_i32(5)), NULL, err);
    codes[1] = err->guest_code;
    codes[2] = check_nested_call(box, "fail_with", WITH(sconce_i32(0)), NULL, err);
    codes[3] = check_nested_call(box, "failure_seen", WITHOUT, &seen, err);
    codes[4] = seen.as.i32;
    codes[5] = check_nested_call(box, "no_such_function", WITHOUT, NULL, err);
    codes[6] = check_nested_call(box, "fail_with", WITHOUT, NULL, err);
    codes[7] = sconce_sandbox_call_index(box->sandbox, 1000, NULL, 0, NULL, NULL);
    *ret = sconce_string("over");
    return 0;
}

static enum check_outcome check_failures(struct check *check)
{
    static const int expected[] = {
        SCONCE_E_GUEST_FAILED, 5, 0, 0, 0, SCONCE_E_NO_FUNCTION, SCONCE_E_TYPE,
        SCONCE_E_NO_FUNCTION};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = fail_within};
    int codes[8];

    box.ctx = codes;
    CHECK_STEP(check_box_open(check, &box, "nested.elf", NULL));
    for (int round = 0; round < 2; round++) {
        memset(codes, 0x55, sizeof codes);
        CHECK_STEP(
            check_call_done(check, &box, "again", WITH(check_u32(0), sconce_string("ignored"))));
        CHECK(check, check_is_text(&box.result, "over"), "the outer call gave \"%s\"",
              (const char *)box.result.as.span.data);
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
            CHECK(check, codes[i] == expected[i], "step %zu within gave %d, not %d", i, codes[i],
                  expected[i]);
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAILED, SCONCE_STATE_READY,
                                   "fail_around", WITHOUT));
        CHECK(check, box.err.guest_code == 7 && strstr(box.err.text, "outer"),
              "the outer call failed with %d: %s", box.err.guest_code, box.err.text);
    }
    return CHECK_OK;
}

/* What does not fit is refused, whichever side it comes from, and the rest goes on. */
static int too_large(struct check_box *box, uint32_t what, const struct sconce_value *text,
                     struct sconce_value *ret, struct sconce_error *err)
{
    static char text_of_host[1u << 20];
    struct sconce_value argument = check_text(text_of_host, sizeof text_of_host);
    int *codes = box->ctx;

    (void)what, (void)text;
    memset(text_of_host, 'x', sizeof text_of_host);
    codes[0] = check_nested_call(box, "descend", WITH(check_u32(0), argument), NULL, err);
    codes[1] = (int)err->limit;
    return check_nested_call(box, "descend", WITH(check_u32(0), *text), ret, err);
}

static enum check_outcome check_buffers(struct check *check)
{
    const struct sconce_limits limits = {.io_bytes = 1u << 20};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = too_large};
    int codes[2] = {0};

    box.ctx = codes;
    CHECK_STEP(check_box_open(check, &box, "nested.elf", &limits));
    CHECK_STEP(check_call_done(check, &box, "again", WITH(check_u32(0), sconce_string("fits"))));
    CHECK(check, check_is_text(&box.result, "fits"), "the call gave \"%s\"",
          (const char *)box.result.as.span.data);
    CHECK(check, codes[0] == SCONCE_E_LIMIT && codes[1] == SCONCE_LIMIT_IO,
          "arguments that do not fit gave %d, limit %d", codes[0], codes[1]);
    return CHECK_OK;
}

/* ---- output, counts, snapshots ---- */

static int print_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                        struct sconce_value *ret, struct sconce_error *err)
{
    (void)what, (void)text;
    *ret = sconce_string("");
    return check_nested_call(box, "print_text", WITH(sconce_string("a")), NULL, err) ||
           check_nested_call(box, "print_text", WITH(sconce_string("b")), NULL, err);
}

static enum check_outcome check_output(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = print_within};

    CHECK_STEP(check_box_open(check, &box, "nested.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "print_around", WITHOUT));
    CHECK(check, !strcmp(box.printed, "<ab>"), "\"%s\" was printed, not \"<ab>\"", box.printed);
    return CHECK_OK;
}

static void choose_exits(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->exitless = SCONCE_EXITLESS_OFF;
}

static enum check_outcome check_counts(struct check *check)
{
    struct sconce_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    SCONCE_CLEANUP(check_box_close)
    struct check_box box = {.on_again = descend, .choose = choose_exits};
    uint64_t exits;

    CHECK_STEP(check_box_open(check, &box, "nested.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "descents", WITHOUT));
    CHECK(check, sconce_sandbox_stats(box.sandbox, &before) == 0, "no statistics");
    CHECK_STEP(check_call_done(check, &box, "descend", WITH(check_u32(3), sconce_string(""))));
    CHECK(check, sconce_sandbox_stats(box.sandbox, &after) == 0, "no statistics");
    CHECK(check, after.calls - before.calls == 4, "4 calls were counted as %llu",
          (unsigned long long)(after.calls - before.calls));
    CHECK(check, after.host_calls - before.host_calls == 3, "3 host calls were counted as %llu",
          (unsigned long long)(after.host_calls - before.host_calls));
    exits = after.exits - before.exits - (after.cancelled_exits - before.cancelled_exits);
    CHECK(check, exits == 7, "4 calls in each other took %llu exits, not 7",
          (unsigned long long)exits);
    return check_note(check, "2 exits a nested call, with its host call");
}

static enum check_outcome check_snapshot(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = descend};

    CHECK_STEP(check_box_open(check, &box, "nested.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "descend", WITH(check_u32(4), sconce_string("x"))));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int round = 0; round < 5; round++) {
        CHECK_STEP(check_call_done(check, &box, "descend", WITH(check_u32(6), sconce_string("x"))));
        CHECK_STEP(check_box_recover(check, &box));
        CHECK_STEP(check_call_done(check, &box, "descents", WITHOUT));
        CHECK(check, box.result.as.u32 == 5, "%u calls are remembered, not 5", box.result.as.u32);
    }
    return CHECK_OK;
}

/* ---- guests of guest ABI 1 ---- */

/* The guest as it was built before there were nested calls: its note says 1. */
static enum check_outcome load_old(struct check *check, struct check_box *box)
{
    static const uint8_t owner[8] = SCONCE_NOTE_OWNER;
    const struct sconce_runtime_options options = {.size = sizeof options,
                                                   .config = check->setup->config};
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *data = malloc(4u << 20);
    const uint32_t old = 1, now = SCONCE_GUEST_ABI_CURRENT;
    char path[PATH_MAX];
    size_t bytes, at = 0;
    FILE *file;

    CHECK(check, sconce_runtime_new(&options, &box->runtime, &box->err) == 0,
          "cannot make a runtime: %s", box->err.text);
    snprintf(path, sizeof path, "%s/nested.elf", check->setup->guest_dir);
    file = fopen(path, "re");
    CHECK(check, file && data, "cannot read %s", path);
    bytes = fread(data, 1, 4u << 20, file);
    fclose(file);
    while (at + sizeof owner + sizeof now <= bytes &&
           (memcmp(data + at, owner, sizeof owner) != 0 ||
            memcmp(data + at + sizeof owner, &now, sizeof now) != 0))
        at++;
    CHECK(check, at + sizeof owner + sizeof now <= bytes, "%s has no note", path);
    memcpy(data + at + sizeof owner, &old, sizeof old);
    CHECK(check,
          sconce_guest_load_memory(box->runtime, data, bytes, "old.elf", &box->guest, &box->err) ==
              0,
          "a guest of guest ABI 1 cannot be loaded: %s", box->err.text);
    return CHECK_OK;
}

static int call_old(struct check_box *box, uint32_t what, const struct sconce_value *text,
                    struct sconce_value *ret, struct sconce_error *err)
{
    (void)what, (void)text;
    *ret = sconce_string("went on");
    box->err = (struct sconce_error){0};
    *(int *)box->ctx = check_nested_call(box, "descents", WITHOUT, NULL, &box->err);
    (void)err;
    return 0;
}

static enum check_outcome check_old(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = call_old};
    struct sconce_value result;
    struct sconce_error err = {0};
    int code = 0;

    CHECK_STEP(load_old(check, &box));
    CHECK(check, check_box_new(&box, NULL, &box.sandbox) == 0, "no sandbox: %s", box.err.text);
    box.ctx = &code;
    CHECK(check,
          sconce_sandbox_call(box.sandbox, "again", WITH(check_u32(0), sconce_string("")), &result,
                              &err) == 0,
          "the outer call failed: %s", err.text);
    CHECK(check, code == SCONCE_E_BUSY, "the nested call gave %s: %s",
          code == 0 ? "success" : sconce_error_name(code), box.err.text);
    CHECK_STEP(check_error(check, &box.err, code, "the nested call"));
    CHECK(check, check_is_text(&result, "went on"), "the outer call gave \"%s\"",
          (const char *)result.as.span.data);
    return CHECK_OK;
}

const struct check_row check_nested_rows[] = {
    {"nested.depth", "calls nest to their limit; a deeper one is refused and all go on",
     CHECK_NEEDS_SANDBOX, check_depth},
    {"nested.depth-most", "an impossible depth is refused", CHECK_NEEDS_SANDBOX,
     check_too_large_depth},
    {"nested.values", "values of nested calls are exact", CHECK_NEEDS_SANDBOX, check_values},
    {"nested.failures", "failures and mistakes of one level are that level's", CHECK_NEEDS_SANDBOX,
     check_failures},
    {"nested.buffers", "arguments that do not fit are refused and all go on", CHECK_NEEDS_SANDBOX,
     check_buffers},
    {"nested.output", "levels print in order", CHECK_NEEDS_SANDBOX, check_output},
    {"nested.counts", "nested calls are counted and cost one exit each", CHECK_NEEDS_SANDBOX,
     check_counts},
    {"nested.snapshot", "snapshots are as good after nested calls", CHECK_NEEDS_SANDBOX,
     check_snapshot},
    {"nested.old", "a guest of guest ABI 1 is busy, and goes on", CHECK_NEEDS_SANDBOX, check_old},
    {NULL, NULL, 0, NULL},
};
