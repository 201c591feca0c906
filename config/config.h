/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as plain data. sconce.ini(5) describes each key; the table in keys.c is the
 * only list of them. inih is used here and nowhere else. Knows nothing of plugins or guests.
 */
#ifndef SCONCE_CONFIG_CONFIG_H
#define SCONCE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce/error.h>
#include <sconce/sconce.h>

#define SCONCE_ISOLATION_VM 1u
#define SCONCE_ISOLATION_ANY 2u

struct sconce_config; /* the public handle: sconce_config_load, _set, _each, _free live here */

struct sconce_config *sconce_config_copy(const struct sconce_config *config);

/* The effective settings, parsed; borrowed from the config until it is changed or freed. */
struct sconce_settings {
    const char *const *backends;  /* names in order; {"auto"} by default; NULL-terminated */
    uint32_t isolation;           /* SCONCE_ISOLATION_* */
    const char *plugin_dir;       /* absolute */
    const char *backends_dir;     /* absolute; default: ../backends.d of plugin_dir */
    const char *backends_dir_etc; /* absolute; overrides and masks */
    bool allow_untrusted_plugins;
    int kick_signal;
    bool verify_restores;
    bool exitless;
    struct sconce_limits limits; /* all set */
    uint64_t image_bytes;        /* the most that an image may take */
    uint64_t window_bytes;       /* of a sandbox, 0 for none: struct sconce_limits cannot grow */
    const char *clock;           /* texts that guest-settings.h reads */
    const char *random;
};

const struct sconce_settings *sconce_config_settings(const struct sconce_config *config);

/** sconce_config_backend_each - the keys of [backend.NAME], in file order. */
int sconce_config_backend_each(const struct sconce_config *config, const char *name,
                               int (*fn)(void *ctx, const char *key, const char *value,
                                         const char *origin),
                               void *ctx);

#endif
