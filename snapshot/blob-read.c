/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs out of a store: as long as their descriptors say, and hashed while they are read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/files.h"

#define NAME_BYTES (sizeof "blobs/sha256/" + SCONCE_DIGEST_HEX)

static int other_size(const struct sconce_blob_reader *reader, uint64_t bytes,
                      struct sconce_error *err)
{
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "copy the image layout again",
                            "%s/blobs/sha256/%s has %" PRIu64
                            " bytes, but its descriptor says %" PRIu64,
                            reader->store->path, reader->blob->hex, bytes, reader->blob->bytes);
}

int sconce_blob_open(const struct sconce_store *store, const struct sconce_descriptor *blob,
                     uint64_t most, struct sconce_blob_reader *ret_reader, struct sconce_error *err)
{
    struct sconce_blob_reader reader = {
        .fd = -1, .store = store, .blob = blob, .left = blob->bytes};
    char name[NAME_BYTES];
    uint64_t bytes;
    int r;

    if (blob->bytes > most)
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "%s/blobs/sha256/%s has %" PRIu64 " bytes; at most %" PRIu64 " are read",
                           store->path, blob->hex, blob->bytes, most);
    snprintf(name, sizeof name, "blobs/sha256/%s", blob->hex);
    r = sconce_file_open(store, store->blobs, name, &reader.fd, &bytes, err);
    if (r < 0)
        return r;
    if (bytes != blob->bytes) {
        r = other_size(&reader, bytes, err);
        sconce_blob_close(&reader);
        return r;
    }
    sconce_digest_start(&reader.digest);
    *ret_reader = reader;
    return 0;
}

int sconce_blob_read(struct sconce_blob_reader *reader, void *to, size_t bytes, size_t *ret_got,
                     struct sconce_error *err)
{
    if (bytes > reader->left)
        bytes = (size_t)reader->left;
    if (sconce_file_read(reader->fd, to, bytes, ret_got))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot read %s/blobs/sha256/%s",
                                 reader->store->path, reader->blob->hex);
    sconce_digest_add(&reader->digest, to, *ret_got);
    reader->left -= *ret_got;
    if (*ret_got < bytes) /* it was cut meanwhile */
        return other_size(reader, reader->blob->bytes - reader->left, err);
    return 0;
}

int sconce_blob_check(struct sconce_blob_reader *reader, struct sconce_error *err)
{
    char hex[SCONCE_DIGEST_HEX + 1];

    if (reader->left)
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "%s/blobs/sha256/%s goes on for %" PRIu64 " bytes behind its end",
                           reader->store->path, reader->blob->hex, reader->left);
    sconce_digest_end(&reader->digest, hex);
    if (strcmp(hex, reader->blob->hex) == 0)
        return 0;
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "copy the image layout again",
                            "%s/blobs/sha256/%s was changed: what is in it has the digest %s",
                            reader->store->path, reader->blob->hex, hex);
}

void sconce_blob_close(const struct sconce_blob_reader *reader)
{
    sconce_cleanup_fd(&reader->fd);
}

int sconce_blob_load(const struct sconce_store *store, const struct sconce_descriptor *blob,
                     uint64_t most, void **ret_data, size_t *ret_bytes, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_blob_close) struct sconce_blob_reader reader = SCONCE_BLOB_READER_EMPTY;
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *data = NULL;
    size_t got;
    int r = sconce_blob_open(store, blob, most, &reader, err);

    if (r < 0)
        return r;
    data = malloc((size_t)blob->bytes + 1);
    if (!data)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for %s/blobs/sha256/%s",
                           store->path, blob->hex);
    r = sconce_blob_read(&reader, data, (size_t)blob->bytes, &got, err);
    if (!r)
        r = sconce_blob_check(&reader, err);
    if (r < 0)
        return r;
    data[got] = '\0';
    *ret_data = SCONCE_STEAL(data);
    *ret_bytes = got;
    return 0;
}
