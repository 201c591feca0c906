/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of INI files through inih: what inih would drop, cut or guess (lines that are too
 * long, text behind a section, indented continuation lines, empty sections nobody asked for) is an
 * error here, with file:line.
 */
#ifndef SCONCE_CONFIG_INI_FILE_H
#define SCONCE_CONFIG_INI_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <sconce/error.h>

/* Both callbacks may be called with the same section again. A failure ends the reading; its text
 * gets the file and line in front. */
struct sconce_ini_handler {
    void *ctx;
    int (*section)(void *ctx, const char *section, unsigned line, struct sconce_error *err);
    int (*value)(void *ctx, const char *section, const char *key, const char *value, unsigned line,
                 struct sconce_error *err);
};

/** sconce_ini_parse - @name stands for the file in messages. */
int sconce_ini_parse(const char *name, const char *data, size_t bytes,
                     const struct sconce_ini_handler *handler, struct sconce_error *err);

/**
 * sconce_ini_read - parse a file.
 * @ret_empty: may be NULL; whether the file holds no byte (/dev/null does not).
 * Errors: SCONCE_E_CONFIG, also when it cannot be read.
 */
int sconce_ini_read(const char *path, const struct sconce_ini_handler *handler, bool *ret_empty,
                    struct sconce_error *err);

#endif
