/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls whose answers the host chooses: what becomes of output, where input, time and random
 * bytes come from, and the strings that a program starts with.
 */
#include <errno.h>
#include <time.h>

#include "common/cleanup.h"
#include "tools/plugin-check/calls.h"

static enum check_outcome check_syscall_output(struct check *check)
{
    const struct sconce_limits limits = {.output_bytes = 100};
    SCONCE_CLEANUP(check_calls_close)
    struct check_calls calls = {.box.choose = check_calls_separate};

    CHECK_STEP(check_calls_open(check, &calls, &limits));
    CHECK_STEP(check_calls_put(check, &calls, calls.memory, 0x0a6f6c6c6568)); /* "hello\n" */
    GIVES(6, "write", 1, calls.memory, 6, 0);
    GIVES(4, "write", 2, calls.memory, 4, 0);
    CHECK(check, strcmp(calls.box.printed, "hello\n") == 0, "descriptor 1 printed \"%s\"",
          calls.box.printed);
    CHECK(check, strcmp(calls.printed_error, "hell") == 0, "descriptor 2 printed \"%s\"",
          calls.printed_error);
    CHECK_STEP(check_calls_put(check, &calls, calls.memory + 64, calls.memory));
    CHECK_STEP(check_calls_put(check, &calls, calls.memory + 72, 2));
    CHECK_STEP(check_calls_put(check, &calls, calls.memory + 80, calls.memory + 2));
    CHECK_STEP(check_calls_put(check, &calls, calls.memory + 88, 4));
    GIVES(6, "writev", 1, calls.memory + 64, 2, 0);
    CHECK(check, strcmp(calls.box.printed, "hello\nhello\n") == 0, "writev printed \"%s\"",
          calls.box.printed);
    GIVES(-EBADF, "write", 3, calls.memory, 6, 0);
    GIVES(100, "write", 1, calls.memory, 100, 0);
    CHECK_STEP(check_box_keep_start(check, &calls.box));
    calls.box.printed_bytes = 0;
    CHECK_STEP(check_call_ends(check, &calls.box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, "call",
                               SYSTEM_CALL("write", 1, calls.memory, 60000, 0)));
    CHECK(check, calls.box.err.limit == SCONCE_LIMIT_OUTPUT, "it is limit %u, not output",
          calls.box.err.limit);
    CHECK(check, calls.box.printed_bytes == 100, "%llu bytes were printed, not 100",
          (unsigned long long)calls.box.printed_bytes);
    return check_box_recover(check, &calls.box);
}

static enum check_outcome check_syscall_input(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close)
    struct check_calls calls = {.box.choose = check_calls_separate};
    SCONCE_CLEANUP(check_calls_close) struct check_calls without = {0};

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    calls.input = "abcdef";
    GIVES(4, "read", 0, calls.memory, 4, 0);
    CHECK_STEP(check_calls_hold(check, &calls, calls.memory, 0x64636261));
    GIVES(2, "read", 0, calls.memory, 60000, 0);
    GIVES(0, "read", 0, calls.memory, 4, 0);
    GIVES(-EBADF, "read", 1, calls.memory, 4, 0);
    CHECK_STEP(check_calls_open(check, &without, NULL));
    return check_calls_give(check, &without, 0, SYSTEM_CALL("read", 0, without.memory, 4, 0));
}

static void freeze(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->clock = SCONCE_CLOCK_FROZEN;
    options->clock_seconds = 1234567890;
}

static enum check_outcome check_syscall_clock(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {0};
    SCONCE_CLEANUP(check_calls_close) struct check_calls frozen = {.box.choose = freeze};
    struct timespec before, after;
    uint64_t seconds;

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    clock_gettime(CLOCK_REALTIME, &before);
    GIVES(0, "clock_gettime", 0, calls.memory, 0, 0);
    clock_gettime(CLOCK_REALTIME, &after);
    CHECK_STEP(check_calls_ask(check, &calls, "peek", WITH(check_u64(calls.memory)), &seconds));
    CHECK(check, (int64_t)seconds >= before.tv_sec && (int64_t)seconds <= after.tv_sec,
          "the clock shows %lld between %lld and %lld", (long long)seconds,
          (long long)before.tv_sec, (long long)after.tv_sec);
    GIVES(-EINVAL, "clock_gettime", 100, calls.memory, 0, 0);
    CHECK_STEP(check_calls_open(check, &frozen, NULL));
    for (uint64_t id = 0; id < 2; id++) {
        CHECK_STEP(check_calls_give(check, &frozen, 0,
                                    SYSTEM_CALL("clock_gettime", id, frozen.memory, 0, 0)));
        CHECK_STEP(check_calls_hold(check, &frozen, frozen.memory, 1234567890));
    }
    return CHECK_OK;
}

static void seed(struct check_box *box, struct sconce_sandbox_options *options)
{
    const struct check_calls *calls = box->ctx;

    options->random = SCONCE_RANDOM_SEED;
    options->seed = calls->input;
    options->seed_bytes = strlen(calls->input);
}

