/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#define RESAMPLES 2000u

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

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13; /* xorshift64 */
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/*
 * The rank, in @count sorted values, of the median of a sample drawn from them: what is drawn are
 * ranks, so the median's is found by counting, without a sort.
 */
static size_t resampled_median(size_t count, unsigned *drawn, uint64_t *state)
{
    size_t below = 0, rank = 0;

    memset(drawn, 0, count * sizeof *drawn);
    for (size_t i = 0; i < count; i++)
        drawn[draw(state) % count]++;
    while ((below += drawn[rank]) <= rank_of(count, 50))
        rank++;
    return rank;
}

struct stats_ratio stats_ratios(double *ratios, size_t count)
{
    uint64_t ranks[RESAMPLES], state = 0x9e3779b97f4a7c15u;
    unsigned *drawn = calloc(count, sizeof *drawn);
    struct stats_ratio result;

    qsort(ratios, count, sizeof *ratios, compare_ratios);
    result = (struct stats_ratio){
        .median = ratios[rank_of(count, 50)], .low = ratios[0], .high = ratios[count - 1]};
    if (!drawn)
        return result; /* all of them: no narrower than the truth */
    for (size_t i = 0; i < RESAMPLES; i++)
        ranks[i] = resampled_median(count, drawn, &state);
    free(drawn);
    stats_sort(ranks, RESAMPLES);
    result.low = ratios[ranks[RESAMPLES * 25 / 1000]];
    result.high = ratios[ranks[RESAMPLES * 975 / 1000]];
    return result;
}
