/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that keep to the contract and do nothing: what the plugins here differ from. */
#ifndef SCONCE_TESTS_PLUGINS_PARTS_H
#define SCONCE_TESTS_PLUGINS_PARTS_H

#include <stdio.h>
#include <string.h>

#include "sconce-plugin.h"

static inline int32_t part_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    (void)err;
    ret_probe->kick_style = SCONCE_KICK_FLAG;
    ret_probe->caps = SCONCE_CAP_SCRIPTED;
    ret_probe->granule = SCONCE_MEM_GRANULE;
    return SCONCE_PLUGIN_OK;
}

static inline int32_t part_fail(struct sconce_plugin_error *err)
{
    snprintf(err->text, sizeof err->text, "this plugin makes no VMs");
    return SCONCE_PLUGIN_E_NOT_SUPPORTED;
}

static inline int32_t part_vm_create(const struct sconce_vm_config *config,
                                     struct sconce_plugin_vm **ret_vm,
                                     struct sconce_plugin_error *err)
{
    (void)config;
    (void)ret_vm;
    return part_fail(err);
}

static inline void part_vm_destroy(struct sconce_plugin_vm *vm)
{
    (void)vm;
}

static inline int32_t part_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                                   const struct sconce_mapping *mapping,
                                   struct sconce_plugin_error *err)
{
    (void)vm;
    (void)memory;
    (void)mapping;
    return part_fail(err);
}

static inline int32_t part_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    (void)vm;
    return part_fail(err);
}

static inline int32_t part_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                                      struct sconce_plugin_error *err)
{
    (void)vm;
    (void)entry;
    return part_fail(err);
}

static inline int32_t part_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                                    struct sconce_plugin_error *err)
{
    (void)vm;
    (void)ret_exit;
    return part_fail(err);
}

static inline int32_t part_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                                         struct sconce_plugin_error *err)
{
    (void)vm;
    (void)result;
    return part_fail(err);
}

static inline int32_t part_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                                        struct sconce_plugin_error *err)
{
    (void)vm;
    (void)tls;
    return part_fail(err);
}

static inline void part_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    (void)vm;
}

#define PART_OPS                                                                                   \
    .size = sizeof(struct sconce_plugin_ops), .probe = part_probe, .vm_create = part_vm_create,    \
    .vm_destroy = part_vm_destroy, .mem_map = part_mem_map, .vcpu_reset = part_vcpu_reset,         \
    .vcpu_enter = part_vcpu_enter, .vcpu_run = part_vcpu_run, .vcpu_complete = part_vcpu_complete, \
    .vcpu_set_tls = part_vcpu_set_tls, .vcpu_kick_local = part_vcpu_kick_local

#endif
