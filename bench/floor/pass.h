/* SPDX-License-Identifier: Apache-2.0 */
/* One message of a SOCK_SEQPACKET socket: what it is, a number, and at most one descriptor. */
#ifndef SCONCE_BENCH_FLOOR_PASS_H
#define SCONCE_BENCH_FLOOR_PASS_H

#include <stdint.h>

#define PASS_SPAWN 1u    /* to the zygote: the memfd, and how many mappings */
#define PASS_PIDFD 2u    /* from the zygote */
#define PASS_LISTENER 3u /* from the child */
#define PASS_FAILED 4u   /* from either: its errno */

struct pass_message {
    uint32_t what;
    int32_t value;
    int fd; /* -1: none; not sent as a number */
};

/** pass_send - 0, or -1 with errno set. */
int pass_send(int socket, const struct pass_message *message);

/** pass_receive - 1; 0 when the other side has gone; -1 with errno set. The fd is the caller's. */
int pass_receive(int socket, struct pass_message *ret_message);

#endif
