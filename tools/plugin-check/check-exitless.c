/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls without exits: they do what calls do, end when they must, and leave nothing running. All
 * other rows hold with them, too: sconce-plugin-check --set=runtime.exitless=yes. Where no
 * processor is spare the library makes calls as ever, and a row that is about the others is
 * skipped.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/box.h"

/* Calls until one comes without an exit: after so many, or so long, nothing is to be had. An
 * emulated machine takes milliseconds for each. */
#define TRIES 40000u
#define TRIES_SECONDS 2

static void choose_on(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->exitless = SCONCE_EXITLESS_ON;
}

static struct sconce_stats stats_of(const struct check_box *box)
{
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(box->sandbox, &stats);
    return stats;
}

static time_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool has_two_processors(void)
{
    cpu_set_t allowed;

    return sched_getaffinity(0, sizeof allowed, &allowed) < 0 || CPU_COUNT(&allowed) > 1;
}

/* The guest waits for its next call in its vCPU: the last @streak calls took no exit. */
static enum check_outcome go_for(struct check *check, struct check_box *box, const char *function,
                                 unsigned streak)
{
    time_t end = seconds() + TRIES_SECONDS + 1;
    unsigned in_a_row = 0;

    for (unsigned i = 0; i < TRIES && in_a_row < streak && seconds() < end; i++) {
        uint64_t before = stats_of(box).exitless_calls;

        CHECK_STEP(check_call_done(check, box, function, WITHOUT));
        in_a_row = stats_of(box).exitless_calls > before ? in_a_row + 1 : 0;
    }
    return in_a_row == streak ? CHECK_OK : check_skip(check, "no processor is spare");
}

static enum check_outcome get_going(struct check *check, struct check_box *box,
                                    const char *function)
{
    return go_for(check, box, function, 1);
}

static enum check_outcome open_going(struct check *check, struct check_box *box, const char *file,
                                     const struct sconce_limits *limits, const char *function)
{
    if (check->setup->is_process)
        return check_skip(check, "its guests are processes");
    if (!has_two_processors())
        return check_skip(check, "there is one processor");
    box->choose = choose_on;
    CHECK_STEP(check_box_open(check, box, file, limits));
    CHECK_STEP(check_box_keep_start(check, box));
    return get_going(check, box, function);
}

/* The guest has returned without an exit, and goes on: an export that never returns with one. */
static enum check_outcome leave_running(struct check *check, struct check_box *box,
                                        const char *function)
{
    for (unsigned i = 0; i < 10; i++) {
        CHECK_STEP(go_for(check, box, "nothing", 50));
        if (check_call(box, function, WITHOUT) == 0)
            return CHECK_OK;
        CHECK_STEP(check_box_recover(check, box));
    }
    return check_skip(check, "no processor is spare");
}

/* ---- What calls do --------------------------------------------------------------------------- */

/* 1000 calls, and as many with a host call; @ret_without: how many took no exit. */
static enum check_outcome exchange(struct check *check, struct check_box *box,
                                   uint64_t *ret_without)
{
    static const char text[] = "every byte of it";
    struct sconce_stats before = stats_of(box), after;

    for (uint32_t i = 0; i < 1000; i++) {
        CHECK_STEP(check_call_done(check, box, "echo_u32", WITH(check_u32(i))));
        CHECK(check, box->result.as.u32 == i, "%u came back as %u", i, box->result.as.u32);
        CHECK_STEP(check_call_done(check, box, "via_host_string", WITH(sconce_string(text))));
        CHECK(check, check_is_text(&box->result, text), "\"%s\" came back as \"%s\"", text,
              (const char *)box->result.as.span.data);
    }
    after = stats_of(box);
    CHECK(check, after.calls - before.calls == 2000, "2000 calls were counted as %llu",
          (unsigned long long)(after.calls - before.calls));
    CHECK(check, after.host_calls - before.host_calls == 1000, "1000 host calls as %llu",
          (unsigned long long)(after.host_calls - before.host_calls));
    *ret_without = after.exitless_calls - before.exitless_calls;
    return CHECK_OK;
}

