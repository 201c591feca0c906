/* SPDX-License-Identifier: Apache-2.0 */
#include "ordinary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define PATIENT_MS 60000u /* emulated processors take their time */
#define RESULT_FD 3       /* where a native program writes its result */

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    if (!value)
        fail_msg("%s is not set; run this through meson test", name);
    return value;
}

const char *ordinary_input(const char *name)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", environment("SCONCE_TEST_ORDINARY"), name);
    return path;
}

static struct ordinary_bytes read_fd(int fd)
{
    struct ordinary_bytes bytes = {NULL, (size_t)lseek(fd, 0, SEEK_END)};

    bytes.data = calloc(1, bytes.length + 1);
    assert_non_null(bytes.data);
    assert_int_equal(pread(fd, bytes.data, bytes.length, 0), bytes.length);
    return bytes;
}

struct ordinary_bytes ordinary_read(const char *path)
{
    FILE *file = fopen(path, "rbe");
    struct ordinary_bytes bytes;

    if (!file)
        fail_msg("cannot open %s", path);
    bytes = read_fd(fileno(file));
    fclose(file);
    return bytes;
}

/* ---- In a sandbox ---------------------------------------------------------------------------- */

static void keep_printed(void *ctx, const char *text, size_t bytes)
{
    struct ordinary_bytes *printed = ctx;

    printed->data = realloc(printed->data, printed->length + bytes + 1);
    assert_non_null(printed->data);
    memcpy(printed->data + printed->length, text, bytes);
    printed->length += bytes;
    printed->data[printed->length] = '\0';
}

void ordinary_open(struct ordinary *example, const char *name, unsigned deadline_ms)
{
    const struct sconce_sandbox_options options = {
        .size = sizeof options,
        .print = keep_printed,
        .print_ctx = &example->printed,
        .limits.deadline_ns = (deadline_ms ? deadline_ms : PATIENT_MS) * UINT64_C(1000000),
    };
    struct sconce_error err = {0};
    char path[PATH_BYTES];

    *example = (struct ordinary){.name = name, .runtime = e2e_runtime()};
    if (!strcmp(name, "hello"))
        snprintf(path, sizeof path, "%s", ordinary_input("hello.elf"));
    else
        snprintf(path, sizeof path, "%s/%s/%s.elf", environment("SCONCE_TEST_EXAMPLES"), name,
                 name);
    e2e_ok(sconce_guest_load_file(example->runtime, path, &example->guest, &err), &err);
    example->sandbox = e2e_sandbox(example->guest, &options);
    e2e_ok(sconce_sandbox_snapshot(example->sandbox, &example->fresh, &err), &err);
}

void ordinary_close(struct ordinary *example)
{
    sconce_snapshot_free(example->fresh);
    sconce_sandbox_free(example->sandbox);
    sconce_guest_free(example->guest);
    sconce_runtime_free(example->runtime);
    free(example->printed.data);
}

void ordinary_restore(struct ordinary *example)
{
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_restore(example->sandbox, example->fresh, &err), &err);
}

uint64_t ordinary_traps(const struct ordinary *example)
{
    struct sconce_stats stats = {.size = sizeof stats};

    assert_int_equal(sconce_sandbox_stats(example->sandbox, &stats), 0);
    return stats.traps;
}

static struct sconce_signature signature_of(const struct ordinary *example, const char *function)
{
    struct sconce_signature signature = {0};
    struct sconce_error err = {0};
    uint32_t i;

    e2e_ok(sconce_guest_find(example->guest, function, &i, &err), &err);
    assert_true(sconce_guest_export(example->guest, i, &signature));
    return signature;
}

int ordinary_call(struct ordinary *example, const char *function, const char *const *words,
                  struct sconce_value *ret_result, struct sconce_error *err)
{
    const struct sconce_signature signature = signature_of(example, function);
    struct sconce_value args[ORDINARY_ARGS_MAX];
    struct ordinary_bytes files[ORDINARY_ARGS_MAX] = {0};
    uint32_t count = 0;
    int r;

