/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"

#include <stdio.h>
#include <string.h>

static void fill(struct sconce_error *err, int code, const char *format, va_list args)
{
    memset(err, 0, sizeof *err);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
}

int sconce_fail(struct sconce_error *err, int code, const char *format, ...)
{
    va_list args;

    if (!err)
        return code;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return code;
}

int sconce_fail_errno(struct sconce_error *err, int code, int errnum, const char *format, ...)
{
    va_list args;
    size_t used;

    if (!err)
        return code;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerrordesc_np(errnum));
    return code;
}

int sconce_fail_hint(struct sconce_error *err, int code, const char *hint, const char *format, ...)
{
    va_list args;

    if (!err)
        return code;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    if (hint)
        snprintf(err->hint, sizeof err->hint, "%s", hint);
    return code;
}

int sconce_error_prefix(struct sconce_error *err, const char *format, ...)
{
    char was[sizeof err->text];
    va_list args;
    size_t used;

    if (!err)
        return SCONCE_E_INVALID;
    memcpy(was, err->text, sizeof was);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", was);
    return err->code;
}
