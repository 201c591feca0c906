/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes of files within a store. Inside of store.c and blob-*.c. */
#ifndef SCONCE_SNAPSHOT_FILES_H
#define SCONCE_SNAPSHOT_FILES_H

#include "snapshot/store.h"

/* What is written has these names until it is whole; whoever writes next removes them. No more than
 * these two: the directory may be one that somebody named by mistake. */
#define SCONCE_FILE_TEMPORARY ".tmp-file" /* in the layout itself */
#define SCONCE_BLOB_TEMPORARY ".tmp-blob" /* among the blobs */

/** sconce_file_last - the last part of a path. */
const char *sconce_file_last(const char *path);

/**
 * sconce_file_open - a regular file, no link, to read; its size now. SNAPSHOT: it is none.
 * @name: its path in the layout, for messages; the last part of it is what is opened in @folder.
 */
int sconce_file_open(const struct sconce_store *store, int folder, const char *name, int *ret_fd,
                     uint64_t *ret_bytes, struct sconce_error *err);

/** sconce_file_cannot_write - SYSTEM, with errno and what to do. @name: as above. */
int sconce_file_cannot_write(const struct sconce_store *store, const char *name,
                             struct sconce_error *err);

/** sconce_file_create - a new file in place of whatever has the name. -1 with errno set. */
int sconce_file_create(int folder, const char *name);

/** sconce_file_read - @bytes, fewer at the file's end. -1 with errno set. */
int sconce_file_read(int fd, void *to, size_t bytes, size_t *ret_got);

/** sconce_file_write - all of it. -1 with errno set. */
int sconce_file_write(int fd, const void *data, size_t bytes);

#endif
