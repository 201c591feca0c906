/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinned pages. KVM shows the guest whatever the client's mapping shows; the driver pins the pages
 * that are there when a region is set. So a region gets a mapping of the same pages that is the
 * double's alone, and KVM is given that one.
 *
 * Of shared memory a second mapping is made with mremap(2) from an old size of 0. Private memory
 * has no second mapping: it is replaced, in its place, by a shared copy. The client sees the
 * contents that it had, its writes reach the guest, and what it maps over the range later does not.
 * What differs: after MADV_DONTNEED the client itself sees what the guest sees, not zeros; after
 * fork() parent and child share the range; and a write by another thread while the range is
 * replaced may be lost. A hole punched into the file of shared memory is seen by the guest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

struct area {
    uint64_t start, end;
    int prot;
    bool shared;
    bool refused; /* pages of a file that cannot be pinned for long */
};

/* FOLL_LONGTERM is refused for file systems that must notice writes: all that have a disk. */
static bool is_on_disk(const char *path, unsigned major)
{
    struct statfs fs;

    if (path[0] != '/' || statfs(path, &fs) < 0)
        return major != 0;
    return fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

static bool parse(const char *line, struct area *ret_area)
{
    unsigned long start, end, inode;
    unsigned major, minor;
    char rights[8], path[256] = "";

    if (sscanf(line, "%lx-%lx %7s %*x %x:%x %lu %255[^\n]", &start, &end, rights, &major, &minor,
               &inode, path) < 6)
        return false;
    *ret_area = (struct area){.start = start, .end = end, .shared = rights[3] == 's'};
    if (rights[0] == 'r')
        ret_area->prot |= PROT_READ;
    if (rights[1] == 'w')
        ret_area->prot |= PROT_WRITE;
    if (rights[2] == 'x')
        ret_area->prot |= PROT_EXEC;
    ret_area->refused = ret_area->shared && inode != 0 && is_on_disk(path, major);
    return true;
}

/* The mapping that @host is in. */
static bool find_area(uint64_t host, struct area *ret_area)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;
    char line[512];

    if (!maps)
        double_sys_die("cannot read /proc/self/maps");
    while (!found && fgets(line, sizeof line, maps))
        found = parse(line, ret_area) && host >= ret_area->start && host < ret_area->end;
    fclose(maps);
    return found;
}

bool double_view_lookup(uint64_t host, int *ret_prot)
{
    struct area area;

    if (!find_area(host, &area))
        return false;
    *ret_prot = area.prot;
    return true;
}

static void *pointer(uint64_t address)
{
    return (void *)address;
}

static int share(uint64_t host, uint64_t bytes, uint8_t *to)
{
    long r = double_sys(SYS_mremap, (long)host, 0, (long)bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                        (long)to, 0);

    return double_sys_failed(pointer((uint64_t)r)) ? -EFAULT : 0;
}

static int fill(int fd, uint64_t host, uint64_t bytes)
{
    uint64_t done = 0;

    while (done < bytes) {
        long r = double_sys(SYS_pwrite64, fd, (long)(host + done), (long)(bytes - done), (long)done,
                            0, 0);

        if (r <= 0)
            return r < 0 ? (int)r : -EFAULT;
        done += (uint64_t)r;
    }
    return 0;
}

static int replace(uint64_t host, uint64_t bytes, int prot, uint8_t *to)
{
    int fd = (int)double_sys(SYS_memfd_create, (long)"mshv-double", MFD_CLOEXEC, 0, 0, 0, 0);
    int r;

    if (fd < 0)
        return fd;
    r = (int)double_sys(SYS_ftruncate, fd, (long)bytes, 0, 0, 0, 0);
    if (r == 0)
        r = fill(fd, host, bytes);
    if (r == 0)
        r = -double_sys_failed(
            double_sys_mmap(to, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
    if (r == 0)
        r = -double_sys_failed(
            double_sys_mmap(pointer(host), bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0));
    double_sys_close(fd);
    return r;
}

/* Piece by piece, as a range may be made of several mappings. */
static int take_pieces(uint64_t host, uint64_t bytes, uint8_t *view)
{
    uint64_t at = host, end = host + bytes;

    while (at < end) {
        struct area area;
        uint64_t piece;
        int r;

        if (!find_area(at, &area) || area.refused)
            return -EFAULT;
        piece = (area.end < end ? area.end : end) - at;
        r = area.shared ? share(at, piece, view + (at - host))
                        : replace(at, piece, area.prot, view + (at - host));
        if (r < 0)
            return r;
        at += piece;
    }
    return 0;
}

int double_view_make(uint64_t host, uint64_t bytes, uint8_t **ret_view)
{
    uint8_t *view;
    int r;

    /* What pin_user_pages(FOLL_WRITE) does and refuses: a private page becomes the client's own, a
     * mapping that cannot be written is an error. */
    if (double_sys(SYS_madvise, (long)host, (long)bytes, MADV_POPULATE_WRITE, 0, 0, 0) < 0)
        return -EFAULT;
    view =
        double_sys_mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (double_sys_failed(view))
        return -ENOMEM;
    r = take_pieces(host, bytes, view);
    if (r < 0)
        double_sys_munmap(view, bytes);
    else
        *ret_view = view;
    return r;
}
