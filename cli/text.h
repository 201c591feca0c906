/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that came from somebody else: walking UTF-8, and showing it on a terminal without letting it
 * drive the terminal. Pure but for the stream it writes to.
 */
#ifndef SCONCE_CLI_TEXT_H
#define SCONCE_CLI_TEXT_H

#include <stdbool.h>
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

/**
 * text_quote - @word as a shell takes it for one word, in quotes where it wants them. False, and
 * nothing in @ret_quoted, where there is no room for it.
 */
bool text_quote(const char *word, char *ret_quoted, size_t room);

/**
 * text_shorten - how many bytes of a line to show where there is room for @room: all that fit, or
 * up to the first parenthesis, as that explains, or to the last word. 0 where there is no such
 * place.
 */
size_t text_shorten(const char *line, size_t bytes, size_t room);

/**
 * text_remedy - where the remedy begins in "what is wrong (what to do)", behind its parenthesis; it
 * ends before the line's last byte. @bytes when there is none.
 */
size_t text_remedy(const char *line, size_t bytes);

#endif
