/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail-nth: a backend that is another backend, but for one call. It wraps any plugin through the
 * same contract, counts every call that may fail, and fails the one it is told to before the
 * wrapped plugin sees it. What the core leaks or forgets on that path then shows.
 *
 * The plugin to wrap is named by $SCONCE_FAIL_NTH_WRAPS, not by a setting: the core asks for
 * extensions and settings when it loads a plugin, before it configures it.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/shared/plugin-error.h"
#include "sconce-ext-dirty.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"

#define WRAPS_VARIABLE "SCONCE_FAIL_NTH_WRAPS"
#define WRAPPED_PREFIX "wrapped."
#define MAX_SETTINGS 32u

static const struct sconce_plugin_host *core;
static const struct sconce_plugin *wrapped;
static const struct sconce_plugin_ops *inner;
static const struct sconce_ext_regs *inner_regs;
static const struct sconce_ext_fault *inner_fault;
static const struct sconce_ext_dirty *inner_dirty;

static atomic_uint_fast64_t calls;   /* that may fail, since fail_at was set */
static atomic_uint_fast64_t fail_at; /* 0: never */
static char only_op[32];             /* fail_at counts calls of this op alone; "" counts all */

/* ---- counting ---- */

/* Is this the call to fail? Told to the log, where the test sees that the point was reached. */
static bool is_the_one(const char *op, struct sconce_plugin_error *err)
{
    char text[64];
    uint64_t call;

    if (only_op[0] != '\0' && strcmp(only_op, op) != 0)
        return false;
    call = atomic_fetch_add(&calls, 1) + 1;
    if (call != atomic_load(&fail_at))
        return false;
    snprintf(text, sizeof text, "%" PRIu64 " %s", call, op);
    core->log(core->ctx, SCONCE_LOG_INFO, "fail-nth.failed", text);
    sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_PLUGIN, (int64_t)call, NULL,
                       "%s failed on purpose, call %" PRIu64, op, call);
    return true;
}

/* An op that fails or is passed on as it is. */
#define PASS_ON(op, err, ...)                                                                      \
    (is_the_one(#op, err) ? SCONCE_PLUGIN_E_SYSTEM : inner->op(__VA_ARGS__))

static int32_t vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                         struct sconce_plugin_error *err)
{
    return PASS_ON(vm_create, err, config, ret_vm, err);
}

static int32_t mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                       const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    return PASS_ON(mem_map, err, vm, memory, mapping, err);
}

static int32_t mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                         struct sconce_plugin_error *err)
{
    return PASS_ON(mem_unmap, err, vm, gpa, bytes, err);
}

static int32_t mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                             struct sconce_plugin_error *err)
{
    return PASS_ON(mem_sync_code, err, vm, gpa, bytes, err);
}

static int32_t vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return PASS_ON(vcpu_reset, err, vm, err);
}

static int32_t vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                          struct sconce_plugin_error *err)
{
    return PASS_ON(vcpu_enter, err, vm, entry, err);
}

static int32_t vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                        struct sconce_plugin_error *err)
{
    return PASS_ON(vcpu_run, err, vm, ret_exit, err);
}

static int32_t vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                             struct sconce_plugin_error *err)
{
    return PASS_ON(vcpu_complete, err, vm, result, err);
}

static int32_t vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                            struct sconce_plugin_error *err)
{
    return PASS_ON(vcpu_set_tls, err, vm, tls, err);
}

static int32_t regs_get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    return is_the_one("regs_get", err) ? SCONCE_PLUGIN_E_SYSTEM
                                       : inner_regs->get(vm, file, buf, bytes, err);
}

static int32_t regs_set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    return is_the_one("regs_set", err) ? SCONCE_PLUGIN_E_SYSTEM
                                       : inner_regs->set(vm, file, buf, bytes, err);
}

static const struct sconce_ext_regs ext_regs = {
    .size = sizeof ext_regs,
    .get = regs_get,
    .set = regs_set,
};

static int32_t fault_resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return is_the_one("fault_resume", err) ? SCONCE_PLUGIN_E_SYSTEM : inner_fault->resume(vm, err);
}

static struct sconce_ext_fault ext_fault; /* the inner one's, with that */

static int32_t dirty_begin(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return is_the_one("dirty_begin", err) ? SCONCE_PLUGIN_E_SYSTEM : inner_dirty->begin(vm, err);
}

static int32_t dirty_collect(struct sconce_plugin_vm *vm,
                             void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx,
                             struct sconce_plugin_error *err)
{
    return is_the_one("dirty_collect", err) ? SCONCE_PLUGIN_E_SYSTEM
                                            : inner_dirty->collect(vm, wrote, ctx, err);
}

static const struct sconce_ext_dirty ext_dirty = {
    .size = sizeof ext_dirty,
    .begin = dirty_begin,
    .collect = dirty_collect,
};

