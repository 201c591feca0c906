/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a process backend: the same kernel mechanisms in the fewest steps. A child is locked
 * in by seccomp and rings a doorbell that the host hears of as a user notification. Shares no code
 * with Sconce, so that nothing slow in Sconce is slow here, too.
 */
#ifndef SCONCE_BENCH_FLOOR_PROCESS_CHILD_H
#define SCONCE_BENCH_FLOOR_PROCESS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "floor.h"
#include "shape.h"

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
    void *host_frame;             /* the same in the view, to the end of the signal's stack */
    unsigned long frame_bytes;
    long long doorbell;                      /* the `out` */
    unsigned char as_new[FLOOR_STACK_BYTES]; /* the frame at the first notification */
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
 * @mappings: of shared memory in the child, 1 to 64. @more_bytes: of memory besides, which the host
 * has alone.
 */
int floor_child_start(const struct floor_zygote *zygote, unsigned mappings, uint64_t more_bytes,
                      struct floor_child *ret_child, struct floor_error *err);

/** floor_child_turn - let it run on to its next doorbell: the raw round trip. */
int floor_child_turn(struct floor_child *child, struct floor_error *err);

/** floor_child_scrub - its registers are those that it had at its first doorbell. */
void floor_child_scrub(struct floor_child *child);

/** floor_child_spin - let it run in a loop until floor_child_kick, from any thread, signals it. */
int floor_child_spin(struct floor_child *child, struct floor_error *err);
void floor_child_kick(const struct floor_child *child);

/** floor_child_stop - kill it, wait until it has gone, take its memory back. */
void floor_child_stop(struct floor_child *child);

#endif
