/* SPDX-License-Identifier: Apache-2.0 */
/* Boundary: signatures, as a guest's letters and as a host's text, and UTF-8. */
#include <string.h>

#include "core/signature.h"
#include "fuzz.h"

/* RFC 3629 by decoding: slow and plain. */
static bool reference_utf8_valid(const uint8_t *p, size_t bytes)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    size_t at = 0;

    while (at < bytes) {
        uint32_t point = p[at++];
        size_t more = point < 0x80   ? 0
                      : point < 0xc0 ? 4
                      : point < 0xe0 ? 1
                      : point < 0xf0 ? 2
                      : point < 0xf8 ? 3
                                     : 4;

        if (more > 3 || more > bytes - at)
            return false;
        point &= more == 0 ? 0x7f : 0x3fu >> more;
        for (size_t i = 0; i < more; i++, at++) {
            if (p[at] >> 6 != 2)
                return false;
            point = point << 6 | (p[at] & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
    }
    return true;
}

/* Letters that are valid come back from their text. */
static void check_letters(const char letters[SCONCE_SIGNATURE_BYTES])
{
    char text[SCONCE_SIGNATURE_TEXT_BYTES];
    char again[SCONCE_SIGNATURE_BYTES];

    memset(text, 'x', sizeof text);
    sconce_signature_text(letters, text);
    FUZZ_CHECK(memchr(text, '\0', sizeof text));
    FUZZ_CHECK(sconce_signature_parse(text, again, NULL) == 0);
    FUZZ_CHECK(memcmp(letters, again, sizeof again) == 0);
}

static void check_text(const uint8_t *data, size_t bytes)
{
    char letters[SCONCE_SIGNATURE_BYTES];
    struct sconce_error err = {0};
    char *text = malloc(bytes + 1);
    int r;

    FUZZ_CHECK(text);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    r = sconce_signature_parse(text, letters, &err);
    free(text);
    if (r != 0) {
        fuzz_check_error(r, &err);
        return;
    }
    FUZZ_CHECK(sconce_signature_valid(letters));
    check_letters(letters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char letters[SCONCE_SIGNATURE_BYTES] = {0};

    FUZZ_CHECK(sconce_utf8_valid(data, bytes) == reference_utf8_valid(data, bytes));
    if (bytes)
        memcpy(letters, data, bytes < sizeof letters ? bytes : sizeof letters);
    if (sconce_signature_valid(letters))
        check_letters(letters);
    check_text(bytes ? data : (const uint8_t *)"", bytes);
    return 0;
}
