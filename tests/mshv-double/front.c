/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of libc that stand here instead: what is about /dev/mshv goes to the double, all
 * else to the kernel as it is. No decision about the driver's behaviour is made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <asm/ioctls.h>
#include <linux/kvm.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define IN_ITS_PLACE __attribute__((visibility("default")))
#define ALL_SIGNALS (~0ull)

/* Defined here and declared by no header: those of fcntl.h and sys/ioctl.h have names and
 * attributes that differ between versions and feature macros. */
int ioctl(int fd, unsigned long request, ...);
int fcntl64(int fd, int command, ...);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);
void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset);
void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd, off64_t offset);
int close(int fd);
int dup(int fd);
int dup2(int from, int to);
int dup3(int from, int to, int flags);
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);

static long result(long r)
{
    if (r >= 0 || r < -4095)
        return r;
    errno = (int)-r;
    return -1;
}

/* ---- Opening -------------------------------------------------------------------------------- */

static void release_device(struct double_object *object)
{
    double_table_free(object);
    free(object);
}

/* The descriptor is one of /dev/kvm: who may not use that gets the same refusal. */
static int open_device(int flags)
{
    struct double_object *device;
    int r = double_plan_error(DOUBLE_AT_OPEN);
    int fd;

    if (double_plan.no_device)
        r = -ENOENT;
    if (r < 0)
        return r;
    fd = (int)double_sys(SYS_openat, AT_FDCWD, (long)"/dev/kvm", O_RDWR | (flags & O_CLOEXEC), 0, 0,
                         0);
    if (fd < 0)
        return fd;
    device = calloc(1, sizeof *device);
    if (!device) {
        double_sys_close(fd);
        return -ENOMEM;
    }
    device->kind = DOUBLE_DEVICE;
    device->release = release_device;
    r = double_table_new(fd, device);
    if (r < 0) {
        double_sys_close(fd);
        free(device);
        return r;
    }
    double_view_start();
    return fd;
}

static int open_any(int directory, const char *path, int flags, mode_t mode)
{
    int r;

    if (strcmp(path, MSHV_DEVICE) != 0)
        return (int)double_sys(SYS_openat, directory, (long)path, flags, mode, 0, 0);
    r = open_device(flags);
    double_log("open %d", r);
    return r;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(args, mode_t) : 0;
}

#define OPEN_BODY(directory)                                                                       \
    va_list args;                                                                                  \
    mode_t mode;                                                                                   \
                                                                                                   \
    va_start(args, flags);                                                                         \
    mode = mode_of(flags, args);                                                                   \
    va_end(args);                                                                                  \
    return (int)result(open_any(directory, path, flags, mode))

