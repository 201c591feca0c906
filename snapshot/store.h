/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory that is an OCI image layout: blobs by digest, and two small files. Knows files,
 * sizes, digests and locks; nothing of what is in a blob.
 *
 * What is read may be an attacker's: no link is followed within the directory, by a writer neither,
 * only regular files are read, never more than their descriptor says, and a size is held against a
 * limit before anything is allocated. What is written is there as a whole or not at all, also after
 * a crash.
 */
#ifndef SCONCE_SNAPSHOT_STORE_H
#define SCONCE_SNAPSHOT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#include "snapshot/digest.h"

struct sconce_store {
    int dir;
    int blobs;        /* blobs/sha256, opened once: what is put in its place later is not seen */
    bool is_locked;   /* by a writer */
    const char *path; /* for messages; borrowed */
};

#define SCONCE_STORE_EMPTY                                                                         \
    {                                                                                              \
        .dir = -1, .blobs = -1                                                                     \
    }

/** sconce_store_open - to read. SNAPSHOT: it is no image layout, or of another version. @path:
 * borrowed. */
int sconce_store_open(const char *path, struct sconce_store *ret_store, struct sconce_error *err);

/**
 * sconce_store_create - to write: makes what is missing, waits until no other writer is there, and
 * removes what one that crashed has left behind.
 */
int sconce_store_create(const char *path, struct sconce_store *ret_store, struct sconce_error *err);

/** sconce_store_close - takes an empty one, too. */
void sconce_store_close(const struct sconce_store *store);

/**
 * sconce_store_read_file - the whole of a small file of the layout.
 * @most: more bytes are SNAPSHOT. @ret_data: [give] free() it; a NUL follows.
 */
int sconce_store_read_file(const struct sconce_store *store, const char *name, uint64_t most,
                           void **ret_data, size_t *ret_bytes, struct sconce_error *err);

/** sconce_store_has_file - is there something of that name, whatever it is? */
bool sconce_store_has_file(const struct sconce_store *store, const char *name);

/** sconce_store_replace_file - the old contents stay until the new ones are on the disk. */
int sconce_store_replace_file(const struct sconce_store *store, const char *name, const void *data,
                              size_t bytes, struct sconce_error *err);

/* What a manifest says of a blob. */
struct sconce_descriptor {
    char hex[SCONCE_DIGEST_HEX + 1]; /* checked to be a name */
    uint64_t bytes;
};

/* ---- Reading --------------------------------------------------------------------------------- */

struct sconce_blob_reader {
    int fd;
    const struct sconce_store *store;
    const struct sconce_descriptor *blob;
    uint64_t left; /* bytes that were not read yet */
    struct sconce_digest digest;
};

#define SCONCE_BLOB_READER_EMPTY                                                                   \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/** sconce_blob_open - SNAPSHOT when it is missing, larger than @most or of another size than its
 * descriptor says. @store, @blob: borrowed until the reader is closed. */
int sconce_blob_open(const struct sconce_store *store, const struct sconce_descriptor *blob,
                     uint64_t most, struct sconce_blob_reader *ret_reader,
                     struct sconce_error *err);

/** sconce_blob_read - up to @bytes; 0 at the end. Nothing is vouched for before _check. */
int sconce_blob_read(struct sconce_blob_reader *reader, void *to, size_t bytes, size_t *ret_got,
                     struct sconce_error *err);

/** sconce_blob_check - was all of it read, and was it what the digest says? */
int sconce_blob_check(struct sconce_blob_reader *reader, struct sconce_error *err);

void sconce_blob_close(const struct sconce_blob_reader *reader);

/** sconce_blob_load - all of a blob, checked. @ret_data: [give] free() it; a NUL follows. */
int sconce_blob_load(const struct sconce_store *store, const struct sconce_descriptor *blob,
                     uint64_t most, void **ret_data, size_t *ret_bytes, struct sconce_error *err);

/* ---- Writing --------------------------------------------------------------------------------- */

struct sconce_blob_writer {
    int fd;
    const struct sconce_store *store;
    uint64_t bytes;
    struct sconce_digest digest;
};

#define SCONCE_BLOB_WRITER_EMPTY                                                                   \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/** sconce_blob_begin - one at a time in a store. @store: from sconce_store_create; borrowed. */
int sconce_blob_begin(const struct sconce_store *store, struct sconce_blob_writer *ret_writer,
                      struct sconce_error *err);

int sconce_blob_write(struct sconce_blob_writer *writer, const void *data, size_t bytes,
                      struct sconce_error *err);

/** sconce_blob_end - on the disk, and by its name. */
int sconce_blob_end(struct sconce_blob_writer *writer, struct sconce_descriptor *ret_blob,
                    struct sconce_error *err);

/** sconce_blob_abandon - takes one that was ended, or is empty, too. */
void sconce_blob_abandon(struct sconce_blob_writer *writer);

/** sconce_blob_put - a whole blob at once. */
int sconce_blob_put(const struct sconce_store *store, const void *data, size_t bytes,
                    struct sconce_descriptor *ret_blob, struct sconce_error *err);

#endif
