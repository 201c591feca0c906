/* SPDX-License-Identifier: Apache-2.0 */
/* Several backends, one table: a line a row, a column a backend. */
#ifndef SCONCE_PLUGIN_CHECK_TABLE_H
#define SCONCE_PLUGIN_CHECK_TABLE_H

#include "tools/plugin-check/subject.h"

/** check_table - run every row on every subject, a line as soon as it is complete; failures and the
 * reasons of skips below. Returns an exit status. */
int check_table(const struct check_options *options, const struct check_subject *subjects,
                size_t count);

#endif
