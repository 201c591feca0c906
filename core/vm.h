/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One VM of a backend: the plugin's ops with our errors, and with the lock that its thread model
 * asks for. The only place that calls a VM's ops.
 */
#ifndef SCONCE_CORE_VM_H
#define SCONCE_CORE_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/backend.h"

struct sconce_vm {
    struct sconce_backend *backend;
    struct sconce_plugin_vm *handle; /* NULL: none */
};

/** sconce_vm_failed - @result of what was done to a vCPU between exits; any failure is BACKEND, in
 * @err too: nobody knows what state the vCPU is in then. */
int sconce_vm_failed(int result, struct sconce_error *err);

int sconce_vm_create(struct sconce_vm *vm, struct sconce_backend *backend,
                     struct sconce_error *err);
void sconce_vm_destroy(struct sconce_vm *vm);

int sconce_vm_map(struct sconce_vm *vm, const struct sconce_memory *memory,
                  const struct sconce_mapping *mapping, struct sconce_error *err);

/** sconce_vm_sync_code - nothing to do where the backend has no such op. */
int sconce_vm_sync_code(struct sconce_vm *vm, uint64_t gpa, uint64_t bytes,
                        struct sconce_error *err);

int sconce_vm_reset(struct sconce_vm *vm, struct sconce_error *err);

/** sconce_vm_track - keep track of what the guest writes from now on, for sconce_vm_written. False
 * where the backend cannot, or could not this time: nothing is known then. */
bool sconce_vm_track(struct sconce_vm *vm);

/** sconce_vm_written - call @wrote for each range of guest memory that may have been written since
 * sconce_vm_track. False when that could not be told: it may be any. */
bool sconce_vm_written(struct sconce_vm *vm, void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes),
                       void *ctx);

/** sconce_vm_enter - SCONCE_E_GUEST_PROTOCOL when no unprivileged vCPU can hold the values, which a
 * guest gave; the vCPU can then be reset and entered again. */
int sconce_vm_enter(struct sconce_vm *vm, const struct sconce_entry *entry,
                    struct sconce_error *err);
int sconce_vm_run(struct sconce_vm *vm, struct sconce_exit *ret_exit, struct sconce_error *err);

/** sconce_vm_set_tls - 1 when no unprivileged vCPU can hold @tls, which a guest gave. */
int sconce_vm_set_tls(struct sconce_vm *vm, uint64_t tls, struct sconce_error *err);
int sconce_vm_complete(struct sconce_vm *vm, int64_t result, struct sconce_error *err);

/** sconce_vm_fault_resume - go on after a FAULT exit. Returns 1 when that is so, 0 when this fault
 * stays terminal. Only where the backend has sconce.fault/1, as the next two. */
int sconce_vm_fault_resume(struct sconce_vm *vm, struct sconce_error *err);

/** sconce_vm_standard_get - the general registers, PC and flags: backend->fault.regs_bytes. */
int sconce_vm_standard_get(struct sconce_vm *vm, void *ret_regs, struct sconce_error *err);

/** sconce_vm_standard_set - SCONCE_E_GUEST_PROTOCOL when no unprivileged vCPU can hold the values,
 * which a guest gave; nothing is changed then. */
int sconce_vm_standard_set(struct sconce_vm *vm, const void *regs, struct sconce_error *err);

#endif
