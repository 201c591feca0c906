/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from anybody, member by member, each with a type and an error that names it. Jansson parses;
 * what is deep, large, or says one thing twice is refused first.
 */
#ifndef SCONCE_SNAPSHOT_JSON_H
#define SCONCE_SNAPSHOT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#include "snapshot/store.h"

#define SCONCE_JSON_BYTES_MOST (1u << 20)
#define SCONCE_JSON_DEPTH_MOST 16u

/**
 * sconce_json_parse - an object. @what: what it is, for messages of this and of the functions
 * below.
 * @ret_json: [give] json_decref() it.
 */
int sconce_json_parse(const void *data, size_t bytes, const char *what, json_t **ret_json,
                      struct sconce_error *err);

void sconce_json_cleanup(json_t *const *json);

/** sconce_json_dump - as text. @json: [take], NULL when memory was out as it was made.
 * @ret_text: [give] free() it. */
int sconce_json_dump(json_t *json, char **ret_text, size_t *ret_bytes, struct sconce_error *err);

#define SCONCE_SHOWN_BYTES 101u

/** sconce_json_show - somebody's @text as a part of a message: cut, and of plain characters.
 * Returns
 * @ret_shown. */
const char *sconce_json_show(const char *text, char ret_shown[SCONCE_SHOWN_BYTES]);

/* Members of @object. Each is SNAPSHOT when it is missing or of another type. What is given out is
 * borrowed from @object. */
int sconce_json_object(const json_t *object, const char *key, const char *what, json_t **ret_member,
                       struct sconce_error *err);
int sconce_json_array(const json_t *object, const char *key, const char *what, json_t **ret_member,
                      struct sconce_error *err);
int sconce_json_text(const json_t *object, const char *key, const char *what, const char **ret_text,
                     struct sconce_error *err);

/** sconce_json_fixed - it is the text @wanted, or SNAPSHOT. */
int sconce_json_fixed(const json_t *object, const char *key, const char *what, const char *wanted,
                      struct sconce_error *err);

/** sconce_json_count - a number from 0 to 2^63 - 1. */
int sconce_json_count(const json_t *object, const char *key, const char *what, uint64_t *ret_count,
                      struct sconce_error *err);

/** sconce_json_address - a text "0x" and 1 to 16 hexadecimal digits: JSON's numbers are not for 64
 * bits. */
int sconce_json_address(const json_t *object, const char *key, const char *what,
                        uint64_t *ret_address, struct sconce_error *err);

/** sconce_json_parse_address - the same of a value; false when it is none. */
bool sconce_json_parse_address(const json_t *value, uint64_t *ret_address);

/** sconce_json_from_address - [give]; NULL when memory is out. */
json_t *sconce_json_from_address(uint64_t address);

/** sconce_json_descriptor - an OCI descriptor: mediaType, digest (of SHA-256) and size.
 * @media_type: SNAPSHOT when it has another. */
int sconce_json_descriptor(const json_t *object, const char *media_type, const char *what,
                           struct sconce_descriptor *ret_blob, struct sconce_error *err);

/** sconce_json_from_descriptor - [give]; NULL when memory is out. */
json_t *sconce_json_from_descriptor(const struct sconce_descriptor *blob, const char *media_type);

#endif
