/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM of a KVM backend, as far as no architecture is in it: the machine, the guest's memory, the
 * backend's own memory behind it, the states.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_VM_H
#define SCONCE_PLUGINS_SHARED_KVM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/kvm/device.h"
#include "plugins/shared/kvm/dirty.h"
#include "plugins/shared/mappings.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-plugin.h"

/* The first member of each backend's struct sconce_plugin_vm. */
struct sconce_kvm_vm {
    struct sconce_kvm_machine machine;
    struct sconce_plugin_mappings memory;
    enum sconce_vcpu_state state;
    bool sealed;          /* memory is fixed, own memory is built */
    bool read_only_slots; /* KVM has them */

    uint8_t *own; /* the backend's own memory in its reserved range; NULL until it is built */
    uint64_t own_bytes;
    uint64_t own_limit; /* how much the core has reserved for us */

    struct sconce_kvm_dirty dirty;
};

/** sconce_kvm_vm_init - an empty VM for a configuration that was checked. */
void sconce_kvm_vm_init(struct sconce_kvm_vm *vm, const struct sconce_vm_config *config,
                        bool read_only_slots);

/** sconce_kvm_vm_fini - takes an empty or half-built one too. */
void sconce_kvm_vm_fini(struct sconce_kvm_vm *vm);

/**
 * sconce_kvm_own_map - allocate own memory, zeroed.
 * @reserved: how many bytes of the reserved range lie before it, without memory.
 */
int32_t sconce_kvm_own_map(struct sconce_kvm_vm *vm, uint64_t reserved, uint64_t bytes,
                           struct sconce_plugin_error *err);

/** sconce_kvm_slots_add - give the guest its memory, and own memory's first @own_used bytes at
 * @own_gpa. */
int32_t sconce_kvm_slots_add(struct sconce_kvm_vm *vm, uint64_t own_gpa, uint64_t own_used,
                             struct sconce_plugin_error *err);

/**
 * sconce_kvm_vcpu_run - vcpu_run up to where the architecture decodes.
 * @ret_outcome: SCONCE_KVM_EXITED, and the exit is to be decoded; SCONCE_KVM_CANCELLED, and only
 *   where the vCPU stands is to be noted; negative, and all is done.
 * Returns what vcpu_run returns.
 */
int32_t sconce_kvm_vcpu_run(struct sconce_kvm_vm *vm, struct sconce_exit *ret_exit,
                            int *ret_outcome, struct sconce_plugin_error *err);

/**
 * sconce_kvm_vcpu_reset - vcpu_reset up to where the architecture scrubs. A VM that has never run
 * (!sealed) is ready as it is.
 * @pending: the last exit may have left something to be finished, which is done here.
 */
int32_t sconce_kvm_vcpu_reset(struct sconce_kvm_vm *vm, bool pending,
                              struct sconce_plugin_error *err);

#endif
