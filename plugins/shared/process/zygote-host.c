/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the zygote, keeping it, ending it. */
#include "plugins/shared/process/zygote-host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/lock.h"
#include "common/memfd.h"
#include "common/process.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/no-cancel.h"
#include "plugins/shared/process/receive.h"
#include "plugins/shared/process/steps.h"
#include "plugins/shared/process/stub-head.h"

#define UNKILLED_MS 1000
#define DATA_BYTES 65536u /* the zygote's stack; a page or two of it is ever touched */

struct sconce_zygote {
    _Atomic uint32_t users; /* and one for being kept */
    uint32_t process;       /* sconce_process_id() of whose child it is */
    uint32_t layers;
    int socket;
    int pidfd;
    atomic_bool buried; /* dead, and waited for */
};

/* Per process, not per runtime: a host with many runtimes needs one zygote. */
static struct {
    struct sconce_lock lock;
    struct sconce_zygote *kept;
} keeper;
static _Atomic bool namespaces = true;

/* In a forked child the parent's zygote is nothing but two descriptors; what is left of it is for
 * the guests that have it, and of which no op is called any more. */
static void take_keeper(void)
{
    struct sconce_zygote *kept;

    sconce_lock_take(&keeper.lock);
    kept = keeper.kept;
    if (!kept || kept->process == sconce_process_id())
        return;
    keeper.kept = NULL;
    close(kept->socket);
    close(kept->pidfd);
    kept->socket = kept->pidfd = -1;
    sconce_zygote_put(kept);
}

uint32_t sconce_zygote_layers(const struct sconce_zygote *zygote)
{
    return zygote->layers;
}

int sconce_zygote_pidfd(const struct sconce_zygote *zygote)
{
    return zygote->pidfd;
}

/* One that is killed first closes its socket, then ends its children, and only then is dead. */
bool sconce_zygote_is_lost(const struct sconce_zygote *zygote)
{
    struct pollfd signs[] = {{.fd = zygote->pidfd, .events = POLLIN}, {.fd = zygote->socket}};

    return poll(signs, sizeof signs / sizeof signs[0], 0) > 0;
}

/* ---- Asking -------------------------------------------------------------------------------- */

/* The kernel's call, which is no point of cancellation and may interrupt anything. An errno. */
static int send_request(const struct sconce_zygote *zygote, const void *request, size_t bytes,
                        const int32_t *fds, uint32_t fd_count, int flags)
{
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(SCONCE_SPAWN_MAX_FDS * sizeof(int32_t))];
    } control = {.room = {0}};
    struct iovec part = {(void *)(uintptr_t)request, bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    long sent;

    if (fd_count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof *fds);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(fd_count * sizeof *fds);
        memcpy(CMSG_DATA(&control.head), fds, fd_count * sizeof *fds);
    }
    do
        sent = syscall(SYS_sendmsg, zygote->socket, &message, MSG_NOSIGNAL | flags);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

/* @fd: -1 for none. */
static int send_head(const struct sconce_zygote *zygote, uint32_t kind, int number, int32_t fd)
{
    const uint32_t fd_count = fd >= 0 ? 1 : 0;
    const uint32_t head[] = {kind, (uint32_t)number, 0, fd_count};

    _Static_assert(sizeof head == SCONCE_REQUEST_HEAD, "the head is all but the ranges");
    return send_request(zygote, head, sizeof head, &fd, fd_count, MSG_DONTWAIT);
}

int sconce_zygote_send(struct sconce_zygote *zygote, const struct sconce_request *request,
                       const int32_t *fds)
{
    return send_request(zygote, request, sizeof *request, fds, request->fd_count, 0);
}

int sconce_zygote_signal(struct sconce_zygote *zygote, int pidfd, int number)
{
    return send_head(zygote, SCONCE_REQUEST_SIGNAL, number, pidfd);
}

/* ---- Starting ------------------------------------------------------------------------------ */

