/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows about calls within calls share. */
#ifndef SCONCE_PLUGIN_CHECK_NESTED_H
#define SCONCE_PLUGIN_CHECK_NESTED_H

#include "tools/plugin-check/box.h"

/** check_nested_call - from a host function: call the box's sandbox, and leave the box's error and
 * result alone. @ret: may be NULL. */
int check_nested_call(struct check_box *box, const char *function, const struct sconce_value *args,
                      size_t arg_count, struct sconce_value *ret, struct sconce_error *err);

#endif
