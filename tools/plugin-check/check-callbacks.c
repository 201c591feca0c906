/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host does in the callbacks of a guest's system calls and in nested host functions, and
 * what must come of it: a kick that ends long output, a fork whose child leaves the guest alone.
 */
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"
#include "tools/plugin-check/nested.h"

#define LONG_BYTES 60000u
#define WORD 0x1122334455667788ull

#define SYSTEM_CALL(name, a, b, c)                                                                 \
    WITH(sconce_string(name), check_u64(a), check_u64(b), check_u64(c), check_u64(0),              \
         check_u64(0), check_u64(0))

/* The callback forks: the child returns from it, and only its exit status is asked about. */
struct forker {
    pid_t child; /* 0 in the child */
    int status;
};

static enum check_outcome open_calls(struct check *check, struct check_box *box,
                                     uint64_t *ret_memory)
{
    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    CHECK_STEP(check_box_open(check, box, "syscalls.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, box));
    CHECK_STEP(check_call_done(check, box, "memory_address", WITHOUT));
    *ret_memory = box->result.as.u64;
    return CHECK_OK;
}

/* ---- Kicks ----------------------------------------------------------------------------------- */

static void kick_at_output(void *ctx, const char *text, size_t bytes)
{
    struct check_box *box = ctx;

    (void)text;
    box->printed_bytes += bytes;
    sconce_sandbox_kick(box->sandbox);
}

static void choose_kick(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->print = kick_at_output;
    options->print_ctx = box;
}

static enum check_outcome check_kick_ends_output(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.choose = choose_kick};
    uint64_t memory;

    CHECK_STEP(open_calls(check, &box, &memory));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_KICKED, SCONCE_STATE_POISONED, "call",
                               SYSTEM_CALL("write", 1, memory, LONG_BYTES)));
    CHECK(check, box.printed_bytes && box.printed_bytes < LONG_BYTES,
          "%llu of %u bytes were printed around a kick", (unsigned long long)box.printed_bytes,
          LONG_BYTES);
    return check_box_recover(check, &box);
}

/* ---- Forks ----------------------------------------------------------------------------------- */

static void fork_now(struct forker *forker)
{
    forker->child = fork();
    if (forker->child > 0 && waitpid(forker->child, &forker->status, 0) != forker->child)
        forker->status = -1;
}

/* Behind the call: the child ends here, and says whether it was told what it is. */
static enum check_outcome settle(struct check *check, const struct forker *forker, int code)
{
    if (forker->child == 0)
        _exit(code == SCONCE_E_FORKED ? 0 : 1);
    CHECK(check, forker->child > 0, "no child process");
    CHECK(check, code == 0, "the parent's call gave %s", sconce_error_name(code));
    CHECK(check, WIFEXITED(forker->status) && WEXITSTATUS(forker->status) == 0,
          "the child's call was not ended with forked (status 0x%x)", (unsigned)forker->status);
    return CHECK_OK;
}

static int64_t fork_at_input(void *ctx, void *data, size_t bytes)
{
    struct forker *forker = ctx;

    fork_now(forker);
    if (forker->child)
        return 0;
    memset(data, 'c', bytes);
    return (int64_t)bytes;
}

static void choose_fork(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->input = fork_at_input;
    options->input_ctx = box->ctx;
}

/* Guest memory is shared with the child. */
static enum check_outcome check_fork_at_input(struct check *check)
{
    struct forker forker = {.child = -1};
    SCONCE_CLEANUP(check_box_close)
    struct check_box box = {.choose = choose_fork, .ctx = &forker};
    uint64_t memory;
    int code;

    CHECK_STEP(open_calls(check, &box, &memory));
    CHECK_STEP(check_call_done(check, &box, "poke", WITH(check_u64(memory), check_u64(WORD))));
    code = check_call(&box, "call", SYSTEM_CALL("read", 0, memory, 8));
    CHECK_STEP(settle(check, &forker, code));
    CHECK_STEP(check_call_done(check, &box, "peek", WITH(check_u64(memory))));
    CHECK(check, box.result.as.u64 == WORD, "the child wrote 0x%llx into the parent's guest",
          (unsigned long long)box.result.as.u64);
    return CHECK_OK;
}

/* Each host function calls on, the innermost forks. */
static int fork_within(struct check_box *box, uint32_t what, const struct sconce_value *text,
                       struct sconce_value *ret, struct sconce_error *err)
{
    (void)text;
    *ret = sconce_string("done");
    if (what > 0)
        return check_nested_call(box, "again", WITH(check_u32(what - 1), sconce_string("")), NULL,
                                 err) < 0;
    fork_now(box->ctx);
    return 0;
}

static enum check_outcome check_fork_within(struct check *check)
{
    struct forker forker = {.child = -1};
    SCONCE_CLEANUP(check_box_close)
    struct check_box box = {.on_again = fork_within, .ctx = &forker};
    int code;

    CHECK_STEP(check_box_open(check, &box, "nested.elf", NULL));
    for (uint32_t levels = 0; levels < 4; levels += 3) {
        code = check_call(&box, "again", WITH(check_u32(levels), sconce_string("")));
        CHECK_STEP(settle(check, &forker, code));
    }
    return CHECK_OK;
}

const struct check_row check_callbacks_rows[] = {
    {"callback.kick", "a kick by who is printed to ends the rest of one write", CHECK_NEEDS_SANDBOX,
     check_kick_ends_output},
    {"callback.fork", "a child of who gives input does not write into its parent's guest",
     CHECK_NEEDS_SANDBOX, check_fork_at_input},
    {"callback.fork-nested", "a child of a nested host function ends with forked on every level",
     CHECK_NEEDS_SANDBOX, check_fork_within},
    {NULL, NULL, 0, NULL},
};
