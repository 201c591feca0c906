/* SPDX-License-Identifier: Apache-2.0 */
/* The directory itself: opened, made, locked, and its small files. Blobs are in blob-*.c. */
#include "snapshot/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/files.h"
#include "snapshot/json.h"

#define LAYOUT_FILE "oci-layout"
#define LAYOUT_VERSION "1.0.0"
#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"" LAYOUT_VERSION "\"}"
#define LAYOUT_BYTES_MOST 4096u

#define NO_LINKS "no link within an image layout is followed: name a directory that has none"

/* The layout itself may be a link: the user named it. */
static int open_layout(const char *path, struct sconce_store *ret_store, struct sconce_error *err)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return sconce_fail_hint(err, SCONCE_E_SYSTEM, "name a directory that you may read",
                                "cannot open image layout %s: %s", path, strerrordesc_np(errno));
    *ret_store = (struct sconce_store){.dir = dir, .blobs = -1, .path = path};
    return 0;
}

/* A folder right within @at. @name: its path in the layout, for messages. */
static int open_folder(const struct sconce_store *store, int at, const char *name, int *ret_folder,
                       struct sconce_error *err)
{
    const char *last = sconce_file_last(name);
    int folder = openat(at, last, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int why = errno;
    struct stat st;

    if (folder >= 0) {
        *ret_folder = folder;
        return 0;
    }
    if (fstatat(at, last, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, NO_LINKS, "%s/%s is a link", store->path,
                                name);
    return sconce_fail_errno(err, SCONCE_E_SNAPSHOT, why, "cannot open %s/%s", store->path, name);
}

bool sconce_store_has_file(const struct sconce_store *store, const char *name)
{
    struct stat st;

    return fstatat(store->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whoever reads or writes must know the version. */
static int check_layout(const struct sconce_store *store, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) void *data = NULL;
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *json = NULL;
    char shown[SCONCE_SHOWN_BYTES], what[384];
    const char *version = NULL;
    size_t bytes;
    int r;

    if (!sconce_store_has_file(store, LAYOUT_FILE))
        return sconce_fail_hint(
            err, SCONCE_E_SNAPSHOT, "sconce snapshot create makes one, and so does skopeo",
            "%s is no OCI image layout: it has no %s", store->path, LAYOUT_FILE);
    snprintf(what, sizeof what, "%.256s/%s", store->path, LAYOUT_FILE);
    r = sconce_store_read_file(store, LAYOUT_FILE, LAYOUT_BYTES_MOST, &data, &bytes, err);
    if (!r)
        r = sconce_json_parse(data, bytes, what, &json, err);
    if (!r)
        r = sconce_json_text(json, "imageLayoutVersion", what, &version, err);
    if (r < 0 || strcmp(version, LAYOUT_VERSION) == 0)
        return r;
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "copy it to a layout of this version",
                            "%s is of version \"%s\", but %s is what is read", what,
                            sconce_json_show(version, shown), LAYOUT_VERSION);
}

static int open_blobs(struct sconce_store *store, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int folder = -1;
    int r = open_folder(store, store->dir, "blobs", &folder, err);

    return r ? r : open_folder(store, folder, "blobs/sha256", &store->blobs, err);
}

int sconce_store_open(const char *path, struct sconce_store *ret_store, struct sconce_error *err)
{
    struct sconce_store store = SCONCE_STORE_EMPTY;
    int r = open_layout(path, &store, err);

    if (r < 0)
        return r;
    r = check_layout(&store, err);
    if (!r)
        r = open_blobs(&store, err);
    if (r < 0)
        sconce_store_close(&store);
    else
        *ret_store = store;
    return r;
}

void sconce_store_close(const struct sconce_store *store)
{
    if (store->is_locked)
        flock(store->dir, LOCK_UN); /* a child that was forked meanwhile has the lock, too */
    sconce_cleanup_fd(&store->blobs);
    sconce_cleanup_fd(&store->dir);
}

/* The same, after it is made where it is missing. */
static int make_folder(const struct sconce_store *store, int at, const char *name, int *ret_folder,
                       struct sconce_error *err)
{
    if (mkdirat(at, sconce_file_last(name), 0777) && errno != EEXIST)
        return sconce_file_cannot_write(store, name, err);
    return open_folder(store, at, name, ret_folder, err);
}

static int make_blobs(struct sconce_store *store, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int folder = -1;
    int r = make_folder(store, store->dir, "blobs", &folder, err);

    if (!r)
        r = make_folder(store, folder, "blobs/sha256", &store->blobs, err);
    if (!r && fsync(folder)) /* what is in it may be new */
        r = sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot flush %s/blobs", store->path);
    return r;
}

/* A layout is complete when it has its file, so before that its own name must be on the disk. Who
 * may not read the folder that it is in flushes the whole file system. */
static int sync_parent(const struct sconce_store *store, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd)
    int parent = openat(store->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent >= 0 ? fsync(parent) : syncfs(store->dir))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot flush the directory of %s",
                                 store->path);
    return 0;
}

