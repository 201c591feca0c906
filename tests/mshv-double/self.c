/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of libc by which a client looks at itself, in their place: readdir() of /proc/self/fd,
 * fopen() of /proc/self/maps. What is the double's is not in them.
 */
#include "tests/mshv-double/self.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/mshv-double/front.h"
#include "tests/mshv-double/table.h"

#define FDS "/proc/self/fd"
#define MAPS "/proc/self/maps"

static struct double_hidden *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void take(void)
{
    pthread_mutex_lock(&lock);
}

static void give(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void start(void)
{
    pthread_atfork(take, give, give);
}

void double_self_hide(struct double_hidden *hidden, const void *start, size_t bytes)
{
    take();
    hidden->start = (uint64_t)start;
    hidden->end = hidden->start + bytes;
    hidden->next = all;
    all = hidden;
    give();
}

void double_self_show(struct double_hidden *hidden)
{
    struct double_hidden **at = &all;

    take();
    while (*at && *at != hidden)
        at = &(*at)->next;
    if (*at)
        *at = hidden->next;
    give();
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

static bool is_of_own_fd(DIR *dir, const char *name)
{
    struct stat its, fds;
    char *end;
    long fd = strtol(name, &end, 10);

    return name[0] >= '0' && name[0] <= '9' && !*end && fd < INT32_MAX &&
           double_table_is_own((int)fd) && fstat(dirfd(dir), &its) == 0 && stat(FDS, &fds) == 0 &&
           is_same(&its, &fds);
}

IN_ITS_PLACE struct dirent *readdir(DIR *dir)
{
    struct dirent *entry;

    do
        entry = NEXT(readdir)(dir);
    while (entry && is_of_own_fd(dir, entry->d_name));
    return entry;
}

IN_ITS_PLACE struct dirent64 *readdir64(DIR *dir)
{
    struct dirent64 *entry;

    do
        entry = NEXT(readdir64)(dir);
    while (entry && is_of_own_fd(dir, entry->d_name));
    return entry;
}

/* ---- Mappings ------------------------------------------------------------------------------- */

static bool is_maps(const char *path)
{
    const char *name = strrchr(path, '/');
    struct stat its, maps;

    return name && strcmp(name, "/maps") == 0 && stat(path, &its) == 0 && stat(MAPS, &maps) == 0 &&
           is_same(&its, &maps);
}

/* The first hidden one that has something of @at to @end. */
static const struct double_hidden *first_hidden(uint64_t at, uint64_t end)
{
    const struct double_hidden *found = NULL;

    for (const struct double_hidden *hidden = all; hidden; hidden = hidden->next)
        if (hidden->start < end && hidden->end > at && (!found || hidden->start < found->start))
            found = hidden;
    return found;
}

/* The kernel makes one mapping of two that go on in each other, whosever they are: what is left of
 * a line may be any number of lines. */
static void write_line(FILE *to, const char *line)
{
    uint64_t start, at, end, offset;
    char rights[8];
    int rest = 0;

    if (sscanf(line, "%lx-%lx %7s %lx%n", &start, &end, rights, &offset, &rest) < 4)
        return;
    at = start;
    while (at < end) {
        const struct double_hidden *hidden = first_hidden(at, end);
        uint64_t until = hidden ? hidden->start : end;

        if (until > at)
            fprintf(to, "%08lx-%08lx %s %08lx%s", at, until, rights,
                    offset ? offset + (at - start) : 0, line + rest);
        at = hidden ? hidden->end : end;
    }
}

/* A file with what is left, as it is now; the client gets it in the place of the kernel's. Where
 * there is no descriptor or memory for it, that one as it is: to open it has not failed. */
static FILE *without_hidden(FILE *maps, bool close_on_exec)
{
    int errnum = errno;
    int fd = memfd_create("maps", close_on_exec ? MFD_CLOEXEC : 0);
    FILE *to = fd < 0 ? NULL : fdopen(fd, "r+");
    char *line = NULL;
    size_t room = 0;

    if (!to) {
        if (fd >= 0)
            close(fd);
        errno = errnum;
        return maps;
    }
    take();
    while (getline(&line, &room, maps) > 0)
        write_line(to, line);
    give();
    rewind(to);
    free(line);
    fclose(maps);
    errno = errnum;
    return to;
}

IN_ITS_PLACE FILE *fopen(const char *path, const char *mode)
{
    FILE *file = NEXT(fopen)(path, mode);

    return file && is_maps(path) ? without_hidden(file, strchr(mode, 'e')) : file;
}

IN_ITS_PLACE FILE *fopen64(const char *path, const char *mode)
{
    FILE *file = NEXT(fopen64)(path, mode);

    return file && is_maps(path) ? without_hidden(file, strchr(mode, 'e')) : file;
}
