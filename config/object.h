/* SPDX-License-Identifier: Apache-2.0 */
/* struct sconce_config from inside: every key's value with its origin, and the [backend.NAME]
 * settings, which only the backends can check. */
#ifndef SCONCE_CONFIG_OBJECT_H
#define SCONCE_CONFIG_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/value.h"

struct sconce_config_item {
    struct sconce_value_parsed value;
    char *origin; /* "default", "FILE:LINE", "--backend"; owned */
};

struct sconce_config_backend_item {
    char *backend; /* NAME; owned, as all here */
    char *key;
    char *value;
    char *origin;
};

struct sconce_config {
    struct sconce_config_item items[SCONCE_KEY_COUNT]; /* every one has a value */
    struct sconce_config_backend_item *backend_items;  /* in the order in which they came */
    size_t backend_item_count;
    struct sconce_settings settings; /* borrows from items */
    bool secure;                     /* some settings are refused */
};

/** sconce_config_new - the defaults. */
int sconce_config_new(bool secure, struct sconce_config **ret_config, struct sconce_error *err);

/** sconce_config_put - one setting; @section is "runtime", "limits" or "backend.NAME". */
int sconce_config_put(struct sconce_config *config, const char *section, const char *key,
                      const char *value, const char *origin, struct sconce_error *err);

/** sconce_config_check_section - is it one that may stand in a file? */
int sconce_config_check_section(const char *section, struct sconce_error *err);

/** sconce_config_origin - where a setting's value came from; NULL when there is no such setting. */
const char *sconce_config_origin(const struct sconce_config *config, const char *section,
                                 const char *key);

/** sconce_config_cleanup - a clean-up function. */
void sconce_config_cleanup(struct sconce_config *const *config);

#endif
