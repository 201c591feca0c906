/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's table of operations in the core's own memory, with nothing missing. */
#ifndef SCONCE_CORE_PLUGIN_OPS_H
#define SCONCE_CORE_PLUGIN_OPS_H

#include <sconce/error.h>

#include "sconce-plugin.h"

/**
 * sconce_plugin_ops_copy - copy, check, and fill up.
 * Required callbacks must be there; absent optional ones become functions that answer
 * SCONCE_PLUGIN_E_NOT_SUPPORTED. Settings become a deep copy, for sconce_plugin_ops_clear.
 * Errors: SCONCE_E_NO_BACKEND, NO_MEMORY.
 */
int sconce_plugin_ops_copy(const struct sconce_plugin_ops *from, struct sconce_plugin_ops *ret_ops,
                           struct sconce_error *err);

void sconce_plugin_ops_clear(struct sconce_plugin_ops *ops);

/** sconce_plugin_copy_sized - min(@from's size, @bytes) of a struct that begins with its size; the
 * rest of @to is zeroed. */
void sconce_plugin_copy_sized(void *to, const void *from, uint32_t bytes);

#endif