    for (; words[count]; count++) {
        assert_in_range(count, 0, ORDINARY_ARGS_MAX - 1);
        if (*words[count] == '@')
            files[count] = ordinary_read(ordinary_input(words[count] + 1));
        else
            files[count] = (struct ordinary_bytes){strdup(words[count]), strlen(words[count])};
        args[count] = sconce_bytes(files[count].data, files[count].length);
        args[count].type = (uint32_t)signature.params[count];
    }
    example->printed.length = 0;
    r = sconce_sandbox_call(example->sandbox, function, args, count, ret_result, err);
    while (count)
        free(files[--count].data);
    return r;
}

/* ---- As a native program --------------------------------------------------------------------- */

struct native {
    int status;
    struct ordinary_bytes printed, failure, result;
};

static void run_native(const char *name, const char *function, const char *const *words, int out,
                       int err, int result)
{
    static char files[ORDINARY_ARGS_MAX][PATH_BYTES];
    char *argv[ORDINARY_ARGS_MAX + 3] = {NULL};
    char program[PATH_BYTES];
    unsigned count = 0;

    snprintf(program, sizeof program, "native-%s", name);
    snprintf(program, sizeof program, "%s", ordinary_input(program));
    argv[count++] = program;
    argv[count++] = (char *)(uintptr_t)function;
    for (unsigned i = 0; words[i]; i++) {
        const bool file = *words[i] == '@';
        const int length = snprintf(files[i], sizeof files[i], "%s%s", file ? "@" : "",
                                    file ? ordinary_input(words[i] + 1) : words[i]);

        if (length < 0 || (size_t)length >= sizeof files[i])
            _exit(99);
        argv[count++] = files[i];
    }
    /* Behind the three, so that none is overwritten before it is used. */
    out = dup(out), err = dup(err), result = dup(result);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 || dup2(result, RESULT_FD) < 0)
        _exit(99);
    execv(program, argv);
    _exit(99);
}

static struct native call_native(const char *name, const char *function, const char *const *words)
{
    const int out = memfd_create("printed", 0), err = memfd_create("failure", 0);
    const int result = memfd_create("result", 0);
    struct native native = {0};
    pid_t child = fork();

    if (!child)
        run_native(name, function, words, out, err, result);
    assert_int_equal(waitpid(child, &native.status, 0), child);
    native.printed = read_fd(out);
    native.failure = read_fd(err);
    native.result = read_fd(result);
    close(out), close(err), close(result);
    return native;
}

static void free_native(struct native *native)
{
    free(native->printed.data);
    free(native->failure.data);
    free(native->result.data);
}

/* A number as native.c prints it, so that both can be compared as bytes. */
static void take_result(const struct sconce_value *value, struct ordinary_bytes *ret)
{
    static char number[16];

    *ret = (struct ordinary_bytes){(char *)(uintptr_t)value->as.span.data, value->as.span.length};
    if (value->type == SCONCE_TYPE_I32)
        *ret = (struct ordinary_bytes){
            number, (size_t)snprintf(number, sizeof number, "%" PRId32, value->as.i32)};
}

static void same_bytes(const char *what, const struct ordinary_bytes *here,
                       const struct ordinary_bytes *there)
{
    if (here->length != there->length || memcmp(here->data, there->data, here->length) != 0)
        fail_msg("%s: %zu bytes in the sandbox and %zu as a program:\n%.500s\n---\n%.500s", what,
                 here->length, there->length, here->data, there->data);
}

bool ordinary_same(struct ordinary *example, const char *function, const char *const *words)
{
    struct native native = call_native(example->name, function, words);
    struct sconce_value result = {0};
    struct sconce_error err = {0};
    struct ordinary_bytes bytes;
    char failure[sizeof err.text];
    int r = ordinary_call(example, function, words, &result, &err);

    assert_true(WIFEXITED(native.status));
    if (native.printed.length || example->printed.length)
        same_bytes("printed", &example->printed, &native.printed);
    if (r == 0) {
        if (WEXITSTATUS(native.status))
            fail_msg("the program failed: %s", native.failure.data);
        take_result(&result, &bytes);
        same_bytes("result", &bytes, &native.result);
        assert_true(bytes.length > 0);
    } else {
        snprintf(failure, sizeof failure, "%s failed with code %s", function, native.failure.data);
        assert_int_equal(r, SCONCE_E_GUEST_FAILED);
        assert_string_equal(err.text, failure);
        assert_int_equal(WEXITSTATUS(native.status), 1);
        assert_int_equal(sconce_sandbox_state(example->sandbox), SCONCE_STATE_READY);
    }
    free_native(&native);
    return r == 0;
}
