/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce-bench: what a backend costs beside the mechanism that it stands on. Each row measures it,
 * through libsconce's public interface, against the same mechanism driven by hand.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "metric.h"
#include "report.h"

static const char *const defaults[] = {"kvm-x86_64", "process-x86_64"};

/* NULL when the backend's mechanism has none. */
static const struct floor_ops *floor_of(const char *backend)
{
    if (strncmp(backend, "kvm-", 4) == 0)
        return &floor_kvm;
    return strncmp(backend, "process-", 8) == 0 ? &floor_process : NULL;
}

static bool is_drawn(const struct options *options, const struct metric *metric)
{
    return options->sweep && metric->axis &&
           (strcmp(options->sweep, OPTIONS_SWEEP_ALL) == 0 ||
            strcmp(options->sweep, metric->axis) == 0);
}

/* With both options, what either names. */
static bool is_wanted(const struct options *options, const struct metric *metric)
{
    if (is_drawn(options, metric))
        return true;
    if (!options->only)
        return !options->sweep && !metric->on_request;
    return fnmatch(options->only, metric->name, 0) == 0;
}

static int run_row(const struct options *options, struct bench *bench, const char *backend,
                   const struct metric *metric)
{
    struct measure_plan plan = metric->plan;
    struct contest contest = {.at = metric->at};
    struct measure_result results[CONTEST_MOST];
    double target = bench->floor->ops == &floor_process ? metric->process_target : metric->target;
    int r;

    if (options->plan.rounds)
        plan.rounds = options->plan.rounds;
    if (options->plan.batch)
        plan.batch = options->plan.batch;
    r = metric->open(bench, metric, &contest);
    contest.contestants[CONTEST_FLOOR].name = metric->floor;
    contest.contestants[CONTEST_OURS].name = metric->ours;
    contest.contestants[CONTEST_BARE].name = "the bare floor";
    if (r == 0)
        r = measure_run(contest.contestants, contest.count, &plan, results);
    if (r == 0)
        report_row(options, &(const struct row){metric, backend, target, &plan, &contest, results});
    metric->close(&contest);
    if (r != 0)
        fprintf(stderr, "bench: %s on %s was not measured\n", metric->name, backend);
    return r < 0 ? -1 : 0;
}

static int run_rows(const struct options *options, struct bench *bench, const char *backend)
{
    int r = 0;

    for (size_t i = 0; i < metric_count; i++)
        if (is_wanted(options, &metrics[i]) &&
            (!metrics[i].by_memory || bench->floor->ops->answer) &&
            run_row(options, bench, backend, &metrics[i]) < 0)
            r = -1;
    return r;
}

/* @head: whether the table's head has been printed. */
static int run_backend(const struct options *options, const char *backend, bool *head)
{
    const struct floor_ops *ops = floor_of(backend);
    struct bench bench = {0};
    struct floor_error err;
    int r, status = subject_open(&bench.subject, options, backend, BENCH_GUEST);

    if (status != STATUS_OK)
        return status;
    if (!ops) {
        fprintf(stderr, "bench: no floor is written for %s's mechanism\n", backend);
        subject_close(&bench.subject);
        return STATUS_NO_FLOOR;
    }
    if (ops->open(BENCH_ZYGOTE, &bench.floor, &err) < 0) {
        metric_floor_failed(&err);
        subject_close(&bench.subject);
        return STATUS_NO_FLOOR;
    }
    if (!*head)
        report_begin(options);
    *head = true;
    r = run_rows(options, &bench, backend);
    ops->close(bench.floor);
    subject_close(&bench.subject);
    return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* Those that cannot be used here are left out, as long as one can. */
static int run_defaults(const struct options *options, bool *head)
{
    int status = STATUS_NO_BACKEND;

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        int one = run_backend(options, defaults[i], head);

        if (one == STATUS_FAILED || one == STATUS_USAGE)
            return one;
        if (one == STATUS_OK || (one == STATUS_NO_FLOOR && status != STATUS_OK))
            status = one;
    }
    return status;
}

static bool names_a_row(const struct options *options)
{
    for (size_t i = 0; i < metric_count; i++)
        if (is_wanted(options, &metrics[i]))
            return true;
    fprintf(stderr, "bench: --only: \"%s\" is no row's name\n", options->only);
    return false;
}

int main(int argc, char **argv)
{
    struct options options = {.program = argv[0], .plugin_dir = BENCH_PLUGIN_DIRECTORY};
    bool head = false;
    int status;

    if (!options_parse(argc, argv, &options, &status))
        return status;
    if (!names_a_row(&options))
        return STATUS_USAGE;
    status = options_pin(&options);
    if (status != STATUS_OK)
        return status;
    status = options.backend ? run_backend(&options, options.backend, &head)
                             : run_defaults(&options, &head);
    if (head)
        report_end(&options);
    return status;
}
