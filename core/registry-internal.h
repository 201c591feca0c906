/* SPDX-License-Identifier: Apache-2.0 */
/* The registry from inside: shared by registry.c (what is loaded, what is installed) and
 * registry-select.c (which one is chosen). */
#ifndef SCONCE_CORE_REGISTRY_INTERNAL_H
#define SCONCE_CORE_REGISTRY_INTERNAL_H

#include <pthread.h>

#include "core/plugin-load.h"
#include "core/registry-order.h"
#include "core/registry.h"

/* A plugin that this registry has loaded; it stays with that file when another one replaces it. */
struct sconce_registry_use {
    struct sconce_registry_use *next;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend; /* NULL until a probe has succeeded */
};

/* What was selected for a machine. */
struct sconce_registry_choice {
    struct sconce_registry_choice *next;
    uint32_t machine;
    struct sconce_backend *backend;
    char *refusals;
};

struct sconce_registry {
    const struct sconce_config *config;
    const struct sconce_settings *settings; /* of config */
    const struct sconce_log *log;
    pthread_mutex_t lock; /* of the lists; held while a plugin is loaded and probed */
    struct sconce_registry_use *uses;
    struct sconce_registry_choice *choices;
};

/** sconce_registry_find - what is known of @name without loading it: from its note, or from the
 * file that the registry has already loaded. With the lock held. */
int sconce_registry_find(const struct sconce_registry *registry, const char *name,
                         struct sconce_plugin_found *ret_found, struct sconce_error *err);

/** sconce_registry_open - load, configure and probe what sconce_registry_find found. With the lock
 * held. Errors: those of sconce_plugin_load and sconce_plugin_probe. */
int sconce_registry_open(struct sconce_registry *registry, const struct sconce_plugin_found *found,
                         struct sconce_backend **ret_backend, struct sconce_error *err);

/** sconce_registry_check_isolation - does the configuration allow a backend isolated so? */
int sconce_registry_check_isolation(const struct sconce_registry *registry, const char *name,
                                    const char *isolation, struct sconce_error *err);

#endif
