/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory as a blob: one zstd frame of a head, a table of stretches and their bytes, as
 * sconce-snapshot(5) has it. Knows no files: bytes come and go by functions. Whether a stretch is
 * where a guest has memory is the core's to say.
 */
#ifndef SCONCE_SNAPSHOT_MEMORY_H
#define SCONCE_SNAPSHOT_MEMORY_H

#include <stdbool.h>
#include <zstd.h>

#include "core/snapshot-parts.h"

/* ---- Writing --------------------------------------------------------------------------------- */

struct sconce_memory_output {
    int (*write)(void *ctx, const void *data, size_t bytes, struct sconce_error *err);
    void *ctx;
};

/** sconce_memory_write - what @snapshot has, to the last byte of the frame. */
int sconce_memory_write(const struct sconce_snapshot *snapshot,
                        const struct sconce_memory_output *output, struct sconce_error *err);

/* ---- Reading --------------------------------------------------------------------------------- */

/* @read: up to @bytes; 0 at the end. */
struct sconce_memory_input {
    int (*read)(void *ctx, void *to, size_t bytes, size_t *ret_got, struct sconce_error *err);
    void *ctx;
};

#define SCONCE_MEMORY_INPUT_BYTES 65536u

struct sconce_memory_reader {
    const struct sconce_memory_input *input;
    const char *what; /* for messages */
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer pending; /* of @bytes */
    bool frame_ended;
    struct sconce_snapshot_stretch *stretches; /* owned */
    size_t count;
    uint64_t memory_bytes; /* of all of them */
    uint8_t bytes[SCONCE_MEMORY_INPUT_BYTES];
};

/**
 * sconce_memory_open - read head and table.
 * @room_bytes: more memory than that, or more stretches than its pages, are SNAPSHOT before
 *   anything is allocated for them. @what, @input: borrowed until the reader is closed.
 * @ret_reader: [give] sconce_memory_close() it.
 */
int sconce_memory_open(const struct sconce_memory_input *input, const char *what,
                       uint64_t room_bytes, struct sconce_memory_reader **ret_reader,
                       struct sconce_error *err);

/** sconce_memory_read - the next @bytes of memory; fewer are SNAPSHOT. @ctx: the reader. */
int sconce_memory_read(void *ctx, void *to, size_t bytes, struct sconce_error *err);

/** sconce_memory_end - after all memory was read: the frame, and the input with it, ends here. */
int sconce_memory_end(struct sconce_memory_reader *reader, struct sconce_error *err);

void sconce_memory_close(struct sconce_memory_reader *reader);

#endif
