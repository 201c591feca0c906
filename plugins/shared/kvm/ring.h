/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's dirty ring: memory in which KVM notes each page that it lets the guest write, at the
 * first write, and which is read without asking KVM (Documentation/virt/kvm/api.rst 8.29,
 * KVM_CAP_DIRTY_LOG_RING). Knows entries; whose pages they are is dirty.c's.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_RING_H
#define SCONCE_PLUGINS_SHARED_KVM_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "sconce-plugin.h"

/* Zeroed: there is none. */
struct sconce_kvm_ring {
    struct kvm_dirty_gfn *entries; /* shared with the kernel; NULL until it is mapped */
    uint32_t count;                /* of entries, a power of two; 0: KVM keeps none for this VM */
    uint32_t next;                 /* to be read; counts on */
    uint32_t given_back;           /* how many KVM may use again; counts on */
};

/** sconce_kvm_ring_ask - have KVM keep a ring for a VM that has no vCPU yet, if it can. */
void sconce_kvm_ring_ask(struct sconce_kvm_ring *ring, int vm_fd);

/** sconce_kvm_ring_map - see what the VM's one vCPU notes. Once it is mapped it stays so. */
int32_t sconce_kvm_ring_map(struct sconce_kvm_ring *ring, int vcpu_fd,
                            struct sconce_plugin_error *err);

void sconce_kvm_ring_unmap(struct sconce_kvm_ring *ring);

/**
 * sconce_kvm_ring_take - the oldest page that was not taken yet; false: there is none.
 * @ret_slot, @ret_page: number of the memory slot, and of the page in it.
 */
bool sconce_kvm_ring_take(struct sconce_kvm_ring *ring, uint32_t *ret_slot, uint64_t *ret_page);

/** sconce_kvm_ring_filling - is it time to give back what was taken? */
bool sconce_kvm_ring_filling(const struct sconce_kvm_ring *ring);

/** sconce_kvm_ring_give_back - KVM may use the entries that were taken again. Their pages stay
 * writable: later writes to them are not noted. */
int32_t sconce_kvm_ring_give_back(struct sconce_kvm_ring *ring, int vm_fd,
                                  struct sconce_plugin_error *err);

#endif
