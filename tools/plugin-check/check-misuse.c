/* SPDX-License-Identifier: Apache-2.0 */
/* Misuse by the embedding program: each an error that names it, and nothing else suffers. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

/* A second sandbox of the same guest works whatever was done to the first. */
static enum check_outcome others_are_well(struct check *check, struct check_box *box)
{
    struct sconce_sandbox *other = NULL;
    struct sconce_error err = {0};
    int code = check_box_new(box, NULL, &other);

    CHECK(check, code == 0, "a new sandbox cannot be made: %s", box->err.text);
    code = sconce_sandbox_call(other, "nothing", NULL, 0, NULL, &err);
    sconce_sandbox_free(other);
    CHECK(check, code == 0, "a new sandbox cannot be called: %s", err.text);
    return check_call_done(check, box, "nothing", WITHOUT);
}

static enum check_outcome check_calls(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const uint32_t ready = SCONCE_STATE_READY;
    const struct sconce_value none_at_all[SCONCE_MAX_PARAMS + 1] = {{0}};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(
        check_call_ends(check, &box, SCONCE_E_NO_FUNCTION, ready, "no_such_function", WITHOUT));
    CHECK(check, strstr(box.err.text, "no_such_function"), "the text does not name it: %s",
          box.err.text);
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_NO_FUNCTION, ready, "", WITHOUT));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_i32", WITHOUT));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_i32",
                               WITH(sconce_i32(1), sconce_i32(2))));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_i32", WITH(check_u32(1))));
    CHECK_STEP(
        check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_bytes", WITH(sconce_string("x"))));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_i32", WITH(check_none())));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "nothing", none_at_all,
                               SCONCE_MAX_PARAMS + 1));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_string",
                               WITH(check_text("\xff\xfe", 2))));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_TYPE, ready, "echo_string",
                               WITH(check_text("\xed\xa0\x80", 3)))); /* a surrogate */
    return others_are_well(check, &box);
}

static enum check_outcome check_imports(struct check *check)
{
    const struct sconce_host_function wrong = {"host_nothing", "(i32) -> none", NULL, NULL};
    struct sconce_sandbox_options options = {.size = sizeof options};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_sandbox *sandbox = NULL;
    int code;

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    code = sconce_sandbox_new(box.guest, &options, &sandbox, &box.err);
    CHECK(check, code == SCONCE_E_NO_IMPORT, "without host functions: %s", sconce_error_name(code));
    CHECK(check, strstr(box.err.text, "host_"), "the text names no function: %s", box.err.text);
    options.functions = &wrong;
    options.function_count = 1;
    code = sconce_sandbox_new(box.guest, &options, &sandbox, &box.err);
    CHECK(check, code < 0, "a host function of another type was taken");
    CHECK_STEP(check_error(check, &box.err, code, "a host function of another type"));
    CHECK(check, !sandbox, "a sandbox was given out with an error");
    return others_are_well(check, &box);
}

/* Its size when there were seven limits, and nothing behind them. */
#define FIRST_OPTIONS_BYTES                                                                        \
    (offsetof(struct sconce_sandbox_options, limits) + offsetof(struct sconce_limits, nesting))

static void choose_size(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->size = *(const uint32_t *)box->ctx;
}

static enum check_outcome check_option_sizes(struct check *check)
{
    uint32_t size = FIRST_OPTIONS_BYTES;
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.choose = choose_size, .ctx = &size};
    struct sconce_sandbox *none = NULL;
    int code;

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    size--;
    code = check_box_new(&box, NULL, &none);
    CHECK(check, code == SCONCE_E_INVALID && !none, "options of %u bytes gave %s", size,
          code == 0 ? "success" : sconce_error_name(code));
    return check_error(check, &box.err, code, "options that are too small");
}

static enum check_outcome check_memory_limits(struct check *check)
{
    static const struct sconce_limits bad[] = {
        {.heap_bytes = UINT64_MAX}, {.stack_bytes = UINT64_MAX}, {.io_bytes = UINT64_MAX},
        {.heap_bytes = 1ull << 40}, {.stack_bytes = 1ull << 40}, {.io_bytes = 1ull << 40},
        {.heap_bytes = 1ull << 36},
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sconce_sandbox *sandbox = NULL;
        int code = check_box_new(&box, &bad[i], &sandbox);

        CHECK(check, code < 0 && !sandbox, "impossible limits %zu were taken", i);
        CHECK_STEP(check_error(check, &box.err, code, "impossible limits"));
    }
    return others_are_well(check, &box);
}

/* Loads the first @bytes bytes of a guest. */
static int load_part(struct check_box *box, const void *data, size_t bytes)
{
    struct sconce_guest *guest = NULL;
    int code;

    memset(&box->err, 0, sizeof box->err);
    code = sconce_guest_load_memory(box->runtime, data, bytes, "part", &guest, &box->err);
    sconce_guest_free(guest);
    return code;
}

