/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the instructions of one thread outside of the kernel, one at a time: the processor traps
 * behind each (EFLAGS.TF). A thousand times as slow: for counts, not for times. What repeats itself
 * (rep movs) counts each time round, and a system call with the instruction behind it as one.
 */
#ifndef SCONCE_BENCH_COUNT_STEPS_H
#define SCONCE_BENCH_COUNT_STEPS_H

#include <stdint.h>

/**
 * count_steps - call @fn with @ctx, on this thread. One thread of a process at a time; SIGTRAP is
 * taken meanwhile, and handlers of other signals are not looked into.
 * @ret_result: what @fn returned.
 * Returns how many instructions there were from the call of @fn to its return, both included.
 */
uint64_t count_steps(int (*fn)(void *ctx), void *ctx, int *ret_result);

#endif
