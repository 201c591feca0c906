/* SPDX-License-Identifier: Apache-2.0 */
/* Trial guests: how a probe finds out what no question to the mechanism tells. */
#ifndef SCONCE_PLUGINS_SHARED_TRIAL_H
#define SCONCE_PLUGINS_SHARED_TRIAL_H

#include <stddef.h>

#include "sconce-plugin.h"

/* A VM's inputs for a guest of one piece of code, which a probe runs to see how it fares. */
struct sconce_trial {
    struct sconce_vm_config config;
    struct sconce_memory memory;
    struct sconce_mapping mapping;
    struct sconce_entry entry; /* at the code's first byte */
};

#define SCONCE_TRIAL_EMPTY                                                                         \
    {                                                                                              \
        .memory = {.host_addr = NULL }                                                             \
    }

/** sconce_trial_init - @code, up to a granule of it, at the lowest guest address. */
int32_t sconce_trial_init(struct sconce_trial *trial, const void *code, size_t bytes,
                          struct sconce_plugin_error *err);

/**
 * sconce_trial_failed - a trial guest ended otherwise than it must. UNAVAILABLE.
 * @mechanism: "KVM".
 * @what: "a guest's doorbell does not arrive as it must"; how it ended is put behind it.
 */
int32_t sconce_trial_failed(const struct sconce_exit *exit, const char *mechanism, const char *what,
                            struct sconce_plugin_error *err);

/** sconce_trial_fini - also a clean-up function. */
void sconce_trial_fini(struct sconce_trial *trial);

#endif
