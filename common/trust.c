/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a path one component at a time on O_PATH descriptors, so that what is checked is what is
 * walked through. Follows symbolic links itself: the kernel would not show the directories that
 * they lead through.
 */
#include "common/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/error.h"

#define MAX_LINKS 40u /* as the kernel's own limit */

struct walk {
    const struct sconce_trust *trust;
    int code;            /* of refusals */
    int dir;             /* where the walk is */
    unsigned links;      /* followed so far */
    char at[PATH_MAX];   /* the same as text, without links; "" is the root */
    char todo[PATH_MAX]; /* what is left of the path */
    struct sconce_error *err;
};

struct sconce_trust sconce_trust_self(void)
{
    return (struct sconce_trust){.root = "/", .uid = geteuid()};
}

static void cleanup_walk(struct walk *walk)
{
    if (walk->dir >= 0)
        close(walk->dir);
}

static const char *where(const struct walk *walk)
{
    return walk->at[0] ? walk->at : "/";
}

static int failed(struct walk *walk, int errnum)
{
    return sconce_fail_errno(walk->err, SCONCE_E_SYSTEM, errnum, "cannot look at %s", where(walk));
}

static int check_owner_and_mode(struct walk *walk, const struct stat *st)
{
    const char *who = st->st_mode & S_IWOTH ? "others" : "its group";

    if (st->st_uid != 0 && st->st_uid != walk->trust->uid)
        return sconce_fail(walk->err, walk->code, "%s belongs to user %u, who is not trusted",
                           where(walk), st->st_uid);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return sconce_fail(walk->err, walk->code, "%s can be written by %s (mode %04o)",
                           where(walk), who, st->st_mode & 07777u);
    return 0;
}

static int enter_root(struct walk *walk)
{
    int fd = open(walk->trust->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    walk->at[0] = '\0';
    if (fd < 0)
        return failed(walk, errno);
    if (walk->dir >= 0)
        close(walk->dir);
    walk->dir = fd;
    if (fstat(fd, &st) < 0)
        return failed(walk, errno);
    return check_owner_and_mode(walk, &st);
}

/* Up one directory: it was checked on the way down. The root's parent is the root. */
static int leave(struct walk *walk)
{
    char *slash = strrchr(walk->at, '/');
    int fd;

    if (!slash)
        return 0;
    fd = openat(walk->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(walk, errno);
    close(walk->dir);
    walk->dir = fd;
    *slash = '\0';
    return 0;
}

/* Takes the next component off todo. False at the end of the path. */
static bool next(struct walk *walk, char name[NAME_MAX + 1], bool *ret_too_long)
{
    size_t blank = strspn(walk->todo, "/");
    const char *start = walk->todo + blank;
    size_t length = strcspn(start, "/");

    *ret_too_long = length > NAME_MAX;
    if (length == 0 || *ret_too_long)
        return false;
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->todo, start + length, strlen(start + length) + 1);
    return true;
}

static int follow(struct walk *walk, int link)
{
    char target[PATH_MAX];
    char rest[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);

    if (length < 0)
        return failed(walk, errno);
    target[length] = '\0';
    if (++walk->links > MAX_LINKS)
        return failed(walk, ELOOP);
    memcpy(rest, walk->todo, sizeof rest);
    if ((size_t)length + 1 + strlen(rest) >= sizeof walk->todo)
        return failed(walk, ENAMETOOLONG);
    memcpy(walk->todo, target, (size_t)length);
    walk->todo[length] = '/';
    strcpy(walk->todo + length + 1, rest);
    return target[0] == '/' ? enter_root(walk) : 0;
}

/* Into directory or file @name of the current one. */
static int enter(struct walk *walk, const char *name)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    size_t used = strlen(walk->at);
    struct stat st;
    int r;

    if (used + 1 + strlen(name) >= sizeof walk->at)
        return failed(walk, ENAMETOOLONG);
    snprintf(walk->at + used, sizeof walk->at - used, "/%s", name);
    fd = openat(walk->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return failed(walk, errno);
    if (S_ISLNK(st.st_mode)) {
        /* Its directory has been checked, so nobody else can change where it points. */
        walk->at[used] = '\0';
        return follow(walk, fd);
    }
    r = check_owner_and_mode(walk, &st);
    if (r < 0)
        return r;
    if (!S_ISDIR(st.st_mode))
        return walk->todo[strspn(walk->todo, "/")] ? failed(walk, ENOTDIR) : 0;
    close(walk->dir);
    walk->dir = sconce_steal_fd(&fd);
    return 0;
}

int sconce_trust_check(const struct sconce_trust *trust, const char *path, int code,
                       struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_walk)
    struct walk walk = {.trust = trust, .code = code, .dir = -1, .err = err};
    char name[NAME_MAX + 1];
    bool too_long;
    int r;

    if (path[0] != '/' || strlen(path) >= sizeof walk.todo)
        return sconce_fail(err, SCONCE_E_SYSTEM, "cannot look at %s: not a whole path", path);
    strcpy(walk.todo, path);
    r = enter_root(&walk);
    while (r == 0 && next(&walk, name, &too_long)) {
        if (!strcmp(name, ".."))
            r = leave(&walk);
        else if (strcmp(name, ".") != 0)
            r = enter(&walk, name);
    }
    return r == 0 && too_long ? failed(&walk, ENAMETOOLONG) : r;
}
