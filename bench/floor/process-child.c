/* SPDX-License-Identifier: Apache-2.0 */
#include "process-child.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "pass.h"

/* Linux 6.6; not in the headers that we build with. */
#define SET_FLAGS SECCOMP_IOW(4, __u64)
#define SYNC_WAKE_UP 1ul

#define FIRST_NOTICE_MS 5000
#define OUT_BYTES 2   /* out %al, $imm8 */
#define SPIN_BEHIND 4 /* zygote.c: `out`, `jmp`, then the loop */

static int fail(struct floor_error *err, const char *what, int number)
{
    *err = (struct floor_error){what, number};
    return -1;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- The zygote ------------------------------------------------------------------------------ */

static int check_sizes(struct floor_error *err)
{
    struct seccomp_notif_sizes sizes;

    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return fail(err, "asking for the size of seccomp's notifications", errno);
    if (sizes.seccomp_notif > sizeof(struct seccomp_notif) ||
        sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp))
        return fail(err, "this kernel's seccomp notifications are larger than those we know", 0);
    return 0;
}

int floor_zygote_start(const char *program, struct floor_zygote *ret_zygote,
                       struct floor_error *err)
{
    /* No restartable sequence: a child has none to keep up. */
    char *environment[] = {(char[]){"GLIBC_TUNABLES=glibc.pthread.rseq=0"}, NULL};
    char *arguments[] = {(char[]){"floor-zygote"}, NULL};
    posix_spawn_file_actions_t actions;
    struct floor_zygote zygote;
    int pair[2], r;

    if (check_sizes(err) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(err, "making a pair of sockets", errno);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], FLOOR_SOCKET);
    r = posix_spawn(&zygote.pid, program, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    if (r != 0) {
        close(pair[0]);
        return fail(err, "starting the zygote", r);
    }
    zygote.socket = pair[0];
    *ret_zygote = zygote;
    return 0;
}

void floor_zygote_stop(struct floor_zygote *zygote)
{
    close_fd(&zygote->socket); /* it leaves then */
    if (zygote->pid > 0)
        waitpid(zygote->pid, NULL, 0);
    zygote->pid = 0;
}

/* ---- A child --------------------------------------------------------------------------------- */

static int make_memory(struct floor_child *child, unsigned mappings, uint64_t more_bytes,
                       struct floor_error *err)
{
    child->view_bytes = mappings * FLOOR_STRIDE_BYTES + more_bytes;
    child->memfd = memfd_create("floor", MFD_CLOEXEC);
    if (child->memfd < 0 || ftruncate(child->memfd, (off_t)child->view_bytes) < 0)
        return fail(err, "making the memory", errno);
    child->view =
        mmap(NULL, child->view_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, child->memfd, 0);
    return child->view == MAP_FAILED ? fail(err, "mapping the memory", errno) : 0;
}

/* The zygote's answer and the child's come in either order. */
static int receive_fds(const struct floor_zygote *zygote, struct floor_child *child,
                       struct floor_error *err)
{
    while (child->pidfd < 0 || child->listener < 0) {
        struct pass_message message;
        int r = pass_receive(zygote->socket, &message);

        if (r <= 0)
            return fail(err, "hearing from the zygote", r < 0 ? errno : ECONNRESET);
        if (message.what == PASS_FAILED)
            return fail(err, "making the child", message.value);
        if (message.what == PASS_PIDFD)
            child->pidfd = message.fd;
        else
            child->listener = message.fd;
    }
    return 0;
}

static int receive(struct floor_child *child, struct seccomp_notif *ret_notice,
                   struct floor_error *err)
{
    struct seccomp_notif notice;

