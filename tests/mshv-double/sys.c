/* SPDX-License-Identifier: Apache-2.0 */
/* System calls without libc's wrappers, as some of those are ours. */
#include "tests/mshv-double/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define KERNEL_SIGSET_BYTES 8

long double_sys(long number, long a, long b, long c, long d, long e, long f)
{
    int kept = errno;
    long r = syscall(number, a, b, c, d, e, f);

    if (r == -1)
        r = -errno;
    errno = kept;
    return r;
}

int double_sys_ioctl(int fd, unsigned long request, const void *argument)
{
    return (int)double_sys(SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0);
}

void *double_sys_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    return (void *)double_sys(SYS_mmap, (long)addr, (long)bytes, prot, flags, fd, offset);
}

void double_sys_munmap(void *addr, size_t bytes)
{
    double_sys(SYS_munmap, (long)addr, (long)bytes, 0, 0, 0, 0);
}

void double_sys_close(int fd)
{
    double_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

int double_sys_failed(const void *addr)
{
    long value = (long)addr;

    return value < 0 && value >= -4095 ? (int)-value : 0;
}

/* The kernel's copy in a process's own memory: a bad address is an error, no signal. */
static int copy(long number, void *ours, uint64_t theirs, size_t bytes)
{
    struct iovec here = {ours, bytes};
    struct iovec there = {(void *)theirs, bytes};
    long done = double_sys(number, getpid(), (long)&here, 1, (long)&there, 1, 0);

    return done == (long)bytes ? 0 : -EFAULT;
}

int double_sys_copy_in(void *to, uint64_t from, size_t bytes)
{
    return copy(SYS_process_vm_readv, to, from, bytes);
}

int double_sys_copy_out(uint64_t to, const void *from, size_t bytes)
{
    return copy(SYS_process_vm_writev, (void *)from, to, bytes);
}

void double_sys_signals(uint64_t mask, uint64_t *ret_old)
{
    double_sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)ret_old, KERNEL_SIGSET_BYTES, 0,
               0);
}

void double_sys_die(const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "mshv-double: %s\n", text);
    abort();
}
