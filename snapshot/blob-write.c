/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs into a store: under a name of their own until they are on the disk, then by their digest.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/files.h"

static int cannot_write(const struct sconce_store *store, struct sconce_error *err)
{
    return sconce_file_cannot_write(store, "blobs/sha256/" SCONCE_BLOB_TEMPORARY, err);
}

int sconce_blob_begin(const struct sconce_store *store, struct sconce_blob_writer *ret_writer,
                      struct sconce_error *err)
{
    struct sconce_blob_writer writer = SCONCE_BLOB_WRITER_EMPTY;

    writer.store = store;
    writer.fd = sconce_file_create(store->blobs, SCONCE_BLOB_TEMPORARY);
    if (writer.fd < 0)
        return cannot_write(store, err);
    sconce_digest_start(&writer.digest);
    *ret_writer = writer;
    return 0;
}

int sconce_blob_write(struct sconce_blob_writer *writer, const void *data, size_t bytes,
                      struct sconce_error *err)
{
    if (sconce_file_write(writer->fd, data, bytes))
        return cannot_write(writer->store, err);
    sconce_digest_add(&writer->digest, data, bytes);
    writer->bytes += bytes;
    return 0;
}

int sconce_blob_end(struct sconce_blob_writer *writer, struct sconce_descriptor *ret_blob,
                    struct sconce_error *err)
{
    struct sconce_descriptor blob = {.bytes = writer->bytes};
    int folder = writer->store->blobs;

    sconce_digest_end(&writer->digest, blob.hex);
    if (fsync(writer->fd) || renameat(folder, SCONCE_BLOB_TEMPORARY, folder, blob.hex) ||
        fsync(folder))
        return cannot_write(writer->store, err);
    close(sconce_steal_fd(&writer->fd));
    *ret_blob = blob;
    return 0;
}

void sconce_blob_abandon(struct sconce_blob_writer *writer)
{
    if (writer->fd >= 0) {
        unlinkat(writer->store->blobs, SCONCE_BLOB_TEMPORARY, 0);
        close(writer->fd);
    }
    *writer = (struct sconce_blob_writer)SCONCE_BLOB_WRITER_EMPTY;
}

int sconce_blob_put(const struct sconce_store *store, const void *data, size_t bytes,
                    struct sconce_descriptor *ret_blob, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_blob_abandon)
    struct sconce_blob_writer writer = SCONCE_BLOB_WRITER_EMPTY;
    int r = sconce_blob_begin(store, &writer, err);

    if (!r)
        r = sconce_blob_write(&writer, data, bytes, err);
    if (!r)
        r = sconce_blob_end(&writer, ret_blob, err);
    return r;
}
