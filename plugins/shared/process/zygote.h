/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the zygote's files share: freestanding code, in a process without a C library. Nothing of it
 * runs in the host, or in a process that has run a guest.
 */
#ifndef SCONCE_PLUGINS_PROCESS_ZYGOTE_H
#define SCONCE_PLUGINS_PROCESS_ZYGOTE_H

#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>

#include "plugins/shared/process/protocol.h"
#include "plugins/shared/process/raw.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* CALL(name, up to six arguments): those that are not given are 0. */
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CALL_(name, a, b, c, d, e, f, ...)                                                         \
    raw_syscall(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Descriptors in a message: struct cmsghdr of SCM_RIGHTS with what follows it. */
struct zygote_rights {
    size_t bytes;
    int32_t level;
    int32_t type;
    int32_t fds[SCONCE_SPAWN_MAX_FDS];
};

/* One request, as it was received. */
struct zygote_spawn {
    const struct sconce_zygote_start *start;
    struct sconce_request request;
    struct zygote_rights rights;
    uint32_t fd_count;
    long zygote_pid;
};

#pragma GCC visibility push(hidden) /* as in raw.h */

/* zygote-message.c */
void zygote_end(int status) __attribute__((noreturn));
/* @fd goes with it; -1 for none. */
long zygote_send(int32_t socket, const struct sconce_reply *reply, int32_t fd);
/* @error: a negative errno. */
void zygote_send_error(int32_t socket, uint32_t kind, uint32_t step, long error);
/** zygote_receive - the next request from the host: its bytes, 0 at the end, or a negative errno.
 */
long zygote_receive(struct zygote_spawn *spawn);

/* zygote-serve.c: requests, until the host is gone or has enough. */
void zygote_serve(const struct sconce_zygote_start *start) __attribute__((noreturn));

/* zygote-child.c: the rest of a new child's life before it is a guest's. */
void zygote_run_child(const struct zygote_spawn *spawn) __attribute__((noreturn));

#pragma GCC visibility pop

#endif
