/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An example guest as a native program: its source as it is, linked with the same libraries and
 * with this file in the place of the SDK's library. What it comes to is what the sandbox is held
 * to.
 *
 *     NATIVE [--rounds=N] FUNCTION [ARG...]
 *
 * @FILE for an argument is the file's contents. Prints to standard output, writes the result to
 * file descriptor 3; a failure's code and text to standard error, exit status 1. The host's
 * functions return their first argument. With --rounds, instead: prints the nanoseconds that a call
 * takes, the median of N; what the function prints is dropped. No sandbox: not for what is not
 * trusted.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sconce/guest.h>

#define RESULT_FD 3
#define ALLOCATED_MAX 64u

struct sconce_call {
    sconce_str args[SCONCE_MAX_PARAMS];
    char type; /* of the result */
    sconce_str span;
    int32_t i32;
};

extern const struct sconce_table_entry __start_sconce_exports[]
    __attribute__((weak, visibility("hidden")));
extern const struct sconce_table_entry __stop_sconce_exports[]
    __attribute__((weak, visibility("hidden")));

static int32_t failed;
static char failure[SCONCE_FAILED_TEXT_BYTES];
static void *allocated[ALLOCATED_MAX];
static unsigned allocated_count;
static sconce_str sent;

static void quit(const char *what)
{
    fprintf(stderr, "native: %s\n", what);
    exit(2);
}

/* ---- What the SDK's library does for a guest ------------------------------------------------- */

void sconce_fail(int32_t code, const char *format, ...)
{
    va_list args;

    failed = code ? code : 1;
    va_start(args, format);
    vsnprintf(failure, sizeof failure, format, args);
    va_end(args);
}

void *sconce_alloc(size_t bytes)
{
    if (allocated_count == ALLOCATED_MAX)
        quit("too many allocations");
    return allocated[allocated_count++] = malloc(bytes ? bytes : 1);
}

sconce_str sconce_format(const char *format, ...)
{
    va_list args, again;
    sconce_str result;
    char *text;

    va_start(args, format);
    va_copy(again, args);
    result.length = (size_t)vsnprintf(NULL, 0, format, args);
    result.data = text = sconce_alloc(result.length + 1);
    vsnprintf(text, result.length + 1, format, again);
    va_end(again);
    va_end(args);
    return result;
}

sconce_str sconce_arg_str(const struct sconce_call *call, unsigned i)
{
    return call->args[i];
}

const char *sconce_arg_text(const struct sconce_call *call, unsigned i)
{
    return call->args[i].data;
}

sconce_bytes sconce_arg_bytes(const struct sconce_call *call, unsigned i)
{
    return (sconce_bytes){call->args[i].data, call->args[i].length};
}

void sconce_result_str(struct sconce_call *call, sconce_str value)
{
    call->type = SCONCE_TYPE_STRING;
    call->span = value;
}

void sconce_result_bytes(struct sconce_call *call, sconce_bytes value)
{
    sconce_result_str(call, (sconce_str){value.data, value.length});
}

void sconce_result_i32(struct sconce_call *call, int32_t value)
{
    call->type = SCONCE_TYPE_I32;
    call->i32 = value;
}

void sconce_import_begin(const struct sconce_table_entry *entry, unsigned arg_count)
{
    (void)entry;
    (void)arg_count;
    sent = (sconce_str){"", 0};
}

void sconce_put_str(unsigned i, sconce_str value)
{
    if (i == 0)
        sent = value;
}

void sconce_import_call(void)
{
}

sconce_str sconce_reply_str(void)
{
    return sent;
}

int32_t sconce_host_failed(void)
{
    return 0;
}

const char *sconce_host_error(void)
{
    return "";
}

/* ---- The program ----------------------------------------------------------------------------- */

static sconce_str read_argument(const char *word)
{
    FILE *file;
    char *data;
    long bytes;

    if (*word != '@')
        return (sconce_str){word, strlen(word)};
    file = fopen(word + 1, "rb");
    if (!file || fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0)
        quit("cannot read an argument's file");
    rewind(file);
    data = calloc(1, (size_t)bytes + 1);
    if (!data || fread(data, 1, (size_t)bytes, file) != (size_t)bytes)
        quit("cannot read an argument's file");
    fclose(file);
    return (sconce_str){data, (size_t)bytes};
}

static const struct sconce_table_entry *find(const char *name)
{
    const struct sconce_table_entry *entry = __start_sconce_exports;

    while (entry < __stop_sconce_exports && strcmp(entry->name, name) != 0)
        entry++;
    if (entry == __stop_sconce_exports)
        quit("there is no such function");
    return entry;
}

static void free_allocated(void)
{
    while (allocated_count)
        free(allocated[--allocated_count]);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void measure(const struct sconce_table_entry *entry, struct sconce_call *call,
                    unsigned rounds)
{
    uint64_t *ns = calloc(rounds, sizeof *ns);
    int real_stdout = dup(STDOUT_FILENO);

    if (!ns || !freopen("/dev/null", "w", stdout))
        quit("cannot measure");
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t begin = now_ns();

        entry->entry(call);
        fflush(stdout);
        free_allocated();
        ns[i] = now_ns() - begin;
    }
    qsort(ns, rounds, sizeof *ns, ascending);
    dprintf(real_stdout, "%" PRIu64 "\n", ns[rounds / 2]);
    free(ns);
}

int main(int argc, char **argv)
{
    const struct sconce_table_entry *entry;
    struct sconce_call call = {0};
    int at = 1, rounds = 0;

    if (argc > 1 && sscanf(argv[1], "--rounds=%d", &rounds) == 1)
        at++;
    if (at >= argc || (unsigned)(argc - at - 1) > SCONCE_MAX_PARAMS)
        quit("usage: NATIVE [--rounds=N] FUNCTION [ARG...]");
    entry = find(argv[at]);
    for (int i = at + 1; i < argc; i++)
        call.args[i - at - 1] = read_argument(argv[i]);
    if (rounds > 0) {
        measure(entry, &call, (unsigned)rounds);
        return 0;
    }
    entry->entry(&call);
    fflush(stdout);
    if (failed) {
        fprintf(stderr, "%" PRId32 ": %s", failed, failure);
        return 1;
    }
    if (call.type == SCONCE_TYPE_I32)
        dprintf(RESULT_FD, "%" PRId32, call.i32);
    else if (write(RESULT_FD, call.span.data, call.span.length) != (ssize_t)call.span.length)
        quit("cannot write the result");
    free_allocated();
    return 0;
}
