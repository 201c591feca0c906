/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "count-ioctl.h"

struct run {
    const struct measure_contestant *contestants;
    size_t count;
    const struct measure_plan *plan;
    uint64_t *times_ns;   /* [contestant][round][op] */
    uint64_t *scratch_ns; /* one batch */
    uint64_t *medians_ns; /* [contestant][round] */
    double *ratios;       /* one contestant's, [round] */
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int fail(const struct measure_contestant *contestant)
{
    fprintf(stderr, "bench: %s failed: nothing was measured\n", contestant->name);
    return -1;
}

static uint64_t *times_of(const struct run *run, size_t contestant)
{
    return run->times_ns + contestant * run->plan->rounds * run->plan->batch;
}

static int run_batch(const struct run *run, size_t i, unsigned round)
{
    const struct measure_contestant *contestant = &run->contestants[i];
    unsigned batch = run->plan->batch;
    uint64_t *times_ns = times_of(run, i) + (size_t)round * batch;

    for (unsigned op = 0; op < batch; op++) {
        uint64_t start_ns = now_ns();

        if (contestant->op(contestant->ctx) != 0)
            return fail(contestant);
        times_ns[op] = now_ns() - start_ns;
    }
    memcpy(run->scratch_ns, times_ns, batch * sizeof *times_ns);
    stats_sort(run->scratch_ns, batch);
    run->medians_ns[i * run->plan->rounds + round] = stats_percentile(run->scratch_ns, batch, 50);
    return 0;
}

/* A batch that nobody times: warms up, and is what the counts are taken from. */
static int count_batch(const struct run *run, size_t i, struct measure_result *result)
{
    const struct measure_contestant *contestant = &run->contestants[i];
    uint64_t ioctls = count_ioctl_total(), exits = 0;
    double batch = run->plan->batch;

    if (contestant->exits)
        exits = contestant->exits(contestant->ctx);
    for (unsigned op = 0; op < run->plan->batch; op++)
        if (contestant->op(contestant->ctx) != 0)
            return fail(contestant);
    result->ioctls = (double)(count_ioctl_total() - ioctls) / batch;
    result->exits =
        contestant->exits ? (double)(contestant->exits(contestant->ctx) - exits) / batch : -1;
    return 0;
}

static void conclude(const struct run *run, size_t i, struct measure_result *result)
{
    size_t rounds = run->plan->rounds, ops = rounds * run->plan->batch;
    const uint64_t *own_ns = run->medians_ns + i * rounds;
    const uint64_t *floor_ns = run->medians_ns + run->contestants[i].floor * rounds;
    uint64_t *times_ns = times_of(run, i);

    stats_sort(times_ns, ops);
    result->p10_ns = stats_percentile(times_ns, ops, 10);
    result->median_ns = stats_percentile(times_ns, ops, 50);
    result->p99_ns = stats_percentile(times_ns, ops, 99);
    for (size_t round = 0; round < rounds; round++)
        run->ratios[round] =
            (double)own_ns[round] / (double)(floor_ns[round] ? floor_ns[round] : 1);
    result->ratio = stats_ratios(run->ratios, rounds);
}

static int run_rounds(const struct run *run, struct measure_result *results)
{
    for (size_t i = 0; i < run->count; i++)
        if (count_batch(run, i, &results[i]) < 0)
            return -1;
    /* Each round begins with another one: nobody always follows the same neighbour. */
    for (unsigned round = 0; round < run->plan->rounds; round++)
        for (size_t turn = 0; turn < run->count; turn++)
            if (run_batch(run, (round + turn) % run->count, round) < 0)
                return -1;
    for (size_t i = 0; i < run->count; i++)
        conclude(run, i, &results[i]);
    return 0;
}

int measure_run(const struct measure_contestant *contestants, size_t count,
                const struct measure_plan *plan, struct measure_result *ret_results)
{
    size_t batches = count * plan->rounds;
    struct run run = {
        .contestants = contestants,
        .count = count,
        .plan = plan,
        .times_ns = calloc(batches, plan->batch * sizeof *run.times_ns),
        .scratch_ns = calloc(plan->batch, sizeof *run.scratch_ns),
        .medians_ns = calloc(batches, sizeof *run.medians_ns),
        .ratios = calloc(plan->rounds, sizeof *run.ratios),
    };
    int r = -1;

    if (run.times_ns && run.scratch_ns && run.medians_ns && run.ratios)
        r = run_rounds(&run, ret_results);
    else
        fprintf(stderr, "bench: no memory for %u rounds of %u\n", plan->rounds, plan->batch);
    free(run.times_ns);
    free(run.scratch_ns);
    free(run.medians_ns);
    free(run.ratios);
    return r;
}
