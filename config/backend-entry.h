/* SPDX-License-Identifier: Apache-2.0 */
/* One file of backends.d, NN-NAME.ini: which backend `auto` tries, and what to tell about it. */
#ifndef SCONCE_CONFIG_BACKEND_ENTRY_H
#define SCONCE_CONFIG_BACKEND_ENTRY_H

#include <stdbool.h>

#include <sconce/error.h>

#include "common/parse.h"

struct sconce_backend_entry {
    char *file;        /* the whole path; all owned */
    char *name;        /* of the backend */
    char *description; /* NULL when the file has none, as below */
    char *package;     /* what people install to get it */
};

/** sconce_backend_entry_name - NAME of "NN-NAME.ini"; false when @file_name is not so. */
bool sconce_backend_entry_name(const char *file_name, char ret_name[SCONCE_BACKEND_NAME_MAX + 1]);

/**
 * sconce_backend_entry_read - one file.
 * @path: ends in a name that sconce_backend_entry_name takes.
 * @ret_masked: an empty file, or a link to /dev/null: it only hides; *ret_entry is untouched.
 * Errors: SCONCE_E_CONFIG with file:line.
 */
int sconce_backend_entry_read(const char *path, struct sconce_backend_entry *ret_entry,
                              bool *ret_masked, struct sconce_error *err);

void sconce_backend_entry_clear(struct sconce_backend_entry *entry);

#endif
