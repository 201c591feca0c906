/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for the texts of every error, however hostile the bytes that caused it. */
#include <string.h>

#include "core/signature.h"
#include "fuzz.h"

bool fuzz_text_clean(const void *text, size_t bytes)
{
    const unsigned char *p = text;

    if (!sconce_utf8_valid(text, bytes))
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if ((p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f)
            return false;
        if (p[i] == 0xc2 && p[i + 1] < 0xa0) /* U+0080 to U+009F */
            return false;
    }
    return true;
}

void fuzz_check_error(int r, const struct sconce_error *err)
{
    FUZZ_CHECK(r < 0);
    FUZZ_CHECK(err->code == r);
    FUZZ_CHECK(memchr(err->text, '\0', sizeof err->text));
    FUZZ_CHECK(memchr(err->hint, '\0', sizeof err->hint));
    FUZZ_CHECK(err->text[0] != '\0');
}
