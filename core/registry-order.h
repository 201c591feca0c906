/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: which backends are installed, and in which order `auto` tries them. Reads names and
 * small files; loads nothing.
 */
#ifndef SCONCE_CORE_REGISTRY_ORDER_H
#define SCONCE_CORE_REGISTRY_ORDER_H

#include <stddef.h>

#include <sconce/error.h>

#include "config/backend-entry.h"

/* One file of backends.d that is in effect, in the order in which they are tried. */
struct sconce_order_item {
    struct sconce_backend_entry entry; /* entry.name is NULL when the file is wrong */
    struct sconce_error problem;       /* of a wrong file; else code 0 */
};

struct sconce_order {
    struct sconce_order_item *items;
    size_t count;
};

/**
 * sconce_order_read - the files NN-NAME.ini of @vendor_dir, those of @etc_dir in place of those of
 * the same name. Absent directories are empty ones; a wrong file is an item with a problem; a
 * backend's second file is dropped.
 * Errors: SCONCE_E_SYSTEM, NO_MEMORY.
 */
int sconce_order_read(const char *vendor_dir, const char *etc_dir, struct sconce_order *ret_order,
                      struct sconce_error *err);

/** sconce_order_find - NULL when @name has no (right) file. */
const struct sconce_backend_entry *sconce_order_find(const struct sconce_order *order,
                                                     const char *name);

void sconce_order_clear(struct sconce_order *order);

/** sconce_order_installed - the names of the files sconce-backend-NAME.so of a directory, sorted:
 * a malloc'd NULL-terminated array of malloc'd strings, for sconce_order_free_names. */
int sconce_order_installed(const char *plugin_dir, char ***ret_names, struct sconce_error *err);

void sconce_order_free_names(char **names);

#endif
