/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordinary C inside: guests with a C library of their own. What the library does by itself, what it
 * asks the host for, how it ends, and that a snapshot has all of it.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

#define ABORTED 134 /* 128 and SIGABRT */
#define EACCES_OF_LINUX 13

/* Guests that a build makes only where the library is installed. */
static enum check_outcome need_guest(struct check *check, const char *file)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", check->setup->guest_dir, file);
    if (stat(path, &st) == 0)
        return CHECK_OK;
    snprintf(check->text, sizeof check->text, "the guests were built without %s", file);
    return CHECK_SKIP;
}

/* A call that gives a text. */
static enum check_outcome expect_text(struct check *check, struct check_box *box,
                                      const char *wanted, const char *function,
                                      const struct sconce_value *args, size_t count)
{
    CHECK_STEP(check_call_done(check, box, function, args, count));
    CHECK(check, check_is_text(&box->result, wanted), "%s is \"%.100s\", not \"%s\"", function,
          (const char *)box->result.as.span.data, wanted);
    return CHECK_OK;
}

static enum check_outcome expect_i32(struct check *check, struct check_box *box, int32_t wanted,
                                     const char *function, const struct sconce_value *args,
                                     size_t count)
{
    CHECK_STEP(check_call_done(check, box, function, args, count));
    CHECK(check, box->result.as.i32 == wanted, "%s is %d, not %d", function, box->result.as.i32,
          wanted);
    return CHECK_OK;
}

static enum check_outcome expect_bool(struct check *check, struct check_box *box, bool wanted,
                                      const char *function)
{
    CHECK_STEP(check_call_done(check, box, function, WITHOUT));
    CHECK(check, box->result.as.boolean == wanted, "%s is not %d", function, wanted);
    return CHECK_OK;
}

static enum check_outcome expect_f64(struct check *check, struct check_box *box, double wanted,
                                     const char *function, const struct sconce_value *args,
                                     size_t count)
{
    CHECK_STEP(check_call_done(check, box, function, args, count));
    CHECK(check, box->result.as.f64 >= wanted && box->result.as.f64 <= wanted,
          "%s is %.17g, not %.17g", function, box->result.as.f64, wanted);
    return CHECK_OK;
}

static enum check_outcome expect_printed(struct check *check, struct check_box *box,
                                         const char *wanted)
{
    CHECK(check, strcmp(box->printed, wanted) == 0, "it printed \"%s\", not \"%s\"", box->printed,
          wanted);
    box->printed_bytes = 0;
    box->printed[0] = '\0';
    return CHECK_OK;
}

static uint64_t traps_of(const struct check_box *box)
{
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(box->sandbox, &stats);
    return stats.traps;
}

/* What needs nothing of the host, once the library has looked around (glibc's first qsort asks how
 * much memory there is). */
static enum check_outcome compute(struct check *check, struct check_box *box)
{
    uint64_t traps = traps_of(box);

    CHECK_STEP(expect_text(check, box, "1.500|1.500000e+00|1.5|      text|42   |0xff|0x1.8p+0",
                           "format", WITH(sconce_f64(1.5), sconce_string("text"))));
    CHECK_STEP(expect_f64(check, box, 3.25, "scan", WITH(sconce_string("1.25 and 4"))));
    CHECK_STEP(expect_f64(check, box, 1024, "power", WITH(sconce_f64(2), sconce_f64(10))));
    CHECK_STEP(check_call_done(check, box, "sort", WITH(sconce_bytes("sandbox", 7))));
    CHECK(check,
          box->result.as.span.length == 7 && memcmp(box->result.as.span.data, "abdnosx", 7) == 0,
          "sort gave \"%.7s\"", (const char *)box->result.as.span.data);
    CHECK_STEP(expect_i32(check, box, 607, "thread_local_next", WITHOUT));
    CHECK_STEP(expect_i32(check, box, 707, "thread_local_next", WITHOUT));
    CHECK_STEP(expect_i32(check, box, 12, "jump_back", WITH(sconce_i32(12))));
    CHECK(check, traps_of(box) == traps, "computing made %llu system calls",
          (unsigned long long)(traps_of(box) - traps));
    return CHECK_OK;
}

