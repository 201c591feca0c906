/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a backend's name to a file that may be loaded: path, trust, ELF note. Runs no code of the
 * plugin, not even a constructor.
 */
#ifndef SCONCE_CORE_PLUGIN_FIND_H
#define SCONCE_CORE_PLUGIN_FIND_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <sconce/error.h>

#include "core/plugin-note.h"

#define SCONCE_PLUGIN_FILE_PREFIX "sconce-backend-"
#define SCONCE_PLUGIN_FILE_SUFFIX ".so"

struct sconce_plugin_found {
    bool absent;         /* no such file: set on failure too */
    char path[PATH_MAX]; /* whole, its directory without symbolic links; "" until it is known */
    struct stat st;
    struct sconce_plugin_facts facts; /* filled as far as the note could be read */
};

/**
 * sconce_plugin_find - find backend @name in directory @dir.
 * Errors: SCONCE_E_NO_BACKEND, with the file in the text.
 */
int sconce_plugin_find(const char *dir, const char *name, bool allow_untrusted,
                       struct sconce_plugin_found *ret_found, struct sconce_error *err);

/** sconce_plugin_dir_trusted - may anything be loaded from @dir? An absent one is fine. */
int sconce_plugin_dir_trusted(const char *dir, struct sconce_error *err);

#endif
