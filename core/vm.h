/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One VM of a backend: the plugin's ops with our errors, and with the lock that its thread model
 * asks for. The only place that calls a VM's ops.
 */
#ifndef SCONCE_CORE_VM_H
#define SCONCE_CORE_VM_H

#include <stdint.h>

#include "core/backend.h"

struct sconce_vm {
    struct sconce_backend *backend;
    struct sconce_plugin_vm *handle; /* NULL: none */
};

int sconce_vm_create(struct sconce_vm *vm, struct sconce_backend *backend,
                     struct sconce_error *err);
void sconce_vm_destroy(struct sconce_vm *vm);

int sconce_vm_map(struct sconce_vm *vm, const struct sconce_memory *memory,
                  const struct sconce_mapping *mapping, struct sconce_error *err);

/** sconce_vm_sync_code - nothing to do where the backend has no such op. */
int sconce_vm_sync_code(struct sconce_vm *vm, uint64_t gpa, uint64_t bytes,
                        struct sconce_error *err);

int sconce_vm_reset(struct sconce_vm *vm, struct sconce_error *err);

/** sconce_vm_enter - SCONCE_E_GUEST_PROTOCOL when no unprivileged vCPU can hold the values, which a
 * guest gave; the vCPU can then be reset and entered again. */
int sconce_vm_enter(struct sconce_vm *vm, const struct sconce_entry *entry,
                    struct sconce_error *err);
int sconce_vm_run(struct sconce_vm *vm, struct sconce_exit *ret_exit, struct sconce_error *err);
int sconce_vm_complete(struct sconce_vm *vm, int64_t result, struct sconce_error *err);

#endif