    do
        notice = (struct seccomp_notif){0}; /* or the kernel refuses it */
    while (ioctl(child->listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0 && errno == EINTR);
    if (notice.id == 0)
        return fail(err, "waiting for the child's doorbell", errno);
    child->id = notice.id;
    *ret_notice = notice;
    return 0;
}

static int receive_first(struct floor_child *child, struct floor_error *err)
{
    struct pollfd doorbell = {child->listener, POLLIN, 0};
    struct seccomp_notif notice;
    uint64_t offset;

    if (poll(&doorbell, 1, FIRST_NOTICE_MS) <= 0 || !(doorbell.revents & POLLIN))
        return fail(err, "waiting for the child's first doorbell", ECHILD);
    if (receive(child, &notice, err) < 0)
        return -1;
    child->site = notice.data.instruction_pointer;
    child->frame = notice.data.args[2];
    offset = child->frame - FLOOR_BASE;
    if (offset > FLOOR_STACK_BYTES - sizeof(ucontext_t))
        return fail(err, "finding the child's signal frame", EFAULT);
    child->host_frame = (char *)child->view + offset;
    child->frame_bytes = FLOOR_STACK_BYTES - offset;
    child->host_rip = (volatile long long *)((char *)child->host_frame +
                                             offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP]));
    child->doorbell = *child->host_rip;
    memcpy(child->as_new, child->host_frame, child->frame_bytes);
    return 0;
}

static int start(const struct floor_zygote *zygote, unsigned mappings, uint64_t more_bytes,
                 struct floor_child *child, struct floor_error *err)
{
    struct pass_message order = {PASS_SPAWN, (int32_t)mappings, -1};

    if (mappings < 1 || mappings > FLOOR_MOST_MAPPINGS)
        return fail(err, "counting the mappings", EINVAL);
    if (make_memory(child, mappings, more_bytes, err) < 0)
        return -1;
    order.fd = child->memfd;
    if (pass_send(zygote->socket, &order) < 0)
        return fail(err, "asking the zygote", errno);
    if (receive_fds(zygote, child, err) < 0)
        return -1;
    child->sync_wake_up = ioctl(child->listener, SET_FLAGS, SYNC_WAKE_UP) == 0;
    return receive_first(child, err);
}

int floor_child_start(const struct floor_zygote *zygote, unsigned mappings, uint64_t more_bytes,
                      struct floor_child *child, struct floor_error *err)
{
    child->memfd = child->listener = child->pidfd = -1;
    child->view = MAP_FAILED;
    if (start(zygote, mappings, more_bytes, child, err) < 0) {
        floor_child_stop(child);
        return -1;
    }
    return 0;
}

/* To the next notification. */
static int resume(struct floor_child *child, struct floor_error *err)
{
    struct seccomp_notif_resp answer = {.id = child->id};
    struct seccomp_notif notice;
    int r;

    do
        r = ioctl(child->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return fail(err, "answering the child's doorbell", errno);
    if (receive(child, &notice, err) < 0)
        return -1;
    if (notice.data.instruction_pointer != child->site || notice.data.args[2] != child->frame)
        return fail(err, "checking where the child's doorbell rang", EPROTO);
    return 0;
}

int floor_child_turn(struct floor_child *child, struct floor_error *err)
{
    *child->host_rip += OUT_BYTES;
    return resume(child, err);
}

void floor_child_scrub(struct floor_child *child)
{
    memcpy(child->host_frame, child->as_new, child->frame_bytes);
}

int floor_child_spin(struct floor_child *child, struct floor_error *err)
{
    *child->host_rip = child->doorbell + SPIN_BEHIND;
    if (resume(child, err) < 0)
        return -1;
    if (*child->host_rip != child->doorbell + SPIN_BEHIND)
        return fail(err, "checking where the child was kicked", EPROTO);
    *child->host_rip = child->doorbell;
    return 0;
}

void floor_child_kick(const struct floor_child *child)
{
    syscall(SYS_pidfd_send_signal, child->pidfd, SIGUSR1, NULL, 0);
}

void floor_child_stop(struct floor_child *child)
{
    struct pollfd gone = {child->pidfd, POLLIN, 0};

    if (child->pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
        while (poll(&gone, 1, -1) < 0 && errno == EINTR)
            continue;
    }
    close_fd(&child->pidfd);
    close_fd(&child->listener);
    if (child->view != MAP_FAILED)
        munmap(child->view, child->view_bytes);
    child->view = MAP_FAILED;
    close_fd(&child->memfd);
}
