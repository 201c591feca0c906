/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM of a backend of the Microsoft Hypervisor, as far as no architecture is in it: the machine,
 * the guest's memory, the backend's own memory behind it, the states.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_VM_H
#define SCONCE_PLUGINS_SHARED_MSHV_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/mappings.h"
#include "plugins/shared/mshv/device.h"
#include "plugins/shared/mshv/regions.h"
#include "plugins/shared/mshv/run.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-plugin.h"

/* The first member of each backend's struct sconce_plugin_vm. */
struct sconce_mshv_vm {
    struct sconce_mshv_machine machine;
    struct sconce_plugin_mappings memory;
    struct sconce_mshv_regions regions;
    struct sconce_mshv_kick kick;
    uint64_t deadline_ns;        /* of a trial guest, which nobody kicks; 0: none */
    struct mshv_message message; /* of the last exit */
    enum sconce_vcpu_state state;
    bool sealed; /* memory is fixed, own memory is built */

    uint8_t *own; /* the backend's own memory in its reserved range; NULL until it is built */
    uint64_t own_bytes;
    uint64_t own_limit; /* how much the core has reserved for us */
};

/** sconce_mshv_vm_init - an empty VM for a configuration that was checked. */
void sconce_mshv_vm_init(struct sconce_mshv_vm *vm, const struct sconce_vm_config *config);

/** sconce_mshv_vm_fini - takes an empty or half-built one too. */
void sconce_mshv_vm_fini(struct sconce_mshv_vm *vm);

/**
 * sconce_mshv_own_map - allocate own memory, zeroed. Shared, so that no fork() of the host's has
 * pages of it copied, which the guest would not see.
 * @reserved: how many bytes of the reserved range lie before it, without memory.
 */
int32_t sconce_mshv_own_map(struct sconce_mshv_vm *vm, uint64_t reserved, uint64_t bytes,
                            struct sconce_plugin_error *err);

/* A part of the reserved range that the guest gets, from @at to @end behind the guest's end. */
struct sconce_mshv_own_part {
    uint64_t at;
    uint64_t end;
    uint32_t prot; /* SCONCE_PROT_* */
};

/**
 * sconce_mshv_show - give the guest its memory, and these parts of own memory, each with no more
 * than it needs: the hypervisor enforces execution too.
 * @reserved: as above.
 */
int32_t sconce_mshv_show(struct sconce_mshv_vm *vm, uint64_t reserved,
                         const struct sconce_mshv_own_part *parts, size_t count,
                         struct sconce_plugin_error *err);

/**
 * sconce_mshv_vcpu_run - vcpu_run up to where the architecture decodes.
 * @flush: the last thing before each RUN_VP: registers that are still to be written, and those that
 *   the VP has not taken of the last flush; or NULL. When it fails, so has the guest.
 * @ret_outcome: SCONCE_MSHV_EXITED, and the message is to be decoded; SCONCE_MSHV_CANCELLED, and
 *   only where the VP stands is to be noted; negative, and all is done.
 * @ret_entered: the guest may have run.
 * Returns what vcpu_run returns.
 */
int32_t sconce_mshv_vcpu_run(struct sconce_plugin_vm *plugin_vm, struct sconce_mshv_vm *vm,
                             int32_t (*flush)(struct sconce_plugin_vm *,
                                              struct sconce_plugin_error *),
                             struct sconce_exit *ret_exit, int *ret_outcome, bool *ret_entered,
                             struct sconce_plugin_error *err);

/** sconce_mshv_vcpu_reset - vcpu_reset. @scrub: every register class to its initial state. A VM
 * that has never run (!sealed) is ready as it is. */
int32_t sconce_mshv_vcpu_reset(struct sconce_plugin_vm *plugin_vm, struct sconce_mshv_vm *vm,
                               int32_t (*scrub)(struct sconce_plugin_vm *,
                                                struct sconce_plugin_error *),
                               struct sconce_plugin_error *err);

#endif
