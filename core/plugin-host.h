/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin is handed at its entry: the core's services. A plugin is entered once in a process,
 * runtimes come and go, so what it logs goes to the runtimes that use it at that time.
 */
#ifndef SCONCE_CORE_PLUGIN_HOST_H
#define SCONCE_CORE_PLUGIN_HOST_H

#include <stddef.h>

#include <sconce/error.h>

#include "common/lock.h"
#include "core/log.h"
#include "sconce-plugin.h"

struct sconce_plugin_services {
    struct sconce_plugin_host host; /* for the plugin, for the life of the process */
    struct sconce_lock lock;        /* of the users; held while a sink is called */
    uint32_t process;               /* whose users they are: a forked child begins without */
    const struct sconce_log **users;
    size_t user_count;
};

void sconce_plugin_services_init(struct sconce_plugin_services *services);

/** sconce_plugin_services_clear - only before the plugin has seen the host. */
void sconce_plugin_services_clear(struct sconce_plugin_services *services);

/** sconce_plugin_services_add - @log uses the plugin from now on; it is borrowed. Each add counts.
 */
int sconce_plugin_services_add(struct sconce_plugin_services *services,
                               const struct sconce_log *log, struct sconce_error *err);

/** sconce_plugin_services_remove - undo one add. Afterwards the plugin logs there no more. Returns
 * how many users are left. */
size_t sconce_plugin_services_remove(struct sconce_plugin_services *services,
                                     const struct sconce_log *log);

#endif
