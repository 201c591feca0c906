/* SPDX-License-Identifier: Apache-2.0 */
/* Calls within calls that end badly: all of them end so, whatever the host functions make of it. */
#include <pthread.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/box.h"
#include "tools/plugin-check/nested.h"

#define MS 1000000ull

/* What the innermost host function calls, and what it saw of it. */
struct ending {
    const char *function;
    struct sconce_value args[3];
    size_t arg_count;
    uint32_t levels; /* of host functions around it, itself not counted */
    int code, code_again;
    uint32_t state_before, state;
    int snapshot_code;
    struct sconce_error err;
};

/* Swallows the error on every level: the calls around it end all the same. */
static int end_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                      struct sconce_value *ret, struct sconce_error *err)
{
    struct ending *ending = box->ctx;
    struct sconce_snapshot *snapshot = NULL;

    (void)text, (void)err;
    *ret = sconce_string("went on");
    if (what > 0) {
        struct sconce_error inner = {0};
        int r = check_nested_call(box, "again", WITH(check_u32(what - 1), sconce_string("")), NULL,
                                  &inner);

        if (r != ending->code || strcmp(inner.text, ending->err.text) != 0)
            ending->code = 1; /* a level in between saw something else */
        return 0;
    }
    ending->state_before = sconce_sandbox_state(box->sandbox);
    ending->code = check_nested_call(box, ending->function, ending->args, ending->arg_count, NULL,
                                     &ending->err);
    ending->state = sconce_sandbox_state(box->sandbox);
    ending->code_again = check_nested_call(box, "descents", WITHOUT, NULL, NULL);
    ending->snapshot_code = sconce_sandbox_snapshot(box->sandbox, &snapshot, NULL);
    return 0;
}

/* A nested call of @ending->function ends with @code; so do all around it, and nothing runs on. */
static enum check_outcome ends(struct check *check, struct check_box *box, struct ending *ending,
                               int code)
{
    struct sconce_stats before = {.size = sizeof before}, after = {.size = sizeof after};

    for (uint32_t levels = 0; levels < 4; levels += 3) {
        memset(&ending->err, 0, sizeof ending->err);
        box->ctx = ending;
        box->on_again = end_within;
        sconce_sandbox_stats(box->sandbox, &before);
        CHECK_STEP(check_call_ends(check, box, code, SCONCE_STATE_POISONED, "again",
                                   WITH(check_u32(levels), sconce_string(""))));
        sconce_sandbox_stats(box->sandbox, &after);
        CHECK(check, ending->code == code, "%s ended with %d within, not %d", ending->function,
              ending->code, code);
        CHECK(check, !strcmp(ending->err.text, box->err.text),
              "%s: \"%s\" within, \"%s\" around it", ending->function, ending->err.text,
              box->err.text);
        CHECK(check, ending->err.limit == box->err.limit, "%s: limit %u within, %u around it",
              ending->function, ending->err.limit, box->err.limit);
        CHECK(check, ending->state_before == SCONCE_STATE_RUNNING, "it was in state %u",
              ending->state_before);
        CHECK(check, ending->state == SCONCE_STATE_POISONED, "%s left it in state %u",
              ending->function, ending->state);
        CHECK(check, ending->code_again == SCONCE_E_STATE, "then another nested call gave %d",
              ending->code_again);
        CHECK(check, ending->snapshot_code == SCONCE_E_BUSY, "a snapshot within gave %d",
              ending->snapshot_code);
        CHECK(check, after.calls - before.calls == levels + 2, "%llu calls were counted",
              (unsigned long long)(after.calls - before.calls));
        CHECK_STEP(check_box_recover(check, box));
        box->on_again = NULL;
        CHECK_STEP(check_call_done(check, box, "descents", WITHOUT));
    }
    return CHECK_OK;
}

static enum check_outcome open_nested(struct check *check, struct check_box *box,
                                      const struct sconce_limits *limits)
{
    CHECK_STEP(check_box_open(check, box, "nested.elf", limits));
    return check_box_keep_start(check, box);
}

static enum check_outcome check_faults(struct check *check)
{
    struct ending fault = {.function = "write_null"}, giving_up = {.function = "give_up"};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_nested(check, &box, NULL));
    for (int round = 0; round < 3; round++) {
        CHECK_STEP(ends(check, &box, &fault, SCONCE_E_GUEST_FAULT));
        CHECK(check, fault.err.fault.kind == SCONCE_FAULT_MEMORY, "the fault's kind is %u",
              fault.err.fault.kind);
        CHECK_STEP(ends(check, &box, &giving_up, SCONCE_E_GUEST_ABORT));
    }
    return CHECK_OK;
}

