/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a script line: tokens, numbers, typed values. Works in place in the line's own
 * memory, since decoding an escape or a pair of digits never makes it longer. Pure; knows no verb.
 */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/stub/script.h"

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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* One escape at *from (behind the backslash); advances it. Returns the byte, or -1. */
static int unescape(const char **from)
{
    int high, low;

    switch (*(*from)++) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '0':
        return '\0';
    case '\\':
        return '\\';
    case '"':
        return '"';
    case 'x':
        high = hex_digit((*from)[0]);
        low = high < 0 ? -1 : hex_digit((*from)[1]);
        if (low < 0)
            return -1;
        *from += 2;
        return high << 4 | low;
    default:
        return -1;
    }
}

/* A quoted text that starts behind its quote at *at. */
static const char *split_quoted(char **at, struct stub_token *token)
{
    const char *from = *at;
    char *to = *at;

    token->text = to;
    token->quoted = true;
    while (*from != '"') {
        int byte = (unsigned char)*from;

        if (*from == '\0')
            return "a quoted text does not end on its line";
        from++;
        if (byte == '\\')
            byte = unescape(&from);
        if (byte < 0)
            return "unknown escape in a quoted text: use \\n \\t \\0 \\\\ \\\" \\xHH";
        *to++ = (char)byte;
    }
    from++;
    if (*from != '\0' && !is_blank(*from))
        return "a blank must follow a quoted text";
    token->length = (uint32_t)(to - token->text);
    *at += from - *at;
    *to = '\0';
    return NULL;
}

static void split_word(char **at, struct stub_token *token)
{
    char *c = *at;

    token->text = c;
    token->quoted = false;
    while (*c != '\0' && !is_blank(*c))
        c++;
    token->length = (uint32_t)(c - token->text);
    if (*c != '\0')
        *c++ = '\0';
    *at = c;
}

int stub_split(char *line, struct stub_token tokens[STUB_MAX_TOKENS], const char **ret_problem)
{
    uint32_t count = 0;
    char *at = line;

    for (;;) {
        while (is_blank(*at))
            at++;
        if (*at == '\0' || *at == '#')
            return (int)count;
        if (count == STUB_MAX_TOKENS) {
            *ret_problem = "too many words on one line";
            return -1;
        }
        if (*at == '"') {
            at++;
            *ret_problem = split_quoted(&at, &tokens[count]);
            if (*ret_problem)
                return -1;
        } else {
            split_word(&at, &tokens[count]);
        }
        count++;
    }
}

