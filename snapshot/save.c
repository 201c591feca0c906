/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot into an image layout: its blobs first, then the index, so that a tag leads to whole
 * snapshots only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/config.h"
#include "snapshot/documents.h"
#include "snapshot/manifest.h"
#include "snapshot/memory.h"
#include "snapshot/store.h"

/* Only the file's own name: where it lies on this machine is nobody's business. */
static void take_guest(const struct sconce_guest *guest, struct sconce_snapshot_config *config)
{
    struct sconce_guest_info info = {.size = sizeof info};

    sconce_guest_describe(guest, &info);
    sconce_guest_name_from(info.name, config->guest_name);
    config->machine = info.machine;
    config->guest_abi = info.abi;
}

/* Nobody would read more: what is too large is refused while the layout is what it was. */
static int check_size(const struct sconce_store *store, const char *what, size_t bytes,
                      const char *hint, struct sconce_error *err)
{
    if (bytes <= SCONCE_JSON_BYTES_MOST)
        return 0;
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, hint,
                            "%s in %s would have %zu bytes; at most %u are read", what, store->path,
                            bytes, SCONCE_JSON_BYTES_MOST);
}

static int save_config(const struct sconce_store *store,
                       const struct sconce_snapshot_config *config,
                       struct sconce_descriptor *ret_blob, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *text = NULL;
    size_t bytes;
    int r = sconce_snapshot_config_write(config, &text, &bytes, err);

    if (!r)
        r = check_size(store, "a config", bytes,
                       "take the snapshot when the guest has fewer mappings", err);
    return r ? r : sconce_blob_put(store, text, bytes, ret_blob, err);
}

static int save_guest(const struct sconce_store *store, const struct sconce_guest *guest,
                      struct sconce_descriptor *ret_blob, struct sconce_error *err)
{
    size_t bytes;
    const void *file = sconce_guest_file(guest, &bytes);

    return sconce_blob_put(store, file, bytes, ret_blob, err);
}

static int write_blob(void *ctx, const void *data, size_t bytes, struct sconce_error *err)
{
    return sconce_blob_write(ctx, data, bytes, err);
}

static int save_memory(const struct sconce_store *store, const struct sconce_snapshot *snapshot,
                       struct sconce_descriptor *ret_blob, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_blob_abandon)
    struct sconce_blob_writer writer = SCONCE_BLOB_WRITER_EMPTY;
    const struct sconce_memory_output output = {write_blob, &writer};
    int r = sconce_blob_begin(store, &writer, err);

    if (!r)
        r = sconce_memory_write(snapshot, &output, err);
    if (!r)
        r = sconce_blob_end(&writer, ret_blob, err);
    return r;
}

static int save_manifest(const struct sconce_store *store, const struct sconce_manifest *manifest,
                         const char *created, struct sconce_descriptor *ret_blob,
                         struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *text = NULL;
    size_t bytes;
    int r = sconce_manifest_write(manifest, created, &text, &bytes, err);

    return r ? r : sconce_blob_put(store, text, bytes, ret_blob, err);
}

/* The index as it is; an empty one where the layout is new. */
static int load_index(const struct sconce_store *store, json_t **ret_index,
                      struct sconce_error *err)
{
    if (sconce_store_has_file(store, "index.json"))
        return sconce_documents_index(store, ret_index, err);
    *ret_index = sconce_index_empty();
    return *ret_index ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for an index");
}

static int set_tag(const struct sconce_store *store, const char *tag,
                   const struct sconce_descriptor *manifest, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *index = NULL;
    SCONCE_CLEANUP(sconce_cleanup_free) char *text = NULL;
    size_t bytes;
    int r = load_index(store, &index, err);

    if (!r)
        r = sconce_index_set(index, tag, manifest, err);
    if (!r)
        r = sconce_json_dump(json_incref(index), &text, &bytes, err);
    if (!r)
        r = check_size(store, "index.json", bytes,
                       "save it into another directory, or remove tags from this one", err);
    if (!r)
        r = sconce_store_replace_file(store, "index.json", text, bytes, err);
    return r;
}

static int save(const struct sconce_store *store, const struct sconce_snapshot *snapshot,
                const char *tag, struct sconce_error *err)
{
    const struct sconce_guest *guest = sconce_snapshot_guest(snapshot);
    struct sconce_snapshot_config config = {0};
    struct sconce_descriptor blob;
    struct sconce_manifest manifest;
    int r;

    sconce_snapshot_describe(snapshot, &config.parts);
    take_guest(guest, &config);
    sconce_created_now(config.created);
    sconce_cpu_look(&config.cpu);
    r = save_memory(store, snapshot, &manifest.memory, err);
    if (!r)
        r = save_guest(store, guest, &manifest.guest, err);
    if (!r)
        r = save_config(store, &config, &manifest.config, err);
    if (!r)
        r = save_manifest(store, &manifest, config.created, &blob, err);
    if (!r)
        r = set_tag(store, tag, &blob, err);
    return r;
}

int sconce_snapshot_save(const struct sconce_snapshot *snapshot, const char *layout_dir,
                         const char *tag, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_store_close) struct sconce_store store = SCONCE_STORE_EMPTY;
    int r = sconce_snapshot_check(snapshot, err);

    if (!r)
        r = sconce_tag_check(tag, err);
    if (!r)
        r = sconce_store_create(layout_dir, &store, err);
    if (!r)
        r = save(&store, snapshot, tag, err);
    return r;
}
