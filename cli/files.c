/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many links in a row as Linux follows (path_resolution(7)). */
#define LINKS_MOST 40

static bool refuse(char *why, size_t why_bytes, const char *text)
{
    snprintf(why, why_bytes, "%s", text);
    return false;
}

static bool fail(char *why, size_t why_bytes, int errnum)
{
    return refuse(why, why_bytes, strerror(errnum));
}

/* Room for the next read and the final NUL. */
static bool grow(char **data, size_t *room, size_t used)
{
    size_t want = *room ? *room * 2 : 65536;
    char *bigger;

    if (*room > used + 1)
        return true;
    bigger = realloc(*data, want);
    if (!bigger)
        return false;
    *data = bigger;
    *room = want;
    return true;
}

static bool read_all(int fd, char **data, size_t *ret_bytes, char *why, size_t why_bytes)
{
    size_t room = 0, used = 0;
    struct stat st;
    ssize_t got;

    /* One right-sized buffer for a regular file; a hint only, files grow. */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        (unsigned long long)st.st_size <= FILES_MAX_BYTES) {
        room = (size_t)st.st_size + 2;
        *data = malloc(room);
        if (!*data)
            return fail(why, why_bytes, ENOMEM);
    }
    for (;;) {
        if (!grow(data, &room, used))
            return fail(why, why_bytes, ENOMEM);
        got = read(fd, *data + used, room - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(why, why_bytes, errno);
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > FILES_MAX_BYTES)
            return fail(why, why_bytes, EFBIG);
    }
    (*data)[used] = '\0';
    *ret_bytes = used;
    return true;
}

/* Gives what was read, or nothing. */
static bool read_fd(int fd, void **ret_data, size_t *ret_bytes, char *why, size_t why_bytes)
{
    char *data = NULL;

    if (!read_all(fd, &data, ret_bytes, why, why_bytes)) {
        free(data);
        return false;
    }
    *ret_data = data;
    return true;
}

bool files_read(const char *path, void **ret_data, size_t *ret_bytes, char *why, size_t why_bytes)
{
    bool ok;
    int fd;

    if (strcmp(path, "-") == 0)
        return read_fd(STDIN_FILENO, ret_data, ret_bytes, why, why_bytes);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, why_bytes, errno);
    ok = read_fd(fd, ret_data, ret_bytes, why, why_bytes);
    close(fd);
    return ok;
}

