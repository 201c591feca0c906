/* SPDX-License-Identifier: Apache-2.0 */
#include "core/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "core/plugin-probe.h"
#include "core/registry-internal.h"

static int no_memory(struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

int sconce_registry_new(const struct sconce_config *config, const struct sconce_log *log,
                        struct sconce_registry **ret_registry, struct sconce_error *err)
{
    struct sconce_registry *registry = calloc(1, sizeof *registry);

    if (!registry)
        return no_memory(err);
    registry->config = config;
    registry->settings = sconce_config_settings(config);
    registry->log = log;
    pthread_mutex_init(&registry->lock, NULL);
    *ret_registry = registry;
    return 0;
}

void sconce_registry_free(struct sconce_registry *registry)
{
    struct sconce_registry_choice *choice;
    struct sconce_registry_use *use;

    if (!registry)
        return;
    while ((choice = registry->choices)) {
        registry->choices = choice->next;
        free(choice->refusals);
        free(choice);
    }
    while ((use = registry->uses)) {
        registry->uses = use->next;
        sconce_plugin_put(use->file, registry->log);
        free(use);
    }
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

/* ---- Loading --------------------------------------------------------------------------------- */

static struct sconce_registry_use *find_use(const struct sconce_registry *registry,
                                            const char *name)
{
    struct sconce_registry_use *use;

    for (use = registry->uses; use; use = use->next)
        if (!strcmp(use->file->base.name, name))
            return use;
    return NULL;
}

static void copy_fact(char to[SCONCE_FACT_BYTES], const char *from)
{
    strncpy(to, from, SCONCE_FACT_BYTES - 1);
}

/* The facts of a loaded plugin: negotiation has made them equal to its note's. */
static void facts_of(const struct sconce_backend *backend, struct sconce_plugin_found *found)
{
    memset(found, 0, sizeof *found);
    strncpy(found->path, backend->path, sizeof found->path - 1);
    found->facts.machine = backend->machine;
    copy_fact(found->facts.name, backend->name);
    copy_fact(found->facts.version, backend->version);
    copy_fact(found->facts.arch, backend->arch_name);
    copy_fact(found->facts.mechanism, backend->mechanism);
    copy_fact(found->facts.isolation, backend->isolation);
    copy_fact(found->facts.status, backend->status);
    copy_fact(found->facts.requires_, backend->requires_);
}

int sconce_registry_find(const struct sconce_registry *registry, const char *name,
                         struct sconce_plugin_found *ret_found, struct sconce_error *err)
{
    const struct sconce_registry_use *use = find_use(registry, name);

    if (use) {
        facts_of(&use->file->base, ret_found);
        return 0;
    }
    return sconce_plugin_find(registry->settings->plugin_dir, name,
                              registry->settings->allow_untrusted_plugins, ret_found, err);
}

static int add_use(struct sconce_registry *registry, const struct sconce_plugin_found *found,
                   struct sconce_registry_use **ret_use, struct sconce_error *err)
{
    struct sconce_registry_use *use = calloc(1, sizeof *use);
    int r;

    if (!use)
        return no_memory(err);
    r = sconce_plugin_load(found, registry->log, &use->file, err);
    if (r < 0) {
        free(use);
        return r;
    }
    use->next = registry->uses;
    registry->uses = use;
    *ret_use = use;
    return 0;
}

int sconce_registry_open(struct sconce_registry *registry, const struct sconce_plugin_found *found,
                         struct sconce_backend **ret_backend, struct sconce_error *err)
{
    struct sconce_registry_use *use = find_use(registry, found->facts.name);
    int r = 0;

    if (!use)
        r = add_use(registry, found, &use, err);
    /* A machine can change its mind (a device appears); a probe that failed is tried again. */
    if (r == 0 && !use->backend)
        r = sconce_plugin_probe(use->file, registry->config, registry->log, &use->backend, err);
    if (r == 0)
        *ret_backend = use->backend;
    return r;
}

int sconce_registry_check_isolation(const struct sconce_registry *registry, const char *name,
                                    const char *isolation, struct sconce_error *err)
{
    if (registry->settings->isolation == SCONCE_ISOLATION_ANY || !strcmp(isolation, "vm"))
        return 0;
    sconce_fail(
        err, SCONCE_E_NO_BACKEND,
        "backend \"%s\" has isolation \"%s\", and isolation = vm asks for a virtual machine", name,
        isolation);
    if (err)
        snprintf(err->hint, sizeof err->hint,
                 "isolation = any allows %s (sconce: --isolation=any), %s", name,
                 strcmp(isolation, "none") ? "whose wall is the host's kernel, and no hypervisor"
                                           : "which isolates nothing");
    return SCONCE_E_NO_BACKEND;
}

/* ---- Telling --------------------------------------------------------------------------------- */

/* @problem: NULL for none; borrowed, as @found is. */
static void describe_found(const struct sconce_plugin_found *found, const char *name,
                           const struct sconce_error *problem, struct sconce_backend_info *ret_info)
{
    const struct sconce_plugin_facts *facts = &found->facts;

    *ret_info = (struct sconce_backend_info){
        .size = sizeof *ret_info,
        .machine = facts->machine,
        .name = name,
        .version = facts->version,
        .arch = facts->arch,
        .mechanism = facts->mechanism,
        .isolation = facts->isolation,
        .status = facts->status,
        .requires_ = facts->requires_,
        .path = found->path,
        .description = "",
        .problem = problem ? problem->text : "",
        .hint = problem ? problem->hint : "",
    };
}

static int tell_installed(const struct sconce_registry *registry, const char *name,
                          int (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx)
{
    struct sconce_plugin_found found;
    struct sconce_backend_info info;
    struct sconce_error why = {0};
    int r = sconce_plugin_find(registry->settings->plugin_dir, name,
                               registry->settings->allow_untrusted_plugins, &found, &why);

    if (found.absent)
        return 0;
    if (r == 0)
        r = sconce_registry_check_isolation(registry, name, found.facts.isolation, &why);
    describe_found(&found, name, r < 0 ? &why : NULL, &info);
    return fn(ctx, &info);
}

int sconce_registry_each(struct sconce_registry *registry,
                         int (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx,
                         struct sconce_error *err)
{
    const struct sconce_settings *settings = registry->settings;
    SCONCE_CLEANUP(sconce_order_clear) struct sconce_order order = {0};
    char **names = NULL;
    size_t i;
    int r;

    r = sconce_order_read(settings->backends_dir, settings->backends_dir_etc, &order, err);
    if (r == 0)
        r = sconce_order_installed(settings->plugin_dir, &names, err);
    if (r < 0)
        return r;
    for (i = 0; i < order.count && r == 0; i++) {
        if (order.items[i].entry.name)
            r = tell_installed(registry, order.items[i].entry.name, fn, ctx);
        else
            sconce_log_line(registry->log, SCONCE_LOG_WARNING, "backends.d.wrong", "%s",
                            order.items[i].problem.text);
    }
    for (i = 0; names[i] && r == 0; i++)
        if (!sconce_order_find(&order, names[i]))
            r = tell_installed(registry, names[i], fn, ctx);
    sconce_order_free_names(names);
    return r;
}

int sconce_registry_probe(struct sconce_registry *registry, const char *name,
                          void (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx,
                          struct sconce_error *err)
{
    struct sconce_plugin_found found;
    struct sconce_backend_info info;
    struct sconce_backend *backend = NULL;
    struct sconce_error why = {0};
    int r;

    pthread_mutex_lock(&registry->lock);
    r = sconce_registry_find(registry, name, &found, &why);
    if (r == 0)
        r = sconce_registry_open(registry, &found, &backend, &why);
    pthread_mutex_unlock(&registry->lock);
    if (r == 0)
        sconce_backend_describe(backend, &info);
    else
        describe_found(&found, name, &why, &info);
    fn(ctx, &info);
    if (r < 0 && err)
        *err = why;
    return r;
}
