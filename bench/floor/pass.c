/* SPDX-License-Identifier: Apache-2.0 */
#include "pass.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define NUMBERS_BYTES offsetof(struct pass_message, fd)

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int pass_send(int socket, const struct pass_message *message)
{
    struct pass_message copy = *message;
    struct iovec part = {&copy, NUMBERS_BYTES};
    union control control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

    if (message->fd >= 0) {
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &message->fd, sizeof(int));
    }
    return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int pass_receive(int socket, struct pass_message *ret_message)
{
    struct pass_message message = {.fd = -1};
    struct iovec part = {&message, NUMBERS_BYTES};
    union control control = {0};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    const struct cmsghdr *first;
    ssize_t bytes;

    do
        bytes = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (bytes < 0 && errno == EINTR);
    if (bytes <= 0)
        return (int)bytes;
    first = CMSG_FIRSTHDR(&header);
    if (first && first->cmsg_type == SCM_RIGHTS)
        memcpy(&message.fd, CMSG_DATA(first), sizeof(int));
    *ret_message = message;
    return 1;
}