/* ---- settings ---- */

static struct sconce_plugin_setting settings[MAX_SETTINGS] = {
    {"fail_at", "0", "Fail the call of this number, counted from 1; 0 fails none"},
    {"op", "", "Count and fail only calls of this op, as vcpu_run; empty counts all"},
};
#define OWN_SETTINGS 2u

static int32_t set_fail_at(const char *value, struct sconce_plugin_error *err)
{
    char *end;
    uint64_t number = strtoull(value, &end, 10);

    if (value[0] < '0' || value[0] > '9' || *end != '\0')
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "fail_at is a number, not %s", value);
    atomic_store(&fail_at, number);
    atomic_store(&calls, 0);
    return SCONCE_PLUGIN_OK;
}

static int32_t configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    const size_t prefix = sizeof WRAPPED_PREFIX - 1;

    if (strcmp(key, "fail_at") == 0)
        return set_fail_at(value, err);
    if (strcmp(key, "op") == 0) {
        snprintf(only_op, sizeof only_op, "%s", value);
        return SCONCE_PLUGIN_OK;
    }
    if (strncmp(key, WRAPPED_PREFIX, prefix) == 0 && inner->configure)
        return inner->configure(key + prefix, value, err);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "fail-nth has no setting %s", key);
}

/* ---- the wrapped plugin ---- */

/* This plugin's table: every op that the wrapped one has, and its settings behind our own. */
static struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = OWN_SETTINGS,
    .settings = settings,
    .configure = configure,
    .vm_create = vm_create,
    .mem_map = mem_map,
    .vcpu_reset = vcpu_reset,
    .vcpu_enter = vcpu_enter,
    .vcpu_run = vcpu_run,
    .vcpu_complete = vcpu_complete,
    .vcpu_set_tls = vcpu_set_tls,
};

static bool add_setting(const struct sconce_plugin_setting *from)
{
    char *key;

    if (ops.setting_count == MAX_SETTINGS || asprintf(&key, WRAPPED_PREFIX "%s", from->key) < 0)
        return false;
    settings[ops.setting_count] = *from;
    settings[ops.setting_count].key = key; /* for the life of the process, as the plugin */
    ops.setting_count++;
    return true;
}

static int32_t refuse(const char *path, const char *problem, struct sconce_plugin_error *err)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                              "set $" WRAPS_VARIABLE " to the path of a backend",
                              "cannot wrap %s: %s", path ? path : "nothing", problem);
}

static int32_t wrap(const struct sconce_plugin_host *from, struct sconce_plugin_error *err)
{
    const char *path = secure_getenv(WRAPS_VARIABLE);
    sconce_plugin_entry_fn entry;
    void *handle;

    if (!path || path[0] != '/')
        return refuse(path, "its path is not absolute", err);
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return refuse(path, dlerror(), err);
    *(void **)&entry = dlsym(handle, SCONCE_PLUGIN_ENTRY_SYMBOL);
    if (!entry)
        return refuse(path, "it has no entry", err);
    core = from;
    wrapped = entry(from, err);
    if (!wrapped)
        return SCONCE_PLUGIN_E_UNAVAILABLE;
    inner = wrapped->ops;
    if (wrapped->get_extension)
        inner_regs = wrapped->get_extension(SCONCE_EXT_REGS);
    if (wrapped->get_extension)
        inner_fault = wrapped->get_extension(SCONCE_EXT_FAULT);
    if (wrapped->get_extension)
        inner_dirty = wrapped->get_extension(SCONCE_EXT_DIRTY);
    if (inner_fault)
        ext_fault = *inner_fault;
    ext_fault.size = sizeof ext_fault;
    ext_fault.resume = fault_resume;

    ops.probe = inner->probe;
    ops.vm_destroy = inner->vm_destroy;
    ops.vcpu_kick_local = inner->vcpu_kick_local;
    ops.mem_unmap = inner->mem_unmap ? mem_unmap : NULL;
    ops.mem_sync_code = inner->mem_sync_code ? mem_sync_code : NULL;
    for (uint32_t i = 0; i < inner->setting_count; i++) {
        if (!add_setting(&inner->settings[i]))
            return refuse(path, "it has too many settings", err);
    }
    return SCONCE_PLUGIN_OK;
}

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return inner_regs ? &ext_regs : NULL;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return inner_fault ? &ext_fault : NULL;
    if (strcmp(id, SCONCE_EXT_DIRTY) == 0)
        return inner_dirty ? &ext_dirty : NULL;
    return wrapped->get_extension ? wrapped->get_extension(id) : NULL;
}

SCONCE_PLUGIN_DEFINE("fail-nth", FAIL_NTH_VERSION, "any", 0, "interposer", "none", "verified",
                     "$SCONCE_FAIL_NTH_WRAPS", SCONCE_THREADS_PER_VM, &ops, wrap, get_extension);
