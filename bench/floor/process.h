/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a process backend: the same kernel mechanisms in the fewest steps. A child is locked
 * in by seccomp and rings a doorbell that the host hears of as a user notification. Shares no code
 * with Sconce, so that nothing slow in Sconce is slow here, too.
 */
#ifndef SCONCE_BENCH_FLOOR_PROCESS_H
#define SCONCE_BENCH_FLOOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What was tried, and its errno. */
struct floor_error {
    const char *what;
    int number;
};

/* Children come from here. */
struct floor_zygote {
    int socket;
    pid_t pid;
};

/* One that waits in its doorbell for an answer, always: floor_child_turn ends as it began. */
struct floor_child {
    int memfd;
    int listener;
    int pidfd;
    bool sync_wake_up; /* the kernel hands the processor over to it and back */
    void *view;
    unsigned long view_bytes;
    volatile long long *host_rip; /* in the signal's frame: where the child goes on */
    uint64_t id;                  /* of the notification that is not answered yet */
    uint64_t site;                /* the instruction that notifies */
    uint64_t frame;               /* where the child has its ucontext */
};

/**
 * floor_zygote_start - start @program, which is built from zygote.c. It and its children end when
 * this process does.
 * All functions that take @err return 0, or -1 and fill it.
 */
int floor_zygote_start(const char *program, struct floor_zygote *ret_zygote,
                       struct floor_error *err);

void floor_zygote_stop(struct floor_zygote *zygote);

/**
 * floor_child_start - from nothing to the child's first notification: the raw cold start.
 * @mappings: of shared memory in the child, 1 to 64.
 */
int floor_child_start(const struct floor_zygote *zygote, unsigned mappings,
                      struct floor_child *ret_child, struct floor_error *err);

/** floor_child_turn - let it run on to its next doorbell: the raw round trip. */
int floor_child_turn(struct floor_child *child, struct floor_error *err);

/** floor_child_stop - kill it, wait until it has gone, take its memory back. */
void floor_child_stop(struct floor_child *child);

#endif