/* Runs the launcher on the region's end, in a process that shares this one's memory and files and
 * is gone when this returns. An errno. */
static int launch(struct sconce_zygote_start *start)
{
    const struct sconce_stub_head *head =
        (const struct sconce_stub_head *)(const void *)sconce_zygote_text;
    long (*raw_start)(struct sconce_zygote_start *, void *);
    sigset_t all, before;
    long pid;

    *(const void **)&raw_start = sconce_zygote_text + head->start;
    /* The launcher must not run this program's handlers. The kernel's call, with the kernel's set:
     * libc's leaves its own two signals out. */
    memset(&all, 0xff, sizeof all);
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8))
        return errno;
    pid = raw_start(start, (uint8_t *)start + DATA_BYTES);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
    if (pid < 0)
        return (int)-pid;
    while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return start->error;
}

/* Ends it, and does not leave it to be waited for; guests that have it may go on having it. */
static void bury(struct sconce_zygote *zygote)
{
    struct pollfd wait = {.fd = zygote->pidfd, .events = POLLIN};
    siginfo_t info;

    if (zygote->process != sconce_process_id() || atomic_exchange(&zygote->buried, true))
        return;
    if (zygote->socket >= 0)
        send_head(zygote, SCONCE_REQUEST_END, 0, -1);
    if (zygote->pidfd < 0)
        return;
    /* Who may not kill it has but the END above, which one that is stopped does not hear. */
    if (syscall(SYS_pidfd_send_signal, zygote->pidfd, SIGKILL, NULL, 0) && errno != ESRCH &&
        poll(&wait, 1, UNKILLED_MS) <= 0)
        return;
    while (waitid((idtype_t)P_PIDFD, (id_t)zygote->pidfd, &info, WEXITED | __WALL) < 0 &&
           errno == EINTR)
        ;
}

static void destroy(struct sconce_zygote *zygote)
{
    SCONCE_NOT_CANCELLED;

    bury(zygote);
    if (zygote->socket >= 0)
        close(zygote->socket);
    if (zygote->pidfd >= 0)
        close(zygote->pidfd);
    free(zygote);
}

static void cleanup_zygote(struct sconce_zygote *const *zygote)
{
    if (*zygote)
        destroy(*zygote);
}

/* It says that it is there, or what kept it. */
static int32_t hear(struct sconce_zygote *zygote, struct sconce_plugin_error *err)
{
    struct sconce_reply reply;
    int fd = -1, error = sconce_receive(zygote->socket, zygote->pidfd, -1, &reply, &fd);

    if (fd >= 0)
        close(fd);
    if (error && reply.step == SCONCE_STEP_HOST_WAIT)
        return sconce_step_fail(err, reply.step, error);
    if (error || reply.kind != SCONCE_REPLY_ZYGOTE)
        return sconce_step_fail(err, SCONCE_STEP_READY, error ? error : EPROTO);
    if (reply.error)
        return sconce_step_fail(err, reply.step, reply.error);
    /* What ends guests has to work, before there are any. */
    if (syscall(SYS_pidfd_send_signal, zygote->pidfd, 0, NULL, 0))
        return sconce_step_fail(err, SCONCE_STEP_SIGNAL, errno);
    zygote->layers = reply.layers;
    return SCONCE_PLUGIN_OK;
}

/* After unshare(CLONE_NEWPID) the next process is the new namespace's init, and nothing can be
 * started there any more once it ends: the launcher must not be that. */
static bool children_go_elsewhere(void)
{
    struct stat st;

    /* The name leads nowhere as long as that namespace has no init: pid_namespaces(7). */
    return stat("/proc/thread-self/ns/pid", &st) == 0 &&
           stat("/proc/thread-self/ns/pid_for_children", &st) != 0 && errno == ENOENT;
}

