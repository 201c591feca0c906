/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping, releasing and ending a guest's process. */
#include "plugins/shared/process/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "common/cleanup.h"
#include "common/process.h"
#include "common/untrusted.h"
#include "plugins/shared/process/no-cancel.h"
#include "plugins/shared/process/stub-head.h"
#include "plugins/shared/process/zygote-host.h"

/* Newer than the oldest headers that this is built with. */
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1ul << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

#define NUMBER_OF_(name) SYS_##name
#define NUMBER_OF(name) NUMBER_OF_(name)

/* ---- The kernel's part --------------------------------------------------------------------- */

/* What kernels differ in. The same for every child, so it is found out once. */
static _Atomic int waits_by_receiving; /* 0 unknown, 1 yes, -1 no */
static _Atomic int wakes_in_sync;      /* the same */

static bool kernel_is_since(unsigned long major, unsigned long minor)
{
    struct utsname name;
    unsigned long first, second;
    char *end;

    if (uname(&name))
        return false;
    first = strtoul(name.release, &end, 10);
    if (*end != '.')
        return false;
    second = strtoul(end + 1, NULL, 10);
    return first > major || (first == major && second >= minor);
}

/*
 * Does waiting for a notification end when the last process that could make one is dead? It does
 * since Linux 6.11 ("seccomp: interrupt SECCOMP_IOCTL_NOTIF_RECV when all users have exited").
 * Older kernels would sleep for ever, which cannot be tried; there poll(2) tells first. (Why a
 * build always asks poll(2) is in meson.build.)
 */
static bool receive_ends_with_child(void)
{
    int known = atomic_load_explicit(&waits_by_receiving, memory_order_relaxed);

    if (!known) {
        known = !SCONCE_ALWAYS_POLL && kernel_is_since(6, 11) ? 1 : -1;
        atomic_store_explicit(&waits_by_receiving, known, memory_order_relaxed);
    }
    return known > 0;
}

bool sconce_child_wakes_in_sync(void)
{
    return atomic_load_explicit(&wakes_in_sync, memory_order_relaxed) > 0;
}

