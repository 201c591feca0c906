/* SPDX-License-Identifier: Apache-2.0 */
/* The rows as one JSON document: bench/README.md has its members. For report.c. */
#ifndef SCONCE_BENCH_REPORT_JSON_H
#define SCONCE_BENCH_REPORT_JSON_H

#include "report.h"

/** json_begin - before the first row: the machine. @load: its load average. */
void json_begin(const struct options *options, double load);

void json_row(const struct row *row, const char *verdict);

/** json_end - behind the last. */
void json_end(void);

#endif
