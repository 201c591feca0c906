/* SPDX-License-Identifier: Apache-2.0 */
/* What sconce doctor has to know of the configuration: which backends it chooses, and how much it
 * was changed. Says nothing itself. */
#ifndef SCONCE_CLI_DOCTOR_FACTS_H
#define SCONCE_CLI_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "backends.h"

/* How much does not come from the built-in defaults, and the settings that decide what can run. */
struct doctor_facts {
    size_t changed;
    char *backend;        /* runtime.backend: names, or auto */
    char *backend_origin; /* "FILE:LINE", "--set", ... */
    char plugin_dir[512];
    char isolation[8];
    bool trusts_anybody;
};

/** doctor_gather - takes one setting; for sconce_config_each, with a zeroed struct doctor_facts. */
int doctor_gather(void *ctx, const char *key, const char *value, const char *origin,
                  const char *help);

void doctor_facts_free(struct doctor_facts *facts);

/** doctor_auto - does it leave the choice to the order of backends.d? */
bool doctor_auto(const struct doctor_facts *facts);

/** doctor_next_name - the next name of runtime.backend's list, which the configuration has checked
 * already; *list is moved behind it. Returns false at the end. */
bool doctor_next_name(const char **list, const char **ret_name, int *ret_length);

bool doctor_chooses(const struct doctor_facts *facts, const struct backend *backend);

/** doctor_find - the installed backend of that name, or NULL. */
const struct backend *doctor_find(const struct backends *backends, const char *name, int length);

#endif