/* What the host serves or refuses. */
static enum check_outcome ask(struct check *check, struct check_box *box)
{
    CHECK_STEP(check_call_done(check, box, "allocate", WITH(check_u32(2000))));
    CHECK(check, box->result.as.u32 == 0, "malloc: %u were not as they must be",
          box->result.as.u32);
    CHECK_STEP(expect_bool(check, box, true, "too_much"));
    CHECK_STEP(expect_i32(check, box, 1, "lock", WITHOUT));
    CHECK_STEP(expect_text(check, box, "No such file or directory", "open_file",
                           WITH(sconce_string("/etc/passwd"))));
    CHECK_STEP(expect_bool(check, box, false, "start_thread"));
    CHECK_STEP(expect_bool(check, box, true, "clock_runs"));
    CHECK_STEP(expect_bool(check, box, true, "signal_default"));
    CHECK_STEP(expect_i32(check, box, EACCES_OF_LINUX, "make_executable", WITHOUT));
    box->printed[0] = '\0';
    box->printed_bytes = 0;
    CHECK_STEP(check_call_done(check, box, "say", WITH(sconce_string("ordinary"))));
    CHECK_STEP(expect_printed(check, box, "ordinary, upper, 0.5"));
    CHECK_STEP(check_call_done(check, box, "complain", WITH(sconce_string("of this"))));
    return expect_printed(check, box, "of this\n");
}

/* Each way to end, and that the start comes back from it. */
static enum check_outcome ends(struct check *check, struct check_box *box, int smashed)
{
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_GUEST_EXIT, SCONCE_STATE_POISONED, "end_exit",
                               WITH(sconce_i32(3))));
    CHECK(check, box->err.guest_code == 3, "exit(3) came as %d", box->err.guest_code);
    CHECK_STEP(expect_printed(check, box, "last words"));
    CHECK_STEP(check_box_recover(check, box));
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED, "end_abort",
                               WITHOUT));
    CHECK(check, box->err.guest_code == ABORTED, "abort() came as %d", box->err.guest_code);
    CHECK_STEP(check_box_recover(check, box));
    CHECK_STEP(check_call_ends(check, box, smashed, SCONCE_STATE_POISONED, "end_smashed",
                               WITH(check_u32(64))));
    CHECK_STEP(check_box_recover(check, box));
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED, "deadlock",
                               WITHOUT));
    CHECK(check, strstr(box->err.text, "deadlock"), "a deadlock is told as \"%s\"", box->err.text);
    return check_box_recover(check, box);
}

/* A copy of what has started asks for nothing more, and has what was there. */
static enum check_outcome copied(struct check *check, struct check_box *box,
                                 int (*back)(struct sconce_sandbox *,
                                             const struct sconce_snapshot *, struct sconce_error *))
{
    uint64_t traps = traps_of(box);

    CHECK(check, back(box->sandbox, box->start, &box->err) == 0, "cannot go back: %s",
          box->err.text);
    CHECK_STEP(compute(check, box));
    CHECK(check, traps_of(box) == traps, "a copy made %llu system calls to start",
          (unsigned long long)(traps_of(box) - traps));
    return ask(check, box);
}

/* @smashed: how the library ends a program whose stack was overwritten. */
static enum check_outcome run(struct check *check, const char *file, int smashed)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint64_t start;

    CHECK_STEP(need_guest(check, file));
    CHECK_STEP(check_box_open(check, &box, file, NULL));
    start = traps_of(&box);
    CHECK_STEP(check_call_done(check, &box, "sort", WITH(sconce_bytes("ba", 2))));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_call_done(check, &box, "arguments", WITHOUT));
    CHECK(check, strstr(box.result.as.span.data, file), "main's first argument is \"%s\"",
          (const char *)box.result.as.span.data);
    CHECK_STEP(compute(check, &box));
    CHECK_STEP(ask(check, &box));
    CHECK_STEP(copied(check, &box, sconce_sandbox_restore));
    CHECK_STEP(copied(check, &box, sconce_sandbox_rewind));
    CHECK_STEP(copied(check, &box, sconce_sandbox_rewind));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAILED, SCONCE_STATE_READY,
                               "fail_without_memory", WITH(sconce_string("the heap is full"))));
    CHECK(check, box.err.guest_code == 6 && strstr(box.err.text, "the heap is full000"),
          "a failure without memory is told as \"%.100s\"", box.err.text);
    CHECK(check, sconce_sandbox_restore(box.sandbox, box.start, &box.err) == 0,
          "cannot restore: %s", box.err.text);
    CHECK_STEP(ends(check, &box, smashed));
    snprintf(check->text, sizeof check->text, "%llu system calls to start",
             (unsigned long long)start);
    return CHECK_OK;
}

