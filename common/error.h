/* SPDX-License-Identifier: Apache-2.0 */
/* Filling struct sconce_error. Every function takes err == NULL and then only returns the code. */
#ifndef SCONCE_COMMON_ERROR_H
#define SCONCE_COMMON_ERROR_H

#include <stdarg.h>

#include <sconce/error.h>

#include "common/attributes.h"

/** sconce_fail - clear @err, set code and text; returns @code, so: return sconce_fail(...). */
SCONCE_COLD int sconce_fail(struct sconce_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** sconce_fail_errno - the same, with ": " and what @errnum means behind the text. */
SCONCE_COLD int sconce_fail_errno(struct sconce_error *err, int code, int errnum,
                                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** sconce_fail_hint - the same as sconce_fail, with a hint. @hint may be NULL. */
SCONCE_COLD int sconce_fail_hint(struct sconce_error *err, int code, const char *hint,
                                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/** sconce_error_prefix - put a text and ": " before the text that is there. Returns err's code. */
SCONCE_COLD int sconce_error_prefix(struct sconce_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
