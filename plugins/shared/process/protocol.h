/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host and the zygote say to one another. Both are built from this header and trust each
 * other; nothing of it is reachable from a guest. Included by freestanding code.
 */
#ifndef SCONCE_PLUGINS_PROCESS_PROTOCOL_H
#define SCONCE_PLUGINS_PROCESS_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

/* Walls beside seccomp and the empty address space that the zygote could raise. */
#define SCONCE_LAYER_USER_NS 1u /* and with it pid, net, ipc, uts and cgroup namespaces */
#define SCONCE_LAYER_LANDLOCK 2u

/* What zygote and child do before the guest runs; told when one of them fails. */
enum sconce_step {
    SCONCE_STEP_NONE,
    SCONCE_STEP_PIDFD, /* this and the next three are the host's own */
    SCONCE_STEP_SOCKET,
    SCONCE_STEP_MEMFD,
    SCONCE_STEP_PID_NAMESPACE,
    SCONCE_STEP_CLONE_ZYGOTE,
    SCONCE_STEP_PREPARE,
    SCONCE_STEP_NO_NEW_PRIVS,
    SCONCE_STEP_CLOSE_FDS,
    SCONCE_STEP_RLIMIT,
    SCONCE_STEP_WAIT,
    SCONCE_STEP_UNMAP,
    SCONCE_STEP_READY, /* this and the next two are the host's */
    SCONCE_STEP_HOST_WAIT,
    SCONCE_STEP_SIGNAL,
    SCONCE_STEP_REQUEST,
    SCONCE_STEP_CLONE_CHILD,
    SCONCE_STEP_PARENT_DEATH,
    SCONCE_STEP_MAP_CONTROL,
    SCONCE_STEP_MAP_STUB,
    SCONCE_STEP_MAP_GUEST,
    SCONCE_STEP_LISTENER,
    SCONCE_STEP_SEND_LISTENER,
    SCONCE_STEP_RECEIVE, /* the host's */
    SCONCE_STEP_SIGNALS,
    SCONCE_STEP_FILTER,
    SCONCE_STEP_COUNT
};

/**
 * struct sconce_zygote_start - in the zygote's own memory before there is a zygote.
 *
 * Filled by the host, which shares its memory with the launching process until that is gone; the
 * last three members are answers.
 */
struct sconce_zygote_start {
    uint64_t text_at; /* of the zygote's code, the stub's page first */
    uint64_t text_bytes;
    uint64_t data_at; /* of its stack, with this at the bottom */
    uint64_t data_bytes;
    int32_t socket_fd;
    int32_t host_fd; /* a pidfd of the host: readable when it is gone */
    int32_t pidfd;
    int32_t error; /* an errno, 0 when the zygote lives */
    uint32_t layers;
    uint32_t reserved0;
};

#define SCONCE_SPAWN_MAX_RANGES 64u
#define SCONCE_SPAWN_MAX_FDS (2u + SCONCE_SPAWN_MAX_RANGES)

struct sconce_spawn_range {
    uint64_t gpa;
    uint64_t bytes;
    uint64_t offset; /* in the file */
    uint32_t prot;   /* PROT_* */
    uint32_t fd;     /* index in the request's descriptors */
};

/* Of the request's descriptors: */
#define SCONCE_SPAWN_REPLY 0u   /* a socket for the replies */
#define SCONCE_SPAWN_CONTROL 1u /* the control area */
#define SCONCE_SPAWN_GUEST 2u   /* and from here on the guest's memory */

#define SCONCE_REQUEST_SPAWN 1u  /* @number: which of the stub's pages it gets */
#define SCONCE_REQUEST_SIGNAL 2u /* @number to the process of the one pidfd that is attached */
#define SCONCE_REQUEST_END 3u    /* end the zygote, whoever else holds its socket */

/* One SOCK_SEQPACKET message, with its descriptors in SCM_RIGHTS; without @ranges unless it is a
 * SPAWN. */
struct sconce_request {
    uint32_t kind; /* SCONCE_REQUEST_* */
    uint32_t number;
    uint32_t range_count;
    uint32_t fd_count;
    struct sconce_spawn_range ranges[SCONCE_SPAWN_MAX_RANGES];
};
#define SCONCE_REQUEST_HEAD offsetof(struct sconce_request, ranges)

#define SCONCE_REPLY_ZYGOTE 1u   /* on the zygote's socket, once: it is there, or it is not */
#define SCONCE_REPLY_CHILD 2u    /* its pidfd is attached, unless there is an error */
#define SCONCE_REPLY_LISTENER 3u /* from the child itself: its notifications' descriptor */

/* Each is one message; those of one spawn come in any order. What fails later is in the control
 * area, and the child is gone. */
struct sconce_reply {
    uint32_t kind;   /* SCONCE_REPLY_* */
    uint32_t step;   /* enum sconce_step, when @error is not 0 */
    int32_t error;   /* an errno */
    uint32_t layers; /* SCONCE_REPLY_ZYGOTE: SCONCE_LAYER_* */
};

#endif