IN_ITS_PLACE int open(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

IN_ITS_PLACE int open64(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

IN_ITS_PLACE int openat(int directory, const char *path, int flags, ...)
{
    OPEN_BODY(directory);
}

IN_ITS_PLACE int openat64(int directory, const char *path, int flags, ...)
{
    OPEN_BODY(directory);
}

/* What fortified clients call when there is no mode. */
IN_ITS_PLACE int __open_2(const char *path, int flags)
{
    return (int)result(open_any(AT_FDCWD, path, flags, 0));
}

IN_ITS_PLACE int __open64_2(const char *path, int flags)
{
    return (int)result(open_any(AT_FDCWD, path, flags, 0));
}

IN_ITS_PLACE int __openat_2(int directory, const char *path, int flags)
{
    return (int)result(open_any(directory, path, flags, 0));
}

IN_ITS_PLACE int __openat64_2(int directory, const char *path, int flags)
{
    return (int)result(open_any(directory, path, flags, 0));
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

IN_ITS_PLACE int close(int fd)
{
    if (double_table_is_own(fd))
        return (int)result(-EBADF);
    double_table_remove(fd);
    return (int)result(double_sys(SYS_close, fd, 0, 0, 0, 0, 0));
}

IN_ITS_PLACE int close_range(unsigned first, unsigned last, int flags)
{
    return (int)result(double_table_close(first, last, (unsigned)flags));
}

IN_ITS_PLACE void closefrom(int first)
{
    double_table_close(first > 0 ? (unsigned)first : 0, ~0u, 0);
}

static int duplicated(int from, long r)
{
    if (r >= 0)
        double_table_duplicate(from, (int)r);
    return (int)result(r);
}

IN_ITS_PLACE int dup(int fd)
{
    return duplicated(fd, double_sys(SYS_dup, fd, 0, 0, 0, 0, 0));
}

IN_ITS_PLACE int dup2(int from, int to)
{
    if (double_table_is_own(to))
        return (int)result(-EBADF);
    return duplicated(from, double_sys(SYS_dup2, from, to, 0, 0, 0, 0));
}

IN_ITS_PLACE int dup3(int from, int to, int flags)
{
    if (double_table_is_own(to))
        return (int)result(-EBADF);
    return duplicated(from, double_sys(SYS_dup3, from, to, flags, 0, 0, 0));
}

static int fcntl_any(int fd, int command, long argument)
{
    long r = double_sys(SYS_fcntl, fd, command, argument, 0, 0, 0);

    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return duplicated(fd, r);
    return (int)result(r);
}

#define FCNTL_BODY                                                                                 \
    va_list args;                                                                                  \
    long argument;                                                                                 \
                                                                                                   \
    va_start(args, command);                                                                       \
    argument = va_arg(args, long);                                                                 \
    va_end(args);                                                                                  \
    return fcntl_any(fd, command, argument)

IN_ITS_PLACE int fcntl(int fd, int command, ...)
{
    FCNTL_BODY;
}

IN_ITS_PLACE int fcntl64(int fd, int command, ...)
{
    FCNTL_BODY;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

static int device_ioctl(int device, uint32_t request, uint64_t argument)
{
    switch (request) {
    case MSHV_CREATE_PARTITION:
        return double_partition_create(device, argument);
    case MSHV_ROOT_HVCALL:
        return double_plan.self_hvcall ? double_hvcall_device(device, argument) : -ENOTTY;
    default:
        return -ENOTTY;
    }
}

static int call(struct double_object *object, uint32_t request, uint64_t argument,
                uint64_t client_signals)
{
    switch (object->kind) {
    case DOUBLE_DEVICE:
        return device_ioctl(object->fd, request, argument);
    case DOUBLE_PARTITION:
        return double_partition_ioctl((struct double_partition *)object, request, argument);
    case DOUBLE_VP:
    default:
        return double_vp_ioctl((struct double_vp *)object, request, argument, client_signals);
    }
}

/* In the kernel a signal waits until the call returns, or ends RUN_VP; so it does here. Its handler
 * may never return, so nothing is left to do by then. */
static struct double_object *begin(int fd, uint64_t *ret_client_signals)
{
    struct double_object *object;

    if (!double_table_may_have(fd))
        return NULL;
    double_sys_signals(ALL_SIGNALS, ret_client_signals);
    object = double_table_call(fd);
    if (!object)
        double_sys_signals(*ret_client_signals, NULL);
    return object;
}

static long end(struct double_object *object, uint64_t client_signals, long r)
{
    double_table_return(object);
    double_sys_signals(client_signals, NULL);
    return result(r);
}

IN_ITS_PLACE int ioctl(int fd, unsigned long request, ...)
{
    struct double_object *object;
    uint64_t argument, client_signals;
    va_list args;

    va_start(args, request);
    argument = va_arg(args, uint64_t);
    va_end(args);
    /* No driver is asked for these. */
    if (request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC)
        object = NULL;
    else
        object = begin(fd, &client_signals);
    if (!object)
        return (int)result(double_sys(SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0));
    return (int)end(object, client_signals,
                    call(object, (uint32_t)request, argument, client_signals));
}

static void *mmap_any(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    uint64_t client_signals;
    struct double_object *object = flags & MAP_ANONYMOUS ? NULL : begin(fd, &client_signals);

    if (!object)
        return (void *)result(
            double_sys(SYS_mmap, (long)addr, (long)bytes, prot, flags, fd, offset));
    return (void *)end(object, client_signals,
                       object->kind == DOUBLE_VP ? double_vp_mmap((struct double_vp *)object, addr,
                                                                  bytes, prot, flags, offset)
                                                 : -ENODEV);
}

IN_ITS_PLACE void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    return mmap_any(addr, bytes, prot, flags, fd, offset);
}

IN_ITS_PLACE void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd, off64_t offset)
{
    return mmap_any(addr, bytes, prot, flags, fd, offset);
}
