/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that came from somebody else: walking UTF-8, and showing it on a terminal without letting it
 * drive the terminal. Pure but for the stream it writes to.
 */
#ifndef SCONCE_CLI_TEXT_H
#define SCONCE_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * text_utf8_next - how many bytes the code point at @data takes (RFC 3629); 0 when what is there is
 * no UTF-8. @bytes must not be 0.
 */
size_t text_utf8_next(const void *data, size_t bytes, uint32_t *ret_code_point);

/**
 * text_put_safe - write @bytes bytes; control characters (but newline and tab) and bytes that are
 * no UTF-8 become \xNN, so that a guest's text cannot move the cursor or retitle the window.
 */
void text_put_safe(FILE *out, const void *data, size_t bytes);

/** text_put_indented - text_put_safe, with two blanks in front of every line but the first. */
void text_put_indented(FILE *out, const char *text);

#endif
