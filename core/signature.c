/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures as letters and as text, and UTF-8. The table of types below is the only list of their
 * names. Works on what it is given alone: no memory is allocated, nothing is kept.
 */
#include "core/signature.h"

#include <string.h>

#include <sconce/sconce.h>

#include "common/attributes.h"
#include "common/error.h"

#define TYPES_HINT                                                                                 \
    "write it as \"(string, i32) -> bytes\"; types: bool i32 u32 i64 u64 f32 f64 string bytes, "   \
    "and none as a result"

/* How much of a caller's text goes into a message. */
#define QUOTED_BYTES 120

static const struct {
    char letter;
    char name[7];
} types[] = {
    {SCONCE_TYPE_NONE, "none"},   {SCONCE_TYPE_BOOL, "bool"}, {SCONCE_TYPE_I32, "i32"},
    {SCONCE_TYPE_U32, "u32"},     {SCONCE_TYPE_I64, "i64"},   {SCONCE_TYPE_U64, "u64"},
    {SCONCE_TYPE_F32, "f32"},     {SCONCE_TYPE_F64, "f64"},   {SCONCE_TYPE_STRING, "string"},
    {SCONCE_TYPE_BYTES, "bytes"},
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

_Static_assert(SCONCE_SIGNATURE_BYTES >= 1 + SCONCE_MAX_PARAMS + 1, "result, parameters, NUL");
_Static_assert(SCONCE_SIGNATURE_TEXT_BYTES >=
                   SCONCE_MAX_PARAMS * sizeof "string," + sizeof "() -> string",
               "the longest signature fits");

SCONCE_HOT const char *sconce_type_name(uint32_t type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if ((uint32_t)types[i].letter == type)
            return types[i].name;
    return NULL;
}

static bool is_type(char letter)
{
    return sconce_type_name((unsigned char)letter) != NULL;
}

bool sconce_signature_valid(const char letters[SCONCE_SIGNATURE_BYTES])
{
    size_t n = 1;

    if (!is_type(letters[0]))
        return false;
    while (n <= SCONCE_MAX_PARAMS && is_type(letters[n]) && letters[n] != SCONCE_TYPE_NONE)
        n++;
    /* The NUL and the padding: all zero, so that later versions can give them a meaning. */
    for (; n < SCONCE_SIGNATURE_BYTES; n++)
        if (letters[n] != '\0')
            return false;
    return true;
}

void sconce_signature_text(const char *letters, char text[SCONCE_SIGNATURE_TEXT_BYTES])
{
    char *at = stpcpy(text, "(");

    for (size_t i = 1; letters[i] != '\0'; i++) {
        if (i > 1)
            at = stpcpy(at, ", ");
        at = stpcpy(at, sconce_type_name((unsigned char)letters[i]));
    }
    at = stpcpy(at, ") -> ");
    stpcpy(at, sconce_type_name((unsigned char)letters[0]));
}

/* ---- Parsing --------------------------------------------------------------------------------- */

struct scan {
    const char *text; /* the whole, for messages */
    const char *at;
    struct sconce_error *err;
};

static int refuse(const struct scan *s, const char *what)
{
    return sconce_fail_hint(s->err, SCONCE_E_INVALID, TYPES_HINT,
                            "cannot parse the signature \"%.*s\": %s", QUOTED_BYTES, s->text, what);
}

static int refuse_word(const struct scan *s, const char *what, int bytes)
{
    return sconce_fail_hint(s->err, SCONCE_E_INVALID, TYPES_HINT,
                            "cannot parse the signature \"%.*s\": %s \"%.*s\"", QUOTED_BYTES,
                            s->text, what, bytes, s->at);
}

/* Skip blanks, then @token if it comes next. */
static bool take(struct scan *s, const char *token)
{
    size_t bytes = strlen(token);

    s->at += strspn(s->at, " \t");
    if (strncmp(s->at, token, bytes) != 0)
        return false;
    s->at += bytes;
    return true;
}

static int take_type(struct scan *s, char *ret_letter)
{
    size_t bytes;

    s->at += strspn(s->at, " \t");
    bytes = strcspn(s->at, " \t,()->");
    if (bytes == 0)
        return refuse(s, "a type is missing");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strlen(types[i].name) != bytes || memcmp(types[i].name, s->at, bytes) != 0)
            continue;
        s->at += bytes;
        *ret_letter = types[i].letter;
        return 0;
    }
    return refuse_word(s, "unknown type", bytes < QUOTED_BYTES ? (int)bytes : QUOTED_BYTES);
}

/* "string, bytes)": what follows the opening parenthesis. */
static int take_params(struct scan *s, char *letters)
{
    size_t n = 1;
    int r;

    if (take(s, ")"))
        return 0;
    do {
        if (n > SCONCE_MAX_PARAMS)
            return refuse(s, "more than 16 parameters");
        r = take_type(s, &letters[n]);
        if (r < 0)
            return r;
        if (letters[n++] == SCONCE_TYPE_NONE)
            return refuse(s, "a parameter cannot be none");
    } while (take(s, ","));
    return take(s, ")") ? 0 : refuse(s, "the parameters do not end with \")\"");
}

int sconce_signature_parse(const char *text, char ret_letters[SCONCE_SIGNATURE_BYTES],
                           struct sconce_error *err)
{
    struct scan s = {.text = text ? text : "", .err = err};
    char letters[SCONCE_SIGNATURE_BYTES] = {0};
    int r;

    s.at = s.text;
    if (!take(&s, "("))
        return refuse(&s, "it does not begin with \"(\"");
    r = take_params(&s, letters);
    if (r < 0)
        return r;
    if (!take(&s, "->"))
        return refuse(&s, "\"->\" and the result are missing");
    r = take_type(&s, &letters[0]);
    if (r < 0)
        return r;
    (void)take(&s, ""); /* blanks */
    if (*s.at != '\0')
        return refuse(&s, "something follows the result");
    memcpy(ret_letters, letters, sizeof letters);
    return 0;
}

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* How many of the first bytes are ASCII; looks at eight at a time. */
static size_t ascii_run(const unsigned char *p, size_t bytes)
{
    size_t n = 0;
    uint64_t word;

    while (bytes - n >= sizeof word) {
        memcpy(&word, p + n, sizeof word);
        if ((word & 0x8080808080808080u) != 0)
            break;
        n += sizeof word;
    }
    while (n < bytes && p[n] < 0x80)
        n++;
    return n;
}

/*
 * Bytes of the well-formed sequence that starts with the non-ASCII byte *p; 0 when there is none.
 * The bounds of the second byte shut out overlong forms, surrogates and what is above U+10FFFF
 * (Unicode 15.0, table 3-7).
 */
static size_t sequence(const unsigned char *p, size_t bytes)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t length;

    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (length > bytes)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool sconce_utf8_valid(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    size_t at = 0;
    size_t length;

    while (at < bytes) {
        at += ascii_run(p + at, bytes - at);
        if (at == bytes)
            break;
        length = sequence(p + at, bytes - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}
