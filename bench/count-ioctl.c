/* SPDX-License-Identifier: Apache-2.0 */
#include "count-ioctl.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

int ioctl(int fd, unsigned long request, ...);

static _Atomic uint64_t total;

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
    return (int)syscall(SYS_ioctl, fd, request, arg);
}

uint64_t count_ioctl_total(void)
{
    return atomic_load_explicit(&total, memory_order_relaxed);
}
