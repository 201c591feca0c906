/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image layouts as an attacker makes them: blobs are changed, and the digests that lead to them
 * made right again. Each helper fails the running test by itself. Include after <cmocka.h>.
 */
#ifndef SCONCE_TESTS_LAYOUT_H
#define SCONCE_TESTS_LAYOUT_H

#include <stddef.h>

#include <sconce/sconce.h>

/* The blobs of the one snapshot in a layout, and their digests' digits. */
struct layout {
    const char *dir;
    char manifest[65];
    char config[65];
    char guest[65];
    char memory[65];
};

/** layout_save - a snapshot of @guest_name, just started, into @dir as "t". Returns @dir. */
const char *layout_save(struct sconce_runtime *runtime, const char *dir, const char *guest_name);

/** layout_look - of the only snapshot in @dir. */
struct layout layout_look(const char *dir);

/** layout_blob - its contents, with a NUL behind them; free() it. */
char *layout_blob(const struct layout *layout, const char *hex, size_t *ret_bytes);

/** layout_blob_path - valid until the next call. */
const char *layout_blob_path(const struct layout *layout, const char *hex);

/**
 * layout_replace - the blob in @hex (a member of @layout, which is changed) becomes these bytes,
 * under their own digest; so do the manifest and the index that lead to it.
 */
void layout_replace(struct layout *layout, char *hex, const void *data, size_t bytes);

/** layout_edit - the same with the text @from, which must be there, in the place of @to. */
void layout_edit(struct layout *layout, char *hex, const char *from, const char *to);

/** layout_write - a file with exactly these bytes. */
void layout_write(const char *path, const void *data, size_t bytes);

#endif
