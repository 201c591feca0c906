/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "count-ioctl.h"
#include "count-steps.h"
#include "count-syscalls.h"

#define STEPPED 3u       /* operations whose instructions are counted */
#define MOST_COUNTED 20u /* operations whose system calls are counted */

struct run {
    const struct measure_contestant *contestants;
    size_t count;
    const struct measure_plan *plan;
    uint64_t *values;  /* [contestant][round][op] */
    uint64_t *scratch; /* one batch */
    uint64_t *medians; /* [contestant][round] */
    double *ratios;    /* one contestant's, [round] */
};

uint64_t measure_now_ns(void)
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

static uint64_t *values_of(const struct run *run, size_t contestant)
{
    return run->values + contestant * run->plan->rounds * run->plan->batch;
}

static int hook(int (*fn)(void *ctx), void *ctx)
{
    return fn ? fn(ctx) : 0;
}

static int run_op(const struct measure_contestant *contestant, uint64_t *ret_value)
{
    uint64_t start_ns, end_ns;

    if (hook(contestant->before, contestant->ctx) != 0)
        return fail(contestant);
    start_ns = measure_now_ns();
    if (contestant->op(contestant->ctx) != 0)
        return fail(contestant);
    end_ns = measure_now_ns();
    *ret_value = contestant->value ? contestant->value(contestant->ctx) : end_ns - start_ns;
    return hook(contestant->after, contestant->ctx) == 0 ? 0 : fail(contestant);
}

static int run_batch(const struct run *run, size_t i, unsigned round)
{
    unsigned batch = run->plan->batch;
    uint64_t *values = values_of(run, i) + (size_t)round * batch;

    for (unsigned op = 0; op < batch; op++)
        if (run_op(&run->contestants[i], &values[op]) < 0)
            return -1;
    memcpy(run->scratch, values, batch * sizeof *values);
    stats_sort(run->scratch, batch);
    run->medians[i * run->plan->rounds + round] = stats_percentile(run->scratch, batch, 50);
    return 0;
}

/* A batch that nobody times: warms up, and is what the counts are taken from. */
static int count_batch(const struct run *run, size_t i, struct measure_result *result)
{
    const struct measure_contestant *contestant = &run->contestants[i];
    uint64_t ioctls = 0, exits = 0;
    double batch = run->plan->batch;

    for (unsigned op = 0; op < run->plan->batch; op++) {
        if (hook(contestant->before, contestant->ctx) != 0)
            return fail(contestant);
        ioctls -= count_ioctl_total();
        exits -= contestant->exits ? contestant->exits(contestant->ctx) : 0;
        if (contestant->op(contestant->ctx) != 0)
            return fail(contestant);
        ioctls += count_ioctl_total();
        exits += contestant->exits ? contestant->exits(contestant->ctx) : 0;
        if (hook(contestant->after, contestant->ctx) != 0)
            return fail(contestant);
    }
    result->ioctls = (double)ioctls / batch;
    result->exits = contestant->exits ? (double)exits / batch : -1;
    return 0;
}

/* Another one: how they are counted makes system calls itself. */
static int count_syscalls(const struct run *run, size_t i, struct measure_result *result)
{
    const struct measure_contestant *contestant = &run->contestants[i];
    unsigned ops = run->plan->batch < MOST_COUNTED ? run->plan->batch : MOST_COUNTED;
    uint64_t total = 0;
    bool known = true;

    for (unsigned op = 0; op < ops; op++) {
        bool whole = false, counts;
        int r;

        if (hook(contestant->before, contestant->ctx) != 0)
            return fail(contestant);
        counts = count_syscalls_begin();
        r = contestant->op(contestant->ctx);
        if (counts)
            total += count_syscalls_end(&whole);
        known = known && whole;
        if (r != 0 || hook(contestant->after, contestant->ctx) != 0)
            return fail(contestant);
    }
    result->syscalls = known ? (double)total / ops : -1;
    return 0;
}

static int count_instructions(const struct run *run, size_t i, struct measure_result *result)
{
    const struct measure_contestant *contestant = &run->contestants[i];
    uint64_t total = 0;
    int r;

    result->instructions = -1;
    if (!run->plan->steps)
        return 0;
    for (unsigned op = 0; op < STEPPED; op++) {
        if (hook(contestant->before, contestant->ctx) != 0)
            return fail(contestant);
        total += count_steps(contestant->op, contestant->ctx, &r);
        if (r != 0 || hook(contestant->after, contestant->ctx) != 0)
            return fail(contestant);
    }
    result->instructions = (double)total / STEPPED;
    return 0;
}

static int count(const struct run *run, size_t i, struct measure_result *result)
{
    if (count_batch(run, i, result) < 0 || count_syscalls(run, i, result) < 0)
        return -1;
    return count_instructions(run, i, result);
}

static void conclude(const struct run *run, size_t i, struct measure_result *result)
{
    size_t rounds = run->plan->rounds, ops = rounds * run->plan->batch;
    const uint64_t *own = run->medians + i * rounds, *floor = run->medians;
    uint64_t *values = values_of(run, i);

    stats_sort(values, ops);
    result->least = values[0];
    result->p10 = stats_percentile(values, ops, 10);
    result->median = stats_percentile(values, ops, 50);
    result->p99 = stats_percentile(values, ops, 99);
    for (size_t round = 0; round < rounds; round++)
        run->ratios[round] = (double)own[round] / (double)(floor[round] ? floor[round] : 1);
    result->ratio = stats_ratios(run->ratios, rounds);
}

static int run_rounds(const struct run *run, struct measure_result *results)
{
    for (size_t i = 0; i < run->count; i++)
        if (count(run, i, &results[i]) < 0)
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
        .values = calloc(batches, plan->batch * sizeof *run.values),
        .scratch = calloc(plan->batch, sizeof *run.scratch),
        .medians = calloc(batches, sizeof *run.medians),
        .ratios = calloc(plan->rounds, sizeof *run.ratios),
    };
    int r = -1;

    if (run.values && run.scratch && run.medians && run.ratios)
        r = run_rounds(&run, ret_results);
    else
        fprintf(stderr, "bench: no memory for %u rounds of %u\n", plan->rounds, plan->batch);
    free(run.values);
    free(run.scratch);
    free(run.medians);
    free(run.ratios);
    return r;
}
