/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"

#include <stdlib.h>

#include "report.h"

#define SECOND_NS 1e9

bool samples_add(struct samples *samples, uint64_t ns)
{
    if (!samples->ns)
        samples->ns = report_calloc(SAMPLES_MOST, sizeof *samples->ns);
    if (samples->count < SAMPLES_MOST) {
        samples->ns[samples->count++] = ns;
        samples->total_ns += ns;
    }
    return samples->count < SAMPLES_MOST;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void samples_sort(struct samples *samples)
{
    if (samples->count > 0)
        qsort(samples->ns, samples->count, sizeof *samples->ns, compare);
}

uint64_t samples_percentile(const struct samples *samples, unsigned percent)
{
    size_t rank = (samples->count * percent + 99) / 100;

    if (samples->count == 0)
        return 0;
    return samples->ns[rank > 0 ? rank - 1 : 0];
}

double samples_per_second(const struct samples *samples)
{
    if (samples->total_ns == 0)
        return 0;
    return (double)samples->count * SECOND_NS / (double)samples->total_ns;
}

void samples_free(struct samples *samples)
{
    free(samples->ns);
    *samples = (struct samples){0};
}
