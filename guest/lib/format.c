/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formatter behind printf and snprintf: integers, characters, strings and pointers.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

struct output {
    void (*emit)(void *ctx, const char *piece, size_t bytes);
    void *ctx;
    size_t bytes;
    va_list args; /* here, because an array type cannot be handed down by address */
};

/* One conversion: %[-0][width][.precision][length]letter */
struct conversion {
    bool left;
    bool zeros;
    size_t width;
    bool has_precision;
    size_t precision;
    int length_bytes; /* of an integer argument */
};

static void put(struct output *output, const char *piece, size_t bytes)
{
    if (bytes)
        output->emit(output->ctx, piece, bytes);
    output->bytes += bytes;
}

static void pad(struct output *output, char c, size_t width, size_t used)
{
    char run[16];

    memset(run, c, sizeof run);
    while (used < width) {
        size_t part = width - used < sizeof run ? width - used : sizeof run;

        put(output, run, part);
        used += part;
    }
}

static void put_field(struct output *output, const struct conversion *c, const char *text,
                      size_t bytes)
{
    if (!c->left)
        pad(output, ' ', c->width, bytes);
    put(output, text, bytes);
    if (c->left)
        pad(output, ' ', c->width, bytes);
}

static void put_integer(struct output *output, const struct conversion *c, const char *prefix,
                        uint64_t value, unsigned base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[2 + 20], *first = text + sizeof text;
    size_t prefix_bytes = strlen(prefix), bytes;

    do {
        *--first = digits[value % base];
        value /= base;
    } while (value);
    if (c->zeros && !c->left) {
        bytes = (size_t)(text + sizeof text - first);
        put(output, prefix, prefix_bytes);
        pad(output, '0', c->width, prefix_bytes + bytes);
        put(output, first, bytes);
        return;
    }
    first -= prefix_bytes;
    memcpy(first, prefix, prefix_bytes);
    put_field(output, c, first, (size_t)(text + sizeof text - first));
}

static int parse_length(const char **format)
{
    switch (**format) {
    case 'h':
        if (*++*format != 'h')
            return (int)sizeof(short);
        ++*format;
        return (int)sizeof(char);
    case 'l':
        if (*++*format == 'l')
            ++*format;
        return (int)sizeof(long long);
    case 'j':
    case 'z':
    case 't':
        ++*format;
        return (int)sizeof(long long);
    default:
        return (int)sizeof(int);
    }
}

/* Integers travel as int or as 64 bits; shorter ones are cut here. */
static int64_t as_signed(int64_t value, int length_bytes)
{
    return length_bytes == 1 ? (signed char)value : length_bytes == 2 ? (short)value : value;
}

static uint64_t as_unsigned(uint64_t value, int length_bytes)
{
    return length_bytes == 1   ? (unsigned char)value
           : length_bytes == 2 ? (unsigned short)value
                               : value;
}

static int64_t signed_arg(struct output *output, const struct conversion *c)
{
    return as_signed(c->length_bytes == 8 ? va_arg(output->args, long long)
                                          : va_arg(output->args, int),
                     c->length_bytes);
}

static uint64_t unsigned_arg(struct output *output, const struct conversion *c)
{
    return as_unsigned(c->length_bytes == 8 ? va_arg(output->args, unsigned long long)
                                            : va_arg(output->args, unsigned),
                       c->length_bytes);
}

static void put_signed(struct output *output, const struct conversion *c, int64_t value)
{
    put_integer(output, c, value < 0 ? "-" : "", value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
                false);
}

static void put_string(struct output *output, const struct conversion *c, const char *text)
{
    if (!text)
        text = "(null)";
    put_field(output, c, text, c->has_precision ? strnlen(text, c->precision) : strlen(text));
}

/* A width or a precision: a number, or a star and an argument. */
static int64_t parse_size(struct output *output, const char **format)
{
    int n = 0;

    if (**format == '*') {
        ++*format;
        return va_arg(output->args, int);
    }
    for (; **format >= '0' && **format <= '9'; ++*format)
        n = n < INT_MAX / 10 ? n * 10 + (**format - '0') : INT_MAX;
    return n;
}

/* What stands between the percent sign and the letter. */
static struct conversion parse_conversion(struct output *output, const char **format)
{
    struct conversion c = {0};
    int64_t size;

    for (; **format == '-' || **format == '0'; ++*format) {
        c.left |= **format == '-';
        c.zeros |= **format == '0';
    }
    size = parse_size(output, format);
    c.left |= size < 0; /* only a star's can be */
    c.width = (size_t)(size < 0 ? -size : size);
    if (**format == '.') {
        ++*format;
        size = parse_size(output, format);
        c.has_precision = size >= 0;
        c.precision = c.has_precision ? (size_t)size : 0;
    }
    c.length_bytes = parse_length(format);
    return c;
}

static bool put_conversion(struct output *output, const struct conversion *c, char letter)
{
    char character;

    switch (letter) {
    case 'd':
    case 'i':
        put_signed(output, c, signed_arg(output, c));
        return true;
    case 'u':
        put_integer(output, c, "", unsigned_arg(output, c), 10, false);
        return true;
    case 'x':
    case 'X':
        put_integer(output, c, "", unsigned_arg(output, c), 16, letter == 'X');
        return true;
    case 'p':
        put_integer(output, c, "0x", (uintptr_t)va_arg(output->args, void *), 16, false);
        return true;
    case 'c':
        character = (char)va_arg(output->args, int);
        put_field(output, c, &character, 1);
        return true;
    case 's':
        put_string(output, c, va_arg(output->args, const char *));
        return true;
    case '%':
        put(output, "%", 1);
        return true;
    default:
        return false;
    }
}

size_t sconce_vformat(void (*emit)(void *ctx, const char *piece, size_t bytes), void *ctx,
                      const char *format, va_list args)
{
    struct output output = {.emit = emit, .ctx = ctx};
    const char *percent;

    va_copy(output.args, args);
    while ((percent = strchr(format, '%')) != NULL) {
        struct conversion c;

        put(&output, format, (size_t)(percent - format));
        format = percent + 1;
        c = parse_conversion(&output, &format);
        if (!*format || !put_conversion(&output, &c, *format)) {
            /* Which argument comes next is not known any more: the rest goes out as it stands. */
            format = percent;
            break;
        }
        format++;
    }
    put(&output, format, strlen(format));
    va_end(output.args);
    return output.bytes;
}

struct bounded {
    char *next;
    char *last; /* kept for the NUL */
};

static void emit_bounded(void *ctx, const char *piece, size_t bytes)
{
    struct bounded *to = ctx;
    size_t room = (size_t)(to->last - to->next);

    if (bytes > room)
        bytes = room;
    memcpy(to->next, piece, bytes);
    to->next += bytes;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
    char none;
    struct bounded to = {size ? buffer : &none, size ? buffer + size - 1 : &none};
    size_t bytes = sconce_vformat(emit_bounded, &to, format, args);

    *to.next = '\0';
    return bytes > INT_MAX ? -1 : (int)bytes;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = vsnprintf(buffer, size, format, args);
    va_end(args);
    return bytes;
}

sconce_str sconce_format(const char *format, ...)
{
    va_list args;
    char *text;
    int bytes;

    va_start(args, format);
    bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = bytes < 0 ? NULL : sconce_alloc((size_t)bytes + 1);
    if (!text)
        return (sconce_str){"", 0};
    va_start(args, format);
    vsnprintf(text, (size_t)bytes + 1, format, args);
    va_end(args);
    return (sconce_str){text, (size_t)bytes};
}
