/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

static bool refuse(struct args_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct args_reader *reader, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reader->why, sizeof reader->why, format, args);
    va_end(args);
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Digits in base 10, or 16 behind 0x. No sign, no blanks, and a leading 0 is no octal. */
static bool parse_magnitude(struct args_reader *reader, const char *digits, uint64_t *ret,
                            bool *ret_too_large)
{
    uint64_t value = 0;
    unsigned base = 10;

    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        base = 16;
        digits += 2;
    }
    if (*digits == '\0')
        return refuse(reader, "there are no digits");
    for (; *digits; digits++) {
        int digit = hex_digit(*digits);

        if (digit < 0 || (unsigned)digit >= base)
            return refuse(reader, "\"%.8s\" is no %s number", digits,
                          base == 16 ? "hexadecimal" : "decimal");
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (unsigned)digit, &value))
            *ret_too_large = true;
    }
    *ret = value;
    return true;
}

static bool parse_unsigned(struct args_reader *reader, const char *text, uint64_t max,
                           uint64_t *ret)
{
    bool too_large = false, negative = *text == '-';

    if (!parse_magnitude(reader, text + (*text == '-' || *text == '+'), ret, &too_large))
        return false;
    if (too_large || *ret > max || (negative && *ret != 0))
        return refuse(reader, "it is not between 0 and %" PRIu64, max);
    return true;
}

static bool parse_signed(struct args_reader *reader, const char *text, int64_t min, int64_t max,
                         int64_t *ret)
{
    bool too_large = false, negative = *text == '-';
    uint64_t magnitude = 0, most = negative ? (uint64_t)max + 1 : (uint64_t)max;

    if (!parse_magnitude(reader, text + (*text == '-' || *text == '+'), &magnitude, &too_large))
        return false;
    if (too_large || magnitude > most)
        return refuse(reader, "it is not between %" PRId64 " and %" PRId64, min, max);
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static bool parse_bool(struct args_reader *reader, const char *text, bool *ret)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return refuse(reader, "it is neither true nor false");
    *ret = text[0] == 't';
    return true;
}

/* Refuses what strtod would let pass: blanks in front, a rest, and results that lost everything. */
static bool check_float(struct args_reader *reader, const char *text, const char *end, int errnum,
                        bool infinite, bool zero)
{
    if (end == text || *end != '\0' || isspace((unsigned char)*text))
        return refuse(reader, "it is no number");
    if (errnum == ERANGE && infinite)
        return refuse(reader, "it is too large for this type");
    if (errnum == ERANGE && zero)
        return refuse(reader, "it is too small for this type");
    return true;
}

/* "bits:0x7fa00000": every value, signalling NaNs included. */
static bool parse_float_bits(struct args_reader *reader, const char *text, uint64_t max,
                             uint64_t *ret)
{
    return parse_unsigned(reader, text + strlen("bits:"), max, ret);
}

static bool parse_f32(struct args_reader *reader, const char *text, struct sconce_value *value)
{
    uint64_t wide = 0;
    char *end;

    if (strncmp(text, "bits:", 5) == 0) {
        if (!parse_float_bits(reader, text, UINT32_MAX, &wide))
            return false;
        value->as.u32 = (uint32_t)wide;
        return true;
    }
    errno = 0;
    value->as.f32 = strtof(text, &end);
    return check_float(reader, text, end, errno, isinf(value->as.f32) != 0,
                       fpclassify(value->as.f32) == FP_ZERO);
}

static bool parse_f64(struct args_reader *reader, const char *text, struct sconce_value *value)
{
    char *end;

    if (strncmp(text, "bits:", 5) == 0)
        return parse_float_bits(reader, text, UINT64_MAX, &value->as.u64);
    errno = 0;
    value->as.f64 = strtod(text, &end);
    return check_float(reader, text, end, errno, isinf(value->as.f64) != 0,
                       fpclassify(value->as.f64) == FP_ZERO);
}