static enum check_outcome check_deadline(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * MS};
    struct ending spin = {.function = "spin"};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_nested(check, &box, &limits));
    CHECK_STEP(ends(check, &box, &spin, SCONCE_E_LIMIT));
    CHECK(check, spin.err.limit == SCONCE_LIMIT_DEADLINE, "it ended at limit %u", spin.err.limit);
    return CHECK_OK;
}

/* ---- kicks ---- */

static void kick_self(struct check_box *box)
{
    sconce_sandbox_kick(box->sandbox);
}

/* From the host function of a nested call: it ends there, and so do all. */
static enum check_outcome check_kick(struct check *check)
{
    struct ending call_host = {.function = "call_host", .args = {check_u32(1000)}, .arg_count = 1};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_nothing = kick_self};

    CHECK_STEP(open_nested(check, &box, NULL));
    CHECK_STEP(ends(check, &box, &call_host, SCONCE_E_KICKED));
    CHECK(check, box.served == 1 + 1 + 4 + 1, "%llu host functions ran",
          (unsigned long long)box.served);
    return CHECK_OK;
}

static void *kick_until_it_hits(void *ctx)
{
    struct check_box *box = ctx;

    while (sconce_sandbox_kick(box->sandbox) == 0)
        ;
    return NULL;
}

static int spin_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                       struct sconce_value *ret, struct sconce_error *err)
{
    pthread_t thread;
    int r;

    (void)what, (void)text;
    *ret = sconce_string("");
    if (pthread_create(&thread, NULL, kick_until_it_hits, box) != 0)
        return 1;
    r = check_nested_call(box, "spin", WITHOUT, NULL, err);
    pthread_join(thread, NULL);
    *(int *)box->ctx = r;
    return 0;
}

static enum check_outcome check_kick_from_thread(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = spin_within};
    int code = 0;

    box.ctx = &code;
    CHECK_STEP(open_nested(check, &box, &limits));
    for (int round = 0; round < 20; round++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_KICKED, SCONCE_STATE_POISONED, "again",
                                   WITH(check_u32(0), sconce_string(""))));
        CHECK(check, code == SCONCE_E_KICKED, "the nested call gave %d", code);
        CHECK_STEP(check_box_recover(check, &box));
    }
    return CHECK_OK;
}

/* ---- one budget for all ---- */

/* As many host calls within as the test says. */
static int calls_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                        struct sconce_value *ret, struct sconce_error *err)
{
    (void)what, (void)text;
    *ret = sconce_string("");
    return check_nested_call(box, "call_host", WITH(check_u32(*(uint32_t *)box->ctx)), NULL, err);
}

static enum check_outcome check_shared(struct check *check)
{
    const struct sconce_limits limits = {.host_calls = 10, .output_bytes = 100};
    struct ending print = {.function = "print_text", .arg_count = 1};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = calls_within};
    uint32_t times = 9;
    char text[102];

    box.ctx = &times;
    CHECK_STEP(open_nested(check, &box, &limits));
    for (int i = 0; i < 3; i++) /* of the outermost call, not of the sandbox */
        CHECK_STEP(check_call_done(check, &box, "again", WITH(check_u32(0), sconce_string(""))));
    times = 10;
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, "again",
                               WITH(check_u32(0), sconce_string(""))));
    CHECK(check, box.err.limit == SCONCE_LIMIT_HOST_CALLS, "it ended at limit %u", box.err.limit);
    CHECK_STEP(check_box_recover(check, &box));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    print.args[0] = sconce_string(text);
    CHECK_STEP(ends(check, &box, &print, SCONCE_E_LIMIT));
    CHECK(check, print.err.limit == SCONCE_LIMIT_OUTPUT, "it ended at limit %u", print.err.limit);
    return CHECK_OK;
}

/* ---- doorbells in a wrong order ---- */

static enum check_outcome check_order(struct check *check)
{
    static const struct {
        uint32_t doorbell, kind, slots;
        int outermost, nested; /* 0: GUEST_PROTOCOL, -1: not asked */
    } cases[] = {
        {SCONCE_DOORBELL_READY, SCONCE_FRAME_READY, 0, 0, 0},
        {SCONCE_DOORBELL_READY, SCONCE_FRAME_RETURN, 1, -1, 0},
        {SCONCE_DOORBELL_READY, SCONCE_FRAME_FAILED, 0, -1, 0},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_RETURN, 1, 0, -1},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_FAILED, 0, 0, -1},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_RETURN, 2, 0, 0},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_READY, 0, 0, 0},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_HOST_CALL, 0, 0, 0},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_CALL, 0, 0, 0},
        {SCONCE_DOORBELL_RETURN, 99, 0, 0, 0},
        {SCONCE_DOORBELL_RETURN, SCONCE_FRAME_RETURN, 99, 0, 0},
        {SCONCE_DOORBELL_HOST_CALL, SCONCE_FRAME_RETURN, 1, 0, 0},
        {SCONCE_DOORBELL_PRINT, SCONCE_FRAME_RETURN, 1, 0, 0},
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_nested(check, &box, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ending ring = {.function = "ring",
                              .args = {check_u32(cases[i].doorbell), check_u32(cases[i].kind),
                                       check_u32(cases[i].slots)},
                              .arg_count = 3};

        if (cases[i].outermost == 0) {
            CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_PROTOCOL, SCONCE_STATE_POISONED,
                                       "ring", ring.args, ring.arg_count));
            CHECK_STEP(check_box_recover(check, &box));
        }
        if (cases[i].nested == 0)
            CHECK_STEP(ends(check, &box, &ring, SCONCE_E_GUEST_PROTOCOL));
    }
    return CHECK_OK;
}