static enum check_outcome check_glibc(struct check *check)
{
    return run(check, "libc-glibc.elf", SCONCE_E_GUEST_ABORT);
}

static enum check_outcome check_fixed(struct check *check)
{
    return run(check, "libc-fixed.elf", SCONCE_E_GUEST_ABORT);
}

static enum check_outcome check_musl(struct check *check)
{
    return run(check, "libc-musl.elf", SCONCE_E_GUEST_FAULT);
}

static void more_arguments(struct check_box *box, struct sconce_sandbox_options *options)
{
    static const char *const args[] = {"guest", "with", "more", "arguments", "than", "the other"};

    (void)box;
    options->args = args;
    options->arg_count = sizeof args / sizeof args[0];
}

/* Takes a snapshot of a new sandbox, whose arguments are what box->choose says. */
static enum check_outcome another(struct check *check, struct check_box *box,
                                  struct sconce_snapshot **ret_snapshot)
{
    struct sconce_sandbox *sandbox;

    CHECK(check, check_box_new(box, NULL, &sandbox) == 0, "no sandbox: %s", box->err.text);
    CHECK(check, sconce_sandbox_snapshot(sandbox, ret_snapshot, &box->err) == 0,
          "cannot take a snapshot: %s", box->err.text);
    sconce_sandbox_free(sandbox);
    return CHECK_OK;
}

static enum check_outcome rewinds_are(struct check *check, struct check_box *box, uint64_t wanted)
{
    struct sconce_stats stats = {.size = sizeof stats};

    CHECK(check, sconce_sandbox_rewind(box->sandbox, box->start, &box->err) == 0,
          "cannot rewind: %s", box->err.text);
    sconce_sandbox_stats(box->sandbox, &stats);
    CHECK(check, stats.rewinds == wanted, "%llu rewinds, not %llu",
          (unsigned long long)stats.rewinds, (unsigned long long)wanted);
    CHECK_STEP(check_call_done(check, box, "arguments", WITHOUT));
    CHECK(check, check_is_text(&box->result, "guest with more arguments than the other"),
          "main's arguments came back as \"%s\"", (const char *)box->result.as.span.data);
    return CHECK_OK;
}

/* The arguments lie above main's stack. One that stands where the first snapshot wants it cannot be
 * rewound to the second: it is restored; behind its next READY it can. */
static enum check_outcome check_two_stacks(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_snapshot *few = NULL;
    enum check_outcome outcome;

    CHECK_STEP(need_guest(check, "libc-glibc.elf"));
    CHECK_STEP(check_box_open(check, &box, "libc-glibc.elf", NULL));
    CHECK_STEP(another(check, &box, &few));
    box.choose = more_arguments;
    outcome = another(check, &box, &box.start);
    if (outcome == CHECK_OK && sconce_sandbox_restore(box.sandbox, few, &box.err) != 0)
        outcome = check_fail(check, "cannot restore: %s", box.err.text);
    sconce_snapshot_free(few);
    if (outcome != CHECK_OK)
        return outcome;
    CHECK_STEP(rewinds_are(check, &box, 0));
    return rewinds_are(check, &box, 1);
}

static enum check_outcome check_cxx(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(need_guest(check, "libc-cxx.elf"));
    CHECK_STEP(check_box_open(check, &box, "libc-cxx.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(expect_i32(check, &box, -12, "parse", WITH(sconce_string("-12"))));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAILED, SCONCE_STATE_READY, "parse",
                               WITH(sconce_string("twelve"))));
    CHECK(check, box.err.guest_code == 7, "the exception came as %d", box.err.guest_code);
    CHECK_STEP(expect_i32(check, &box, 30, "unwinds", WITH(sconce_i32(20))));
    CHECK_STEP(expect_i32(check, &box, 204, "count", WITH(sconce_string("start"))));
    CHECK_STEP(expect_i32(check, &box, 105, "count", WITH(sconce_string("other"))));
    box.printed[0] = '\0';
    box.printed_bytes = 0;
    CHECK_STEP(check_call_done(check, &box, "stream", WITH(sconce_f64(1.25))));
    CHECK_STEP(expect_printed(check, &box, "number 1.25; ff\n"));
    CHECK_STEP(expect_i32(check, &box, 8, "ask", WITH(sconce_i32(7))));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED, "uncaught",
                               WITHOUT));
    CHECK(check, strstr(box.printed, "nobody catches this"), "the exception's words are lost: %s",
          box.printed);
    CHECK_STEP(check_box_recover(check, &box));
    return expect_i32(check, &box, 204, "count", WITH(sconce_string("start")));
}

