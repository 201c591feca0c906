/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, as a table for people or as JSON for programs, on stdout. */
#ifndef SCONCE_BENCH_REPORT_H
#define SCONCE_BENCH_REPORT_H

#include <stddef.h>

#include "measure.h"
#include "options.h"

/**
 * report_results - @count results of @contestants.
 * @what: what an operation is. @sync_wake_up: whether the floor's kernel has that flag.
 */
void report_results(const char *what, const struct options *options, bool sync_wake_up,
                    const struct measure_contestant *contestants,
                    const struct measure_result *results, size_t count);

#endif
