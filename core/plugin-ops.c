/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/parse.h"

/* A plugin that publishes more than this counts wrong. */
#define SETTINGS_MAX 256u

/* ---- Absent optional operations -------------------------------------------------------------- */

static int32_t not_supported(struct sconce_plugin_error *err, const char *what)
{
    if (err)
        snprintf(err->text, sizeof err->text, "this backend does not support %s", what);
    return SCONCE_PLUGIN_E_NOT_SUPPORTED;
}

static int32_t no_configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    (void)key;
    (void)value;
    return not_supported(err, "settings");
}

static int32_t no_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                            struct sconce_plugin_error *err)
{
    (void)vm;
    (void)gpa;
    (void)bytes;
    return not_supported(err, "unmapping memory");
}

static int32_t no_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                                struct sconce_plugin_error *err)
{
    (void)vm;
    (void)gpa;
    (void)bytes;
    return not_supported(err, "synchronizing code");
}

static void add_absent(struct sconce_plugin_ops *ops)
{
    if (!ops->configure)
        ops->configure = no_configure;
    if (!ops->mem_unmap)
        ops->mem_unmap = no_mem_unmap;
    if (!ops->mem_sync_code)
        ops->mem_sync_code = no_mem_sync_code;
}

/* ---- Required operations --------------------------------------------------------------------- */

#define REQUIRED(op)                                                                               \
    {                                                                                              \
        offsetof(struct sconce_plugin_ops, op), #op                                                \
    }

static const struct {
    size_t offset;
    const char *name;
} required[] = {
    REQUIRED(probe),           REQUIRED(vm_create),     REQUIRED(vm_destroy),
    REQUIRED(mem_map),         REQUIRED(vcpu_reset),    REQUIRED(vcpu_enter),
    REQUIRED(vcpu_run),        REQUIRED(vcpu_complete), REQUIRED(vcpu_set_tls),
    REQUIRED(vcpu_kick_local),
};

static int check_required(const struct sconce_plugin_ops *ops, struct sconce_error *err)
{
    size_t i;

    for (i = 0; i < sizeof required / sizeof required[0]; i++) {
        void (*op)(void);

        memcpy(&op, (const char *)ops + required[i].offset, sizeof op);
        if (!op)
            return sconce_fail(err, SCONCE_E_NO_BACKEND, "it lacks the required operation %s",
                               required[i].name);
    }
    return 0;
}

/* ---- Settings -------------------------------------------------------------------------------- */

static int check_settings(const struct sconce_plugin_ops *ops, struct sconce_error *err)
{
    uint32_t i;

    if (ops->setting_count == 0)
        return 0;
    if (ops->setting_count > SETTINGS_MAX || !ops->settings)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "it publishes %u settings, %s",
                           ops->setting_count,
                           ops->settings ? "which is too many" : "but no list of them");
    if (!ops->configure)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "it publishes settings, but lacks the operation configure");
    for (i = 0; i < ops->setting_count; i++)
        if (!ops->settings[i].key || !sconce_setting_key_valid(ops->settings[i].key))
            return sconce_fail(err, SCONCE_E_NO_BACKEND, "the key of its setting %u is malformed",
                               i);
    return 0;
}

static void free_settings(struct sconce_plugin_setting *settings, uint32_t count)
{
    uint32_t i;

    for (i = 0; settings && i < count; i++) {
        free((void *)(uintptr_t)settings[i].key);
        free((void *)(uintptr_t)settings[i].default_value);
        free((void *)(uintptr_t)settings[i].help);
    }
    free(settings);
}

static int copy_settings(struct sconce_plugin_ops *ops, struct sconce_error *err)
{
    const struct sconce_plugin_setting *from = ops->settings;
    struct sconce_plugin_setting *to;
    bool complete = true;
    uint32_t i;

    ops->settings = NULL;
    if (ops->setting_count == 0)
        return 0;
    to = calloc(ops->setting_count, sizeof *to);
    for (i = 0; to && i < ops->setting_count; i++) {
        to[i].key = strdup(from[i].key);
        to[i].default_value = from[i].default_value ? strdup(from[i].default_value) : NULL;
        to[i].help = strdup(from[i].help ? from[i].help : "");
        complete =
            complete && to[i].key && to[i].help && !to[i].default_value == !from[i].default_value;
    }
    if (!to || !complete) {
        free_settings(to, ops->setting_count);
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    }
    ops->settings = to;
    return 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

void sconce_plugin_copy_sized(void *to, const void *from, uint32_t bytes)
{
    uint32_t size;

    memcpy(&size, from, sizeof size);
    memset(to, 0, bytes);
    memcpy(to, from, size < bytes ? size : bytes);
}

int sconce_plugin_ops_copy(const struct sconce_plugin_ops *from, struct sconce_plugin_ops *ret_ops,
                           struct sconce_error *err)
{
    struct sconce_plugin_ops ops;
    int r;

    /* Half a pointer would be copied otherwise. */
    if (from->size < offsetof(struct sconce_plugin_ops, configure) ||
        from->size % sizeof(void *) != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its table of operations says that it has %u bytes", from->size);
    sconce_plugin_copy_sized(&ops, from, sizeof ops);
    ops.size = sizeof ops;
    r = check_required(&ops, err);
    if (r == 0)
        r = check_settings(&ops, err);
    if (r == 0)
        r = copy_settings(&ops, err);
    if (r < 0)
        return r;
    add_absent(&ops);
    *ret_ops = ops;
    return 0;
}

void sconce_plugin_ops_clear(struct sconce_plugin_ops *ops)
{
    free_settings((struct sconce_plugin_setting *)(uintptr_t)ops->settings, ops->setting_count);
    *ops = (struct sconce_plugin_ops){0};
}