bool stub_number(const struct stub_token *token, int64_t min, int64_t max, int64_t *ret)
{
    char *end;
    long long value;

    if (token->quoted || token->length == 0)
        return false;
    errno = 0;
    value = strtoll(token->text, &end, 0);
    if (errno != 0 || *end != '\0' || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

bool stub_unsigned(const struct stub_token *token, uint64_t max, uint64_t *ret)
{
    char *end;
    unsigned long long value;

    /* strtoull would take a minus sign and wrap. */
    if (token->quoted || token->length == 0 || token->text[0] == '-')
        return false;
    errno = 0;
    value = strtoull(token->text, &end, 0);
    if (errno != 0 || *end != '\0' || value > max)
        return false;
    *ret = value;
    return true;
}

bool stub_hex(struct stub_token *token)
{
    uint32_t bytes = token->length / 2;

    if (token->quoted)
        return true;
    if (token->length % 2 != 0)
        return false;
    for (uint32_t i = 0; i < bytes; i++) {
        int high = hex_digit(token->text[2 * i]);
        int low = hex_digit(token->text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        token->text[i] = (char)(high << 4 | low);
    }
    token->length = bytes;
    return true;
}

/* A floating-point number as people write it, or its bits as 0x..., which NaN payloads need. */
static bool parse_float(const struct stub_token *token, bool is_double, uint64_t *ret_bits)
{
    locale_t c_locale;
    char *end;
    double wide;
    float narrow;

    if (token->quoted || token->length == 0)
        return false;
    if (strncmp(token->text, "0x", 2) == 0)
        return stub_unsigned(token, is_double ? UINT64_MAX : UINT32_MAX, ret_bits);
    /* The host program's locale may write a comma where a script has its point. */
    c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!c_locale)
        return false;
    wide = strtod_l(token->text, &end, c_locale);
    narrow = strtof_l(token->text, NULL, c_locale);
    freelocale(c_locale);
    if (*end != '\0')
        return false;
    *ret_bits = 0;
    if (is_double)
        memcpy(ret_bits, &wide, sizeof wide);
    else
        memcpy(ret_bits, &narrow, sizeof narrow);
    return true;
}

static bool parse_signed(const struct stub_token *token, int64_t min, int64_t max, uint64_t mask,
                         uint64_t *ret_bits)
{
    int64_t value;

    if (!stub_number(token, min, max, &value))
        return false;
    *ret_bits = (uint64_t)value & mask;
    return true;
}

static bool parse_bool(const struct stub_token *token, uint64_t *ret_bits)
{
    *ret_bits = strcmp(token->text, "true") == 0;
    return *ret_bits || strcmp(token->text, "false") == 0;
}

static bool parse_span(struct stub_token *token, bool hex, struct stub_value *value)
{
    if (hex ? !stub_hex(token) : !token->quoted)
        return false;
    value->data = (const uint8_t *)token->text;
    value->length = token->length;
    return true;
}

/* The word that names a value's type or source, and what follows it. */
static const struct value_word {
    const char *word;
    enum stub_source source;
    uint32_t type;
    const char *problem; /* when what follows cannot be read; NULL when nothing follows */
} value_words[] = {
    {"none", STUB_LITERAL, SCONCE_TYPE_NONE, NULL},
    {"bool", STUB_LITERAL, SCONCE_TYPE_BOOL, "bool needs true or false"},
    {"i32", STUB_LITERAL, SCONCE_TYPE_I32, "i32 needs a number of 32 bits"},
    {"u32", STUB_LITERAL, SCONCE_TYPE_U32, "u32 needs a number of 32 bits without a sign"},
    {"i64", STUB_LITERAL, SCONCE_TYPE_I64, "i64 needs a number of 64 bits"},
    {"u64", STUB_LITERAL, SCONCE_TYPE_U64, "u64 needs a number of 64 bits without a sign"},
    {"f32", STUB_LITERAL, SCONCE_TYPE_F32, "f32 needs a number, or its bits as 0x..."},
    {"f64", STUB_LITERAL, SCONCE_TYPE_F64, "f64 needs a number, or its bits as 0x..."},
    {"string", STUB_LITERAL, SCONCE_TYPE_STRING, "string needs a text in quotes"},
    {"bytes", STUB_LITERAL, SCONCE_TYPE_BYTES, "bytes needs pairs of hex digits, or quotes"},
    {"arg", STUB_ARG, 0, "arg needs the number of an argument, from 0"},
    {"reply", STUB_REPLY, 0, NULL},
};

static bool parse_operand(const struct value_word *word, struct stub_token *token,
                          struct stub_value *value)
{
    if (word->source == STUB_ARG)
        return stub_unsigned(token, SCONCE_MAX_PARAMS - 1, &value->bits);
    switch (word->type) {
    case SCONCE_TYPE_BOOL:
        return parse_bool(token, &value->bits);
    case SCONCE_TYPE_I32:
        return parse_signed(token, INT32_MIN, INT32_MAX, UINT32_MAX, &value->bits);
    case SCONCE_TYPE_U32:
        return stub_unsigned(token, UINT32_MAX, &value->bits);
    case SCONCE_TYPE_I64:
        return parse_signed(token, INT64_MIN, INT64_MAX, UINT64_MAX, &value->bits);
    case SCONCE_TYPE_U64:
        return stub_unsigned(token, UINT64_MAX, &value->bits);
    case SCONCE_TYPE_F32:
    case SCONCE_TYPE_F64:
        return parse_float(token, word->type == SCONCE_TYPE_F64, &value->bits);
    default:
        return parse_span(token, word->type == SCONCE_TYPE_BYTES, value);
    }
}

const char *stub_parse_value(struct stub_token *tokens, uint32_t count, uint32_t *at,
                             struct stub_value *ret_value)
{
    const size_t words = sizeof value_words / sizeof value_words[0];
    struct stub_value value = {0};
    const struct value_word *word = NULL;

    for (size_t i = 0; i < words && !word; i++) {
        if (!tokens[*at].quoted && strcmp(tokens[*at].text, value_words[i].word) == 0)
            word = &value_words[i];
    }
    if (!word)
        return "a value starts with none, bool, i32, u32, i64, u64, f32, f64, string, bytes, arg "
               "or reply";
    ++*at;
    value.source = word->source;
    value.type = word->type;
    if (word->problem) {
        if (*at >= count || !parse_operand(word, &tokens[*at], &value))
            return word->problem;
        ++*at;
    }
    *ret_value = value;
    return NULL;
}
