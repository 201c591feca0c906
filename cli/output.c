/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* How many digits a brief string keeps. */
#define BRIEF_BYTES 40u

#define F32_QUIET_NAN 0x7fc00000u
#define F64_QUIET_NAN 0x7ff8000000000000u

/* The fewest digits that read back as the same number: 9 for f32 and 17 for f64 always do
 * (IEEE 754-2019, 5.12.2). A NaN that "nan" does not read back as is told by its bits. */
static void float_text(const struct sconce_value *value, char *text, size_t room)
{
    bool single = value->type == SCONCE_TYPE_F32;
    double number = single ? (double)value->as.f32 : value->as.f64;
    uint64_t bits = single ? value->as.u32 : value->as.u64;
    uint64_t sign = single ? 1ull << 31 : 1ull << 63;
    uint64_t quiet_nan = single ? F32_QUIET_NAN : F64_QUIET_NAN;

    if (isnan(number) && (bits & ~sign) != quiet_nan) {
        snprintf(text, room, "bits:0x%0*" PRIx64, single ? 8 : 16, bits);
        return;
    }
    if (isnan(number)) {
        snprintf(text, room, "%s", bits & sign ? "-nan" : "nan");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, room, "%.*g", digits, number);
        if ((single ? (double)strtof(text, NULL) : strtod(text, NULL)) == number)
            return;
    }
}

void output_scalar(const struct sconce_value *value, char text[OUTPUT_SCALAR_BYTES])
{
    const size_t room = OUTPUT_SCALAR_BYTES;

    text[0] = '\0';
    switch (value->type) {
    case SCONCE_TYPE_BOOL:
        snprintf(text, room, "%s", value->as.boolean ? "true" : "false");
        break;
    case SCONCE_TYPE_I32:
        snprintf(text, room, "%" PRId32, value->as.i32);
        break;
    case SCONCE_TYPE_U32:
        snprintf(text, room, "%" PRIu32, value->as.u32);
        break;
    case SCONCE_TYPE_I64:
        snprintf(text, room, "%" PRId64, value->as.i64);
        break;
    case SCONCE_TYPE_U64:
        snprintf(text, room, "%" PRIu64, value->as.u64);
        break;
    case SCONCE_TYPE_F32:
    case SCONCE_TYPE_F64:
        float_text(value, text, room);
        break;
    default:
        break;
    }
}

/* As hexdump -C: offset, sixteen bytes, the printable ones. */
static void dump(FILE *out, const unsigned char *p, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 16) {
        fprintf(out, "%08zx ", at);
        for (size_t i = 0; i < 16; i++) {
            if (i == 8)
                fputc(' ', out);
            if (at + i < bytes)
                fprintf(out, " %02x", p[at + i]);
            else
                fputs("   ", out);
        }
        fputs("  |", out);
        for (size_t i = at; i < bytes && i < at + 16; i++)
            fputc(p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.', out);
        fputs("|\n", out);
    }
    fprintf(out, "%08zx\n", bytes);
}

static bool is_span(const struct sconce_value *value)
{
    return value->type == SCONCE_TYPE_STRING || value->type == SCONCE_TYPE_BYTES;
}

void output_value(FILE *out, const struct sconce_value *value, bool safe)
{
    char text[OUTPUT_SCALAR_BYTES];

    if (value->type == SCONCE_TYPE_NONE)
        return;
    if (value->type == SCONCE_TYPE_BYTES) {
        dump(out, value->as.span.data, value->as.span.length);
        return;
    }
    if (value->type != SCONCE_TYPE_STRING) {
        output_scalar(value, text);
        fputs(text, out);
    } else if (safe) {
        text_put_safe(out, value->as.span.data, value->as.span.length);
    } else {
        fwrite(value->as.span.data, 1, value->as.span.length, out);
    }
    fputc('\n', out);
}

const void *output_raw(const struct sconce_value *value, char text[OUTPUT_SCALAR_BYTES],
                       size_t *ret_bytes)
{
    *ret_bytes = 0;
    if (value->type == SCONCE_TYPE_NONE)
        return text;
    if (is_span(value)) {
        *ret_bytes = value->as.span.length;
        return value->as.span.data;
    }
    output_scalar(value, text);
    *ret_bytes = strlen(text);
    text[(*ret_bytes)++] = '\n'; /* in the place of the NUL */
    return text;
}

void output_brief(FILE *out, const struct sconce_value *value)
{
    char text[OUTPUT_SCALAR_BYTES];
    size_t bytes = value->as.span.length;

    if (value->type == SCONCE_TYPE_NONE) {
        fputs("none", out);
    } else if (value->type == SCONCE_TYPE_BYTES) {
        fprintf(out, "%zu bytes", bytes);
    } else if (value->type == SCONCE_TYPE_STRING) {
        bool cut = bytes > BRIEF_BYTES;
        struct json json = {.out = out};

        json_string(&json, NULL, value->as.span.data, cut ? BRIEF_BYTES : bytes);
        if (cut)
            fprintf(out, "... (%zu bytes)", bytes);
    } else {
        output_scalar(value, text);
        fputs(text, out);
    }
}

static bool is_json_number(const struct sconce_value *value)
{
    switch (value->type) {
    case SCONCE_TYPE_I32:
    case SCONCE_TYPE_U32:
        return true;
    case SCONCE_TYPE_F32:
        return isfinite(value->as.f32) != 0;
    case SCONCE_TYPE_F64:
        return isfinite(value->as.f64) != 0;
    default:
        return false; /* 64-bit integers: most readers keep 53 bits of a number */
    }
}

void output_json(struct json *json, const struct sconce_value *value)
{
    const char *type = sconce_type_name(value->type);
    char text[OUTPUT_SCALAR_BYTES];

    json_text(json, "type", type ? type : "");
    output_scalar(value, text);
    if (value->type == SCONCE_TYPE_NONE)
        json_null(json, "value");
    else if (value->type == SCONCE_TYPE_STRING)
        json_string(json, "value", value->as.span.data, value->as.span.length);
    else if (value->type == SCONCE_TYPE_BYTES)
        json_base64(json, "value", value->as.span.data, value->as.span.length);
    else if (value->type == SCONCE_TYPE_BOOL)
        json_bool(json, "value", value->as.boolean);
    else if (is_json_number(value))
        json_number(json, "value", text);
    else
        json_text(json, "value", text);
}
