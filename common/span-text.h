/* SPDX-License-Identifier: Apache-2.0 */
/* Text into a span of fixed size, without an allocation or a format: what does not fit is dropped.
 * Header only and of no libc function, so that arch/ may use it. */
#ifndef SCONCE_COMMON_SPAN_TEXT_H
#define SCONCE_COMMON_SPAN_TEXT_H

#include <stdint.h>

/* @buf has @bytes bytes, at least one; @used never reaches @bytes, so the end has room for a NUL.
 */
struct sconce_span_text {
    char *buf;
    uint64_t bytes;
    uint64_t used;
};

static inline void sconce_span_text_add(struct sconce_span_text *span, const char *text)
{
    while (*text && span->used + 1 < span->bytes)
        span->buf[span->used++] = *text++;
}

/** sconce_span_text_add_hex - "0x1f": lower case, no leading zeros. */
static inline void sconce_span_text_add_hex(struct sconce_span_text *span, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";
    unsigned shift = 60;
    char one[2] = "";

    sconce_span_text_add(span, "0x");
    while (shift && !(value >> shift))
        shift -= 4;
    for (;; shift -= 4) {
        one[0] = digits[value >> shift & 15];
        sconce_span_text_add(span, one);
        if (!shift)
            break;
    }
}

#endif
