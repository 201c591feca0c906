/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program, makes its kernel look like one before Linux 6.11, where waiting for a
 * seccomp notification does not end with the last process that could make one. uname(2) says so;
 * and a wait that such a kernel might never come back from ends the program.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h> /* for the numbers of seccomp.h */
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <linux/seccomp.h>

#define IN_ITS_PLACE __attribute__((visibility("default")))

int ioctl(int fd, unsigned long request, ...);

/* The descriptor of which poll has said, to this thread, that a notification is there. */
static _Thread_local int told = -1;

IN_ITS_PLACE int uname(struct utsname *ret_name)
{
    int r = (int)syscall(SYS_uname, ret_name);

    if (r == 0)
        snprintf(ret_name->release, sizeof ret_name->release, "6.10.14-old");
    return r;
}

IN_ITS_PLACE int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    /* Not every architecture has SYS_poll. */
    int r = (int)syscall(SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &timeout, NULL, 0);

    /* The listener comes first where several are waited for. */
    if (r > 0 && count > 0 && (fds->revents & POLLIN))
        told = fds->fd;
    return r;
}

IN_ITS_PLACE int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    if (request == SECCOMP_IOCTL_NOTIF_RECV) {
        if (told != fd) {
            fprintf(stderr,
                    "old-kernel: a wait without end: poll has not told of a notification\n");
            abort();
        }
        told = -1;
    }
    return (int)syscall(SYS_ioctl, fd, request, arg);
}
