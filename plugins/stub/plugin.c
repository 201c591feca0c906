/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub backend's descriptor, settings and probe. The script is read when it is configured, so
 * that its mistakes are told then, and again by the first VM after a release.
 */
#include "plugins/stub/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/table.h"
#include "common/cleanup.h"
#include "common/lock.h"
#include "plugins/stub/stub.h"
#include "sconce-ext-arch.h"
#include "sconce-ext-lifecycle.h"
#include "sconce-ext-regs.h"

/* What is played when no script is configured: a guest that starts, and then says how to go on. */
static const char builtin_script[] =
    "ready\n"
    "again:\n"
    "fail 1 \"the stub backend has no script: set script in [backend.stub]\"\n"
    "on-reset:\n"
    "goto again\n";

/* configure, probe and vm_create come from any thread. */
static struct sconce_lock lock;
static char *script_path;           /* NULL or "": the built-in script */
static struct stub_script *current; /* NULL: not read yet */

static int32_t load(const char *path, struct stub_script **ret_script,
                    struct sconce_plugin_error *err)
{
    if (!path || path[0] == '\0')
        return stub_script_parse(builtin_script, sizeof builtin_script - 1, "(built in)",
                                 ret_script, err);
    return stub_script_load(path, ret_script, err);
}

int32_t stub_script_current(struct stub_script **ret_script, struct sconce_plugin_error *err)
{
    int32_t status = SCONCE_PLUGIN_OK;

    sconce_lock_take(&lock);
    if (!current)
        status = load(script_path, &current, err);
    if (status == SCONCE_PLUGIN_OK) {
        current->refs++;
        *ret_script = current;
    }
    sconce_lock_give(&lock);
    return status;
}

static int32_t configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *path = NULL;
    struct stub_script *script;
    struct stub_script *old;
    int32_t status;

    if (strcmp(key, "script") != 0)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "the stub backend has no setting %s", key);
    if (value[0] != '\0' && value[0] != '/')
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                                  "give its absolute path",
                                  "the script %s would depend on the current directory", value);
    path = strdup(value);
    if (!path)
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for the script's path");
    status = load(path, &script, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;

    sconce_lock_take(&lock);
    old = current;
    current = script;
    free(script_path);
    script_path = SCONCE_STEAL(path);
    sconce_lock_give(&lock);
    stub_script_free(old); /* VMs that play it hold references of their own */
    return SCONCE_PLUGIN_OK;
}

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    struct sconce_probe own = {.size = sizeof own,
                               .kick_style = SCONCE_KICK_FLAG,
                               .caps = SCONCE_CAP_SCRIPTED | SCONCE_CAP_SYSCALL_EXITS,
                               .granule = SCONCE_MEM_GRANULE};
    struct stub_script *script;
    int32_t status;

    if (!ret_probe || !SCONCE_HAS(sconce_probe, ret_probe, description))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "probe without a whole sconce_probe");
    status = stub_script_current(&script, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    snprintf(own.description, sizeof own.description, "replays %s, %u steps", script->path,
             script->step_count);
    stub_script_free(script);
    sconce_plugin_copy_out(ret_probe, &own, sizeof own);
    return SCONCE_PLUGIN_OK;
}

/* ---- extensions ---- */

static void release(void)
{
    struct stub_script *old;

    sconce_lock_take(&lock);
    old = current;
    current = NULL;
    sconce_lock_give(&lock);
    stub_script_free(old);
}

static const struct sconce_ext_lifecycle ext_lifecycle = {
    .size = sizeof ext_lifecycle,
    .release = release,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_x86_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &stub_ext_regs;
    if (strcmp(id, SCONCE_EXT_LIFECYCLE) == 0)
        return &ext_lifecycle;
    return NULL;
}

/* ---- the descriptor ---- */

static const struct sconce_plugin_setting settings[] = {
    {"script", "", "Absolute path of the script to replay; sconce-backend-stub(7) describes it"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = configure,
    .probe = probe,
    .vm_create = stub_vm_create,
    .vm_destroy = stub_vm_destroy,
    .mem_map = stub_mem_map,
    .mem_unmap = stub_mem_unmap,
    .mem_sync_code = stub_mem_sync_code,
    .vcpu_reset = stub_vcpu_reset,
    .vcpu_enter = stub_vcpu_enter,
    .vcpu_run = stub_vcpu_run,
    .vcpu_complete = stub_vcpu_complete,
    .vcpu_set_tls = stub_vcpu_set_tls,
    .vcpu_kick_local = stub_vcpu_kick_local,
};

SCONCE_PLUGIN_DEFINE("stub", STUB_VERSION, "x86_64", 62, "stub", "none", "verified", "",
                     SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
