/* SPDX-License-Identifier: Apache-2.0 */
/* Times, and what is told of them. The program ends where there is no memory: report_calloc. */
#ifndef SCONCE_CLI_SAMPLES_H
#define SCONCE_CLI_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many are kept: a measurement ends with the last. */
#define SAMPLES_MOST 1000000u

/* Zero it; samples_free() takes it at any stage. */
struct samples {
    uint64_t *ns;
    size_t count;
    uint64_t total_ns;
};

/** samples_add - one more. Returns whether there is room for another. */
bool samples_add(struct samples *samples, uint64_t ns);

/** samples_sort - before samples_percentile, behind the last samples_add. */
void samples_sort(struct samples *samples);

/** samples_percentile - nearest rank, 0 of none. @percent: 0 to 100. */
uint64_t samples_percentile(const struct samples *samples, unsigned percent);

/** samples_per_second - how many fit into a second, one behind the other; 0 of none. */
double samples_per_second(const struct samples *samples);

void samples_free(struct samples *samples);

#endif
