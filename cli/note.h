/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts that a backend file states about itself: "key=value" lines in an ELF note of owner
 * SCONCE (sconce-plugin(7)). Reads the bytes of a file that nobody vouches for; runs nothing.
 */
#ifndef SCONCE_CLI_NOTE_H
#define SCONCE_CLI_NOTE_H

#include <stdbool.h>
#include <stddef.h>

#define NOTE_OWNER "SCONCE"
#define NOTE_TYPE_PLUGIN 1u

/**
 * note_find - the first note of our owner and @type in a 64-bit little-endian ELF file.
 * @ret_text: points into @file; up to the first NUL.
 */
bool note_find(const void *file, size_t bytes, unsigned type, const char **ret_text,
               size_t *ret_text_bytes);

/* A piece of the note's text. */
struct note_span {
    const char *data;
    size_t bytes;
};

/**
 * note_next - take the next "key=value" line off @text; lines without "=" are skipped.
 * False when there is none left.
 */
bool note_next(struct note_span *text, struct note_span *ret_key, struct note_span *ret_value);

/** note_value - of the first line of that key; an empty span when there is none. */
struct note_span note_value(struct note_span text, const char *key);

#endif
