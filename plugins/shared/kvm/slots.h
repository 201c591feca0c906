/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM's guest memory as KVM gets it: what plugins/shared/mappings.h recorded, turned into as few
 * memory slots as it allows before the guest first runs. What of it the guest may touch, and how,
 * is for the page tables; a slot that has nothing to write is read-only for whatever gets past
 * them.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_SLOTS_H
#define SCONCE_PLUGINS_SHARED_KVM_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/mappings.h"
#include "sconce-plugin.h"

/* Unmapped stretches of up to this much are swallowed when two mappings become one slot. A slot
 * costs kernel memory by its size; this much costs less than another slot. */
#define SCONCE_KVM_MAX_GAP (16ull << 20)

struct sconce_kvm_slot {
    uint64_t gpa;
    uint64_t bytes;
    uint8_t *host;
    bool writable; /* false wants KVM_CAP_READONLY_MEM */
};

/**
 * sconce_kvm_slots_plan - the slots for what is recorded. Pure.
 *
 * Neighbours become one slot when the distance between guest and host address is the same and
 * they are parts of one view of one handle. Between them there may then be a gap: no other mapping
 * lies in it, as neighbours are what it separates. A slot is writable when one of its mappings is.
 */
uint32_t sconce_kvm_slots_plan(const struct sconce_plugin_mappings *mappings,
                               struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS]);

/** sconce_kvm_slot_set - give one slot to the VM, or change its @flags (KVM_MEM_*). */
int32_t sconce_kvm_slot_set(int vm_fd, uint32_t number, const struct sconce_kvm_slot *slot,
                            uint32_t flags, struct sconce_plugin_error *err);

#endif
