/* SPDX-License-Identifier: Apache-2.0 */
/* Function signatures: the guest tables' letters ("isy") and the text for people
 * ("(string, bytes) -> i32"). Pure. */
#ifndef SCONCE_CORE_SIGNATURE_H
#define SCONCE_CORE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#include "sconce-guest-abi.h"

/* Longest text: 16 parameters of "string, ", parentheses, arrow and result. */
#define SCONCE_SIGNATURE_TEXT_BYTES 192u

/* Letters: result first, then parameters, then NUL; at most 1 + SCONCE_MAX_PARAMS of them. */
bool sconce_signature_valid(const char letters[SCONCE_SIGNATURE_BYTES]);

/** sconce_signature_text - @letters must be valid. */
void sconce_signature_text(const char *letters, char text[SCONCE_SIGNATURE_TEXT_BYTES]);

/** sconce_signature_parse - the letters of "(string, bytes) -> i32"; blanks are free. */
int sconce_signature_parse(const char *text, char ret_letters[SCONCE_SIGNATURE_BYTES],
                           struct sconce_error *err);

/** sconce_utf8_valid - well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool sconce_utf8_valid(const void *data, size_t bytes);

#endif
