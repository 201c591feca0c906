/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing: text is gathered and goes out by lines, when the buffer is full, and before the guest
 * stops for any other reason.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

extern char sconce_gathered[4096];
SCONCE_LARGE char sconce_gathered[4096];
static size_t gathered_bytes;
static uint64_t gathering; /* the print that is under way; 0: none */

static void send(size_t bytes)
{
    sconce_out_begin(SCONCE_FRAME_PRINT, 0, 1);
    sconce_out_span(0, SCONCE_TYPE_STRING, sconce_gathered, bytes);
    sconce_out_ring(SCONCE_DOORBELL_PRINT);
    gathered_bytes -= bytes;
    memmove(sconce_gathered, sconce_gathered + bytes, gathered_bytes);
}

SCONCE_HOT void sconce_print_flush(void)
{
    sconce_out_interrupted(&gathering);
    if (gathered_bytes)
        send(gathered_bytes);
}

void sconce_print(const char *text, size_t bytes)
{
    sconce_out_interrupted(&gathering);
    gathering = ++sconce_out_begun;
    while (bytes) {
        size_t room = sizeof sconce_gathered - gathered_bytes;
        size_t part = bytes < room ? bytes : room;

        memcpy(sconce_gathered + gathered_bytes, text, part);
        gathered_bytes += part;
        text += part;
        bytes -= part;
        if (gathered_bytes == sizeof sconce_gathered)
            send(sconce_utf8_cut(sconce_gathered, gathered_bytes));
    }
    gathering = 0;
}

/* Every line that is whole goes out at the end of a print, all of them at once. */
static void send_lines(void)
{
    size_t bytes = gathered_bytes;

    while (bytes && sconce_gathered[bytes - 1] != '\n')
        bytes--;
    if (bytes)
        send(bytes);
}

static void emit(void *ctx, const char *piece, size_t bytes)
{
    (void)ctx;
    sconce_print(piece, bytes);
}

int sconce_vprintf(const char *format, va_list args)
{
    size_t bytes = sconce_vformat(emit, NULL, format, args);

    send_lines();
    return (int)bytes;
}

int sconce_printf(const char *format, ...)
{
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = sconce_vprintf(format, args);
    va_end(args);
    return bytes;
}

int vprintf(const char *format, va_list args)
{
    return sconce_vprintf(format, args);
}

int printf(const char *format, ...)
{
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = sconce_vprintf(format, args);
    va_end(args);
    return bytes;
}

int puts(const char *text)
{
    return sconce_printf("%s\n", text);
}

int putchar(int c)
{
    char byte = (char)c;

    sconce_print(&byte, 1);
    send_lines();
    return (unsigned char)byte;
}
