/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-probe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/nearest.h"
#include "common/text.h"
#include "core/plugin-error.h"

/*
 * What a probe found, as a backend. Handed out, it never changes; another result (other settings,
 * another state of the machine) is another element. There are as many as there are results.
 */
struct sconce_plugin_probed {
    struct sconce_plugin_probed *next;
    struct sconce_backend backend; /* borrows all it has from the file's base */
};

/* ---- Settings -------------------------------------------------------------------------------- */

struct settings {
    struct sconce_plugin_file *file;
    bool *given; /* by setting: this configuration has it */
    struct sconce_error *err;
};

static int unknown_key(const struct settings *settings, const char *key, const char *origin)
{
    const struct sconce_plugin_ops *ops = &settings->file->base.ops;
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text hint = {0};
    struct sconce_nearest nearest;
    uint32_t i;

    sconce_nearest_start(&nearest, key);
    for (i = 0; i < ops->setting_count; i++)
        sconce_nearest_offer(&nearest, ops->settings[i].key);
    if (nearest.best)
        sconce_text_add(&hint, "did you mean \"%s\"?", nearest.best);
    else
        sconce_text_add(&hint, ops->setting_count ? "its settings are" : "it has no settings");
    for (i = 0; !nearest.best && i < ops->setting_count; i++)
        sconce_text_add(&hint, "%s %s", i ? "," : "", ops->settings[i].key);
    return sconce_fail_hint(settings->err, SCONCE_E_CONFIG, sconce_text_get(&hint),
                            "%s: backend \"%s\" has no setting \"%s\"", origin,
                            settings->file->base.name, key);
}

static int configure(const struct settings *settings, uint32_t i, const char *value,
                     const char *origin)
{
    const struct sconce_backend *base = &settings->file->base;
    struct sconce_plugin_error error;
    int32_t status;
    int code;

    sconce_plugin_error_init(&error);
    status = base->ops.configure(base->ops.settings[i].key, value, &error);
    if (status == SCONCE_PLUGIN_OK)
        return 0;
    code = sconce_backend_error(base, status, &error, settings->err);
    if (status == SCONCE_PLUGIN_E_INVALID) {
        /* The value came from a person, who can put it right. */
        code = SCONCE_E_CONFIG;
        if (settings->err)
            settings->err->code = code;
    }
    sconce_error_prefix(settings->err, "%s: %s = %s", origin, base->ops.settings[i].key, value);
    return code;
}

static int give_setting(void *ctx, const char *key, const char *value, const char *origin)
{
    const struct settings *settings = ctx;
    const struct sconce_plugin_ops *ops = &settings->file->base.ops;
    uint32_t i;

    for (i = 0; i < ops->setting_count; i++) {
        if (strcmp(ops->settings[i].key, key) != 0)
            continue;
        settings->given[i] = true;
        settings->file->changed[i] = true;
        return configure(settings, i, value, origin);
    }
    return unknown_key(settings, key, origin);
}

/* What an earlier runtime of this process set, and this one does not, goes back to its default, if
 * it has one. */
static int reset_settings(const struct settings *settings)
{
    const struct sconce_plugin_ops *ops = &settings->file->base.ops;
    uint32_t i;
    int r = 0;

    for (i = 0; i < ops->setting_count && r == 0; i++) {
        if (settings->given[i] || !settings->file->changed[i] || !ops->settings[i].default_value)
            continue;
        r = configure(settings, i, ops->settings[i].default_value, "default");
        if (r == 0)
            settings->file->changed[i] = false;
    }
    return r;
}

static int apply_settings(struct sconce_plugin_file *file, const struct sconce_config *config,
                          struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free)
    bool *given = calloc(file->base.ops.setting_count + 1u, sizeof *given);
    struct settings settings = {.file = file, .given = given, .err = err};
    int r;

    if (!given)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    r = sconce_config_backend_each(config, file->base.name, give_setting, &settings);
    return r == 0 ? reset_settings(&settings) : r;
}

/* ---- Probe ----------------------------------------------------------------------------------- */

static int check_probe(const struct sconce_backend *base, struct sconce_probe *probe,
                       struct sconce_error *err)
{
    probe->size = sizeof *probe;
    probe->description[sizeof probe->description - 1] = '\0';
    sconce_text_one_line(probe->description);
    if (probe->kick_style < SCONCE_KICK_FLAG || probe->kick_style > SCONCE_KICK_NATIVE)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "%s: its probe reports kick style %u, which this Sconce does not know",
                           base->name, probe->kick_style);
    if (probe->granule == 0 || probe->granule > SCONCE_MEM_GRANULE ||
        (probe->granule & (probe->granule - 1)) != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "%s: its probe reports that memory is mapped in units of %u bytes",
                           base->name, probe->granule);
    return 0;
}

static int run_probe(const struct sconce_backend *base, struct sconce_probe *ret_probe,
                     struct sconce_error *err)
{
    struct sconce_plugin_error error;
    int32_t status;

    sconce_plugin_error_init(&error);
    memset(ret_probe, 0, sizeof *ret_probe);
    ret_probe->size = sizeof *ret_probe;
    status = base->ops.probe(ret_probe, &error);
    if (status != SCONCE_PLUGIN_OK)
        return sconce_backend_error(base, status, &error, err);
    return check_probe(base, ret_probe, err);
}

/* Compares member by member: a plugin may leave anything in bytes that carry nothing. */
static bool same_probe(const struct sconce_probe *a, const struct sconce_probe *b)
{
    return a->kick_style == b->kick_style && a->caps == b->caps && a->max_vms == b->max_vms &&
           a->granule == b->granule && !strcmp(a->description, b->description);
}

static struct sconce_backend *backend_of(struct sconce_plugin_file *file,
                                         const struct sconce_probe *probe)
{
    struct sconce_plugin_probed *probed;

    for (probed = file->probed; probed; probed = probed->next)
        if (same_probe(&probed->backend.probe, probe))
            return &probed->backend;
    probed = calloc(1, sizeof *probed);
    if (!probed)
        return NULL;
    probed->backend = file->base;
    probed->backend.probe = *probe;
    probed->backend.probed = true;
    probed->next = file->probed;
    file->probed = probed;
    return &probed->backend;
}

static int probe_locked(struct sconce_plugin_file *file, const struct sconce_config *config,
                        struct sconce_backend **ret_backend, struct sconce_error *err)
{
    struct sconce_probe probe;
    int r = apply_settings(file, config, err);

    if (r == 0)
        r = run_probe(&file->base, &probe, err);
    if (r < 0)
        return r;
    *ret_backend = backend_of(file, &probe);
    return *ret_backend ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

int sconce_plugin_probe(struct sconce_plugin_file *file, const struct sconce_config *config,
                        const struct sconce_log *log, struct sconce_backend **ret_backend,
                        struct sconce_error *err)
{
    const struct sconce_backend *base = &file->base;
    int r;

    sconce_lock_take(&file->lock);
    r = probe_locked(file, config, ret_backend, err);
    sconce_lock_give(&file->lock);
    if (r == 0)
        sconce_log_line(log, SCONCE_LOG_DEBUG, "backend.loaded",
                        "%s %s (plugin ABI %u.%u) from %s: caps 0x%" PRIx64 ", %s", base->name,
                        base->version, SCONCE_PLUGIN_ABI_MAJOR, file->abi_minor, base->path,
                        (*ret_backend)->probe.caps, (*ret_backend)->probe.description);
    return r;
}
