/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-host.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/process.h"

/* The list is its parent's in a forked child, and perhaps half changed: it is left behind. */
static void take_users(struct sconce_plugin_services *services)
{
    sconce_lock_take(&services->lock);
    if (services->process == sconce_process_id())
        return;
    services->process = sconce_process_id();
    services->users = NULL;
    services->user_count = 0;
}

/* Did the sink of users[i] get the line from one before it? Two runtimes of a program often share
 * one. */
static bool served(const struct sconce_plugin_services *services, size_t i, uint32_t level)
{
    size_t j;

    for (j = 0; j < i; j++)
        if (services->users[j]->fn == services->users[i]->fn &&
            services->users[j]->ctx == services->users[i]->ctx &&
            level <= services->users[j]->level)
            return true;
    return false;
}

static void host_log(void *ctx, uint32_t level, const char *key, const char *text)
{
    struct sconce_plugin_services *services = ctx;
    size_t i;

    take_users(services);
    for (i = 0; i < services->user_count; i++)
        if (!served(services, i, level))
            sconce_log_line(services->users[i], level, key ? key : "backend", "%s",
                            text ? text : "");
    sconce_lock_give(&services->lock);
}

/* No host extension exists yet. */
static const void *host_get_service(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return NULL;
}

void sconce_plugin_services_init(struct sconce_plugin_services *services)
{
    *services = (struct sconce_plugin_services){
        .host = {.size = sizeof services->host,
                 .abi_major = SCONCE_PLUGIN_ABI_MAJOR,
                 .abi_minor = SCONCE_PLUGIN_ABI_MINOR,
                 .ctx = services,
                 .log = host_log,
                 .get_service = host_get_service},
    };
}

void sconce_plugin_services_clear(struct sconce_plugin_services *services)
{
    free(services->users);
}

int sconce_plugin_services_add(struct sconce_plugin_services *services,
                               const struct sconce_log *log, struct sconce_error *err)
{
    const struct sconce_log **users;

    take_users(services);
    users = reallocarray(services->users, services->user_count + 1, sizeof(*users));
    if (users) {
        services->users = users;
        users[services->user_count++] = log;
    }
    sconce_lock_give(&services->lock);
    return users ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

size_t sconce_plugin_services_remove(struct sconce_plugin_services *services,
                                     const struct sconce_log *log)
{
    size_t i, left;

    take_users(services);
    for (i = 0; i < services->user_count; i++) {
        if (services->users[i] != log)
            continue;
        services->users[i] = services->users[--services->user_count];
        break;
    }
    left = services->user_count;
    sconce_lock_give(&services->lock);
    return left;
}
