/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts all system calls of one thread, wherever in the process they are made: the kernel hands
 * each to a handler (syscall user dispatch, Linux 5.11), which makes it. Several times as slow: for
 * counts, not for times. Other signals' handlers must not block SIGSYS; those that run while a
 * system call is being made are not looked into.
 */
#ifndef SCONCE_BENCH_COUNT_SYSCALLS_H
#define SCONCE_BENCH_COUNT_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

/** count_syscalls_begin - of the calling thread, from 0. One thread of a process at a time. Returns
 * false when the kernel cannot. */
bool count_syscalls_begin(void);

/**
 * count_syscalls_end - behind a begin that returned true.
 * Returns how many were made since. A call that starts a thread or a process ends the count: false
 * in @ret_whole then.
 */
uint64_t count_syscalls_end(bool *ret_whole);

#endif
