/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime: configuration, log and registry, kept alive by whatever stands on it. */
#ifndef SCONCE_CORE_RUNTIME_H
#define SCONCE_CORE_RUNTIME_H

#include <stdatomic.h>
#include <stdint.h>

#include "config/config.h"
#include "core/log.h"
#include "core/registry.h"

struct sconce_runtime {
    atomic_uint refs;
    uint32_t process; /* sconce_process_id() of the owner */
    struct sconce_config *config;
    const struct sconce_settings *settings; /* of config */
    struct sconce_log log;
    struct sconce_registry *registry;
};

struct sconce_runtime *sconce_runtime_ref(struct sconce_runtime *runtime);

/** sconce_runtime_unref - takes NULL. In a forked child nothing is given back. */
void sconce_runtime_unref(struct sconce_runtime *runtime);

/** sconce_check_process - SCONCE_E_FORKED when a handle of @process is used in another process. */
int sconce_check_process(uint32_t process, struct sconce_error *err);

#endif