static int32_t start_with(struct sconce_zygote *zygote, struct sconce_zygote_start *start,
                          struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int theirs = -1;
    SCONCE_CLEANUP(sconce_cleanup_fd) int self = -1;
    int pair[2], error;

    if (children_go_elsewhere())
        return sconce_step_fail(err, SCONCE_STEP_PID_NAMESPACE, EINVAL);
    self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        return sconce_step_fail(err, SCONCE_STEP_PIDFD, errno);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return sconce_step_fail(err, SCONCE_STEP_SOCKET, errno);
    zygote->socket = sconce_off_streams(pair[0]);
    error = errno;
    theirs = sconce_off_streams(pair[1]);
    if (zygote->socket < 0 || theirs < 0)
        return sconce_step_fail(err, SCONCE_STEP_SOCKET, zygote->socket < 0 ? error : errno);
    *start = (struct sconce_zygote_start){
        .text_at = (uint64_t)(uintptr_t)sconce_zygote_text,
        .text_bytes = (uintptr_t)sconce_zygote_text_end - (uintptr_t)sconce_zygote_text,
        .data_at = (uint64_t)(uintptr_t)start,
        .data_bytes = DATA_BYTES,
        .socket_fd = theirs,
        .host_fd = self,
        .pidfd = -1,
        .layers = atomic_load(&namespaces) ? SCONCE_LAYER_USER_NS : 0,
    };
    error = launch(start);
    zygote->pidfd = sconce_off_streams(start->pidfd);
    if (!error && zygote->pidfd < 0) /* it ends with the socket */
        error = errno;
    return error ? sconce_step_fail(err, SCONCE_STEP_CLONE_ZYGOTE, error) : SCONCE_PLUGIN_OK;
}

static int32_t start(struct sconce_zygote **ret_zygote, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(cleanup_zygote) struct sconce_zygote *zygote = calloc(1, sizeof *zygote);
    void *data;
    int32_t r;

    if (!zygote)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a helper process");
    zygote->socket = zygote->pidfd = -1;
    zygote->process = sconce_process_id();
    atomic_init(&zygote->users, 1);
    data = mmap(NULL, DATA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "no memory for a helper process");
    r = start_with(zygote, data, err);
    munmap(data, DATA_BYTES);
    if (r == SCONCE_PLUGIN_OK)
        r = hear(zygote, err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_zygote = SCONCE_STEAL(zygote);
    return r;
}

/* ---- Keeping ------------------------------------------------------------------------------- */

int32_t sconce_zygote_get(struct sconce_zygote **ret_zygote, struct sconce_plugin_error *err)
{
    SCONCE_NOT_CANCELLED;
    int32_t r = SCONCE_PLUGIN_OK;

    take_keeper();
    if (!keeper.kept)
        r = start(&keeper.kept, err);
    if (r == SCONCE_PLUGIN_OK) {
        atomic_fetch_add(&keeper.kept->users, 1);
        *ret_zygote = keeper.kept;
    }
    sconce_lock_give(&keeper.lock);
    return r;
}

void sconce_zygote_put(struct sconce_zygote *zygote)
{
    if (zygote && atomic_fetch_sub(&zygote->users, 1) == 1)
        destroy(zygote);
}

static void let_go(const struct sconce_zygote *only)
{
    struct sconce_zygote *kept = NULL;

    take_keeper();
    if (!only || keeper.kept == only) {
        kept = keeper.kept;
        keeper.kept = NULL;
    }
    sconce_lock_give(&keeper.lock);
    sconce_zygote_put(kept);
}

void sconce_zygote_forget(struct sconce_zygote *zygote)
{
    SCONCE_NOT_CANCELLED;

    let_go(zygote);
    if (sconce_zygote_is_lost(zygote))
        bury(zygote);
}

void sconce_zygote_release(void)
{
    let_go(NULL);
}

bool sconce_zygote_allow_namespaces(bool allow)
{
    bool changed = atomic_exchange(&namespaces, allow) != allow;

    if (changed) /* the next guest is to get another; those that live keep theirs */
        let_go(NULL);
    return changed;
}
