/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce bench: how long calls of one function take, on this machine, by themselves and with the
 * sandbox put back behind each. What they return is dropped, and so is what the guest prints.
 */
#include <time.h>

#include "box.h"
#include "commands.h"
#include "interrupt.h"
#include "invoke.h"
#include "json.h"
#include "report.h"
#include "samples.h"

#define DEFAULT_MS 1000u
#define MS_NS 1000000u
#define DIGITS 32u

struct way {
    const char *name;
    const char *title;
    int (*back)(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                struct sconce_error *err); /* behind each call; NULL: nothing */
};

static const struct way ways[] = {
    {"call", "call", NULL},
    {"rewind", "call and rewind", sconce_sandbox_rewind},
    {"restore", "call and restore", sconce_sandbox_restore},
};

struct bench {
    struct session session;
    struct invocation invocation;
    struct box box;
    struct sconce_snapshot *snapshot; /* of the guest when it has started */
    uint32_t export_i;
    struct json json;
};

/* One way's. */
struct outcome {
    struct samples samples;
    struct sconce_stats before, after;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned milliseconds(const struct bench *bench)
{
    unsigned given = bench->session.options->time_ms;

    return given ? given : DEFAULT_MS;
}

static int turn(const struct bench *bench, const struct way *way, struct sconce_error *err)
{
    struct sconce_sandbox *sandbox = bench->box.sandbox;
    int r = sconce_sandbox_call_index(sandbox, bench->export_i, bench->invocation.values,
                                      bench->invocation.signature.param_count, NULL, err);

    if (r == 0 && way->back)
        r = way->back(sandbox, bench->snapshot, err);
    return r;
}

static int repeat(const struct bench *bench, const struct way *way, struct samples *samples,
                  struct sconce_error *err)
{
    const uint64_t start_ns = now_ns(), long_ns = (uint64_t)milliseconds(bench) * MS_NS;
    uint64_t from_ns, to_ns;