static bool parse_file(struct args_reader *reader, const char *path, struct sconce_value *value,
                       void **ret_owned)
{
    char why[128];
    size_t bytes;

    if (strcmp(path, "-") == 0 && reader->stdin_taken)
        return refuse(reader, "standard input was taken by an earlier argument");
    if (!files_read(path, ret_owned, &bytes, why, sizeof why))
        return refuse(reader, "cannot read %.80s: %s", path, why);
    reader->stdin_taken |= strcmp(path, "-") == 0;
    value->as.span.data = *ret_owned;
    value->as.span.length = bytes;
    return true;
}

static bool parse_hex(struct args_reader *reader, const char *digits, struct sconce_value *value,
                      void **ret_owned)
{
    size_t length = strlen(digits);
    unsigned char *bytes;

    if (length % 2 != 0)
        return refuse(reader, "it has an odd number of hexadecimal digits");
    bytes = malloc(length / 2 + 1);
    if (!bytes)
        return refuse(reader, "out of memory");
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(digits[i]);

        if (digit < 0) {
            free(bytes);
            return refuse(reader, "\"%.8s\" is no hexadecimal digit", digits + i);
        }
        bytes[i / 2] = (unsigned char)(i % 2 ? bytes[i / 2] << 4 | digit : digit);
    }
    *ret_owned = bytes;
    value->as.span.data = bytes;
    value->as.span.length = length / 2;
    return true;
}

static bool parse_span(struct args_reader *reader, const char *text, struct sconce_value *value,
                       void **ret_owned)
{
    if (text[0] == '@' && text[1] != '@')
        return parse_file(reader, text + 1, value, ret_owned);
    if (value->type == SCONCE_TYPE_BYTES && strncmp(text, "hex:", 4) == 0)
        return parse_hex(reader, text + 4, value, ret_owned);
    if (value->type == SCONCE_TYPE_BYTES && strncmp(text, "text:", 5) == 0)
        text += 5;
    else if (text[0] == '@')
        text += 1;
    value->as.span.data = text;
    value->as.span.length = strlen(text);
    return true;
}

static bool parse_i32(struct args_reader *reader, const char *text, struct sconce_value *value)
{
    int64_t wide = 0;

    if (!parse_signed(reader, text, INT32_MIN, INT32_MAX, &wide))
        return false;
    value->as.i32 = (int32_t)wide;
    return true;
}

static bool parse_u32(struct args_reader *reader, const char *text, struct sconce_value *value)
{
    uint64_t wide = 0;

    if (!parse_unsigned(reader, text, UINT32_MAX, &wide))
        return false;
    value->as.u32 = (uint32_t)wide;
    return true;
}

bool args_parse(struct args_reader *reader, uint32_t type, const char *text,
                struct sconce_value *ret_value, void **ret_owned)
{
    *ret_value = (struct sconce_value){.type = type};
    *ret_owned = NULL;
    switch (type) {
    case SCONCE_TYPE_BOOL:
        return parse_bool(reader, text, &ret_value->as.boolean);
    case SCONCE_TYPE_I32:
        return parse_i32(reader, text, ret_value);
    case SCONCE_TYPE_U32:
        return parse_u32(reader, text, ret_value);
    case SCONCE_TYPE_I64:
        return parse_signed(reader, text, INT64_MIN, INT64_MAX, &ret_value->as.i64);
    case SCONCE_TYPE_U64:
        return parse_unsigned(reader, text, UINT64_MAX, &ret_value->as.u64);
    case SCONCE_TYPE_F32:
        return parse_f32(reader, text, ret_value);
    case SCONCE_TYPE_F64:
        return parse_f64(reader, text, ret_value);
    case SCONCE_TYPE_STRING:
    case SCONCE_TYPE_BYTES:
        return parse_span(reader, text, ret_value, ret_owned);
    case SCONCE_TYPE_NONE:
        return *text == '\0' || refuse(reader, "it is of type none, which has no value");
    default:
        return refuse(reader, "its type is unknown to this program");
    }
}

bool args_looks_negative(const char *text)
{
    if (text[0] != '-')
        return false;
    if (isdigit((unsigned char)text[1]))
        return true;
    if (text[1] == '.')
        return isdigit((unsigned char)text[2]) != 0;
    return strcmp(text, "-inf") == 0 || strcmp(text, "-infinity") == 0 ||
           strncmp(text, "-nan", 4) == 0;
}