/* The first words of getrandom and of the boot page's seed. */
static enum check_outcome draw(struct check *check, struct check_calls *calls,
                               const char *seed_text, uint64_t drawn[3])
{
    calls->input = seed_text;
    CHECK_STEP(check_calls_open(check, calls, NULL));
    CHECK_STEP(
        check_calls_give(check, calls, 16, SYSTEM_CALL("getrandom", calls->memory, 16, 0, 0)));
    CHECK_STEP(check_calls_ask(check, calls, "peek", WITH(check_u64(calls->memory)), &drawn[0]));
    CHECK_STEP(
        check_calls_ask(check, calls, "peek", WITH(check_u64(calls->memory + 8)), &drawn[1]));
    CHECK_STEP(check_call_done(check, &calls->box, "boot_seed", WITHOUT));
    memcpy(&drawn[2], calls->box.result.as.span.data, sizeof drawn[2]);
    return CHECK_OK;
}

static enum check_outcome check_syscall_random(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close) struct check_calls a = {.box.choose = seed};
    SCONCE_CLEANUP(check_calls_close) struct check_calls b = {.box.choose = seed};
    SCONCE_CLEANUP(check_calls_close) struct check_calls c = {.box.choose = seed};
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {0};
    uint64_t of_a[3], of_b[3], of_c[3];

    CHECK_STEP(draw(check, &a, "one seed", of_a));
    CHECK_STEP(draw(check, &b, "one seed", of_b));
    CHECK_STEP(draw(check, &c, "another seed", of_c));
    CHECK(check, memcmp(of_a, of_b, sizeof of_a) == 0, "one seed gave two streams");
    for (unsigned i = 0; i < 3; i++)
        CHECK(check, of_a[i] != of_c[i], "two seeds gave the same word");
    CHECK_STEP(check_calls_open(check, &calls, NULL));
    GIVES(64, "getrandom", calls.memory, 64, 0, 0);
    GIVES(64, "getrandom", calls.memory + 64, 64, 0, 0);
    CHECK_STEP(check_calls_ask(check, &calls, "peek", WITH(check_u64(calls.memory)), &of_a[0]));
    CHECK_STEP(
        check_calls_ask(check, &calls, "peek", WITH(check_u64(calls.memory + 64)), &of_a[1]));
    CHECK(check, of_a[0] != of_a[1], "the host's random bytes repeat");
    return CHECK_OK;
}

static const char *const some_args[] = {"prog", "", "two words"};
static const char *const some_env[] = {"HOME=/", "EMPTY="};

static void give_strings(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->args = some_args;
    options->arg_count = 3;
    options->env = some_env;
    options->env_count = 2;
}

static enum check_outcome has_bytes(struct check *check, struct check_calls *calls,
                                    const char *function, const char *bytes, size_t length)
{
    const struct sconce_value *result = &calls->box.result;

    CHECK_STEP(check_call_done(check, &calls->box, function, WITHOUT));
    CHECK(check,
          result->as.span.length == length && memcmp(result->as.span.data, bytes, length) == 0,
          "%s has %zu other bytes", function, result->as.span.length);
    return CHECK_OK;
}

static enum check_outcome check_syscall_arguments(struct check *check)
{
    static const char args[] = "prog\0\0two words", env[] = "HOME=/\0EMPTY=";
    static char large[65536];
    const char *const large_args[] = {large};
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {.box.choose = give_strings};
    SCONCE_CLEANUP(check_calls_close) struct check_calls plain = {0};
    struct sconce_sandbox_options options = {
        .size = sizeof options, .args = large_args, .arg_count = 1};
    struct sconce_sandbox *none = NULL;
    uint64_t count;

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    CHECK_STEP(check_box_keep_start(check, &calls.box));
    for (int i = 0; i < 2; i++) { /* after a restore, too */
        CHECK_STEP(has_bytes(check, &calls, "boot_args", args, sizeof args));
        CHECK_STEP(has_bytes(check, &calls, "boot_env", env, sizeof env));
        CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_ENV_COUNT, &count));
        CHECK(check, count == 2, "%llu strings in the environment", (unsigned long long)count);
        CHECK(check,
              sconce_sandbox_restore(calls.box.sandbox, calls.box.start, &calls.box.err) == 0,
              "restoring failed: %s", calls.box.err.text);
    }
    CHECK_STEP(check_calls_open(check, &plain, NULL));
    CHECK_STEP(check_calls_boot_word(check, &plain, CHECK_BOOT_ARG_COUNT, &count));
    CHECK(check, count == 1, "%llu arguments, not the name alone", (unsigned long long)count);
    memset(large, 'x', sizeof large - 1);
    CHECK(check,
          sconce_sandbox_new(plain.box.guest, &options, &none, &plain.box.err) == SCONCE_E_LIMIT,
          "an argument of 65535 bytes was taken");
    return check_error(check, &plain.box.err, SCONCE_E_LIMIT, "an argument that is too long");
}

const struct check_row check_syscalls_host_rows[] = {
    {"syscall.output", "write and writev print, up to the limit of output", CHECK_NEEDS_SANDBOX,
     check_syscall_output},
    {"syscall.input", "read gives what the host gives, then the end", CHECK_NEEDS_SANDBOX,
     check_syscall_input},
    {"syscall.clock", "the clock is the host's, or stands still", CHECK_NEEDS_SANDBOX,
     check_syscall_clock},
    {"syscall.random", "random bytes are the host's, or follow from a seed", CHECK_NEEDS_SANDBOX,
     check_syscall_random},
    {"syscall.arguments", "arguments and environment reach the guest", CHECK_NEEDS_SANDBOX,
     check_syscall_arguments},
    {NULL, NULL, 0, NULL},
};
