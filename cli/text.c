/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

/* The length that a lead byte announces, its payload bits, and the least code point that needs so
 * many bytes (anything lower is an overlong form). */
static size_t utf8_lead(uint8_t lead, uint32_t *ret_bits, uint32_t *ret_least)
{
    if (lead < 0x80) {
        *ret_bits = lead;
        *ret_least = 0;
        return 1;
    }
    if ((lead & 0xe0) == 0xc0) {
        *ret_bits = lead & 0x1fu;
        *ret_least = 0x80;
        return 2;
    }
    if ((lead & 0xf0) == 0xe0) {
        *ret_bits = lead & 0x0fu;
        *ret_least = 0x800;
        return 3;
    }
    if ((lead & 0xf8) == 0xf0) {
        *ret_bits = lead & 0x07u;
        *ret_least = 0x10000;
        return 4;
    }
    return 0;
}

size_t text_utf8_next(const void *data, size_t bytes, uint32_t *ret_code_point)
{
    const uint8_t *p = data;
    uint32_t code, least;
    size_t length = utf8_lead(p[0], &code, &least);

    if (length == 0 || length > bytes)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code_point = code;
    return length;
}

void text_put_safe(FILE *out, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint32_t code;
    size_t length;

    for (size_t i = 0; i < bytes; i += length) {
        length = text_utf8_next(p + i, bytes - i, &code);
        if (length == 0) {
            fprintf(out, "\\x%02x", p[i]);
            length = 1;
        } else if ((code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0)) {
            fprintf(out, "\\x%02x", (unsigned)code);
        } else {
            fwrite(p + i, 1, length, out);
        }
    }
}

void text_put_indented(FILE *out, const char *text)
{
    const char *end;

    while ((end = strchr(text, '\n')) != NULL) {
        text_put_safe(out, text, (size_t)(end - text));
        text = end + 1;
        fputs(*text == ' ' || *text == '\0' ? "\n" : "\n  ", out);
    }
    text_put_safe(out, text, strlen(text));
}

bool text_quote(const char *word, char *ret_quoted, size_t room)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789%+,-./:=@_";
    size_t length = strlen(word), want = length + 3;
    char *to = ret_quoted;

    if (length > 0 && strspn(word, plain) == length) {
        if (length >= room)
            return false;
        memcpy(ret_quoted, word, length + 1);
        return true;
    }
    for (const char *p = word; *p; p++)
        want += *p == '\'' ? 3 : 0;
    if (want > room)
        return false;
    *to++ = '\'';
    for (const char *p = word; *p; p++) {
        if (*p == '\'') /* it ends the quotes, stands outside, and begins them again */
            to = stpcpy(to, "'\\'");
        *to++ = *p;
    }
    memcpy(to, "'", 2);
    return true;
}

size_t text_shorten(const char *line, size_t bytes, size_t room)
{
    size_t end;

    if (bytes <= room)
        return bytes;
    for (end = 0; end < room; end++)
        if (line[end] == ' ' && line[end + 1] == '(')
            return end;
    while (end > 0 && line[end] != ' ')
        end--;
    return end;
}

size_t text_remedy(const char *line, size_t bytes)
{
    size_t depth = 0;

    if (bytes == 0 || line[bytes - 1] != ')')
        return bytes;
    for (size_t i = bytes; i-- > 1;) { /* the remedy may have parentheses of its own */
        if (line[i] == ')')
            depth++;
        else if (line[i] == '(' && --depth == 0)
            return line[i - 1] == ' ' ? i + 1 : bytes;
    }
    return bytes;
}
