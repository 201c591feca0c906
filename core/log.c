/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/text.h"

#define LINE_BYTES 1024u

void sconce_log_line(const struct sconce_log *log, uint32_t level, const char *key,
                     const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;

    if (!log->fn || level > log->level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sconce_text_one_line(text);
    log->fn(log->ctx, level, key, text);
}