void sconce_child_wake_in_sync(const struct sconce_child *child)
{
    int r;

    do
        r = ioctl(child->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                  (unsigned long)SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    while (r < 0 && errno == EINTR);
    atomic_store_explicit(&wakes_in_sync, r == 0 ? 1 : -1, memory_order_relaxed);
}

/* The listener hangs up before the process can be seen dead, for which it may need its turn. */
static bool has_ended(const struct sconce_child *child)
{
    struct pollfd signs[] = {{.fd = child->pidfd, .events = POLLIN}, {.fd = child->listener}};

    return poll(signs, sizeof signs / sizeof signs[0], 0) > 0;
}

/* Waits for a notification or the end. Returns 0, SCONCE_CHILD_GONE, or -EINTR. The listener alone
 * would not do: before Linux 6.11 it hangs up when the child is reaped, which may be never. */
static int wait_by_polling(const struct sconce_child *child)
{
    struct pollfd wait[] = {
        {.fd = child->listener, .events = POLLIN},
        {.fd = child->pidfd, .events = POLLIN},
    };

    if (poll(wait, sizeof wait / sizeof wait[0], -1) < 0)
        return -errno;
    return wait[0].revents & POLLIN ? 0 : SCONCE_CHILD_GONE;
}

static bool is_stubs(const struct sconce_child *child, const struct seccomp_notif *got)
{
    const uint8_t *page = sconce_zygote_text + (size_t)child->stub * SCONCE_STUB_PAGE;
    const struct sconce_stub_head *head = (const struct sconce_stub_head *)(const void *)page;

    return got->data.nr == NUMBER_OF(SCONCE_STUB_SYSCALL) &&
           got->data.instruction_pointer == (uint64_t)SCONCE_STUB_AT + head->site &&
           (!child->frame || got->data.args[1] == child->frame);
}

/* The guest can write the word, and gains a turn of the host's loop by it. */
static bool was_released(const struct sconce_child *child)
{
    uint64_t frame;

    sconce_copy_untrusted(&frame, child->control + SCONCE_CONTROL_FRAME, sizeof frame);
    return frame != 0;
}

/* As sconce_child_wait; -EINTR when there is nothing yet. */
static int receive(struct sconce_child *child, struct seccomp_notif *got)
{
    memset(got, 0, sizeof *got); /* the kernel refuses anything else */
    if (ioctl(child->listener, SECCOMP_IOCTL_NOTIF_RECV, got) == 0)
        return SCONCE_CHILD_STOPPED;
    switch (errno) {
    case EINTR:
        return -EINTR;
    case ENOENT: /* it was interrupted before it was heard, or is dead */
        return has_ended(child) ? SCONCE_CHILD_GONE : -EINTR;
    default:
        return -errno;
    }
}

int sconce_child_wait(struct sconce_child *child, int *ret_signal)
{
    struct seccomp_notif got;
    int r;

    do {
        r = 0;
        if (!receive_ends_with_child())
            r = wait_by_polling(child);
        if (r == 0)
            r = receive(child, &got);
    } while (r == -EINTR);
    if (r != SCONCE_CHILD_STOPPED)
        return r;
    child->notification = got.id;
    child->pid = got.pid;
    if (!is_stubs(child, &got))
        return SCONCE_CHILD_FORGED;
    if (was_released(child))
        return SCONCE_CHILD_AGAIN;
    child->frame = got.data.args[1];
    *ret_signal = (int)got.data.args[0];
    return SCONCE_CHILD_STOPPED;
}

int sconce_child_release(struct sconce_child *child)
{
    const struct seccomp_notif_resp answer = {.id = child->notification};
    int r;

    memcpy(child->control + SCONCE_CONTROL_FRAME, &child->frame, sizeof child->frame);
    /* Gives up for a signal while it waits for a lock, which a child that is being killed may hold:
     * nothing was sent then. */
    do
        r = ioctl(child->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return 0;
    /* Interrupted or dead: the next wait tells. */
    return errno == ENOENT || errno == EINPROGRESS ? 0 : -errno;
}

void sconce_child_signal(const struct sconce_child *child, int number)
{
    if (syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0) && errno == EPERM)
        sconce_zygote_signal(child->zygote, child->pidfd, number);
}

bool sconce_child_notifications_fit(void)
{
    struct seccomp_notif_sizes sizes;

    return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) ||
           (sizes.seccomp_notif == sizeof(struct seccomp_notif) &&
            sizes.seccomp_notif_resp == sizeof(struct seccomp_notif_resp));
}

uint64_t sconce_child_cpu_ns(const struct sconce_child *child)
{
    /* As clock_getcpuclockid(3) would have it, which a signal handler may not call:
     * include/linux/posix-timers_types.h, CPUCLOCK_SCHED of a process. */
    const clockid_t clock = (clockid_t)(~child->pid << 3 | 2);
    struct timespec t;

    if (!child->pid || clock_gettime(clock, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint8_t *sconce_child_frame(const struct sconce_child *child, uint64_t bytes)
{
    const uint64_t offset = child->frame - SCONCE_CONTROL_AT;

    if (offset < SCONCE_ALTSTACK_OFFSET || offset > SCONCE_CONTROL_BYTES ||
        bytes > SCONCE_CONTROL_BYTES - offset)
        return NULL;
    return child->control + offset;
}

/* ---- Ending -------------------------------------------------------------------------------- */

#define AGAIN_MS 100

/* Its memory is given back before it is seen dead (kernel/exit.c: exit_mm comes before
 * exit_notify). */
static void kill_and_wait(struct sconce_child *child)
{
    struct pollfd wait = {.fd = child->pidfd, .events = POLLIN};

    sconce_child_signal(child, SIGKILL);
    while (poll(&wait, 1, AGAIN_MS) <= 0) {
        /* One that is stopped ends itself when nobody listens (stub.S, deaf). */
        sconce_cleanup_fd(&child->listener);
        child->listener = -1;
        sconce_child_signal(child, SIGKILL);
    }
}

void sconce_child_end(struct sconce_child *child)
{
    SCONCE_NOT_CANCELLED;

    if (child->pidfd >= 0) {
        if (child->process == sconce_process_id())
            kill_and_wait(child);
        close(child->pidfd);
    }
    if (child->listener >= 0)
        close(child->listener);
    if (child->control)
        munmap(child->control, SCONCE_CONTROL_BYTES);
    sconce_zygote_put(child->zygote);
    *child = (struct sconce_child)SCONCE_CHILD_EMPTY;
}
