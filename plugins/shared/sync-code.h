/* SPDX-License-Identifier: Apache-2.0 */
/* mem_sync_code where fetches go through caches that stores do not reach by themselves. */
#ifndef SCONCE_PLUGINS_SHARED_SYNC_CODE_H
#define SCONCE_PLUGINS_SHARED_SYNC_CODE_H

#include <stdbool.h>

#include "plugins/shared/mappings.h"

/**
 * sconce_plugin_sync_code - the op, but for the VM: clean data caches of the host's view to the
 * point of unification, and invalidate instruction caches there.
 * @seen: the guest may have fetched from there already; else the range is checked alone.
 * Errors: INVALID, when not all of it is executable guest memory.
 */
int32_t sconce_plugin_sync_code(const struct sconce_plugin_mappings *mappings, uint64_t gpa,
                                uint64_t bytes, bool seen, struct sconce_plugin_error *err);

#endif
