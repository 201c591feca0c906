/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/documents.h"

#include <stdio.h>

#include "common/cleanup.h"

#define WHAT_BYTES 384u /* a path for messages; a longer one is cut */

static void name_blob(const struct sconce_store *store, const struct sconce_descriptor *blob,
                      char ret_what[WHAT_BYTES])
{
    snprintf(ret_what, WHAT_BYTES, "%.256s/blobs/sha256/%s", store->path, blob->hex);
}

int sconce_documents_index(const struct sconce_store *store, json_t **ret_index,
                           struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) void *data = NULL;
    char what[WHAT_BYTES];
    size_t bytes;
    int r = sconce_store_read_file(store, "index.json", SCONCE_JSON_BYTES_MOST, &data, &bytes, err);

    if (r < 0)
        return r;
    snprintf(what, sizeof what, "%.256s/index.json", store->path);
    return sconce_index_parse(data, bytes, what, ret_index, err);
}

static int load_manifest(const struct sconce_store *store, const struct sconce_descriptor *blob,
                         struct sconce_manifest *ret_manifest, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) void *data = NULL;
    char what[WHAT_BYTES];
    size_t bytes;
    int r = sconce_blob_load(store, blob, SCONCE_JSON_BYTES_MOST, &data, &bytes, err);

    if (r < 0)
        return r;
    name_blob(store, blob, what);
    return sconce_manifest_parse(data, bytes, what, ret_manifest, err);
}

int sconce_documents_load(const struct sconce_store *store, const struct sconce_descriptor *blob,
                          struct sconce_manifest *ret_manifest,
                          struct sconce_snapshot_config *ret_config, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) void *data = NULL;
    char what[WHAT_BYTES];
    size_t bytes;
    int r = load_manifest(store, blob, ret_manifest, err);

    if (!r)
        r = sconce_blob_load(store, &ret_manifest->config, SCONCE_JSON_BYTES_MOST, &data, &bytes,
                             err);
    if (r < 0)
        return r;
    name_blob(store, &ret_manifest->config, what);
    return sconce_snapshot_config_parse(data, bytes, what, ret_config, err);
}
