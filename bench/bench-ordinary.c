/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-ordinary BACKEND: what the examples with an ordinary C library cost in a sandbox, as a
 * table for docs/ordinary-c.md. Traps are counts. Times are only compared with those of the native
 * program of the same source in the same run: rounds of both take turns, and told are the median of
 * the rounds' ratios and their extremes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "subject.h"

#define ROUNDS 9u
#define CALLS 200 /* a round */
#define PATH_BYTES 4096u
#define ARGS_MAX 2u

/* In words: "@NAME" is an input of tests/ordinary. */
static const struct row {
    const char *example, *function, *words[ARGS_MAX];
} rows[] = {
    {"zlib", "gunzip", {"@text.gz"}},
    {"zlib", "gzip", {"@text"}},
    {"lua", "run", {"@primes.lua"}},
    {"lua", "run", {"return 6 * 7"}},
    {"sqlite",
     "query",
     {"@visits.db", "SELECT name, count(*) FROM person JOIN visit ON person = id "
                    "GROUP BY 1 ORDER BY 2"}},
    {"parser", "parse", {"@good.xml"}},
    {"cpp", "count_words", {"the cat and the hat and the rest"}},
    {"cpp", "number", {"12"}},
};

struct figures {
    uint64_t start_traps, first_traps;
    double traps; /* a call, behind the first */
    double ratio[ROUNDS];
    uint64_t native_ns;
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct sconce_value read_word(const char *word)
{
    struct sconce_value value = sconce_string(word);
    char path[PATH_BYTES], *data;
    FILE *file;
    long bytes;

    if (*word != '@')
        return value;
    snprintf(path, sizeof path, BENCH_ORDINARY "/%s", word + 1);
    file = fopen(path, "rbe");
    if (!file || fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0) {
        fprintf(stderr, "bench: cannot read %s\n", path);
        exit(STATUS_FAILED);
    }
    rewind(file);
    data = malloc((size_t)bytes + 1);
    value = sconce_bytes(data, data ? fread(data, 1, (size_t)bytes, file) : 0);
    fclose(file);
    return value;
}

/* As in guest/libc/process.c: otherwise malloc's dealings with the kernel would be compared. */
#define TUNABLES                                                                                   \
    "GLIBC_TUNABLES=glibc.malloc.trim_threshold=134217728:glibc.malloc.mmap_threshold=1073741824:" \
    "glibc.malloc.top_pad=2097152"

/* The median of CALLS calls, as the program itself tells. */
static int run_native(const struct row *row, double *ret_ns)
{
    char command[PATH_BYTES];
    int used = snprintf(command, sizeof command,
                        "cd '" BENCH_ORDINARY "' && " TUNABLES " ./native-%s --rounds=%d %s",
                        row->example, CALLS, row->function);
    FILE *program;
    bool read;

    for (unsigned i = 0; i < ARGS_MAX && row->words[i]; i++)
        used += snprintf(command + used, sizeof command - (size_t)used, " '%s'", row->words[i]);
    program = popen(command, "re");
    read = program && fscanf(program, "%lf", ret_ns) == 1;
    if (!program || pclose(program) || !read || *ret_ns <= 0) {
        fprintf(stderr, "bench: this failed: %s\n", command);
        return -1;
    }
    return 0;
}

static int echo(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)ctx;
    (void)call;
    (void)arg_count;
    (void)err;
    *ret = args[0];
    return 0;
}

struct caller {
    struct sconce_sandbox *sandbox;
    uint32_t export_i;
    struct sconce_value args[ARGS_MAX];
    size_t arg_count;
};

static int run_sandbox(struct caller *caller, unsigned calls, double *ret_ns)
{
    struct sconce_error err = {0};
    double ns[CALLS];

    for (unsigned i = 0; i < calls; i++) {
        double begin = now_ns();

        if (sconce_sandbox_call_index(caller->sandbox, caller->export_i, caller->args,
                                      caller->arg_count, NULL, &err) < 0)
            return subject_failed("calling an example", &err);
        ns[i] = now_ns() - begin;
    }
    qsort(ns, calls, sizeof *ns, ascending);
    *ret_ns = ns[calls / 2];
    return 0;
}

