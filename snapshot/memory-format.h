/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes within the frame: a head, then stretches, then memory. All is little-endian. */
#ifndef SCONCE_SNAPSHOT_MEMORY_FORMAT_H
#define SCONCE_SNAPSHOT_MEMORY_FORMAT_H

#include <stdint.h>

#define SCONCE_MEMORY_MAGIC "SCONCEMM"
#define SCONCE_MEMORY_VERSION 1u

/* A compressor may look back so far, and a reader keeps so much: 8 MiB. */
#define SCONCE_MEMORY_WINDOW_LOG 23

struct sconce_memory_head {
    char magic[8]; /* SCONCE_MEMORY_MAGIC, without NUL */
    uint32_t version;
    uint32_t page_bytes;    /* SCONCE_SNAPSHOT_PAGE_BYTES */
    uint64_t stretch_count; /* of what follows: struct sconce_memory_stretch */
    uint64_t memory_bytes;  /* the sum of them, and as many bytes behind the last */
    uint64_t reserved[4];   /* 0 */
};
_Static_assert(sizeof(struct sconce_memory_head) == 64, "as documented");

/* Guest memory [start, end), in rising order; whole pages. */
struct sconce_memory_stretch {
    uint64_t start;
    uint64_t end;
};

#endif
