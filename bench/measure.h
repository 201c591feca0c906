/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness: contestants take turns in short batches, round after round in one process, so that
 * what else the machine does hits all of them alike. What counts is then each round's ratio to the
 * floor; times are told, but nothing is decided by them.
 */
#ifndef SCONCE_BENCH_MEASURE_H
#define SCONCE_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "stats.h"

struct measure_contestant {
    const char *name;
    int (*op)(void *ctx);         /* one operation; says itself why it failed: not 0 */
    uint64_t (*exits)(void *ctx); /* returns to the host's userspace so far; NULL: not known */
    void *ctx;
    size_t floor; /* the contestant that its ratio is to; its own number for a floor */
};

struct measure_plan {
    unsigned rounds; /* at least 1 */
    unsigned batch;  /* operations of each contestant a round, at least 1 */
};

struct measure_result {
    uint64_t p10_ns; /* these three of all its operations */
    uint64_t median_ns;
    uint64_t p99_ns;
    struct stats_ratio ratio; /* of the medians of each round's batch */
    double ioctls;            /* an operation, counted in a batch that is not timed */
    double exits;             /* the same; negative: not known */
};

/**
 * measure_run - let @count contestants run by @plan.
 * @ret_results: @count of them, in the contestants' order.
 * Returns 0; -1 when an operation failed or memory is short, which has been told on stderr.
 */
int measure_run(const struct measure_contestant *contestants, size_t count,
                const struct measure_plan *plan, struct measure_result *ret_results);

#endif
