/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer of one JSON document (RFC 8259) to a stream, indented by two blanks. The caller opens
 * and closes; commas, newlines and escapes are the writer's. Never fails by itself: ask the stream.
 */
#ifndef SCONCE_CLI_JSON_H
#define SCONCE_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 8u

/* Start with {.out = stream}. */
struct json {
    FILE *out;
    unsigned depth;
    bool filled[JSON_MAX_DEPTH + 1]; /* this level has a member */
};

/* @key is NULL for a member of an array, and for the document itself. */
void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

/* Bytes that are no UTF-8 become U+FFFD, one each. */
void json_string(struct json *json, const char *key, const void *data, size_t bytes);
void json_text(struct json *json, const char *key, const char *text);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/** json_hex - a string "0x1f": addresses, which are too large for other people's numbers. */
void json_hex(struct json *json, const char *key, uint64_t value);

/** json_number - @digits as they are; must be a JSON number. */
void json_number(struct json *json, const char *key, const char *digits);

/** json_base64 - a string of RFC 4648 base64 with padding. */
void json_base64(struct json *json, const char *key, const void *data, size_t bytes);

#endif
