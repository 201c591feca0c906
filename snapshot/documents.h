/* SPDX-License-Identifier: Apache-2.0 */
/* From a tag to the documents behind it, each held against its digest. */
#ifndef SCONCE_SNAPSHOT_DOCUMENTS_H
#define SCONCE_SNAPSHOT_DOCUMENTS_H

#include "snapshot/config.h"
#include "snapshot/manifest.h"

/** sconce_documents_index - index.json. @ret_index: [give]. */
int sconce_documents_index(const struct sconce_store *store, json_t **ret_index,
                           struct sconce_error *err);

/** sconce_documents_load - what the manifest in @blob leads to. @ret_config: [give]
 * sconce_snapshot_config_fini() it. */
int sconce_documents_load(const struct sconce_store *store, const struct sconce_descriptor *blob,
                          struct sconce_manifest *ret_manifest,
                          struct sconce_snapshot_config *ret_config, struct sconce_error *err);

#endif
