/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/error.h"

const char *sconce_file_last(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int sconce_file_open(const struct sconce_store *store, int folder, const char *name, int *ret_fd,
                     uint64_t *ret_bytes, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd)
    int fd = openat(folder, sconce_file_last(name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return sconce_fail_errno(err, SCONCE_E_SNAPSHOT, errno, "cannot open %s/%s", store->path,
                                 name);
    if (fstat(fd, &st))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot examine %s/%s", store->path,
                                 name);
    if (!S_ISREG(st.st_mode))
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s/%s is not a regular file", store->path,
                           name);
    *ret_fd = sconce_steal_fd(&fd);
    *ret_bytes = (uint64_t)st.st_size;
    return 0;
}

int sconce_file_cannot_write(const struct sconce_store *store, const char *name,
                             struct sconce_error *err)
{
    return sconce_fail_hint(err, SCONCE_E_SYSTEM,
                            "name a directory that you may write to, with room for the snapshot",
                            "cannot write %s/%s: %s", store->path, name, strerrordesc_np(errno));
}

int sconce_file_create(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) && errno != ENOENT)
        return -1;
    return openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
}

int sconce_file_read(int fd, void *to, size_t bytes, size_t *ret_got)
{
    size_t got = 0;

    while (got < bytes) {
        ssize_t n = read(fd, (uint8_t *)to + got, bytes - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_got = got;
    return 0;
}

int sconce_file_write(int fd, const void *data, size_t bytes)
{
    const uint8_t *at = data;

    while (bytes) {
        ssize_t n = write(fd, at, bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}