/* ---- Faults that the guest handles ---- */

/* What the handler prints by the library: to both outputs, which one box shows in their order. */
static enum check_outcome expect_told(struct check *check, struct check_box *box)
{
    CHECK(check, strstr(box->printed, "fault 1, 0.5\n") && strstr(box->printed, "error 1\n"),
          "the handler printed \"%s\"", box->printed);
    box->printed_bytes = 0;
    box->printed[0] = '\0';
    return CHECK_OK;
}

static enum check_outcome handles(struct check *check, const char *file)
{
    static const char *const functions[] = {"handle_fault", "handle_fault_in_print"};
    static const char *const ends[] = {"SIGABRT, in its fault handler", "in its fault handler"};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(need_guest(check, file));
    CHECK_STEP(check_box_open(check, &box, file, NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 20; i++) { /* what it left half done is of no harm to the next */
        CHECK_STEP(expect_i32(check, &box, 7 + i % 2, functions[i % 2], WITH(sconce_i32(0))));
        CHECK_STEP(expect_told(check, &box));
    }
    CHECK_STEP(check_call_done(check, &box, "say", WITH(sconce_string("ordinary"))));
    CHECK_STEP(expect_printed(check, &box, "ordinary, upper, 0.5"));
    for (int i = 0; i < 4; i++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED,
                                   functions[i % 2], WITH(sconce_i32(1 + i / 2))));
        CHECK(check, strstr(box.err.text, ends[i / 2]), "it ended by \"%s\"", box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    return expect_i32(check, &box, 7, "handle_fault", WITH(sconce_i32(0)));
}

static enum check_outcome check_glibc_handler(struct check *check)
{
    return handles(check, "libc-glibc.elf");
}

static enum check_outcome check_musl_handler(struct check *check)
{
    return handles(check, "libc-musl.elf");
}

static enum check_outcome check_cxx_handler(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(need_guest(check, "libc-cxx.elf"));
    CHECK_STEP(check_box_open(check, &box, "libc-cxx.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 2; i++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED,
                                   "throw_in_handler", WITHOUT));
        CHECK(check, strstr(box.printed, "thrown in the handler"), "the exception's words are: %s",
              box.printed);
        CHECK(check, strstr(box.err.text, "SIGABRT, in its fault handler"), "it ended by \"%s\"",
              box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED, "uncaught",
                               WITHOUT));
    CHECK(check, !strstr(box.err.text, "handler"), "elsewhere it ends by \"%s\"", box.err.text);
    return check_box_recover(check, &box);
}

#define NEEDS_FAULT (CHECK_NEEDS_SANDBOX | CHECK_NEEDS_FAULT)

const struct check_row check_libc_rows[] = {
    {"libc.glibc", "A guest with glibc runs as ordinary C, from a snapshot too",
     CHECK_NEEDS_SANDBOX, check_glibc},
    {"libc.fixed", "A guest with glibc at fixed addresses does the same", CHECK_NEEDS_SANDBOX,
     check_fixed},
    {"libc.musl", "A guest with musl does the same", CHECK_NEEDS_SANDBOX, check_musl},
    {"libc.two-stacks", "A rewind goes to where its own snapshot stood", CHECK_NEEDS_SANDBOX,
     check_two_stacks},
    {"libc.cxx", "A guest in C++ has exceptions, streams and static objects", CHECK_NEEDS_SANDBOX,
     check_cxx},
    {"libc.glibc-handler", "A fault handler prints by glibc, or ends by it, and that is told",
     NEEDS_FAULT, check_glibc_handler},
    {"libc.musl-handler", "A fault handler prints by musl, or ends by it, and that is told",
     NEEDS_FAULT, check_musl_handler},
    {"libc.cxx-handler", "An exception thrown in a fault handler ends the guest", NEEDS_FAULT,
     check_cxx_handler},
    {0},
};
