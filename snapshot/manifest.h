/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image layout says of a snapshot: the index with a manifest for each tag, and the manifest
 * with the three blobs. As JSON documents; knows no files.
 */
#ifndef SCONCE_SNAPSHOT_MANIFEST_H
#define SCONCE_SNAPSHOT_MANIFEST_H

#include "snapshot/json.h"

#define SCONCE_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define SCONCE_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define SCONCE_TYPE_SNAPSHOT "application/vnd.sconce.snapshot.v1"
#define SCONCE_TYPE_SNAPSHOT_CONFIG "application/vnd.sconce.snapshot.config.v1+json"
#define SCONCE_TYPE_GUEST "application/vnd.sconce.guest.v1+elf"
#define SCONCE_TYPE_MEMORY "application/vnd.sconce.memory.v1+zstd"

#define SCONCE_TAG_BYTES_MOST 128u

/** sconce_tag_check - is it a tag, as the OCI distribution specification has them? INVALID. */
int sconce_tag_check(const char *tag, struct sconce_error *err);

struct sconce_manifest {
    struct sconce_descriptor config;
    struct sconce_descriptor guest;
    struct sconce_descriptor memory;
};

int sconce_manifest_parse(const void *data, size_t bytes, const char *what,
                          struct sconce_manifest *ret_manifest, struct sconce_error *err);

/** sconce_manifest_write - @created: RFC 3339. @ret_text: [give] free() it. */
int sconce_manifest_write(const struct sconce_manifest *manifest, const char *created,
                          char **ret_text, size_t *ret_bytes, struct sconce_error *err);

/** sconce_index_parse - @ret_index: [give]. */
int sconce_index_parse(const void *data, size_t bytes, const char *what, json_t **ret_index,
                       struct sconce_error *err);

/** sconce_index_empty - [give]; NULL when memory is out. */
json_t *sconce_index_empty(void);

/** sconce_index_find - the manifest of @tag. SNAPSHOT: there is none, or more than one. */
int sconce_index_find(const json_t *index, const char *tag, const char *what,
                      struct sconce_descriptor *ret_manifest, struct sconce_error *err);

/** sconce_index_set - @tag is @manifest from now on; whatever had the tag loses its place. */
int sconce_index_set(json_t *index, const char *tag, const struct sconce_descriptor *manifest,
                     struct sconce_error *err);

/** sconce_index_tag - the tag of the @i-th entry; NULL where it has none. */
const char *sconce_index_tag(const json_t *index, size_t i);

/** sconce_index_count - how many entries it has. */
size_t sconce_index_count(const json_t *index);

/** sconce_index_entry - the @i-th, which must be a manifest. */
int sconce_index_entry(const json_t *index, size_t i, const char *what,
                       struct sconce_descriptor *ret_manifest, struct sconce_error *err);

#endif
