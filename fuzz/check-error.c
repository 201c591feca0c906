/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for the texts of every error, however hostile the bytes that caused it. */
#include <string.h>

#include "core/signature.h"
#include "fuzz.h"

void fuzz_check_text(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    FUZZ_CHECK(sconce_utf8_valid(text, strlen(text)));
    for (; *p; p++)
        FUZZ_CHECK((*p >= 0x20 || *p == '\n') && *p != 0x7f && !(*p == 0xc2 && p[1] < 0xa0));
}

void fuzz_check_error(int r, const struct sconce_error *err)
{
    FUZZ_CHECK(r < 0);
    FUZZ_CHECK(err->code == r);
    FUZZ_CHECK(memchr(err->text, '\0', sizeof err->text));
    FUZZ_CHECK(memchr(err->hint, '\0', sizeof err->hint));
    FUZZ_CHECK(err->text[0] != '\0');
}
