/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the zygote, keeping it, ending it. */
#include "plugins/shared/process/zygote-host.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/process.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/receive.h"
#include "plugins/shared/process/steps.h"
#include "plugins/shared/process/stub-head.h"

#define DATA_BYTES 65536u /* the zygote's stack; a page or two of it is ever touched */

struct sconce_zygote {
    _Atomic uint32_t users; /* and one for being kept */
    uint32_t process;       /* sconce_process_id() of whose child it is */
    uint32_t layers;
    int socket;
    int pidfd;
};

/* Per process, not per runtime: a host with many runtimes needs one zygote. A forked child must not
 * wait for a lock that another thread of its parent held, so it begins with a keeper of its own. */
struct keeper {
    uint32_t process;
    pthread_mutex_t lock;
    struct sconce_zygote *kept;
};
static struct keeper *_Atomic keeper;
static _Atomic bool namespaces = true;

static struct keeper *get_keeper(void)
{
    struct keeper *now = atomic_load(&keeper), *fresh;
    uint32_t process = sconce_process_id();

    if (now && now->process == process)
        return now;
    fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return NULL;
    fresh->process = process;
    pthread_mutex_init(&fresh->lock, NULL);
    while (!now || now->process != process) {
        if (!atomic_compare_exchange_strong(&keeper, &now, fresh))
            continue;
        /* The parent's zygote is nothing to this process. */
        if (now && now->kept) {
            close(now->kept->socket);
            close(now->kept->pidfd);
            free(now->kept);
        }
        free(now);
        return fresh;
    }
    free(fresh); /* another thread came first */
    return now;
}

void sconce_zygote_allow_namespaces(bool allow)
{
    atomic_store(&namespaces, allow);
}

uint32_t sconce_zygote_layers(const struct sconce_zygote *zygote)
{
    return zygote->layers;
}

int sconce_zygote_pidfd(const struct sconce_zygote *zygote)
{
    return zygote->pidfd;
}

/* ---- Starting ------------------------------------------------------------------------------ */

/* Runs the launcher on the region's end, in a process that shares this one's memory and files and
 * is gone when this returns. An errno. */
static int launch(struct sconce_zygote_start *start)
{
    const struct sconce_stub_head *head =
        (const struct sconce_stub_head *)(const void *)sconce_zygote_text;
    uint8_t *stack = (uint8_t *)start + DATA_BYTES;
    sigset_t all, before;
    int (*entry)(void *);
    int pid, error;

    *(const void **)&entry = sconce_zygote_text + head->launch;
    /* The launcher must not run this program's handlers. The kernel's call, with the kernel's set:
     * libc's leaves its own two signals out. */
    memset(&all, 0xff, sizeof all);
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8))
        return errno;
    pid = clone(entry, stack, CLONE_VM | CLONE_VFORK | CLONE_FILES, start);
    error = pid < 0 ? errno : 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
    if (pid < 0)
        return error;
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return start->error;
}

static void destroy(struct sconce_zygote *zygote)
{
    siginfo_t info;

    if (zygote->socket >= 0)
        close(zygote->socket);
    if (zygote->pidfd >= 0) {
        if (zygote->process == sconce_process_id()) {
            syscall(SYS_pidfd_send_signal, zygote->pidfd, SIGKILL, NULL, 0);
            while (waitid((idtype_t)P_PIDFD, (id_t)zygote->pidfd, &info, WEXITED | __WALL) < 0 &&
                   errno == EINTR)
                ;
        }
        close(zygote->pidfd);
    }
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
    if (error || reply.kind != SCONCE_REPLY_ZYGOTE)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO,
                                  error ? error : EPROTO, NULL,
                                  "the helper process ended before it was ready");
    if (reply.error)
        return sconce_step_fail(err, reply.step, reply.error);
    zygote->layers = reply.layers;
    return SCONCE_PLUGIN_OK;
}

static int32_t start_with(struct sconce_zygote *zygote, struct sconce_zygote_start *start,
                          struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int theirs = -1;
    SCONCE_CLEANUP(sconce_cleanup_fd) int self = -1;
    int pair[2], error;

    self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                                  "a kernel of version 5.10 or later is needed",
                                  "cannot get a descriptor of this process (pidfd_open)");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot make a socket for the helper process");
    zygote->socket = pair[0];
    theirs = pair[1];
    *start = (struct sconce_zygote_start){
        .text_at = (uint64_t)(uintptr_t)sconce_zygote_text,
        .text_bytes = (uint64_t)(sconce_zygote_text_end - sconce_zygote_text),
        .data_at = (uint64_t)(uintptr_t)start,
        .data_bytes = DATA_BYTES,
        .socket_fd = theirs,
        .host_fd = self,
        .pidfd = -1,
        .layers = atomic_load(&namespaces) ? SCONCE_LAYER_USER_NS : 0,
    };
    error = launch(start);
    zygote->pidfd = start->pidfd;
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
    struct keeper *mine = get_keeper();
    int32_t r = SCONCE_PLUGIN_OK;

    if (!mine)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a helper process");
    pthread_mutex_lock(&mine->lock);
    if (!mine->kept)
        r = start(&mine->kept, err);
    if (r == SCONCE_PLUGIN_OK) {
        atomic_fetch_add(&mine->kept->users, 1);
        *ret_zygote = mine->kept;
    }
    pthread_mutex_unlock(&mine->lock);
    return r;
}

void sconce_zygote_put(struct sconce_zygote *zygote)
{
    if (zygote && atomic_fetch_sub(&zygote->users, 1) == 1)
        destroy(zygote);
}

static void let_go(struct sconce_zygote *only)
{
    struct keeper *mine = get_keeper();
    struct sconce_zygote *kept = NULL;

    if (!mine)
        return;
    pthread_mutex_lock(&mine->lock);
    if (!only || mine->kept == only) {
        kept = mine->kept;
        mine->kept = NULL;
    }
    pthread_mutex_unlock(&mine->lock);
    sconce_zygote_put(kept);
}

void sconce_zygote_forget(struct sconce_zygote *zygote)
{
    let_go(zygote);
}

void sconce_zygote_release(void)
{
    let_go(NULL);
}

int sconce_zygote_send(struct sconce_zygote *zygote, const struct sconce_spawn_request *request,
                       const int32_t *fds)
{
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(SCONCE_SPAWN_MAX_FDS * sizeof(int32_t))];
    } control = {.room = {0}};
    const size_t fd_bytes = request->fd_count * sizeof *fds;
    struct iovec part = {(void *)(uintptr_t)request, sizeof *request};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(fd_bytes),
    };
    ssize_t sent;

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(fd_bytes);
    memcpy(CMSG_DATA(&control.head), fds, fd_bytes);
    do
        sent = sendmsg(zygote->socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}
