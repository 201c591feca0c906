/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin wrote into struct sconce_plugin_error, made fit to be shown: terminated, one line,
 * never empty. */
#ifndef SCONCE_CORE_PLUGIN_ERROR_H
#define SCONCE_CORE_PLUGIN_ERROR_H

#include <sconce/error.h>

#include "sconce-plugin.h"

/** sconce_plugin_error_init - as an operation expects to find it. */
void sconce_plugin_error_init(struct sconce_plugin_error *error);

/** sconce_plugin_error_take - text and hint of @from into @err, with @code. Returns @code. */
int sconce_plugin_error_take(const struct sconce_plugin_error *from, int code,
                             struct sconce_error *err);

#endif
