/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <math.h>
#include <stdlib.h>

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int compare_ratios(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void stats_sort(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_numbers);
}

/* Which of @count sorted values is the @percent-th percentile, from 0. */
static size_t rank_of(size_t count, unsigned percent)
{
    size_t rank = (count * percent + 99) / 100;

    return rank > 0 ? rank - 1 : 0;
}

uint64_t stats_percentile(const uint64_t *sorted, size_t count, unsigned percent)
{
    return sorted[rank_of(count, percent)];
}

struct stats_ratio stats_ratios(double *ratios, size_t count)
{
    /* Half the width of the interval, in ranks: 1.96 standard deviations of a fair coin. */
    double half = 0.98 * sqrt((double)count);
    double low = floor(((double)count - 1) / 2 - half);
    double high = ceil(((double)count - 1) / 2 + half);

    qsort(ratios, count, sizeof *ratios, compare_ratios);
    return (struct stats_ratio){
        .median = ratios[rank_of(count, 50)],
        .low = ratios[low > 0 ? (size_t)low : 0],
        .high = ratios[high < (double)count ? (size_t)high : count - 1],
        .p10 = ratios[rank_of(count, 10)],
        .p90 = ratios[rank_of(count, 90)],
    };
}
