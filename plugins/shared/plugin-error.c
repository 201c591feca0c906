/* SPDX-License-Identifier: Apache-2.0 */
/* Filling struct sconce_plugin_error; never prints, never allocates. */
#include "plugins/shared/plugin-error.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t sconce_plugin_fail(struct sconce_plugin_error *err, int32_t status, uint32_t domain,
                           int64_t code, const char *hint, const char *format, ...)
{
    va_list args;
    size_t used;

    if (!err || !SCONCE_HAS(sconce_plugin_error, err, hint))
        return status;
    err->domain = domain;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (domain == SCONCE_DOMAIN_ERRNO && code > 0 && code <= INT_MAX) {
        const char *meaning = strerrordesc_np((int)code);

        used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, ": %s",
                 meaning ? meaning : "unknown error");
    }
    snprintf(err->hint, sizeof err->hint, "%s", hint ? hint : "");
    return status;
}

int32_t sconce_plugin_pass(struct sconce_plugin_error *err, int32_t status,
                           const struct sconce_plugin_error *from)
{
    if (!err || !SCONCE_HAS(sconce_plugin_error, err, hint))
        return status;
    err->domain = from->domain;
    err->code = from->code;
    memcpy(err->text, from->text, sizeof err->text);
    memcpy(err->hint, from->hint, sizeof err->hint);
    return status;
}

void sconce_plugin_copy_out(void *to, const void *from, uint32_t bytes)
{
    uint32_t room;

    memcpy(&room, to, sizeof room);
    memcpy((uint8_t *)to + sizeof room, (const uint8_t *)from + sizeof room,
           (room < bytes ? room : bytes) - sizeof room);
}

bool sconce_plugin_copy_in(void *to, uint32_t bytes, const void *from, uint32_t least)
{
    uint32_t given;

    if (!from)
        return false;
    memcpy(&given, from, sizeof given);
    if (given < least)
        return false;
    memset(to, 0, bytes);
    memcpy(to, from, given < bytes ? given : bytes);
    return true;
}
