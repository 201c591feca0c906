/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out. A failure is told in a text of the caller's, never printed here. */
#ifndef SCONCE_CLI_FILES_H
#define SCONCE_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* No argument or result can be larger: the call frame counts in 32 bits. */
#define FILES_MAX_BYTES 0xffffffffull

/**
 * files_read - the whole of @path, or of standard input for "-", with a NUL behind it.
 * @ret_data: [give] free() it.
 * @why: filled on failure with the reason alone ("No such file or directory").
 */
bool files_read(const char *path, void **ret_data, size_t *ret_bytes, char *why, size_t why_bytes);

/** files_read_regular - the same, of regular files alone: never waits; "-" is a file's name. */
bool files_read_regular(const char *path, void **ret_data, size_t *ret_bytes, char *why,
                        size_t why_bytes);

/**
 * files_descriptor - the descriptor of this process that @path names, open or not, or -1: 1 for
 * /dev/stdout, /proc/self/fd/1 and links to these. Such names look like links to what was opened,
 * which may be a regular file that a shell appends to, or a socket, which cannot be opened.
 */
int files_descriptor(const char *path);

/** files_is_given - did whoever started the program open @fd for writing? */
bool files_is_given(int fd);

/**
 * files_write - make @path hold exactly these bytes: the old contents stay until the new ones are
 * complete, and nothing is left behind on failure. What is no regular file is written into; so is
 * what this process was given open, by a name that files_descriptor() knows, from where it stands
 * on (flush what stdio keeps for it first). Links are followed; one that leads to nothing is
 * refused.
 */
bool files_write(const char *path, const void *data, size_t bytes, char *why, size_t why_bytes);

#endif
