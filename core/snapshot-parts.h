/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot taken apart, and one made of parts that nobody vouches for: all that folders beside
 * the core need to keep snapshots elsewhere. Knows no file and no format. Whatever is made here is
 * checked to be what some guest could have brought about itself, so that a hostile file can do no
 * more than a hostile guest.
 */
#ifndef SCONCE_CORE_SNAPSHOT_PARTS_H
#define SCONCE_CORE_SNAPSHOT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <sconce/sconce.h>

#include "personality/personality.h"

/* Memory is counted in these, whatever the host's pages are. */
#define SCONCE_SNAPSHOT_PAGE_BYTES 4096u

/* Where something is in the guest's address space; what may be done there is the image's to say. */
struct sconce_snapshot_region {
    uint64_t address;
    uint64_t bytes;
    uint32_t role; /* SCONCE_MEM_* of the plugin ABI */
};

#define SCONCE_SNAPSHOT_MAX_REGIONS 24u

/* Restores that a guest has seen. From here on there is room for as many more as can be, also where
 * each takes 32 bytes of a stream. */
#define SCONCE_SNAPSHOT_GENERATION_MOST (1ull << 48)

/* All but the guest's file and memory. */
struct sconce_snapshot_parts {
    uint64_t heap_bytes; /* what the layout depends on */
    uint64_t stack_bytes;
    uint64_t io_bytes;
    uint64_t resume_pc; /* where the guest is entered */
    uint64_t resume_sp;
    uint64_t resume_tls;
    uint64_t fault_pc; /* the guest's fault handler; 0: it has none */
    uint64_t fault_stack;
    uint64_t fault_stack_bytes;
    uint64_t generation;
    struct sconce_personality_state system; /* its mappings belong to whoever made the parts */
    struct sconce_snapshot_region regions[SCONCE_SNAPSHOT_MAX_REGIONS];
    uint32_t region_count;
};

/* Guest memory [start, end), whole pages within one region of state. */
struct sconce_snapshot_stretch {
    uint64_t start;
    uint64_t end;
};

/** sconce_snapshot_check - may this process use it? FORKED. */
int sconce_snapshot_check(const struct sconce_snapshot *snapshot, struct sconce_error *err);

/** sconce_snapshot_describe - the parts; they live as long as @snapshot. */
void sconce_snapshot_describe(const struct sconce_snapshot *snapshot,
                              struct sconce_snapshot_parts *ret_parts);

/** sconce_snapshot_guest - borrowed. */
const struct sconce_guest *sconce_snapshot_guest(const struct sconce_snapshot *snapshot);

/** sconce_guest_load_capped - sconce_guest_load_memory, with segments of at most @image_bytes,
 * whatever @runtime, which may be NULL, allows. */
int sconce_guest_load_capped(struct sconce_runtime *runtime, const void *data, size_t bytes,
                             const char *name, uint64_t image_bytes,
                             struct sconce_guest **ret_guest, struct sconce_error *err);

/** sconce_guest_file - the file that @guest was loaded from; as long as it lives. */
const void *sconce_guest_file(const struct sconce_guest *guest, size_t *ret_bytes);

/**
 * sconce_snapshot_stretches - where its memory is not zero, in rising order.
 * What the kernel keeps pages for does not show: equal memory gives equal stretches.
 * @ret_stretches: [give] free() it. Errors: NO_MEMORY.
 */
int sconce_snapshot_stretches(const struct sconce_snapshot *snapshot,
                              struct sconce_snapshot_stretch **ret_stretches, size_t *ret_count,
                              struct sconce_error *err);

/** sconce_snapshot_memory - the bytes of one of these stretches. */
const uint8_t *sconce_snapshot_memory(const struct sconce_snapshot *snapshot,
                                      const struct sconce_snapshot_stretch *stretch);

/** sconce_runtime_caps - how much memory its guests may have, and how large their files may be.
 * Errors: FORKED. */
int sconce_runtime_caps(const struct sconce_runtime *runtime, struct sconce_limits *ret_limits,
                        uint64_t *ret_image_bytes, struct sconce_error *err);

/**
 * sconce_snapshot_make - a snapshot of @guest, which may be one that was loaded to inspect. Its
 * memory is zero until sconce_snapshot_fill.
 * @most: the host's limits on memory; a snapshot that wants more is refused.
 * Errors: SNAPSHOT, with what is wrong; LIMIT; NO_BACKEND: the guest's cannot do what the snapshot
 * relies on; NO_MEMORY, SYSTEM.
 */
int sconce_snapshot_make(struct sconce_guest *guest, const struct sconce_limits *most,
                         const struct sconce_snapshot_parts *parts,
                         struct sconce_snapshot **ret_snapshot, struct sconce_error *err);

/** sconce_snapshot_room_bytes - the most memory that it can be filled with. */
uint64_t sconce_snapshot_room_bytes(const struct sconce_snapshot *snapshot);

/**
 * Where memory comes from.
 * @read: the next @bytes bytes, of one stretch after the other in their order.
 */
struct sconce_snapshot_source {
    int (*read)(void *ctx, void *to, size_t bytes, struct sconce_error *err);
    void *ctx;
    const struct sconce_snapshot_stretch *stretches;
    size_t count;
};

/** sconce_snapshot_fill - once, before any other use. After a failure it can only be freed.
 * Errors: SNAPSHOT; NO_MEMORY; what @source->read gave. */
int sconce_snapshot_fill(struct sconce_snapshot *snapshot,
                         const struct sconce_snapshot_source *source, struct sconce_error *err);

#endif
