/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc/self/maps in one pass, by a descriptor from before the client has changed its root,
 * its user, or how many descriptors it may have. */
#include "tests/mshv-double/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/table.h"

static int proc_fd = -1, maps_fd = -1;
static pid_t maps_of; /* they are those of the process that has opened them */

static int open_own(int directory, const char *path, int flags)
{
    int fd = (int)double_sys(SYS_openat, directory, (long)path, flags | O_CLOEXEC, 0, 0, 0);
    int own = fd < 0 ? fd : double_table_own(fd);

    if (fd >= 0)
        double_sys_close(fd);
    return own;
}

void double_maps_start(void)
{
    if (proc_fd < 0)
        proc_fd = open_own(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    if (maps_fd >= 0 && maps_of != getpid()) {
        double_table_disown(maps_fd);
        maps_fd = -1;
    }
    if (maps_fd < 0)
        maps_fd = open_own(proc_fd, "self/maps", O_RDONLY);
    maps_of = getpid();
}

/* FOLL_LONGTERM is refused for file systems that must notice writes: all that have a disk. */
static bool is_on_disk(const struct double_area *area, const char *path)
{
    struct statfs fs;
    char file[64];

    snprintf(file, sizeof file, "/proc/self/map_files/%lx-%lx", area->start, area->end);
    if (statfs(file, &fs) < 0 && (path[0] != '/' || statfs(path, &fs) < 0))
        return area->major != 0;
    return fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

static bool parse(const char *line, struct double_area *ret_area, char path[256])
{
    struct double_area area = {0};
    char rights[8];

    path[0] = '\0';
    if (sscanf(line, "%lx-%lx %7s %*x %x:%x %lu %255[^\n]", &area.start, &area.end, rights,
               &area.major, &area.minor, &area.inode, path) < 6)
        return false;
    area.prot = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                (rights[2] == 'x' ? PROT_EXEC : 0);
    area.shared = rights[3] == 's';
    *ret_area = area;
    return true;
}

static int add_area(struct double_areas *areas, const struct double_area *area)
{
    struct double_area *list = areas->list;

    if ((areas->count & (areas->count + 1)) == 0) /* room for 2^n - 1 */
        list = realloc(list, 2 * (areas->count + 1) * sizeof *list);
    if (!list)
        return -ENOMEM;
    areas->list = list;
    list[areas->count++] = *area;
    return 0;
}

/* 1 where nothing more can come: they are in order. */
static int add_line(struct double_areas *areas, const char *line, uint64_t from, uint64_t to)
{
    struct double_area area;
    char path[256], *rest;
    uint64_t start = strtoul(line, &rest, 16);

    if (start >= to)
        return 1;
    /* Most lines are not asked for, and sscanf() is slow. */
    if (*rest != '-' || strtoul(rest + 1, NULL, 16) <= from || !parse(line, &area, path))
        return 0;
    area.refused = area.shared && area.inode != 0 && is_on_disk(&area, path);
    return add_area(areas, &area);
}

static char *whole_lines(char *text, size_t *bytes, struct double_areas *areas, uint64_t from,
                         uint64_t to, int *ret_result)
{
    char *line = text, *end;

    while ((end = memchr(line, '\n', *bytes))) {
        *end = '\0';
        if (*ret_result == 0)
            *ret_result = add_line(areas, line, from, to);
        *bytes -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    return line;
}

int double_maps_read(uint64_t from, uint64_t to, struct double_areas *ret_areas)
{
    static char text[8192]; /* too large for a stack */
    struct double_areas areas = {0};
    size_t kept = 0;
    long got = 1, offset = 0;
    int r = 0;

    double_maps_start();
    while (got > 0 && r == 0) {
        got = double_sys(SYS_pread64, maps_fd, (long)(text + kept), (long)(sizeof text - kept),
                         offset, 0, 0);
        if (got > 0) {
            size_t bytes = kept + (size_t)got;
            char *rest = whole_lines(text, &bytes, &areas, from, to, &r);

            memmove(text, rest, bytes);
            kept = bytes;
            offset += got;
        }
    }
    if (got < 0)
        r = (int)got;
    if (r < 0) {
        free(areas.list);
        return r;
    }
    *ret_areas = areas;
    return 0;
}
