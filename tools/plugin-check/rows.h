/* SPDX-License-Identifier: Apache-2.0 */
/* The list of rows: every theme's, in order. */
#ifndef SCONCE_PLUGIN_CHECK_ROWS_H
#define SCONCE_PLUGIN_CHECK_ROWS_H

#include "tools/plugin-check/check.h"

/* Where a walk over the rows is. Zero it. */
struct check_walk {
    size_t theme, row;
};

/** check_next_row - the next row whose name matches @only, a shell pattern; NULL matches all.
 * Returns NULL at the end. */
const struct check_row *check_next_row(struct check_walk *walk, const char *only);

#endif