static enum check_outcome check_calls(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint64_t without = 0;

    CHECK_STEP(open_going(check, &box, "types.elf", NULL, "nothing"));
    for (int round = 0; round < 20 && !without; round++)
        CHECK_STEP(exchange(check, &box, &without));
    if (!without)
        return check_skip(check, "no processor is spare");
    return check_note(check, "%llu of 2000 calls without an exit", (unsigned long long)without);
}

static int descend(struct check_box *box, uint32_t what, const struct sconce_value *text,
                   struct sconce_value *ret, struct sconce_error *err)
{
    const struct sconce_value args[] = {check_u32(what), *text};

    return sconce_sandbox_call(box->sandbox, "descend", args, 2, ret, err);
}

static enum check_outcome check_nested(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.on_again = descend};

    CHECK_STEP(open_going(check, &box, "nested.elf", NULL, "descents"));
    for (int i = 0; i < 100; i++) {
        CHECK_STEP(check_call_done(check, &box, "descend", WITH(check_u32(3), sconce_string("x"))));
        CHECK(check, check_is_text(&box.result, "3(2(1(x)))"), "four calls came to \"%s\"",
              (const char *)box.result.as.span.data);
    }
    return CHECK_OK;
}

static enum check_outcome check_off(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.choose = choose_on};
    cpu_set_t all, one;

    CHECK(check, sched_getaffinity(0, sizeof all, &all) == 0, "cannot ask for the processors");
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    CHECK(check, sched_setaffinity(0, sizeof one, &one) == 0, "cannot choose a processor");
    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    for (int i = 0; i < 100; i++)
        CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    CHECK(check, stats_of(&box).exitless_calls == 0, "%llu of 100 calls took no exit",
          (unsigned long long)stats_of(&box).exitless_calls);
    return CHECK_OK;
}

/* ---- How they end ---------------------------------------------------------------------------- */

static enum check_outcome check_deadline(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * 1000000ull};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_going(check, &box, "hang.elf", &limits, "nothing"));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(
            check_call_ends(check, &box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, "spin", WITHOUT));
        CHECK(check, box.err.limit == SCONCE_LIMIT_DEADLINE, "it was limit %u", box.err.limit);
        CHECK_STEP(check_box_recover(check, &box));
        CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    }
    return CHECK_OK;
}

struct kicker {
    struct sconce_sandbox *sandbox;
    atomic_bool over;
};

static void *keep_kicking(void *ctx)
{
    struct kicker *kicker = ctx;

    while (!atomic_load(&kicker->over))
        if (!sconce_sandbox_kick(kicker->sandbox))
            sched_yield();
    return NULL;
}

/* Kicked wherever it is, the sandbox can be restored, and goes without exits again; kicks that come
 * between calls do nothing. */
static enum check_outcome check_kick(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct kicker kicker = {0};
    pthread_t thread;
    unsigned ended = 0;

    CHECK_STEP(open_going(check, &box, "hang.elf", NULL, "nothing"));
    for (int i = 0; i < 100; i++) {
        const char *function = i & 1 ? "spin" : "nothing";
        int code;

        kicker.sandbox = box.sandbox;
        atomic_store(&kicker.over, false);
        CHECK(check, pthread_create(&thread, NULL, keep_kicking, &kicker) == 0, "no thread");
        do
            code = check_call(&box, function, WITHOUT);
        while (code == 0);
        atomic_store(&kicker.over, true);
        pthread_join(thread, NULL);
        CHECK(check, code == SCONCE_E_KICKED, "%s ended with %s: %s", function,
              sconce_error_name(code), box.err.text);
        ended++;
        CHECK_STEP(check_box_recover(check, &box));
        for (int call = 0; call < 20; call++)
            CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    }
    return check_note(check, "%u calls were kicked", ended);
}

