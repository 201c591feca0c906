/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order statistics: percentiles of times, and what a row of ratios says. Pure functions of arrays;
 * nothing here takes a time or assumes how it is distributed.
 */
#ifndef SCONCE_BENCH_STATS_H
#define SCONCE_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

/* The median of ratios, and where it lies with 95 % confidence. */
struct stats_ratio {
    double median;
    double low;
    double high;
};

/** stats_sort - ascending, in place. */
void stats_sort(uint64_t *values, size_t count);

/** stats_percentile - nearest rank. @sorted: ascending, at least one. @percent: 0 to 100. */
uint64_t stats_percentile(const uint64_t *sorted, size_t count, unsigned percent);

/**
 * stats_ratios - what @count ratios say, at least one; sorts them.
 * The interval is the bootstrap's: of the medians of many samples that are drawn from the ratios
 * with replacement, the middle 95 %. The draws are the same in each run.
 */
struct stats_ratio stats_ratios(double *ratios, size_t count);

#endif
