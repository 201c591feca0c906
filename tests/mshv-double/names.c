/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of libc that take a path, in their place: what is about /dev/mshv, by whichever path,
 * goes to the double, all else to libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/mshv-double/front.h"
#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define DEVICE_NAME "mshv"
#define PLAYED_ON "/dev/kvm"
#define DEVICE_MODE (S_IFCHR | 0600)

/* Declared only without fortification, or not at all. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);

/* Is it the name in /dev? */
static bool is_device(int directory, const char *path)
{
    struct stat its, dev;
    const char *name;
    char *folder;
    bool same;

    /* A path that cannot be read is the kernel's to refuse. */
    if (double_sys(SYS_faccessat, directory, (long)path, F_OK, 0, 0, 0) == -EFAULT)
        return false;
    name = strrchr(path, '/');
    if (strcmp(name ? name + 1 : path, DEVICE_NAME) != 0)
        return false;
    folder = name ? strndup(path, (size_t)(name + 1 - path)) : strdup(".");
    if (!folder)
        return false;
    same = double_sys(SYS_newfstatat, directory, (long)folder, (long)&its, 0, 0, 0) == 0 &&
           double_sys(SYS_newfstatat, AT_FDCWD, (long)"/dev", (long)&dev, 0, 0, 0) == 0 &&
           its.st_dev == dev.st_dev && its.st_ino == dev.st_ino;
    free(folder);
    return same;
}

/* ---- Opening -------------------------------------------------------------------------------- */

static void release_device(struct double_object *object)
{
    double_table_free(object);
    free(object);
}

static int register_device(int fd)
{
    struct double_object *device = calloc(1, sizeof *device);
    int r;

    if (!device)
        return -ENOMEM;
    device->kind = DOUBLE_DEVICE;
    device->release = release_device;
    r = double_table_new(fd, device);
    if (r < 0)
        free(device);
    return r;
}

/* The descriptor is one of /dev/kvm: who may not use that gets the same refusal. */
static int open_device(int flags, mode_t mode)
{
    int r = double_plan_error(DOUBLE_AT_OPEN);
    int fd;

    if (double_plan.no_device)
        r = -ENOENT;
    if (r < 0)
        return r;
    fd = (int)double_sys(SYS_openat, AT_FDCWD, (long)PLAYED_ON, flags, mode, 0, 0);
    if (fd < 0 || (flags & O_PATH))
        return fd;
    r = register_device(fd);
    if (r < 0) {
        double_sys_close(fd);
        return r;
    }
    double_view_start();
    return fd;
}

static int opened(int flags, mode_t mode)
{
    int r = open_device(flags, mode);

    double_log("open %d", r);
    return (int)double_front_result(r);
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(args, mode_t) : 0;
}

#define OPEN_BODY(directory, next_call)                                                            \
    va_list args;                                                                                  \
    mode_t mode;                                                                                   \
                                                                                                   \
    va_start(args, flags);                                                                         \
    mode = mode_of(flags, args);                                                                   \
    va_end(args);                                                                                  \
    return is_device(directory, path) ? opened(flags, mode) : next_call

IN_ITS_PLACE int open(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD, NEXT(open)(path, flags, mode));
}

IN_ITS_PLACE int open64(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD, NEXT(open64)(path, flags, mode));
}

IN_ITS_PLACE int openat(int directory, const char *path, int flags, ...)
{
    OPEN_BODY(directory, NEXT(openat)(directory, path, flags, mode));
}

IN_ITS_PLACE int openat64(int directory, const char *path, int flags, ...)
{
    OPEN_BODY(directory, NEXT(openat64)(directory, path, flags, mode));
}

/* What fortified clients call when there is no mode. */
IN_ITS_PLACE int __open_2(const char *path, int flags)
{
    return is_device(AT_FDCWD, path) ? opened(flags, 0) : NEXT(__open_2)(path, flags);
}

IN_ITS_PLACE int __open64_2(const char *path, int flags)
{
    return is_device(AT_FDCWD, path) ? opened(flags, 0) : NEXT(__open64_2)(path, flags);
}

