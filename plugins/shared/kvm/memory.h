/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM's guest memory: what mem_map recorded, checked against the contract; turned into as few KVM
 * memory slots as it allows before the guest first runs; read back for decoding. What of it the
 * guest may touch, and how, is for the page tables; a slot that has nothing to write is read-only
 * for whatever gets past them.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_MEMORY_H
#define SCONCE_PLUGINS_SHARED_KVM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-plugin.h"

#define SCONCE_KVM_MAX_MAPPINGS 64u

/* Unmapped stretches of up to this much are swallowed when two mappings become one slot. A slot
 * costs kernel memory by its size; this much costs less than another slot. */
#define SCONCE_KVM_MAX_GAP (16ull << 20)

struct sconce_kvm_mapping {
    uint64_t gpa;
    uint64_t bytes;
    uint8_t *host;   /* where the host sees the first byte */
    uint64_t handle; /* of which this is a part */
    uint64_t view;   /* where the host sees, or would see, the handle's first byte */
    uint32_t handle_kind;
    uint32_t prot;
};

struct sconce_kvm_memory {
    uint64_t gpa_min;
    uint64_t gpa_max;
    uint32_t count;
    struct sconce_kvm_mapping mappings[SCONCE_KVM_MAX_MAPPINGS]; /* sorted by gpa */
};

struct sconce_kvm_slot {
    uint64_t gpa;
    uint64_t bytes;
    uint8_t *host;
    bool writable; /* false wants KVM_CAP_READONLY_MEM */
};

/** sconce_kvm_memory_map - record one mem_map. Errors: INVALID, NOT_SUPPORTED (too many). */
int32_t sconce_kvm_memory_map(struct sconce_kvm_memory *memory, const struct sconce_memory *object,
                              const struct sconce_mapping *mapping,
                              struct sconce_plugin_error *err);

/** sconce_kvm_memory_unmap - forget exactly one recorded mapping. Errors: INVALID. */
int32_t sconce_kvm_memory_unmap(struct sconce_kvm_memory *memory, uint64_t gpa, uint64_t bytes,
                                struct sconce_plugin_error *err);

/**
 * sconce_kvm_memory_plan - the slots for what is recorded. Pure.
 *
 * Neighbours become one slot when the distance between guest and host address is the same and
 * they are parts of one view of one handle. Between them there may then be a gap: no other mapping
 * lies in it, as neighbours are what it separates. A slot is writable when one of its mappings is.
 */
uint32_t sconce_kvm_memory_plan(const struct sconce_kvm_memory *memory,
                                struct sconce_kvm_slot slots[SCONCE_KVM_MAX_MAPPINGS]);

/** sconce_kvm_slot_add - give one slot to the VM. */
int32_t sconce_kvm_slot_add(int vm_fd, uint32_t number, const struct sconce_kvm_slot *slot,
                            struct sconce_plugin_error *err);

/**
 * sconce_kvm_memory_read - copy guest memory once.
 * Returns false, with @to undefined, when not all of it is mapped with all of @prot.
 */
bool sconce_kvm_memory_read(const struct sconce_kvm_memory *memory, uint64_t gpa, void *to,
                            size_t bytes, uint32_t prot);

#endif
