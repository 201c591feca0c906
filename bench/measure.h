/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness: contestants take turns in short batches, round after round in one process, so that
 * what else the machine does hits all of them alike. What counts is then each round's ratio to the
 * floor; times are told, but nothing is decided by them.
 */
#ifndef SCONCE_BENCH_MEASURE_H
#define SCONCE_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats.h"

/* Functions return 0, or another number when they failed, and have said why. */
struct measure_contestant {
    const char *name;
    int (*op)(void *ctx);         /* one operation; it alone is timed and counted */
    int (*before)(void *ctx);     /* runs before each operation; NULL: nothing to do */
    int (*after)(void *ctx);      /* and after each */
    uint64_t (*value)(void *ctx); /* what the last operation came to, where it is not its time */
    uint64_t (*exits)(void *ctx); /* returns to the host's userspace so far; NULL: not known */
    void *ctx;
};

struct measure_plan {
    unsigned rounds; /* at least 1 */
    unsigned batch;  /* operations of each contestant a round, at least 1 */
    bool steps;      /* instructions are counted, too: only of what takes some thousands */
};

/* Values are nanoseconds, or what the contestant's own are. */
struct measure_result {
    uint64_t least; /* these four of all its operations */
    uint64_t p10;
    uint64_t median;
    uint64_t p99;
    struct stats_ratio ratio; /* of the medians of each round's batch, to the floor's */
    double ioctls;            /* an operation, counted in batches that are not timed */
    double syscalls;          /* the same, of the thread that measures; negative: not known */
    double instructions;      /* the same, without the kernel's and the guest's */
    double exits;             /* the same; negative: not known */
};

/**
 * measure_run - let @count contestants run by @plan. The first is the floor of all.
 * @ret_results: @count of them, in the contestants' order.
 * Returns 0; -1 when an operation failed or memory is short, which has been told on stderr.
 */
int measure_run(const struct measure_contestant *contestants, size_t count,
                const struct measure_plan *plan, struct measure_result *ret_results);

/** measure_now_ns - of CLOCK_MONOTONIC. */
uint64_t measure_now_ns(void);

#endif
