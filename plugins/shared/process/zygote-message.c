/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the zygote, and the little that takes a C library's place. Freestanding. */
#include "plugins/shared/process/zygote.h"

#include <linux/socket.h>
#include <linux/uio.h>

/* The kernel's headers have none of these for programs without a C library. */
#define SOL_SOCKET_ 1
#define SCM_RIGHTS_ 1
#define MSG_NOSIGNAL_ 0x4000
#define MSG_CMSG_CLOEXEC_ 0x40000000

struct message { /* struct msghdr */
    void *name;
    int32_t name_bytes;
    struct iovec *parts;
    size_t part_count;
    void *control;
    size_t control_bytes;
    uint32_t flags;
};
#define RIGHTS_HEAD offsetof(struct zygote_rights, fds)

/* gcc may call these for copies that it does not write out. */
void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);

void *memset(void *to, int byte, size_t bytes)
{
    for (volatile uint8_t *at = to; bytes; bytes--)
        *at++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    const uint8_t *source = from;

    for (volatile uint8_t *at = to; bytes; bytes--)
        *at++ = *source++;
    return to;
}

void zygote_end(int status)
{
    for (;;)
        CALL(exit_group, status);
}

long zygote_send(int32_t socket, const struct sconce_reply *reply, int32_t fd)
{
    struct sconce_reply copy = *reply;
    struct iovec part = {&copy, sizeof copy};
    struct zygote_rights control = {
        .bytes = RIGHTS_HEAD + sizeof fd, .level = SOL_SOCKET_, .type = SCM_RIGHTS_, .fds = {fd}};
    struct message message = {.parts = &part, .part_count = 1};

    if (fd >= 0) {
        message.control = &control;
        message.control_bytes = (control.bytes + 7) & ~(size_t)7;
    }
    return CALL(sendmsg, socket, &message, MSG_NOSIGNAL_);
}

void zygote_send_error(int32_t socket, uint32_t kind, uint32_t step, long error)
{
    const struct sconce_reply reply = {.kind = kind, .step = step, .error = (int32_t)-error};

    zygote_send(socket, &reply, -1);
}

long zygote_receive(struct zygote_spawn *spawn)
{
    struct iovec part = {&spawn->request, sizeof spawn->request};
    struct message message = {
        .parts = &part,
        .part_count = 1,
        .control = &spawn->rights,
        .control_bytes = sizeof spawn->rights,
    };
    long bytes = CALL(recvmsg, spawn->start->socket_fd, &message, MSG_CMSG_CLOEXEC_);

    spawn->fd_count = 0;
    if (bytes > 0 && message.control_bytes >= RIGHTS_HEAD && spawn->rights.bytes >= RIGHTS_HEAD)
        spawn->fd_count = (uint32_t)((spawn->rights.bytes - RIGHTS_HEAD) / sizeof(int32_t));
    return bytes;
}
