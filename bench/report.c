/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAST_ROUNDS 6u

static bool is_first = true;

static double in_unit(const struct metric *metric, uint64_t value)
{
    return (double)value / (metric->unit[0] == 'u' ? 1000 : 1024);
}

static double load(void)
{
    double average = 0;

    return getloadavg(&average, 1) == 1 ? average : 0;
}

/*
 * The whole interval decides. Where the target lies in it, nothing is said; nor by a few rounds,
 * which may all have been on one side by chance; nor where half of the floor's operations took
 * twice what they take at best: both then wait for the same third, and the ratio is that of the
 * waits.
 */
static const char *verdict_of(const struct measure_result *floor, const struct stats_ratio *ratio,
                              double target, unsigned rounds)
{
    if (rounds < LEAST_ROUNDS || floor->median > 2 * floor->least)
        return "open";
    if (ratio->high <= target)
        return "met";
    return ratio->low > target ? "missed" : "open";
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void print_values(const struct metric *metric, const struct measure_result *result)
{
    printf(" %8.2f %8.2f %8.2f ", in_unit(metric, result->p10), in_unit(metric, result->median),
           in_unit(metric, result->p99));
}

static void print_count(double count)
{
    if (count < 0)
        printf("     -");
    else
        printf(" %5.2f", count);
}

static void print_row(const struct metric *metric, const char *backend, double target,
                      const struct measure_plan *plan, const struct contest *contest,
                      const struct measure_result *results)
{
    const struct measure_result *floor = &results[CONTEST_FLOOR], *ours = &results[CONTEST_OURS];
    const struct stats_ratio *ratio = &ours->ratio;

    printf("%-18s %-14s %-3s", metric->name, backend, metric->unit);
    print_values(metric, floor);
    print_values(metric, ours);
    printf(" %6.3f  %.3f..%.3f  %4.2f %-6s ", ratio->median, ratio->low, ratio->high, target,
           verdict_of(&results[CONTEST_FLOOR], ratio, target, plan->rounds));
    print_count(floor->exits);
    print_count(ours->exits);
    printf(" ");
    print_count(floor->ioctls);
    print_count(ours->ioctls);
    printf(" ");
    print_count(floor->syscalls);
    print_count(ours->syscalls);
    printf("\n");
    if (contest->count > CONTEST_BARE) {
        printf("%-18s %-14s %-3s", "", "  floor, bare", metric->unit);
        print_values(metric, &results[CONTEST_BARE]);
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
    printf(
        "%-18s %-14s %-3s %8s %8s %8s  %8s %8s %8s  %6s  %-12s  %-11s  %5s %5s  %5s %5s  %5s %5s\n",
        "", "", "", "p10", "median", "p99", "p10", "median", "p99", "ratio", "95% of it", "target",
        "floor", "ours", "floor", "ours", "floor", "ours");
    fflush(stdout);
}

/* ---- JSON: no string of it needs escapes, names of ours and a backend's ---------------------- */

static void put_values(const char *name, const struct metric *metric,
                       const struct measure_result *result)
{
    printf(", \"%s\": {\"p10\": %.3f, \"median\": %.3f, \"p99\": %.3f, \"exits\": ", name,
           in_unit(metric, result->p10), in_unit(metric, result->median),
           in_unit(metric, result->p99));
    if (result->exits < 0)
        printf("null");
    else
        printf("%.3f", result->exits);
    printf(", \"ioctls\": %.3f, \"syscalls\": ", result->ioctls);
    if (result->syscalls < 0)
        printf("null}");
    else
        printf("%.3f}", result->syscalls);
}

static void put_row(const struct metric *metric, const char *backend, double target,
                    const struct measure_plan *plan, const struct contest *contest,
                    const struct measure_result *results)
{
    const struct stats_ratio *ratio = &results[CONTEST_OURS].ratio;

    printf("%s\n  {\"metric\": \"%s\", \"backend\": \"%s\", \"unit\": \"%s\", \"rounds\": %u, "
           "\"batch\": %u",
           is_first ? "" : ",", metric->name, backend, metric->unit, plan->rounds, plan->batch);
    put_values("floor", metric, &results[CONTEST_FLOOR]);
    put_values("ours", metric, &results[CONTEST_OURS]);
    if (contest->count > CONTEST_BARE)
        put_values("bare", metric, &results[CONTEST_BARE]);
    printf(", \"ratio\": %.4f, \"low\": %.4f, \"high\": %.4f, \"target\": %.2f, "
           "\"verdict\": \"%s\"}",
           ratio->median, ratio->low, ratio->high, target,
           verdict_of(&results[CONTEST_FLOOR], ratio, target, plan->rounds));
    is_first = false;
}

/* ---------------------------------------------------------------------------------------------- */

void report_begin(const struct options *options)
{
    if (!options->json) {
        print_head(options);
        return;
    }
    printf("{\"load\": %.2f, \"cpu\": ", load());
    if (options->cpu == OPTIONS_ANY_CPU)
        printf("null");
    else
        printf("%d", options->cpu);
    printf(", \"rows\": [");
}

void report_row(const struct options *options, const struct metric *metric, const char *backend,
                double target, const struct measure_plan *plan, const struct contest *contest,
                const struct measure_result *results)
{
    if (options->json)
        put_row(metric, backend, target, plan, contest, results);
    else
        print_row(metric, backend, target, plan, contest, results);
}

void report_end(const struct options *options)
{
    if (options->json)
        printf("\n]}\n");
}