/* A snapshot, a restore and a rewind bring the guest to its doorbell's exit first. */
static enum check_outcome check_parks(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    int (*const ways[])(struct sconce_sandbox *, const struct sconce_snapshot *,
                        struct sconce_error *) = {sconce_sandbox_restore, sconce_sandbox_rewind};

    CHECK_STEP(open_going(check, &box, "counter.elf", NULL, "next"));
    for (int i = 0; i < 50; i++) {
        uint64_t wanted, exits;

        CHECK_STEP(get_going(check, &box, "next"));
        wanted = box.result.as.u64;
        exits = stats_of(&box).exits;
        sconce_snapshot_free(box.start);
        box.start = NULL;
        CHECK_STEP(check_box_keep_start(check, &box));
        CHECK(check, stats_of(&box).exits == exits + 1, "a snapshot took %llu exits",
              (unsigned long long)(stats_of(&box).exits - exits));
        for (unsigned way = 0; way < 2; way++) {
            CHECK_STEP(get_going(check, &box, "next"));
            CHECK(check, ways[way](box.sandbox, box.start, &box.err) == 0, "cannot go back: %s",
                  box.err.text);
            CHECK_STEP(check_call_done(check, &box, "next", WITHOUT));
            CHECK(check, box.result.as.u64 == wanted + 1, "next() is %llu, not %llu",
                  (unsigned long long)box.result.as.u64, (unsigned long long)wanted + 1);
        }
    }
    return CHECK_OK;
}

/* Between two calls, when nobody has told it to: freed at once, and by whoever comes later. */
static enum check_outcome check_free(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * 1000000ull};

    for (int i = 0; i < 6; i++) {
        SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

        CHECK_STEP(open_going(check, &box, "turn.elf", &limits, "ask"));
        if (i & 1)
            CHECK_STEP(leave_running(check, &box, "return_and_run"));
    }
    return CHECK_OK;
}

/* ---- Guests that lie ------------------------------------------------------------------------- */

static enum check_outcome check_lies(struct check *check)
{
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * 1000000ull};
    static const uint32_t words[] = {0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     5,
                                     6,
                                     7,
                                     8,
                                     SCONCE_TURN_ANSWERED,
                                     SCONCE_TURN_ASLEEP,
                                     SCONCE_TURN_ASLEEP | 1,
                                     0x80000001,
                                     UINT32_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    unsigned refused = 0;

    CHECK_STEP(open_going(check, &box, "turn.elf", &limits, "nothing"));
    for (unsigned i = 0; i < 10 * sizeof words / sizeof words[0]; i++) {
        uint32_t value = words[i % (sizeof words / sizeof words[0])];
        int code = check_call(&box, "lie", WITH(check_u32(value)));

        if (code == 0)
            code = check_call(&box, "nothing", WITHOUT);
        CHECK(check, code == 0 || code == SCONCE_E_GUEST_PROTOCOL || code == SCONCE_E_LIMIT,
              "word 0x%x came to %s: %s", value, sconce_error_name(code), box.err.text);
        refused += code != 0;
        if (code != 0)
            CHECK_STEP(check_box_recover(check, &box));
    }
    return check_note(check, "%u of %zu were refused", refused,
                      10 * sizeof words / sizeof words[0]);
}

static enum check_outcome check_flips(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    unsigned taken = 0, refused = 0;

    CHECK_STEP(open_going(check, &box, "turn.elf", NULL, "nothing"));
    for (uint32_t i = 0; i < check->setup->frames; i++) {
        int code = check_call(&box, "flip", WITH(check_u32(8), check_u32(i * 7)));

        CHECK(check, code == 0 || code == SCONCE_E_GUEST_PROTOCOL, "it came to %s: %s",
              sconce_error_name(code), box.err.text);
        taken += code == 0;
        refused += code != 0;
        if (code != 0)
            CHECK_STEP(check_box_recover(check, &box));
    }
    return check_note(check, "%u calls went through, %u did not", taken, refused);
}

