/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of the interface: views of them, and where they may be cut. */
#include <string.h>

#include "internal.h"

sconce_str sconce_str_from(const char *text)
{
    return text ? (sconce_str){text, strlen(text)} : (sconce_str){"", 0};
}

size_t sconce_utf8_cut(const char *text, size_t bytes)
{
    size_t lead = bytes, want;
    unsigned char c;

    /* Back over at most three continuation bytes to the last character's first byte. */
    do {
        if (!lead || bytes - lead == 4)
            return bytes;
        c = (unsigned char)text[--lead];
    } while ((c & 0xc0) == 0x80);

    want = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return bytes - lead < want ? lead : bytes;
}
