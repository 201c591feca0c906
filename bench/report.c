/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

static double us(uint64_t ns)
{
    return (double)ns / 1000;
}

static double load(void)
{
    double average = 0;

    return getloadavg(&average, 1) == 1 ? average : 0;
}

static void print_counts(const struct measure_result *result)
{
    if (result->exits < 0)
        printf("  %6.2f       -\n", result->ioctls);
    else
        printf("  %6.2f  %6.2f\n", result->ioctls, result->exits);
}

static void print_table(const char *what, const struct options *options, bool sync_wake_up,
                        const struct measure_contestant *contestants,
                        const struct measure_result *results, size_t count)
{
    printf("%s: %u rounds of %u, ", what, options->plan.rounds, options->plan.batch);
    if (options->cpu == OPTIONS_ANY_CPU)
        printf("any processor");
    else
        printf("processor %d", options->cpu);
    printf(", load %.1f, SYNC_WAKE_UP %s\n\n", load(), sync_wake_up ? "on" : "not there");
    printf("%-20s %9s %9s %9s  %6s  %-13s %-13s  %6s  %6s\n", "", "p10 us", "median us", "p99 us",
           "ratio", "95% of it", "p10..p90", "ioctls", "exits");
    for (size_t i = 0; i < count; i++) {
        const struct measure_result *result = &results[i];
        const struct stats_ratio *ratio = &result->ratio;

        printf("%-20s %9.2f %9.2f %9.2f", contestants[i].name, us(result->p10_ns),
               us(result->median_ns), us(result->p99_ns));
        if (contestants[i].floor == i)
            printf("  %6s  %-13s %-13s", "floor", "", "");
        else
            printf("  %6.3f  %.3f..%.3f  %.3f..%.3f ", ratio->median, ratio->low, ratio->high,
                   ratio->p10, ratio->p90);
        print_counts(result);
    }
}

/* No string of it needs escapes: names of ours, and a backend's, which is letters and hyphens. */
static void print_json(const char *what, const struct options *options, bool sync_wake_up,
                       const struct measure_contestant *contestants,
                       const struct measure_result *results, size_t count)
{
    printf("{\"what\": \"%s\", \"rounds\": %u, \"batch\": %u, \"mappings\": %u, \"load\": %.2f,\n",
           what, options->plan.rounds, options->plan.batch, options->mappings, load());
    if (options->cpu == OPTIONS_ANY_CPU)
        printf(" \"cpu\": null,");
    else
        printf(" \"cpu\": %d,", options->cpu);
    printf(" \"sync_wake_up\": %s, \"contestants\": [", sync_wake_up ? "true" : "false");
    for (size_t i = 0; i < count; i++) {
        const struct measure_result *result = &results[i];
        const struct stats_ratio *ratio = &result->ratio;

        printf("%s\n  {\"name\": \"%s\", \"floor\": \"%s\", \"p10_ns\": %ju, \"median_ns\": %ju, "
               "\"p99_ns\": %ju,\n   \"ratio\": {\"median\": %.4f, \"low\": %.4f, \"high\": %.4f, "
               "\"p10\": %.4f, \"p90\": %.4f},\n   \"ioctls\": %.3f, \"exits\": ",
               i ? "," : "", contestants[i].name, contestants[contestants[i].floor].name,
               (uintmax_t)result->p10_ns, (uintmax_t)result->median_ns, (uintmax_t)result->p99_ns,
               ratio->median, ratio->low, ratio->high, ratio->p10, ratio->p90, result->ioctls);
        if (result->exits < 0)
            printf("null}");
        else
            printf("%.3f}", result->exits);
    }
    printf("\n]}\n");
}

void report_results(const char *what, const struct options *options, bool sync_wake_up,
                    const struct measure_contestant *contestants,
                    const struct measure_result *results, size_t count)
{
    if (options->json)
        print_json(what, options, sync_wake_up, contestants, results, count);
    else
        print_table(what, options, sync_wake_up, contestants, results, count);
}
