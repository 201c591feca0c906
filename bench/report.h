/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, as a table for people or as JSON for programs, on stdout, row by row. */
#ifndef SCONCE_BENCH_REPORT_H
#define SCONCE_BENCH_REPORT_H

#include "metric.h"
#include "options.h"

struct row {
    const struct metric *metric;
    const char *backend;
    double target;                   /* that the ratio is held to */
    const struct measure_plan *plan; /* that it was measured by */
    const struct contest *contest;
    const struct measure_result *results; /* in the order of its contestants */
};

/** report_begin - before the first row. */
void report_begin(const struct options *options);

void report_row(const struct options *options, const struct row *row);

/** report_end - behind the last row. */
void report_end(const struct options *options);

/** report_in_unit - nanoseconds or bytes in the unit in which the metric is told. */
double report_in_unit(const struct metric *metric, uint64_t value);

#endif
