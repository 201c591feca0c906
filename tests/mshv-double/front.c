/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of libc that take a descriptor, in their place: what is the double's goes to the
 * double, all else to libc. No decision about the driver's behaviour is made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <asm/ioctls.h>

#include "tests/mshv-double/front.h"
#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define ALL_SIGNALS (~0ull)

/* Defined here and declared by no header: those of fcntl.h and sys/ioctl.h have names and
 * attributes that differ between versions and feature macros. */
int ioctl(int fd, unsigned long request, ...);
int fcntl64(int fd, int command, ...);
void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset);
void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd, off64_t offset);
int close(int fd);
int dup(int fd);
int dup2(int from, int to);
int dup3(int from, int to, int flags);
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);

/* ---- Descriptors ---------------------------------------------------------------------------- */

IN_ITS_PLACE int close(int fd)
{
    if (double_table_is_own(fd))
        return (int)double_front_result(-EBADF);
    double_table_remove(fd);
    return NEXT(close)(fd);
}

IN_ITS_PLACE int close_range(unsigned first, unsigned last, int flags)
{
    return (int)double_front_result(double_table_close(first, last, (unsigned)flags));
}

IN_ITS_PLACE void closefrom(int first)
{
    double_table_close(first > 0 ? (unsigned)first : 0, ~0u, 0);
}

static int duplicated(int from, int r)
{
    if (r >= 0)
        double_table_duplicate(from, r);
    return r;
}

IN_ITS_PLACE int dup(int fd)
{
    return duplicated(fd, NEXT(dup)(fd));
}

IN_ITS_PLACE int dup2(int from, int to)
{
    if (double_table_is_own(to))
        return (int)double_front_result(-EBADF);
    return duplicated(from, NEXT(dup2)(from, to));
}

IN_ITS_PLACE int dup3(int from, int to, int flags)
{
    if (double_table_is_own(to))
        return (int)double_front_result(-EBADF);
    return duplicated(from, NEXT(dup3)(from, to, flags));
}

/* A duplicate is to be followed. */
static int controlled(int fd, int command, int r)
{
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicated(fd, r) : r;
}

#define FCNTL_BODY(next)                                                                           \
    va_list args;                                                                                  \
    long argument;                                                                                 \
                                                                                                   \
    va_start(args, command);                                                                       \
    argument = va_arg(args, long);                                                                 \
    va_end(args);                                                                                  \
    return controlled(fd, command, next(fd, command, argument))

IN_ITS_PLACE int fcntl(int fd, int command, ...)
{
    FCNTL_BODY(NEXT(fcntl));
}

IN_ITS_PLACE int fcntl64(int fd, int command, ...)
{
    FCNTL_BODY(NEXT(fcntl64));
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
    return double_front_result(r);
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
        return NEXT(ioctl)(fd, request, argument);
    return (int)end(object, client_signals,
                    call(object, (uint32_t)request, argument, client_signals));
}

static void *map(struct double_object *object, uint64_t client_signals, void *addr, size_t bytes,
                 int prot, int flags, off_t offset)
{
    long r = -ENODEV;

    if (object->kind == DOUBLE_VP)
        r = double_vp_mmap((struct double_vp *)object, addr, bytes, prot, flags, offset);
    return (void *)end(object, client_signals, r);
}

IN_ITS_PLACE void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    uint64_t client_signals;
    struct double_object *object = flags & MAP_ANONYMOUS ? NULL : begin(fd, &client_signals);

    return object ? map(object, client_signals, addr, bytes, prot, flags, offset)
                  : NEXT(mmap)(addr, bytes, prot, flags, fd, offset);
}

IN_ITS_PLACE void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd, off64_t offset)
{
    uint64_t client_signals;
    struct double_object *object = flags & MAP_ANONYMOUS ? NULL : begin(fd, &client_signals);

    return object ? map(object, client_signals, addr, bytes, prot, flags, offset)
                  : NEXT(mmap64)(addr, bytes, prot, flags, fd, offset);
}
