/* SPDX-License-Identifier: Apache-2.0 */
/* From a loaded plugin to a backend that works on this machine: its settings, then its probe. */
#ifndef SCONCE_CORE_PLUGIN_PROBE_H
#define SCONCE_CORE_PLUGIN_PROBE_H

#include "config/config.h"
#include "core/plugin-load.h"

/**
 * sconce_plugin_probe - apply [backend.NAME], then try the backend.
 * @ret_backend: what the probe found; the same object as last time when it found the same.
 * Errors: SCONCE_E_CONFIG for a setting that is wrong, with its origin; NO_BACKEND when the machine
 *   cannot run it; what else sconce_backend_error makes of the plugin's answer.
 */
int sconce_plugin_probe(struct sconce_plugin_file *file, const struct sconce_config *config,
                        const struct sconce_log *log, struct sconce_backend **ret_backend,
                        struct sconce_error *err);

#endif