bool files_read_regular(const char *path, void **ret_data, size_t *ret_bytes, char *why,
                        size_t why_bytes)
{
    /* Without O_NONBLOCK, opening a FIFO would wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    bool ok;

    if (fd < 0)
        return fail(why, why_bytes, errno);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        ok = read_fd(fd, ret_data, ret_bytes, why, why_bytes);
    else
        ok = refuse(why, why_bytes, "it is not a regular file");
    close(fd);
    return ok;
}

static int write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t put = write(fd, data, bytes);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data += put;
        bytes -= (size_t)put;
    }
    return 0;
}

static int write_into(const char *path, const void *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int errnum;

    if (fd < 0)
        return errno;
    errnum = write_all(fd, data, bytes);
    if (close(fd) != 0 && errnum == 0)
        errnum = errno;
    return errnum;
}

/* Write beside @path under another name, then rename over it. */
static int write_beside(const char *path, mode_t mode, const void *data, size_t bytes)
{
    char beside[PATH_MAX];
    int fd, errnum;

    if ((size_t)snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= sizeof beside)
        return ENAMETOOLONG;
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return errno;
    errnum = write_all(fd, data, bytes);
    if (errnum == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        errnum = errno;
    if (close(fd) != 0 && errnum == 0)
        errnum = errno;
    if (errnum == 0 && rename(beside, path) != 0)
        errnum = errno;
    if (errnum != 0)
        unlink(beside);
    return errnum;
}

/*
 * Where the new contents of @path go, which stat() takes for a regular file or for nothing: what a
 * symbolic link points at is replaced, not the link.
 */
static bool resolve(const char *path, char target[PATH_MAX], char *why, size_t why_bytes)
{
    struct stat st;

    if (realpath(path, target))
        return true;
    if (errno != ENOENT)
        return fail(why, why_bytes, errno);
    if (strlen(path) >= PATH_MAX)
        return fail(why, why_bytes, ENAMETOOLONG);
    if (lstat(path, &st) == 0)
        return refuse(why, why_bytes, "it is a symbolic link to a file that is not there");
    memcpy(target, path, strlen(path) + 1);
    return true;
}

/* A name in a folder of descriptors: "7" alone, where "07" and "+7" are none. Or -1. */
static int plain_number(const char *name)
{
    char *end;
    long fd;

    if (!isdigit((unsigned char)*name) || (name[0] == '0' && name[1] != '\0'))
        return -1;
    errno = 0;
    fd = strtol(name, &end, 10);
    return *end == '\0' && errno == 0 && fd <= INT_MAX ? (int)fd : -1;
}

/* Does @folder, a real path, hold this process's descriptors? Its threads have the same ones. */
static bool holds_descriptors(const char *folder)
{
    char own[PATH_MAX];
    size_t length;

    if (!realpath("/proc/self", own)) /* the number that this /proc knows the process by */
        return false;
    length = strlen(own);
    if (strncmp(folder, own, length) != 0)
        return false;
    folder += length;
    if (strncmp(folder, "/task/", 6) == 0) {
        folder += 6;
        folder += strspn(folder, "0123456789");
    }
    return strcmp(folder, "/fd") == 0;
}

/* @path's real folder, and where in @path its last part begins. */
static bool split(char *path, char folder[PATH_MAX], char **ret_name)
{
    char *slash = strrchr(path, '/');
    bool ok;

    *ret_name = slash ? slash + 1 : path;
    if (!slash)
        return realpath(".", folder) != NULL;
    if (slash == path)
        return realpath("/", folder) != NULL;
    *slash = '\0';
    ok = realpath(path, folder) != NULL;
    *slash = '/';
    return ok;
}

int files_descriptor(const char *path)
{
    char at[PATH_MAX], folder[PATH_MAX], link[PATH_MAX], joined[2 * PATH_MAX];
    char *name;
    ssize_t bytes;

    if (strlen(path) >= sizeof at)
        return -1;
    memcpy(at, path, strlen(path) + 1);
    for (int links = 0; links <= LINKS_MOST && split(at, folder, &name); links++) {
        if (holds_descriptors(folder))
            return plain_number(name);
        snprintf(joined, sizeof joined, "%s/%s", folder, name);
        bytes = readlink(joined, link, sizeof link - 1);
        if (bytes < 0)
            return -1;
        link[bytes] = '\0';
        snprintf(joined, sizeof joined, "%s%s%s", link[0] == '/' ? "" : folder,
                 link[0] == '/' ? "" : "/", link);
        if (strlen(joined) >= sizeof at)
            return -1;
        memcpy(at, joined, strlen(joined) + 1);
    }
    return -1;
}

/* The program closes on exec what it opens itself. */
bool files_is_given(int fd)
{
    int flags = fcntl(fd, F_GETFD), mode = fcntl(fd, F_GETFL);

    return flags >= 0 && !(flags & FD_CLOEXEC) && mode >= 0 && (mode & O_ACCMODE) != O_RDONLY;
}

bool files_write(const char *path, const void *data, size_t bytes, char *why, size_t why_bytes)
{
    char target[PATH_MAX];
    sigset_t all, was;
    struct stat st;
    mode_t mask;
    int errnum, fd = files_descriptor(path);

    if (fd >= 0) {
        errnum = files_is_given(fd) ? write_all(fd, data, bytes) : EBADF;
        return errnum == 0 || fail(why, why_bytes, errnum);
    }
    if (stat(path, &st) != 0) {
        mask = umask(0);
        umask(mask);
        st.st_mode = 0666 & ~mask;
    } else if (!S_ISREG(st.st_mode)) {
        errnum = S_ISDIR(st.st_mode) ? EISDIR : write_into(path, data, bytes);
        return errnum == 0 || fail(why, why_bytes, errnum);
    }
    if (!resolve(path, target, why, why_bytes))
        return false;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &was); /* an interrupt would leave the other name behind */
    errnum = write_beside(target, st.st_mode & 0777, data, bytes);
    sigprocmask(SIG_SETMASK, &was, NULL);
    return errnum == 0 || fail(why, why_bytes, errnum);
}
