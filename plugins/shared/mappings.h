/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM's guest memory as mem_map described it: checked against the contract, recorded, read back
 * for decoding. Pure bookkeeping: how the guest gets to see it is for the mechanism, which reads
 * the ranges. Whether the guest was entered already, and hence whether they may change, is for the
 * backend to know.
 */
#ifndef SCONCE_PLUGINS_SHARED_MAPPINGS_H
#define SCONCE_PLUGINS_SHARED_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-plugin.h"

#define SCONCE_PLUGIN_MAX_MAPPINGS 64u

/* A part of an object that the guest has at @gpa; both ends are multiples of the granule. */
struct sconce_plugin_range {
    uint64_t gpa;
    uint64_t bytes;
    uint8_t *host;   /* where the host sees the first byte */
    uint64_t handle; /* of which this is a part */
    uint64_t offset; /* of the first byte in the handle; offset + bytes does not overflow */
    uint32_t handle_kind;
    uint32_t prot;
};

/* Empty when count is 0. The backend sets all but the last two members. */
struct sconce_plugin_mappings {
    uint64_t gpa_min; /* of the sconce_vm_config */
    uint64_t gpa_max;
    bool by_descriptor; /* memory without one is refused */
    bool fixed;         /* the guest has been entered: nothing changes any more */
    uint32_t count;
    struct sconce_plugin_range ranges[SCONCE_PLUGIN_MAX_MAPPINGS]; /* sorted by gpa */
};

/**
 * sconce_plugin_mappings_add - record one mem_map: the op, but for the VM.
 * @object, @mapping: as the core hands them; copied before they are looked at.
 * Errors: INVALID, also of fixed ones, NOT_SUPPORTED (too many); nothing is recorded then.
 */
int32_t sconce_plugin_mappings_add(struct sconce_plugin_mappings *mappings,
                                   const struct sconce_memory *object,
                                   const struct sconce_mapping *mapping,
                                   struct sconce_plugin_error *err);

/** sconce_plugin_mappings_remove - forget exactly one recorded mapping: mem_unmap. Errors: INVALID,
 * also of fixed ones. */
int32_t sconce_plugin_mappings_remove(struct sconce_plugin_mappings *mappings, uint64_t gpa,
                                      uint64_t bytes, struct sconce_plugin_error *err);

/**
 * sconce_plugin_mappings_read - copy guest memory once.
 * Returns false, with @to undefined, when not all of it is mapped with all of @prot.
 */
bool sconce_plugin_mappings_read(const struct sconce_plugin_mappings *mappings, uint64_t gpa,
                                 void *to, size_t bytes, uint32_t prot);

/**
 * sconce_plugin_mappings_sync_code - mem_sync_code, by the host's view of the memory: instructions
 * that the host has written there are what is fetched from then on, on every processor.
 * On x86_64 it does nothing. On aarch64 data are cleaned and instructions invalidated by the host's
 * address. That reaches the guest's where instruction caches are PIPT (CTR_EL0.L1Ip, Arm ARM
 * D17.2.34); a VIPT one may keep a line that the guest has fetched by its own address. It need not
 * matter: the core calls this before anything of the range has been executed, and the kernel
 * maintains the caches, of either kind, when it maps a page to be executed for the first time, KVM
 * for its guests and Linux for its processes.
 * @seen: the guest may have fetched from there already; else the range is checked alone, as whoever
 *   shows it to the guest will see to it.
 * Errors: INVALID.
 */
int32_t sconce_plugin_mappings_sync_code(const struct sconce_plugin_mappings *mappings,
                                         uint64_t gpa, uint64_t bytes, bool seen,
                                         struct sconce_plugin_error *err);

#endif
