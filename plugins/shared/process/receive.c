/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/process/receive.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Who answers needs a millisecond, or its turn on a busy machine; who has been stopped never does.
 */
#define PATIENCE_MS 30000
/* No wait counts for more than this: it may be the whole container that was paused meanwhile. */
#define SLICE_MS 1000

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* EAGAIN when there is nothing to read. */
static int read_reply(int socket, struct sconce_reply *ret_reply, int *ret_fd)
{
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {ret_reply, sizeof *ret_reply};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    const struct cmsghdr *head;
    ssize_t bytes = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (bytes < 0)
        return errno;
    head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_fd, CMSG_DATA(head), sizeof *ret_fd);
    if (message.msg_flags &
        MSG_CTRUNC) /* it came with a descriptor, and there is no room for one */
        return EMFILE;
    if (bytes == (ssize_t)sizeof *ret_reply)
        return 0;
    return bytes == 0 ? ESRCH : EPROTO;
}

static int fail_at(uint32_t step, int error, struct sconce_reply *ret_reply)
{
    ret_reply->step = step;
    return error;
}

int sconce_receive(int socket, int zygote_fd, int child_fd, struct sconce_reply *ret_reply,
                   int *ret_fd)
{
    for (int64_t left = PATIENCE_MS;;) {
        struct pollfd wait[] = {
            {.fd = socket, .events = POLLIN},
            {.fd = zygote_fd, .events = POLLIN},
            {.fd = child_fd, .events = POLLIN},
        };
        int64_t before, spent;
        bool gone;
        int error, ready;

        *ret_fd = -1;
        before = now_ms();
        ready = poll(wait, sizeof wait / sizeof wait[0], SLICE_MS);
        error = errno;
        spent = now_ms() - before;
        left -= spent < SLICE_MS ? spent : SLICE_MS;
        if (ready == 0 || (ready < 0 && error == EINTR)) {
            if (left <= 0)
                return fail_at(SCONCE_STEP_RECEIVE, ETIMEDOUT, ret_reply);
            continue;
        }
        if (ready < 0)
            return fail_at(SCONCE_STEP_HOST_WAIT, error, ret_reply);
        gone = wait[1].revents || wait[2].revents;
        /* What the dead have sent is there still. */
        error = read_reply(socket, ret_reply, ret_fd);
        if (error == EAGAIN || error == EINTR) {
            if (!gone)
                continue;
            error = ESRCH;
        }
        if (error && *ret_fd >= 0) {
            close(*ret_fd);
            *ret_fd = -1;
        }
        return error ? fail_at(SCONCE_STEP_RECEIVE, error, ret_reply) : 0;
    }
}
