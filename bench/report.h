/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, as a table for people or as JSON for programs, on stdout, row by row. */
#ifndef SCONCE_BENCH_REPORT_H
#define SCONCE_BENCH_REPORT_H

#include "metric.h"
#include "options.h"

/** report_begin - before the first row. */
void report_begin(const struct options *options);

/**
 * report_row - @results in the order of @contest's contestants.
 * @target: that the ratio is held to. @plan: that it was measured by.
 */
void report_row(const struct options *options, const struct metric *metric, const char *backend,
                double target, const struct measure_plan *plan, const struct contest *contest,
                const struct measure_result *results);

/** report_end - behind the last row. */
void report_end(const struct options *options);

#endif
