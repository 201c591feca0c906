/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/manifest.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"

int sconce_manifest_parse(const void *data, size_t bytes, const char *what,
                          struct sconce_manifest *ret_manifest, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *json = NULL;
    struct sconce_manifest manifest;
    json_t *config, *layers;
    uint64_t version;
    int r = sconce_json_parse(data, bytes, what, &json, err);

    if (!r)
        r = sconce_json_count(json, "schemaVersion", what, &version, err);
    if (!r && version != 2)
        r = sconce_fail(err, SCONCE_E_SNAPSHOT, "schemaVersion of %s is not 2", what);
    if (!r)
        r = sconce_json_fixed(json, "mediaType", what, SCONCE_TYPE_MANIFEST, err);
    if (!r)
        r = sconce_json_fixed(json, "artifactType", what, SCONCE_TYPE_SNAPSHOT, err);
    if (!r)
        r = sconce_json_object(json, "config", what, &config, err);
    if (!r)
        r = sconce_json_descriptor(config, SCONCE_TYPE_SNAPSHOT_CONFIG, what, &manifest.config,
                                   err);
    if (!r)
        r = sconce_json_array(json, "layers", what, &layers, err);
    if (!r && json_array_size(layers) != 2)
        r = sconce_fail(err, SCONCE_E_SNAPSHOT,
                        "%s has %zu layers; a snapshot has two, guest and memory", what,
                        json_array_size(layers));
    if (!r)
        r = sconce_json_descriptor(json_array_get(layers, 0), SCONCE_TYPE_GUEST, what,
                                   &manifest.guest, err);
    if (!r)
        r = sconce_json_descriptor(json_array_get(layers, 1), SCONCE_TYPE_MEMORY, what,
                                   &manifest.memory, err);
    if (!r)
        *ret_manifest = manifest;
    return r;
}

int sconce_manifest_write(const struct sconce_manifest *manifest, const char *created,
                          char **ret_text, size_t *ret_bytes, struct sconce_error *err)
{
    json_t *json =
        json_pack("{s:i,s:s,s:s,s:o,s:[o,o],s:{s:s}}", "schemaVersion", 2, "mediaType",
                  SCONCE_TYPE_MANIFEST, "artifactType", SCONCE_TYPE_SNAPSHOT, "config",
                  sconce_json_from_descriptor(&manifest->config, SCONCE_TYPE_SNAPSHOT_CONFIG),
                  "layers", sconce_json_from_descriptor(&manifest->guest, SCONCE_TYPE_GUEST),
                  sconce_json_from_descriptor(&manifest->memory, SCONCE_TYPE_MEMORY), "annotations",
                  "org.opencontainers.image.created", created);

    return sconce_json_dump(json, ret_text, ret_bytes, err);
}
