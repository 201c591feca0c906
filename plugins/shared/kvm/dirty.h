/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.dirty/1 by KVM's dirty log, which is read and not cleared: it then tells each page that
 * the guest has written since it was last begun (Documentation/virt/kvm/api.rst 4.8,
 * KVM_GET_DIRTY_LOG, with 7.24, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2).
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_DIRTY_H
#define SCONCE_PLUGINS_SHARED_KVM_DIRTY_H

#include "plugins/shared/kvm/slots.h"
#include "sconce-ext-dirty.h"

struct sconce_kvm_logged {
    uint32_t number; /* of the slot */
    struct sconce_kvm_slot slot;
};

/* Zeroed: nothing is logged. */
struct sconce_kvm_dirty {
    struct sconce_kvm_logged *slots;
    uint32_t count;
    uint64_t *bits; /* room for the largest slot's log, and three words more */
};

/** sconce_kvm_dirty_fini - takes one that never was begun. */
void sconce_kvm_dirty_fini(struct sconce_kvm_dirty *dirty);

/** sconce_kvm_get_extension - those that are the same for every architecture. */
const void *sconce_kvm_get_extension(const char *id);

#endif