/* The guest has returned, and goes on: what does the sandbox's user get to see? */
static enum check_outcome goes_on(struct check *check, const char *function, int other)
{
    /* The runner's thread has had its share of a busy processor when the guest was stopped. */
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * 4000000ull};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_snapshot *never = NULL;
    int code;

    CHECK_STEP(open_going(check, &box, "turn.elf", &limits, "nothing"));
    for (int i = 0; i < 3; i++) {
        /* A snapshot waits until it is stopped. */
        CHECK_STEP(leave_running(check, &box, function));
        code = sconce_sandbox_snapshot(box.sandbox, &never, &box.err);
        CHECK_STEP(check_error(check, &box.err, SCONCE_E_GUEST_PROTOCOL, "a snapshot"));
        CHECK(check, code == SCONCE_E_GUEST_PROTOCOL, "a snapshot gave %d", code);
        CHECK_STEP(check_box_recover(check, &box));
        /* A call gets it, or finds it stopped. */
        CHECK_STEP(leave_running(check, &box, function));
        code = check_call(&box, "nothing", WITHOUT);
        CHECK(check, code == other || code == SCONCE_E_GUEST_PROTOCOL,
              "a call behind it came to %s: %s", sconce_error_name(code), box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
        /* A restore has the last word. */
        CHECK_STEP(leave_running(check, &box, function));
        CHECK(check, sconce_sandbox_restore(box.sandbox, box.start, &box.err) == 0,
              "cannot restore: %s", box.err.text);
        CHECK_STEP(check_call_done(check, &box, "ask", WITHOUT));
    }
    return CHECK_OK;
}

static enum check_outcome check_runs_on(struct check *check)
{
    return goes_on(check, "return_and_run", SCONCE_E_LIMIT);
}

static enum check_outcome check_scribbles(struct check *check)
{
    return goes_on(check, "return_and_scribble", SCONCE_E_LIMIT);
}

static enum check_outcome check_feigns(struct check *check)
{
    return goes_on(check, "return_and_feign", SCONCE_E_LIMIT);
}

static enum check_outcome check_faults(struct check *check)
{
    return goes_on(check, "return_and_fault", SCONCE_E_GUEST_FAULT);
}

const struct check_row check_exitless_rows[] = {
    {"exitless.call", "calls and host calls need no exit, and are whole", CHECK_NEEDS_SANDBOX,
     check_calls},
    {"exitless.nested", "calls within calls need none either", CHECK_NEEDS_SANDBOX, check_nested},
    {"exitless.off", "with one processor each call is an exit", CHECK_NEEDS_SANDBOX, check_off},
    {"exitless.deadline", "a deadline ends a call that began without an exit", CHECK_NEEDS_SANDBOX,
     check_deadline},
    {"exitless.kick", "a kick does, wherever guest and caller are", CHECK_NEEDS_SANDBOX,
     check_kick},
    {"exitless.parks", "snapshot, restore and rewind force an exit first", CHECK_NEEDS_SANDBOX,
     check_parks},
    {"exitless.free", "a sandbox whose guest runs can be freed", CHECK_NEEDS_SANDBOX, check_free},
    {"exitless.lies", "whatever is in the turn word, calls end", CHECK_NEEDS_SANDBOX, check_lies},
    {"exitless.flips", "what changes while it is read was copied before", CHECK_NEEDS_SANDBOX,
     check_flips},
    {"exitless.runs-on", "a guest that computes on after its return is stopped",
     CHECK_NEEDS_SANDBOX, check_runs_on},
    {"exitless.scribbles", "so is one that writes word and frame meanwhile", CHECK_NEEDS_SANDBOX,
     check_scribbles},
    {"exitless.feigns", "so is one that says that it sleeps", CHECK_NEEDS_SANDBOX, check_feigns},
    {"exitless.faults", "one that faults after its return is poisoned", CHECK_NEEDS_SANDBOX,
     check_faults},
    {NULL, NULL, 0, NULL},
};
