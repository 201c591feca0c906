/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest ELF file, parsed and relocated: segments, exports and imports, as plain data. Knows no
 * backend and no architecture but by number; allocates no guest memory.
 */
#ifndef SCONCE_CORE_IMAGE_H
#define SCONCE_CORE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#include "sconce-guest-abi.h"

#define SCONCE_IMAGE_MAX_SEGMENTS 16u
#define SCONCE_IMAGE_MAX_FUNCTIONS 4096u

/* Where position-independent images are placed: the conventional start of static programs, and 2
 * MiB aligned for large leaves. */
#define SCONCE_IMAGE_BASE 0x400000ull

/* gpa and bytes are multiples of the granule; segments are sorted by gpa and do not overlap. */
struct sconce_image_segment {
    uint64_t gpa;
    uint64_t bytes;      /* guest memory that it takes */
    uint64_t init_bytes; /* at most bytes: what init holds; the rest is zero */
    uint8_t *init;       /* contents from gpa on, relocated if the host does that; owned */
    uint32_t prot;       /* SCONCE_PROT_* of the plugin ABI: R 1, W 2, X 4 */
};

/* An export or import, checked. Sorted by name; names are unique within a table. */
struct sconce_image_function {
    char *name; /* UTF-8, at most SCONCE_NAME_MAX bytes; owned */
    char *text; /* "(bytes, i32) -> string"; owned */
    char params[SCONCE_MAX_PARAMS + 1];
    uint32_t param_count;
    uint32_t result;
    uint32_t index; /* its place in the guest's table: what frames carry */
};

struct sconce_image {
    char *name; /* for messages; owned */
    uint32_t machine;
    uint32_t abi;
    uint32_t reloc; /* SCONCE_RELOC_* */
    uint32_t segment_count;
    uint64_t base;
    uint64_t entry;
    uint64_t start; /* of the first segment */
    uint64_t end;   /* of the last segment */
    struct sconce_image_segment segments[SCONCE_IMAGE_MAX_SEGMENTS];
    struct sconce_image_function *exports; /* owned */
    struct sconce_image_function *imports; /* owned */
    uint32_t export_count;
    uint32_t import_count;
};

/**
 * sconce_image_new - parse, check and relocate a guest.
 * @data, @bytes: the whole file; private to the caller (it cannot change meanwhile); not kept.
 * @reloc_relative: the architecture's "base + addend" relocation type; 0 when no architecture is at
 *   hand and the image is only inspected (any relocation without a symbol is then taken for it).
 * @memory_limit: the most bytes that all segments may take.
 * Errors: SCONCE_E_GUEST_FORMAT, LIMIT, NO_MEMORY.
 */
int sconce_image_new(const void *data, size_t bytes, const char *name, uint32_t reloc_relative,
                     uint64_t memory_limit, struct sconce_image **ret_image,
                     struct sconce_error *err);

/** sconce_image_machine - e_machine of a file that looks like a 64-bit little-endian ELF. */
int sconce_image_machine(const void *data, size_t bytes, const char *name, uint32_t *ret_machine,
                         struct sconce_error *err);

void sconce_image_free(struct sconce_image *image);

#endif
