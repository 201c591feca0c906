/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "text.h"

static void put_string(FILE *out, const uint8_t *p, size_t bytes)
{
    uint32_t code;
    size_t length;

    fputc('"', out);
    for (size_t i = 0; i < bytes; i += length) {
        length = text_utf8_next(p + i, bytes - i, &code);
        if (length == 0) {
            fputs("\xef\xbf\xbd", out);
            length = 1;
        } else if (code == '"' || code == '\\') {
            fprintf(out, "\\%c", (char)code);
        } else if (code == '\n') {
            fputs("\\n", out);
        } else if (code == '\t') {
            fputs("\\t", out);
        } else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            /* the second range need not be escaped, but terminals obey it */
            fprintf(out, "\\u%04x", (unsigned)code);
        } else {
            fwrite(p + i, 1, length, out);
        }
    }
    fputc('"', out);
}

static void new_line(const struct json *json)
{
    fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
}

/* What goes in front of a value: the comma, the line, the key. */
static void begin(struct json *json, const char *key)
{
    if (json->filled[json->depth])
        fputc(',', json->out);
    if (json->depth > 0)
        new_line(json);
    json->filled[json->depth] = true;
    if (!key)
        return;
    put_string(json->out, (const uint8_t *)key, strlen(key));
    fputs(": ", json->out);
}

static void open_level(struct json *json, const char *key, char bracket)
{
    begin(json, key);
    fputc(bracket, json->out);
    assert(json->depth < JSON_MAX_DEPTH);
    json->filled[++json->depth] = false;
}

static void close_level(struct json *json, char bracket)
{
    bool filled = json->filled[json->depth];

    assert(json->depth > 0);
    json->depth--;
    if (filled)
        new_line(json);
    fputc(bracket, json->out);
    if (json->depth == 0)
        fputc('\n', json->out);
}

void json_open_object(struct json *json, const char *key)
{
    open_level(json, key, '{');
}

void json_close_object(struct json *json)
{
    close_level(json, '}');
}

void json_open_array(struct json *json, const char *key)
{
    open_level(json, key, '[');
}

void json_close_array(struct json *json)
{
    close_level(json, ']');
}

void json_string(struct json *json, const char *key, const void *data, size_t bytes)
{
    begin(json, key);
    put_string(json->out, data, bytes);
}

void json_text(struct json *json, const char *key, const char *text)
{
    json_string(json, key, text, strlen(text));
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
    begin(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
    begin(json, key);
    fputs("null", json->out);
}

void json_hex(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    fprintf(json->out, "\"0x%" PRIx64 "\"", value);
}

void json_number(struct json *json, const char *key, const char *digits)
{
    begin(json, key);
    fputs(digits, json->out);
}

void json_base64(struct json *json, const char *key, const void *data, size_t bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    char quad[4];

    begin(json, key);
    fputc('"', json->out);
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        uint32_t bits = (uint32_t)p[i] << 16;

        if (left > 1)
            bits |= (uint32_t)p[i + 1] << 8;
        if (left > 2)
            bits |= p[i + 2];
        quad[0] = alphabet[bits >> 18];
        quad[1] = alphabet[bits >> 12 & 63];
        quad[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        quad[3] = left > 2 ? alphabet[bits & 63] : '=';
        fwrite(quad, 1, sizeof quad, json->out);
    }
    fputc('"', json->out);
}
