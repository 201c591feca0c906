/* SPDX-License-Identifier: Apache-2.0 */
/* The zygote at work: requests of its host. Freestanding. */
#include "plugins/shared/process/zygote.h"

#include <asm/errno.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/signal.h>

static void close_received(const struct zygote_rights *rights, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        CALL(close, rights->fds[i]);
}

/* Is it what the host sends? It is trusted, but may be of another version by mistake. */
static int request_is_sound(const struct zygote_spawn *spawn, long bytes)
{
    if (bytes < (long)SCONCE_REQUEST_HEAD || spawn->fd_count != spawn->request.fd_count)
        return 0;
    if (spawn->request.kind == SCONCE_REQUEST_SIGNAL)
        return spawn->fd_count == 1;
    if (spawn->request.kind != SCONCE_REQUEST_SPAWN || bytes != (long)sizeof spawn->request ||
        spawn->fd_count < SCONCE_SPAWN_GUEST ||
        spawn->request.range_count > SCONCE_SPAWN_MAX_RANGES)
        return 0;
    for (uint32_t i = 0; i < spawn->request.range_count; i++)
        if (spawn->request.ranges[i].fd >= spawn->fd_count)
            return 0;
    return 1;
}

static void spawn_child(struct zygote_spawn *spawn)
{
    const struct sconce_reply reply = {.kind = SCONCE_REPLY_CHILD};
    const int32_t socket = spawn->rights.fds[SCONCE_SPAWN_REPLY];
    int32_t pidfd = -1;
    /* SIGCHLD, which the zygote ignores: its children are not waited for. */
    long pid = CALL(clone, SIGCHLD | CLONE_PIDFD, 0, &pidfd);

    if (pid == 0)
        zygote_run_child(spawn);
    if (pid < 0) {
        zygote_send_error(socket, SCONCE_REPLY_CHILD, SCONCE_STEP_CLONE_CHILD, pid);
        return;
    }
    zygote_send(socket, &reply, pidfd);
    CALL(close, pidfd);
}

static void refuse(const struct zygote_spawn *spawn)
{
    if (spawn->fd_count > 0)
        zygote_send_error(spawn->rights.fds[SCONCE_SPAWN_REPLY], SCONCE_REPLY_CHILD,
                          SCONCE_STEP_REQUEST, -EINVAL);
}

static void serve_one(struct zygote_spawn *spawn)
{
    long bytes = zygote_receive(spawn);

    if (bytes == -ENOMEM || bytes == -ENOBUFS || bytes == -EINTR)
        return;     /* the message is there still */
    if (bytes <= 0) /* the host has let go */
        zygote_end(0);
    if (bytes >= (long)SCONCE_REQUEST_HEAD && spawn->request.kind == SCONCE_REQUEST_END)
        zygote_end(0);
    if (!request_is_sound(spawn, bytes))
        refuse(spawn);
    else if (spawn->request.kind == SCONCE_REQUEST_SIGNAL)
        CALL(pidfd_send_signal, spawn->rights.fds[0], spawn->request.number, NULL, 0);
    else
        spawn_child(spawn);
    close_received(&spawn->rights, spawn->fd_count);
}

void zygote_serve(const struct sconce_zygote_start *start)
{
    struct zygote_spawn spawn = {.start = start, .zygote_pid = CALL(getpid)};

    for (;;) {
        struct pollfd wait[] = {{start->socket_fd, POLLIN, 0}, {start->host_fd, POLLIN, 0}};
        const long r = CALL(ppoll, wait, COUNT(wait), NULL, NULL, 0);

        if (r < 0 && r != -EINTR && r != -ENOMEM) /* nor would it see its host's end */
            zygote_end(1);
        if (wait[1].revents)
            zygote_end(0);
        if (wait[0].revents)
            serve_one(&spawn);
    }
}
