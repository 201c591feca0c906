/* SPDX-License-Identifier: Apache-2.0 */
/* index.json: which tag is which manifest. Entries of others stay as they are. */
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/manifest.h"

#define REF_NAME "org.opencontainers.image.ref.name"

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

int sconce_tag_check(const char *tag, struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    bool good = is_word(tag[0]);
    size_t bytes = 0;

    while (good && tag[bytes]) {
        good = (is_word(tag[bytes]) || tag[bytes] == '.' || tag[bytes] == '-') &&
               bytes < SCONCE_TAG_BYTES_MOST;
        bytes++;
    }
    if (good)
        return 0;
    return sconce_fail_hint(err, SCONCE_E_INVALID,
                            "up to 128 letters, digits, \"_\", \".\" and \"-\", the last two not "
                            "first",
                            "\"%s\" is no tag", sconce_json_show(tag, shown));
}

int sconce_index_parse(const void *data, size_t bytes, const char *what, json_t **ret_index,
                       struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *json = NULL;
    json_t *manifests;
    uint64_t version;
    int r = sconce_json_parse(data, bytes, what, &json, err);

    if (!r)
        r = sconce_json_count(json, "schemaVersion", what, &version, err);
    if (!r && version != 2)
        r = sconce_fail(err, SCONCE_E_SNAPSHOT, "schemaVersion of %s is not 2", what);
    if (!r)
        r = sconce_json_array(json, "manifests", what, &manifests, err);
    if (!r)
        *ret_index = SCONCE_STEAL(json);
    return r;
}

json_t *sconce_index_empty(void)
{
    return json_pack("{s:i,s:s,s:[]}", "schemaVersion", 2, "mediaType", SCONCE_TYPE_INDEX,
                     "manifests");
}

static json_t *entries_of(const json_t *index)
{
    return json_object_get(index, "manifests");
}

size_t sconce_index_count(const json_t *index)
{
    return json_array_size(entries_of(index));
}

const char *sconce_index_tag(const json_t *index, size_t i)
{
    const json_t *entry = json_array_get(entries_of(index), i);

    return json_string_value(json_object_get(json_object_get(entry, "annotations"), REF_NAME));
}

int sconce_index_entry(const json_t *index, size_t i, const char *what,
                       struct sconce_descriptor *ret_manifest, struct sconce_error *err)
{
    return sconce_json_descriptor(json_array_get(entries_of(index), i), SCONCE_TYPE_MANIFEST, what,
                                  ret_manifest, err);
}

static bool has_tag(const json_t *index, size_t i, const char *tag)
{
    const char *other = sconce_index_tag(index, i);

    return other && strcmp(other, tag) == 0;
}

int sconce_index_find(const json_t *index, const char *tag, const char *what,
                      struct sconce_descriptor *ret_manifest, struct sconce_error *err)
{
    size_t count = sconce_index_count(index), found = count;

    for (size_t i = 0; i < count; i++) {
        if (!has_tag(index, i, tag))
            continue;
        if (found < count)
            return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has the tag %s twice", what, tag);
        found = i;
    }
    if (found == count)
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT,
                                "sconce snapshot ls DIR lists what there is", "%s has no tag %s",
                                what, tag);
    return sconce_index_entry(index, found, what, ret_manifest, err);
}

int sconce_index_set(json_t *index, const char *tag, const struct sconce_descriptor *manifest,
                     struct sconce_error *err)
{
    json_t *entries = entries_of(index);
    json_t *entry = sconce_json_from_descriptor(manifest, SCONCE_TYPE_MANIFEST);
    int bad = json_object_set_new(entry, "artifactType", json_string(SCONCE_TYPE_SNAPSHOT));

    bad |= json_object_set_new(entry, "annotations", json_pack("{s:s}", REF_NAME, tag));
    for (size_t i = json_array_size(entries); i-- > 0;)
        if (has_tag(index, i, tag))
            json_array_remove(entries, i);
    bad |= json_array_append_new(entries, entry);
    return bad ? sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for an index") : 0;
}
