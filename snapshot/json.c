/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"

#define DIGEST_PREFIX "sha256:"

/* How deep the text nests, without a look at whether it is JSON: Jansson recurses. */
static bool is_too_deep(const char *text, size_t bytes)
{
    bool in_string = false;
    unsigned depth = 0;

    for (size_t i = 0; i < bytes; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if ((text[i] == '[' || text[i] == '{') && ++depth > SCONCE_JSON_DEPTH_MOST)
            return true;
        else if ((text[i] == ']' || text[i] == '}') && depth > 0)
            depth--;
    }
    return false;
}

const char *sconce_json_show(const char *text, char ret_shown[SCONCE_SHOWN_BYTES])
{
    size_t i;

    for (i = 0; text[i] && i + 1 < SCONCE_SHOWN_BYTES; i++)
        ret_shown[i] = text[i];
    ret_shown[i] = '\0';
    for (i = 0; ret_shown[i]; i++)
        if (ret_shown[i] < ' ' || ret_shown[i] > '~')
            ret_shown[i] = '?';
    return ret_shown;
}

int sconce_json_parse(const void *data, size_t bytes, const char *what, json_t **ret_json,
                      struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    json_error_t why;
    json_t *json;

    if (bytes > SCONCE_JSON_BYTES_MOST)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has %zu bytes; at most %u are read", what,
                           bytes, SCONCE_JSON_BYTES_MOST);
    if (is_too_deep(data, bytes))
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s is nested more than %u deep", what,
                           SCONCE_JSON_DEPTH_MOST);
    json = json_loadb(data, bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json && json_error_code(&why) == json_error_out_of_memory)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for %s", what);
    if (!json)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s is no JSON: line %d, column %d: %s", what,
                           why.line, why.column, sconce_json_show(why.text, shown));
    if (!json_is_object(json)) {
        json_decref(json);
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s is no object", what);
    }
    *ret_json = json;
    return 0;
}

void sconce_json_cleanup(json_t *const *json)
{
    json_decref(*json);
}

int sconce_json_dump(json_t *json, char **ret_text, size_t *ret_bytes, struct sconce_error *err)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (!text)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a document");
    *ret_text = text;
    *ret_bytes = strlen(text);
    return 0;
}

static int get(const json_t *object, const char *key, json_type type, const char *type_name,
               const char *what, json_t **ret_member, struct sconce_error *err)
{
    json_t *member = json_object_get(object, key);

    if (!member)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has no member \"%s\"", what, key);
    if (json_typeof(member) != type)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "member \"%s\" of %s is no %s", key, what,
                           type_name);
    *ret_member = member;
    return 0;
}

int sconce_json_object(const json_t *object, const char *key, const char *what, json_t **ret_member,
                       struct sconce_error *err)
{
    return get(object, key, JSON_OBJECT, "object", what, ret_member, err);
}

int sconce_json_array(const json_t *object, const char *key, const char *what, json_t **ret_member,
                      struct sconce_error *err)
{
    return get(object, key, JSON_ARRAY, "array", what, ret_member, err);
}

int sconce_json_text(const json_t *object, const char *key, const char *what, const char **ret_text,
                     struct sconce_error *err)
{
    json_t *member;
    int r = get(object, key, JSON_STRING, "text", what, &member, err);

    if (!r)
        *ret_text = json_string_value(member);
    return r;
}

int sconce_json_fixed(const json_t *object, const char *key, const char *what, const char *wanted,
                      struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    const char *text;
    int r = sconce_json_text(object, key, what, &text, err);

    if (r < 0 || strcmp(text, wanted) == 0)
        return r;
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT,
                            "sconce snapshot create writes what can be read here",
                            "member \"%s\" of %s is \"%s\", where %s is to be", key, what,
                            sconce_json_show(text, shown), wanted);
}

int sconce_json_count(const json_t *object, const char *key, const char *what, uint64_t *ret_count,
                      struct sconce_error *err)
{
    json_t *member;
    int r = get(object, key, JSON_INTEGER, "whole number", what, &member, err);

    if (r < 0)
        return r;
    if (json_integer_value(member) < 0)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "member \"%s\" of %s is negative", key, what);
    *ret_count = (uint64_t)json_integer_value(member);
    return 0;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sconce_json_parse_address(const json_t *value, uint64_t *ret_address)
{
    const char *text = json_string_value(value);
    size_t bytes = json_string_length(value);
    uint64_t address = 0;

    if (!text || bytes < 3 || bytes > 18 || memcmp(text, "0x", 2) != 0)
        return false;
    for (size_t i = 2; i < bytes; i++) {
        int digit = digit_of(text[i]);

        if (digit < 0)
            return false;
        address = address << 4 | (uint64_t)digit;
    }
    *ret_address = address;
    return true;
}

int sconce_json_address(const json_t *object, const char *key, const char *what,
                        uint64_t *ret_address, struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    json_t *member;
    int r = get(object, key, JSON_STRING, "text", what, &member, err);

    if (r < 0)
        return r;
    if (!sconce_json_parse_address(member, ret_address))
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "member \"%s\" of %s is no address: \"%s\" is not 0x and up to 16 "
                           "digits",
                           key, what, sconce_json_show(json_string_value(member), shown));
    return 0;
}

json_t *sconce_json_from_address(uint64_t address)
{
    return json_sprintf("0x%" PRIx64, address);
}

int sconce_json_descriptor(const json_t *object, const char *media_type, const char *what,
                           struct sconce_descriptor *ret_blob, struct sconce_error *err)
{
    struct sconce_descriptor blob = {0};
    char shown[SCONCE_SHOWN_BYTES];
    const char *type, *digest;
    int r = sconce_json_text(object, "mediaType", what, &type, err);

    if (!r)
        r = sconce_json_text(object, "digest", what, &digest, err);
    if (!r)
        r = sconce_json_count(object, "size", what, &blob.bytes, err);
    if (r < 0)
        return r;
    if (strcmp(type, media_type) != 0)
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT,
                                "sconce snapshot create writes what can be read here",
                                "%s has the media type \"%s\", where %s is to be", what,
                                sconce_json_show(type, shown), media_type);
    if (strncmp(digest, DIGEST_PREFIX, sizeof DIGEST_PREFIX - 1) != 0 ||
        !sconce_digest_is_hex(digest + sizeof DIGEST_PREFIX - 1))
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "%s has the digest \"%s\", which is no sha256: and 64 digits", what,
                           sconce_json_show(digest, shown));
    memcpy(blob.hex, digest + sizeof DIGEST_PREFIX - 1, sizeof blob.hex);
    *ret_blob = blob;
    return 0;
}

json_t *sconce_json_from_descriptor(const struct sconce_descriptor *blob, const char *media_type)
{
    char digest[sizeof DIGEST_PREFIX + SCONCE_DIGEST_HEX];

    snprintf(digest, sizeof digest, "%s%s", DIGEST_PREFIX, blob->hex);
    return json_pack("{s:s,s:s,s:I}", "mediaType", media_type, "digest", digest, "size",
                     (json_int_t)blob->bytes);
}
