/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.dirty/1 by what KVM keeps of it. Either way pages stay writable once they were written, so
 * that no page costs more than one fault, and what was told once is told every time:
 *  - the vCPU's dirty ring, read without a system call and kept here as a set;
 *  - where KVM has none, or is not to use it, its dirty log, a system call and a bit for each page
 *    that there is, which is read and not cleared (Documentation/virt/kvm/api.rst 4.8,
 *    KVM_GET_DIRTY_LOG, with 7.24, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2).
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_DIRTY_H
#define SCONCE_PLUGINS_SHARED_KVM_DIRTY_H

#include "common/page-set.h"
#include "plugins/shared/kvm/slots.h"
#include "sconce-ext-dirty.h"

struct sconce_kvm_vm;

/* A slot that the guest can write. */
struct sconce_kvm_logged {
    uint32_t number; /* of the slot */
    struct sconce_kvm_slot slot;
    struct sconce_page_set written; /* with a ring: what came out of it */
};

/* Zeroed: nothing is logged. */
struct sconce_kvm_dirty {
    struct sconce_kvm_logged *slots;
    uint32_t count;
    uint64_t unit;    /* the bytes of a page */
    uint64_t written; /* pages in the slots' sets */
    uint64_t *bits;   /* without a ring: room for the largest slot's log, and three words more */
};

/** sconce_kvm_dirty_fini - takes one that never was begun. */
void sconce_kvm_dirty_fini(struct sconce_kvm_dirty *dirty);

/** sconce_kvm_dirty_make_room - after KVM_EXIT_DIRTY_RING_FULL: remember what is in the ring, and
 * empty it. */
int32_t sconce_kvm_dirty_make_room(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err);

/** sconce_kvm_get_extension - those that are the same for every architecture. */
const void *sconce_kvm_get_extension(const char *id);

#endif
