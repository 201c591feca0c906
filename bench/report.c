/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#include "report-json.h"

#define LEAST_ROUNDS 6u

static double load(void)
{
    double average = 0;

    return getloadavg(&average, 1) == 1 ? average : 0;
}

double report_in_unit(const struct metric *metric, uint64_t value)
{
    return (double)value / (metric->unit[0] == 'u' ? 1000 : 1024);
}

/*
 * The whole interval decides. Where the target lies in it, nothing is said; nor by a few rounds,
 * which may all have been on one side by chance; nor where half of the floor's operations took
 * twice what they take at best: both then wait for the same third, and the ratio is that of the
 * waits.
 */
static const char *verdict_of(const struct row *row)
{
    const struct measure_result *floor = &row->results[CONTEST_FLOOR];
    const struct stats_ratio *ratio = &row->results[CONTEST_OURS].ratio;

    if (row->plan->rounds < LEAST_ROUNDS || floor->median > 2 * floor->least)
        return "open";
    if (ratio->high <= row->target)
        return "met";
    return ratio->low > row->target ? "missed" : "open";
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void print_values(const struct metric *metric, const struct measure_result *result)
{
    printf(" %8.2f %8.2f %8.2f ", report_in_unit(metric, result->p10),
           report_in_unit(metric, result->median), report_in_unit(metric, result->p99));
}

static void print_count(double count)
{
    if (count < 0)
        printf("     -");
    else
        printf(" %5.2f", count);
}

static void print_counts(double floor, double ours)
{
    print_count(floor);
    print_count(ours);
    printf(" ");
}

static void print_row(const struct row *row)
{
    const struct metric *metric = row->metric;
    const struct measure_result *floor = &row->results[CONTEST_FLOOR];
    const struct measure_result *ours = &row->results[CONTEST_OURS];
    const struct stats_ratio *ratio = &ours->ratio;

    printf("%-18s %-14s %-3s", metric->name, row->backend, metric->unit);
    print_values(metric, floor);
    print_values(metric, ours);
    printf(" %6.3f  %.3f..%.3f  %4.2f %-6s ", ratio->median, ratio->low, ratio->high, row->target,
           verdict_of(row));
    print_counts(floor->exits, ours->exits);
    print_counts(floor->ioctls, ours->ioctls);
    print_counts(floor->syscalls, ours->syscalls);
    if (floor->instructions >= 0)
        printf("%7.0f %5.0f", floor->instructions, ours->instructions);
    printf("\n");
    if (row->contest->count > CONTEST_BARE) {
        printf("%-18s %-14s %-3s", "", "  floor, bare", metric->unit);
        print_values(metric, &row->results[CONTEST_BARE]);
        printf("\n");
    }
    fflush(stdout);
}

static void print_head(const struct options *options)
{
    if (options->cpu == OPTIONS_ANY_CPU)
        printf("any processor");
    else
        printf("processor %d", options->cpu);
    printf(", load %.1f\n\n", load());
    printf("%-36s %27s %27s %*s\n", "", "floor", "ours", 82,
           "exits       ioctls       system calls");
    printf("%-18s %-14s %-3s %8s %8s %8s  %8s %8s %8s  %6s  %-12s  %-11s  %5s %5s  %5s %5s  %5s "
           "%5s  %5s %5s\n",
           "", "", "", "p10", "median", "p99", "p10", "median", "p99", "ratio", "95% of it",
           "target", "floor", "ours", "floor", "ours", "floor", "ours", "floor", "ours");
    fflush(stdout);
}

/* ---------------------------------------------------------------------------------------------- */

void report_begin(const struct options *options)
{
    if (options->json)
        json_begin(options, load());
    else
        print_head(options);
}

void report_row(const struct options *options, const struct row *row)
{
    if (options->json)
        json_row(row, verdict_of(row));
    else
        print_row(row);
}

void report_end(const struct options *options)
{
    if (options->json)
        json_end();
}
