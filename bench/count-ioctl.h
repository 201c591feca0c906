/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts this process's ioctls, those of the libraries and plugins that it loads included: the
 * program's own ioctl stands in for libc's. The same few instructions for every contestant.
 */
#ifndef SCONCE_BENCH_COUNT_IOCTL_H
#define SCONCE_BENCH_COUNT_IOCTL_H

#include <stdint.h>

/** count_ioctl_total - made so far, by any thread. What goes through syscall(2) is not seen. */
uint64_t count_ioctl_total(void);

#endif