static uint64_t traps_of(const struct caller *caller)
{
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(caller->sandbox, &stats);
    return stats.traps;
}

static int measure(const struct row *row, struct caller *caller, struct figures *figures)
{
    double native[ROUNDS], here;
    uint64_t traps;

    figures->start_traps = traps_of(caller);
    if (run_sandbox(caller, 1, &here) < 0)
        return -1;
    traps = traps_of(caller);
    figures->first_traps = traps - figures->start_traps;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (run_native(row, &native[i]) < 0 || run_sandbox(caller, CALLS, &here) < 0)
            return -1;
        figures->ratio[i] = here / native[i];
    }
    figures->traps = (double)(traps_of(caller) - traps) / (ROUNDS * CALLS);
    qsort(figures->ratio, ROUNDS, sizeof *figures->ratio, ascending);
    qsort(native, ROUNDS, sizeof *native, ascending);
    figures->native_ns = (uint64_t)native[ROUNDS / 2];
    return 0;
}

static int run_row(const struct options *options, const struct row *row, const char *guest)
{
    const struct sconce_host_function ask = {"ask", "(string) -> string", echo, NULL};
    const struct sconce_sandbox_options sandbox_options = {
        .size = sizeof sandbox_options, .function_count = 1, .functions = &ask};
    struct caller caller = {0};
    struct figures figures = {0};
    struct subject subject;
    struct sconce_signature signature;
    struct sconce_error err = {0};
    int status;

    status = subject_open(&subject, options, options->backend, guest);
    if (status != STATUS_OK)
        return status;
    if (sconce_guest_find(subject.guest, row->function, &caller.export_i, &err) < 0 ||
        sconce_sandbox_new(subject.guest, &sandbox_options, &caller.sandbox, &err) < 0) {
        subject_failed(guest, &err);
        return STATUS_FAILED;
    }
    sconce_guest_export(subject.guest, caller.export_i, &signature);
    for (; caller.arg_count < ARGS_MAX && row->words[caller.arg_count]; caller.arg_count++) {
        caller.args[caller.arg_count] = read_word(row->words[caller.arg_count]);
        caller.args[caller.arg_count].type = (uint32_t)signature.params[caller.arg_count];
    }
    status = measure(row, &caller, &figures) < 0 ? STATUS_FAILED : STATUS_OK;
    if (status == STATUS_OK)
        printf("| %s | `%s` %.12s%s | %" PRIu64 " | %" PRIu64
               " | %.2f | %.1f | %.2f (%.2f..%.2f) |\n",
               row->example, row->function, row->words[0], strlen(row->words[0]) > 12 ? "..." : "",
               figures.start_traps, figures.first_traps, figures.traps,
               (double)figures.native_ns / 1e3, figures.ratio[ROUNDS / 2], figures.ratio[0],
               figures.ratio[ROUNDS - 1]);
    sconce_sandbox_free(caller.sandbox);
    subject_close(&subject);
    return status;
}

int main(int argc, char **argv)
{
    const struct options options = {.program = "bench-ordinary",
                                    .backend = argc > 1 ? argv[1] : NULL,
                                    .plugin_dir = BENCH_PLUGIN_DIRECTORY};
    char guest[PATH_BYTES];
    int status = STATUS_OK;

    if (argc != 2) {
        fprintf(stderr, "usage: bench-ordinary BACKEND\n");
        return STATUS_USAGE;
    }
    printf(
        "| example | call | traps at start | of the first call | of each later one | native us | "
        "ratio |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; status == STATUS_OK && i < sizeof rows / sizeof rows[0]; i++) {
        FILE *file;

        snprintf(guest, sizeof guest, BENCH_EXAMPLES "/%s/%s.elf", rows[i].example,
                 rows[i].example);
        file = fopen(guest, "rbe");
        if (!file)
            continue; /* its library is not here */
        fclose(file);
        status = run_row(&options, &rows[i], guest);
    }
    return status;
}
