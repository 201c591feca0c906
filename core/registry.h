/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backends are installed, which of them are loaded, and which one is chosen for a guest's
 * architecture. Any thread.
 */
#ifndef SCONCE_CORE_REGISTRY_H
#define SCONCE_CORE_REGISTRY_H

#include <stdint.h>

#include "config/config.h"
#include "core/backend.h"
#include "core/log.h"

struct sconce_registry;

/** sconce_registry_new - @config and @log are borrowed for the registry's life. Touches no plugin.
 */
int sconce_registry_new(const struct sconce_config *config, const struct sconce_log *log,
                        struct sconce_registry **ret_registry, struct sconce_error *err);

/** sconce_registry_free - gives back what loaded plugins hold for the process (sconce.lifecycle).
 */
void sconce_registry_free(struct sconce_registry *registry);

/**
 * sconce_registry_select - the backend that the configuration wants for guests of @machine.
 * @ret_refusals: malloc'd text, a line each for candidates passed over; "" for none. Caller frees.
 * Errors: SCONCE_E_NO_BACKEND with every refusal in the text, SCONCE_E_CONFIG.
 */
int sconce_registry_select(struct sconce_registry *registry, uint32_t machine,
                           struct sconce_backend **ret_backend, char **ret_refusals,
                           struct sconce_error *err);

/** sconce_registry_each, sconce_registry_probe - see sconce_runtime_backends and _probe. */
int sconce_registry_each(struct sconce_registry *registry,
                         int (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx,
                         struct sconce_error *err);
int sconce_registry_probe(struct sconce_registry *registry, const char *name,
                          void (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx,
                          struct sconce_error *err);

#endif
