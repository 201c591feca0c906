/* SPDX-License-Identifier: Apache-2.0 */
/* Results, for people and for programs. */
#ifndef SCONCE_PLUGIN_CHECK_REPORT_H
#define SCONCE_PLUGIN_CHECK_REPORT_H

#include "tools/plugin-check/runner.h"

struct check_totals {
    unsigned passed, failed, skipped;
};

/** check_report_row - one line, as soon as the row has ended (text only). */
void check_report_row(const struct check_result *result);

/** check_report_text - what went wrong again, and the totals. */
void check_report_text(const struct check_setup *setup, const struct check_result *results,
                       size_t count, const struct check_totals *totals);

/** check_report_json - everything. */
void check_report_json(const struct check_setup *setup, const struct check_result *results,
                       size_t count, const struct check_totals *totals);

#endif
