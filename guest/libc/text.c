/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SDK formats and prints, by the guest's own C library: all its conversions, one stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/internal.h"

extern int fflush_unlocked(FILE *stream); /* of glibc and musl; there is one thread */

void sconce_print_flush(void)
{
    fflush_unlocked(stdout);
}

size_t sconce_vformat(void (*emit)(void *ctx, const char *piece, size_t bytes), void *ctx,
                      const char *format, va_list args)
{
    char first[512], *text = first;
    va_list again;
    int bytes;

    va_copy(again, args);
    bytes = vsnprintf(first, sizeof first, format, args);
    if (bytes >= (int)sizeof first) {
        text = malloc((size_t)bytes + 1);
        if (text)
            bytes = vsnprintf(text, (size_t)bytes + 1, format, again);
    }
    va_end(again);
    if (!text) { /* what there is of it, as texts of failures are short */
        text = first;
        bytes = sizeof first - 1;
    }
    if (bytes < 0)
        return 0;
    emit(ctx, text, (size_t)bytes);
    if (text != first)
        free(text);
    return (size_t)bytes;
}

static void take(void *ctx, const char *piece, size_t bytes)
{
    sconce_str *str = ctx;
    char *text = sconce_alloc(bytes + 1);

    if (!text)
        return;
    memcpy(text, piece, bytes);
    text[bytes] = '\0';
    *str = (sconce_str){text, bytes};
}

sconce_str sconce_format(const char *format, ...)
{
    sconce_str str = {"", 0};
    va_list args;

    va_start(args, format);
    sconce_vformat(take, &str, format, args);
    va_end(args);
    return str;
}

int sconce_vprintf(const char *format, va_list args)
{
    return vprintf(format, args);
}

int sconce_printf(const char *format, ...)
{
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = vprintf(format, args);
    va_end(args);
    return bytes;
}