/* The lock is the directory's own, so that nothing of it is left behind. */
static int lock(struct sconce_store *store, struct sconce_error *err)
{
    int r;

    do
        r = flock(store->dir, LOCK_EX);
    while (r && errno == EINTR);
    store->is_locked = !r;
    return r ? sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot lock %s", store->path) : 0;
}

/* Whoever holds the lock knows that nobody is writing them. What cannot be removed is in the way of
 * those who write next, and they say so. */
static void remove_leftovers(const struct sconce_store *store)
{
    unlinkat(store->dir, SCONCE_FILE_TEMPORARY, 0);
    unlinkat(store->blobs, SCONCE_BLOB_TEMPORARY, 0);
}

static int prepare(struct sconce_store *store, struct sconce_error *err)
{
    int r = make_blobs(store, err);

    if (!r)
        r = lock(store, err);
    if (r < 0)
        return r;
    remove_leftovers(store);
    if (sconce_store_has_file(store, LAYOUT_FILE))
        return check_layout(store, err);
    r = sync_parent(store, err);
    if (r < 0)
        return r;
    return sconce_store_replace_file(store, LAYOUT_FILE, LAYOUT_TEXT, sizeof LAYOUT_TEXT - 1, err);
}

int sconce_store_create(const char *path, struct sconce_store *ret_store, struct sconce_error *err)
{
    struct sconce_store store = SCONCE_STORE_EMPTY;
    int r;

    if (mkdir(path, 0777) && errno != EEXIST)
        return sconce_fail_hint(err, SCONCE_E_SYSTEM,
                                "the directory it is to be in must be there, and yours to write to",
                                "cannot make image layout %s: %s", path, strerrordesc_np(errno));
    r = open_layout(path, &store, err);
    if (r < 0)
        return r;
    r = prepare(&store, err);
    if (r < 0)
        sconce_store_close(&store);
    else
        *ret_store = store;
    return r;
}

int sconce_store_read_file(const struct sconce_store *store, const char *name, uint64_t most,
                           void **ret_data, size_t *ret_bytes, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *data = NULL;
    uint64_t bytes = 0;
    size_t got = 0;
    int r = sconce_file_open(store, store->dir, name, &fd, &bytes, err);

    if (r < 0)
        return r;
    if (bytes > most)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s/%s has %llu bytes; at most %llu are read",
                           store->path, name, (unsigned long long)bytes, (unsigned long long)most);
    data = malloc((size_t)bytes + 1);
    if (!data)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for %s/%s", store->path, name);
    if (sconce_file_read(fd, data, (size_t)bytes, &got))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot read %s/%s", store->path,
                                 name);
    data[got] = '\0';
    *ret_data = SCONCE_STEAL(data);
    *ret_bytes = got;
    return 0;
}

int sconce_store_replace_file(const struct sconce_store *store, const char *name, const void *data,
                              size_t bytes, struct sconce_error *err)
{
    static const char temporary[] = SCONCE_FILE_TEMPORARY;
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;

    fd = sconce_file_create(store->dir, temporary);
    if (fd >= 0 && !sconce_file_write(fd, data, bytes) && !fsync(fd) &&
        !renameat(store->dir, temporary, store->dir, name) && !fsync(store->dir))
        return 0;
    sconce_file_cannot_write(store, name, err);
    if (fd >= 0)
        unlinkat(store->dir, temporary, 0);
    return SCONCE_E_SYSTEM;
}
