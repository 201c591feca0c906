/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a backend gives its VM for tables and shim: where the core has reserved addresses
 * for it. */
#ifndef SCONCE_PLUGINS_SHARED_OWN_MEMORY_H
#define SCONCE_PLUGINS_SHARED_OWN_MEMORY_H

#include "sconce-plugin.h"

/**
 * sconce_plugin_own_map - allocate it, zeroed; the caller's, for munmap(2).
 * @reserved: addresses before it that are the backend's, too, in bytes. @limit: what the core has
 *   reserved for both. @sharing: MAP_PRIVATE or MAP_SHARED.
 * Returns NOT_SUPPORTED when they do not fit in, NO_MEMORY, or success.
 */
int32_t sconce_plugin_own_map(uint64_t reserved, uint64_t bytes, uint64_t limit, int sharing,
                              uint8_t **ret_own, struct sconce_plugin_error *err);

#endif
