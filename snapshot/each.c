/* SPDX-License-Identifier: Apache-2.0 */
/* What an image layout has: its documents alone are read. */
#include <stdio.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/config-internal.h"
#include "snapshot/documents.h"

#define DIGEST_BYTES (sizeof "sha256:" + SCONCE_DIGEST_HEX)

/* The tag of an entry: "" when it has none, or a text that is none, which may be anything. */
static int take_tag(const json_t *index, size_t i, const char *what, const char **ret_tag,
                    struct sconce_error *err)
{
    const char *tag = sconce_index_tag(index, i);
    int r = tag ? sconce_tag_check(tag, err) : 0;

    *ret_tag = tag && !r ? tag : "";
    if (r < 0)
        sconce_error_prefix(err, "%s", what);
    return r;
}

/* Everything about one entry that can be had. Whatever is wrong with it is a part of what is told.
 */
static int tell(const struct sconce_store *store, const json_t *index, size_t i,
                int (*fn)(void *ctx, const struct sconce_snapshot_info *info), void *ctx)
{
    SCONCE_CLEANUP(sconce_snapshot_config_fini) struct sconce_snapshot_config config = {0};
    struct sconce_manifest manifest = {0};
    struct sconce_descriptor blob = {0};
    struct sconce_error problem = {0};
    char digest[DIGEST_BYTES] = "", what[384];
    struct sconce_snapshot_info info = {.size = sizeof info};
    int r;

    snprintf(what, sizeof what, "entry %zu of %.256s/index.json", i + 1, store->path);
    r = sconce_index_entry(index, i, what, &blob, &problem);
    if (!r)
        snprintf(digest, sizeof digest, "sha256:%s", blob.hex);
    if (take_tag(index, i, what, &info.tag, r ? NULL : &problem) < 0)
        r = SCONCE_E_INVALID;
    if (!r)
        r = sconce_documents_load(store, &blob, &manifest, &config, &problem);
    info.digest = digest;
    info.created = config.created;
    info.guest = config.guest_name;
    info.arch = r ? "" : sconce_architecture_name(config.machine);
    info.guest_abi = config.guest_abi;
    info.guest_bytes = manifest.guest.bytes;
    info.memory_bytes = manifest.memory.bytes;
    info.heap_bytes = config.parts.heap_bytes;
    info.problem = problem.text;
    info.hint = problem.hint;
    return fn(ctx, &info);
}

int sconce_snapshot_each(const char *layout_dir,
                         int (*fn)(void *ctx, const struct sconce_snapshot_info *info), void *ctx,
                         struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_store_close) struct sconce_store store = SCONCE_STORE_EMPTY;
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *index = NULL;
    int r = sconce_store_open(layout_dir, &store, err);

    if (!r)
        r = sconce_documents_index(&store, &index, err);
    for (size_t i = 0; !r && i < sconce_index_count(index); i++)
        r = tell(&store, index, i, fn, ctx);
    return r;
}