/* Right for the innermost call, so its host function goes on; what then comes of the guest, whose
 * own calls around it never come back, is the guest's affair. */
static int ring_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                       struct sconce_value *ret, struct sconce_error *err)
{
    (void)text;
    *ret = sconce_string("went on");
    if (what == 0)
        return check_nested_call(
            box, "ring",
            WITH(check_u32(SCONCE_DOORBELL_RETURN), check_u32(SCONCE_FRAME_RETURN), check_u32(1)),
            NULL, err);
    return check_nested_call(box, "reply_at", WITH(check_u32(what - 1), check_u64(0)), NULL, err);
}

/* Answers over the arguments of the calls around: the guest gets what it asked for, the host
 * nothing that it did not expect. */
static enum check_outcome check_own_affair(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = ring_within};
    uint32_t nothing;

    CHECK_STEP(open_nested(check, &box, NULL));
    CHECK_STEP(check_call_done(check, &box, "index_of_nothing", WITHOUT));
    nothing = box.result.as.u32;
    for (int round = 0; round < 3; round++) {
        CHECK_STEP(
            check_call_done(check, &box, "again", WITH(check_u32(nothing + 1), sconce_string(""))));
        /* RETURN was rung by hand; the guest then takes the answer for its own doorbell's. */
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_PROTOCOL, SCONCE_STATE_POISONED,
                                   "again", WITH(check_u32(0), sconce_string(""))));
        CHECK_STEP(check_box_recover(check, &box));
    }
    return CHECK_OK;
}

/* ---- other threads ---- */

static void *call_from_thread(void *ctx)
{
    struct check_box *box = ctx;
    struct sconce_error err = {0};

    *(int *)box->ctx = sconce_sandbox_call(box->sandbox, "descents", NULL, 0, NULL, &err);
    return NULL;
}

static void call_from_another_thread(struct check_box *box)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, call_from_thread, box) == 0)
        pthread_join(thread, NULL);
}

static int call_beside(struct check_box *box, uint32_t what, const struct sconce_value *text,
                       struct sconce_value *ret, struct sconce_error *err)
{
    (void)what, (void)text;
    call_from_another_thread(box);
    *ret = sconce_string("");
    if (*(int *)box->ctx != SCONCE_E_BUSY)
        return 1;
    return check_nested_call(box, "call_host", WITH(check_u32(1)), NULL, err);
}

static enum check_outcome check_busy(struct check *check)
{
    SCONCE_CLEANUP(check_box_close)
    struct check_box box = {.on_again = call_beside, .on_nothing = call_from_another_thread};
    int code = 0;

    box.ctx = &code;
    CHECK_STEP(open_nested(check, &box, NULL));
    CHECK_STEP(check_call_done(check, &box, "again", WITH(check_u32(0), sconce_string(""))));
    CHECK(check, check_is_text(&box.result, ""), "a thread beside was not busy: \"%s\"",
          (const char *)box.result.as.span.data);
    CHECK(check, code == SCONCE_E_BUSY, "a thread beside a nested call got %d", code);
    return CHECK_OK;
}

const struct check_row check_nested_ends_rows[] = {
    {"nested.faults", "a fault or abort in a nested call ends all around it", CHECK_NEEDS_SANDBOX,
     check_faults},
    {"nested.deadline", "the deadline is the outermost call's and ends all", CHECK_NEEDS_SANDBOX,
     check_deadline},
    {"nested.kick", "a kick in a nested call ends all", CHECK_NEEDS_SANDBOX, check_kick},
    {"nested.kick-thread", "a kick from another thread ends nested calls", CHECK_NEEDS_SANDBOX,
     check_kick_from_thread},
    {"nested.shared", "host calls and output of all levels have one budget", CHECK_NEEDS_SANDBOX,
     check_shared},
    {"nested.order", "doorbells that are not due end all", CHECK_NEEDS_SANDBOX, check_order},
    {"nested.own-affair", "a guest that spoils its own calls spoils nothing else",
     CHECK_NEEDS_SANDBOX, check_own_affair},
    {"nested.busy", "other threads find the sandbox busy", CHECK_NEEDS_SANDBOX, check_busy},
    {NULL, NULL, 0, NULL},
};
