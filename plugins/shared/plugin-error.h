/* SPDX-License-Identifier: Apache-2.0 */
/* How every backend reports a failure, and how it copies what the core hands it. */
#ifndef SCONCE_PLUGINS_SHARED_PLUGIN_ERROR_H
#define SCONCE_PLUGINS_SHARED_PLUGIN_ERROR_H

#include <stdbool.h>

#include "common/attributes.h"
#include "sconce-plugin.h"

/**
 * sconce_plugin_fail - fill @err, so that an op can say: return sconce_plugin_fail(...).
 * @err: may be NULL; one smaller than this ABI's is left alone.
 * @status: SCONCE_PLUGIN_E_*, returned.
 * @domain, @code: SCONCE_DOMAIN_*; of SCONCE_DOMAIN_ERRNO the meaning of @code (a positive errno)
 *   is put behind the text.
 * @hint: what a person can do about it, or NULL.
 */
SCONCE_COLD int32_t sconce_plugin_fail(struct sconce_plugin_error *err, int32_t status,
                                       uint32_t domain, int64_t code, const char *hint,
                                       const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/** sconce_plugin_pass - hand on what @from tells, into an @err as sconce_plugin_fail() takes it.
 * Returns @status. */
SCONCE_COLD int32_t sconce_plugin_pass(struct sconce_plugin_error *err, int32_t status,
                                       const struct sconce_plugin_error *from);

/**
 * sconce_plugin_copy_in - a sized struct of the core's, copied into the plugin's own.
 * @to, @bytes: the plugin's struct and its size; what the core's lacks becomes zero.
 * Returns false, leaving @to alone, when @from is NULL or smaller than @least.
 */
bool sconce_plugin_copy_in(void *to, uint32_t bytes, const void *from, uint32_t least);

/** sconce_plugin_copy_out - the plugin's own struct of @bytes into the core's @to, which tells its
 * size: as much as there is room for. */
void sconce_plugin_copy_out(void *to, const void *from, uint32_t bytes);

#endif
