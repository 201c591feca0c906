/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small texts to values, strictly: the whole text counts, blanks and signs are errors, and so is
 * what does not fit. Each returns 0, -EINVAL (not of that form) or -ERANGE (too large), and leaves
 * *ret alone on failure.
 */
#ifndef SCONCE_COMMON_PARSE_H
#define SCONCE_COMMON_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** sconce_parse_u64 - decimal. */
int sconce_parse_u64(const char *text, uint64_t *ret);

/** sconce_parse_size - decimal bytes, or KiB, MiB, GiB with K, M, G (either case) behind. */
int sconce_parse_size(const char *text, uint64_t *ret);

/** sconce_parse_bool - yes, true, on, 1; no, false, off, 0. */
int sconce_parse_bool(const char *text, bool *ret);

#define SCONCE_SIZE_TEXT_BYTES 24u

/** sconce_format_size - the shortest text that sconce_parse_size reads back: "16M", "100". */
void sconce_format_size(uint64_t bytes, char text[SCONCE_SIZE_TEXT_BYTES]);

/* Longest backend name: what inih can hold of a section "backend.NAME". */
#define SCONCE_BACKEND_NAME_MAX 40u

/** sconce_backend_name_valid - [a-z0-9][a-z0-9_-]*, at most SCONCE_BACKEND_NAME_MAX bytes. A name
 * becomes part of a path: this is what keeps '/' and ".." out. */
bool sconce_backend_name_valid(const char *name);

#define SCONCE_SETTING_KEY_MAX 64u

/** sconce_setting_key_valid - [a-z0-9_.]+, at most SCONCE_SETTING_KEY_MAX bytes: what a plugin may
 * publish as a key. */
bool sconce_setting_key_valid(const char *key);

#endif