IN_ITS_PLACE int __openat_2(int directory, const char *path, int flags)
{
    return is_device(directory, path) ? opened(flags, 0) : NEXT(__openat_2)(directory, path, flags);
}

IN_ITS_PLACE int __openat64_2(int directory, const char *path, int flags)
{
    return is_device(directory, path) ? opened(flags, 0)
                                      : NEXT(__openat64_2)(directory, path, flags);
}

/* ---- Looking -------------------------------------------------------------------------------- */

/* struct stat and struct stat64 are the same here. */
static int look(void *to)
{
    struct stat st;
    long r = double_plan.no_device
                 ? -ENOENT
                 : double_sys(SYS_newfstatat, AT_FDCWD, (long)PLAYED_ON, (long)&st, 0, 0, 0);

    if (r == 0) {
        st.st_mode = DEVICE_MODE;
        st.st_uid = st.st_gid = 0;
        r = double_sys_copy_out((uint64_t)to, &st, sizeof st);
    }
    return (int)double_front_result(r);
}

IN_ITS_PLACE int stat(const char *path, struct stat *st)
{
    return is_device(AT_FDCWD, path) ? look(st) : NEXT(stat)(path, st);
}

IN_ITS_PLACE int stat64(const char *path, struct stat64 *st)
{
    return is_device(AT_FDCWD, path) ? look(st) : NEXT(stat64)(path, st);
}

IN_ITS_PLACE int lstat(const char *path, struct stat *st)
{
    return is_device(AT_FDCWD, path) ? look(st) : NEXT(lstat)(path, st);
}

IN_ITS_PLACE int lstat64(const char *path, struct stat64 *st)
{
    return is_device(AT_FDCWD, path) ? look(st) : NEXT(lstat64)(path, st);
}

IN_ITS_PLACE int fstatat(int directory, const char *path, struct stat *st, int flags)
{
    return is_device(directory, path) ? look(st) : NEXT(fstatat)(directory, path, st, flags);
}

IN_ITS_PLACE int fstatat64(int directory, const char *path, struct stat64 *st, int flags)
{
    return is_device(directory, path) ? look(st) : NEXT(fstatat64)(directory, path, st, flags);
}

static int look_more(int flags, unsigned mask, void *to)
{
    struct statx st;
    long r = double_plan.no_device ? -ENOENT
                                   : double_sys(SYS_statx, AT_FDCWD, (long)PLAYED_ON, flags,
                                                (long)mask, (long)&st, 0);

    if (r == 0) {
        st.stx_mode = DEVICE_MODE;
        st.stx_uid = st.stx_gid = 0;
        r = double_sys_copy_out((uint64_t)to, &st, sizeof st);
    }
    return (int)double_front_result(r);
}

IN_ITS_PLACE int statx(int directory, const char *path, int flags, unsigned mask, struct statx *st)
{
    return is_device(directory, path) ? look_more(flags, mask, st)
                                      : NEXT(statx)(directory, path, flags, mask, st);
}

static int may(int mode, int flags)
{
    if (double_plan.no_device)
        return (int)double_front_result(-ENOENT);
    return NEXT(faccessat)(AT_FDCWD, PLAYED_ON, mode, flags);
}

IN_ITS_PLACE int access(const char *path, int mode)
{
    return is_device(AT_FDCWD, path) ? may(mode, 0) : NEXT(access)(path, mode);
}

IN_ITS_PLACE int euidaccess(const char *path, int mode)
{
    return is_device(AT_FDCWD, path) ? may(mode, AT_EACCESS) : NEXT(euidaccess)(path, mode);
}

IN_ITS_PLACE int eaccess(const char *path, int mode)
{
    return is_device(AT_FDCWD, path) ? may(mode, AT_EACCESS) : NEXT(eaccess)(path, mode);
}

IN_ITS_PLACE int faccessat(int directory, const char *path, int mode, int flags)
{
    return is_device(directory, path) ? may(mode, flags)
                                      : NEXT(faccessat)(directory, path, mode, flags);
}