    do {
        from_ns = now_ns();
        if (turn(bench, way, err) < 0)
            return err->code;
        to_ns = now_ns();
    } while (samples_add(samples, to_ns - from_ns) && to_ns - start_ns < long_ns);
    return 0;
}

/* As it has started, whoever was measured before; the first turn touches what all need. */
static int measure(struct bench *bench, const struct way *way, struct outcome *outcome)
{
    struct sconce_sandbox *sandbox = bench->box.sandbox;
    struct sconce_error err = {0};
    int r;

    outcome->before.size = outcome->after.size = sizeof outcome->before;
    interrupt_begin(sandbox);
    r = sconce_sandbox_restore(sandbox, bench->snapshot, &err);
    if (r == 0)
        r = turn(bench, way, &err);
    sconce_sandbox_stats(sandbox, &outcome->before);
    if (r == 0)
        r = repeat(bench, way, &outcome->samples, &err);
    sconce_sandbox_stats(sandbox, &outcome->after);
    interrupt_end();
    samples_sort(&outcome->samples);
    return r < 0 ? box_fail(&bench->box, &err) : STATUS_OK;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static double per_call(const struct outcome *outcome, uint64_t before, uint64_t after)
{
    return (double)(after - before) / (double)outcome->samples.count;
}

static double exits(const struct outcome *outcome)
{
    return per_call(outcome, outcome->before.exits, outcome->after.exits);
}

static double host_calls(const struct outcome *outcome)
{
    return per_call(outcome, outcome->before.host_calls, outcome->after.host_calls);
}

static double traps(const struct outcome *outcome)
{
    return per_call(outcome, outcome->before.traps, outcome->after.traps);
}

static void put_number(struct json *json, const char *key, double value)
{
    char digits[DIGITS];

    snprintf(digits, sizeof digits, "%.3f", value);
    json_number(json, key, digits);
}

static void put_json(struct json *json, const struct way *way, const struct outcome *outcome)
{
    const struct samples *samples = &outcome->samples;

    json_open_object(json, NULL);
    json_text(json, "way", way->name);
    json_u64(json, "calls", samples->count);
    put_number(json, "calls_per_second", samples_per_second(samples));
    json_u64(json, "p10_ns", samples_percentile(samples, 10));
    json_u64(json, "median_ns", samples_percentile(samples, 50));
    json_u64(json, "p99_ns", samples_percentile(samples, 99));
    put_number(json, "exits_per_call", exits(outcome));
    put_number(json, "host_calls_per_call", host_calls(outcome));
    put_number(json, "traps_per_call", traps(outcome));
    json_close_object(json);
}

static void put_line(const struct way *way, const struct outcome *outcome)
{
    const struct samples *samples = &outcome->samples;

    printf("%-18s %9.0f  %10.1f %10.1f %10.1f  %9.2f %10.2f %9.2f\n", way->title,
           samples_per_second(samples), (double)samples_percentile(samples, 10) / 1000,
           (double)samples_percentile(samples, 50) / 1000,
           (double)samples_percentile(samples, 99) / 1000, exits(outcome), host_calls(outcome),
           traps(outcome));
}

static void begin(struct bench *bench)
{
    const struct session *session = &bench->session;

    if (!session->options->json) {
        printf("%-18s %9s  %10s %10s %10s  %9s %10s %9s\n", "", "calls/s", "p10 us", "median us",
               "p99 us", "exits", "host calls", "traps");
        return;
    }
    bench->json = (struct json){.out = stdout};
    json_open_object(&bench->json, NULL);
    json_text(&bench->json, "backend", session->backend.name);
    json_text(&bench->json, "isolation", session->backend.isolation);
    json_text(&bench->json, "function", bench->invocation.signature.name);
    json_u64(&bench->json, "time_ms", milliseconds(bench));
    json_open_array(&bench->json, "ways");
}

static void end(struct bench *bench)
{
    if (!bench->session.options->json)
        return;
    json_close_array(&bench->json);
    json_close_object(&bench->json);
}

/* All of them before anything is told: a document is an error's or a result's. */
static int measure_all(struct bench *bench)
{
    struct outcome outcomes[sizeof ways / sizeof *ways] = {0};
    const size_t count = sizeof ways / sizeof *ways;
    int status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = measure(bench, &ways[i], &outcomes[i]);
    if (status == STATUS_OK) {
        begin(bench);
        for (size_t i = 0; i < count; i++)
            if (bench->session.options->json)
                put_json(&bench->json, &ways[i], &outcomes[i]);
            else
                put_line(&ways[i], &outcomes[i]);
        end(bench);
    }
    for (size_t i = 0; i < count; i++)
        samples_free(&outcomes[i].samples);
    return status;
}

/* ---------------------------------------------------------------------------------------------- */

static int prepare(struct bench *bench)
{
    struct sconce_error err = {0};

    sconce_guest_find(bench->session.guest, bench->invocation.signature.name, &bench->export_i,
                      NULL);
    if (sconce_sandbox_snapshot(bench->box.sandbox, &bench->snapshot, &err) < 0)
        return box_fail(&bench->box, &err);
    return STATUS_OK;
}

static int run(struct bench *bench)
{
    int status = session_load(&bench->session, bench->invocation.guest);

    if (status == STATUS_OK)
        status = invocation_read(&bench->invocation);
    if (status == STATUS_OK)
        status = box_open(&bench->box, &bench->session, stderr, &bench->invocation.reader);
    if (status == STATUS_OK)
        status = prepare(bench);
    return status == STATUS_OK ? measure_all(bench) : status;
}

int cmd_bench(const struct options *options)
{
    struct bench bench = {
        .invocation.guest = options->operands[0],
        .invocation.function = options->operands[1],
        .invocation.args = options->operands + 2,
        .invocation.arg_count = options->operand_count - 2,
        .box.drops_output = true,
    };
    int status;

    bench.invocation.session = &bench.session;
    status = session_open(&bench.session, options);
    if (status == STATUS_OK)
        status = run(&bench);
    sconce_snapshot_free(bench.snapshot);
    box_close(&bench.box);
    session_close(&bench.session);
    invocation_free(&bench.invocation);
    return status;
}