static enum check_outcome check_files(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *data = NULL;
    struct sconce_guest *guest = NULL;
    char path[PATH_MAX];
    size_t bytes = 0;
    FILE *file;
    int code;

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    code = sconce_guest_load_file(box.runtime, "/nonexistent/guest.elf", &guest, &box.err);
    CHECK(check, code < 0, "a file that is not there was loaded");
    CHECK_STEP(check_error(check, &box.err, code, "a missing file"));
    code = load_part(&box, "#!/bin/sh\n", 10);
    CHECK(check, code == SCONCE_E_GUEST_FORMAT, "a script was taken: %s", sconce_error_name(code));
    code = load_part(&box, "", 0);
    CHECK(check, code == SCONCE_E_GUEST_FORMAT, "nothing was taken: %s", sconce_error_name(code));

    snprintf(path, sizeof path, "%s/types.elf", check->setup->guest_dir);
    file = fopen(path, "re");
    data = malloc(4u << 20);
    CHECK(check, file && data, "cannot read %s", path);
    bytes = fread(data, 1, 4u << 20, file);
    fclose(file);
    for (size_t part = 1; part < bytes; part += part < 4096 ? 61 : 4099) {
        code = load_part(&box, data, part);
        CHECK(check, code == SCONCE_E_GUEST_FORMAT || code == 0,
              "the first %zu bytes of a guest gave %s", part, sconce_error_name(code));
    }
    data[18] = 243; /* e_machine: RISC-V, which no backend here is for */
    code = load_part(&box, data, bytes);
    CHECK(check, code == SCONCE_E_NO_BACKEND || code == SCONCE_E_GUEST_FORMAT,
          "a guest of another architecture gave %s",
          code == 0 ? "success" : sconce_error_name(code));
    return others_are_well(check, &box);
}

/* ---- use while in use, and after fork ---- */

static void call_again(struct check_box *box)
{
    struct sconce_error err = {0};
    int *code = box->ctx;

    *code = sconce_sandbox_call(box->sandbox, "nothing", NULL, 0, NULL, &err);
}

static void copy_meanwhile(struct check_box *box)
{
    struct sconce_snapshot *snapshot = NULL;
    struct sconce_error err = {0};
    int *code = box->ctx;

    *code = sconce_sandbox_snapshot(box->sandbox, &snapshot, &err);
    sconce_snapshot_free(snapshot);
}

static void *call_from_thread(void *ctx)
{
    call_again(ctx);
    return NULL;
}

static void call_from_another_thread(struct check_box *box)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, call_from_thread, box) == 0)
        pthread_join(thread, NULL);
}

static enum check_outcome check_busy(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    int code = 0;

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    box.ctx = &code;
    box.on_nothing = copy_meanwhile;
    CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
    CHECK(check, code == SCONCE_E_BUSY, "a host function that copies its sandbox got %s",
          sconce_error_name(code));
    code = 0;
    box.on_nothing = call_from_another_thread;
    CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
    CHECK(check, code == SCONCE_E_BUSY, "a second thread got %s", sconce_error_name(code));
    box.on_nothing = NULL;
    return others_are_well(check, &box);
}

/* In the child: what the parent made answers FORKED, and what the child makes works. */
static int in_child(struct check *check, struct check_box *box)
{
    struct sconce_snapshot *snapshot = NULL;
    struct sconce_sandbox *sandbox = NULL;
    struct check_box own = {0};
    bool forked = check_call(box, "nothing", WITHOUT) == SCONCE_E_FORKED &&
                  check_box_new(box, NULL, &sandbox) == SCONCE_E_FORKED &&
                  sconce_sandbox_snapshot(box->sandbox, &snapshot, &box->err) == SCONCE_E_FORKED &&
                  sconce_sandbox_kick(box->sandbox) == 0;
    bool works = check_box_open(check, &own, "types.elf", NULL) == CHECK_OK &&
                 check_call(&own, "nothing", WITHOUT) == 0;

    check_box_close(&own);
    check_box_close(box); /* does nothing */
    return !forked ? 1 : !works ? 2 : 0;
}

static enum check_outcome check_fork(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    int status = 0;
    pid_t child;

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    child = fork();
    if (child == 0)
        _exit(in_child(check, &box));
    CHECK(check, child > 0 && waitpid(child, &status, 0) == child, "no child process");
    CHECK(check, !WIFSIGNALED(status), "the child was ended by signal %d", WTERMSIG(status));
    CHECK(check, WEXITSTATUS(status) != 1, "an inherited handle did not answer forked");
    CHECK(check, WEXITSTATUS(status) != 2, "the child cannot make sandboxes of its own");
    return others_are_well(check, &box);
}

const struct check_row check_misuse_rows[] = {
    {"misuse.calls", "wrong names, counts and types are refused, the sandbox stays READY",
     CHECK_NEEDS_SANDBOX, check_calls},
    {"misuse.imports", "a missing or different host function is named", CHECK_NEEDS_SANDBOX,
     check_imports},
    {"misuse.options", "options as programs had them before they grew are taken",
     CHECK_NEEDS_SANDBOX, check_option_sizes},
    {"misuse.limits", "impossible sizes are refused", CHECK_NEEDS_SANDBOX, check_memory_limits},
    {"misuse.files", "what is no guest, or part of one, is refused", CHECK_NEEDS_SANDBOX,
     check_files},
    {"misuse.busy", "a sandbox in use is busy for everybody else", CHECK_NEEDS_SANDBOX, check_busy},
    {"misuse.fork", "after fork the child's inherited handles answer forked", CHECK_NEEDS_SANDBOX,
     check_fork},
    {NULL, NULL, 0, NULL},
};
