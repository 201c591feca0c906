/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the library's own, in a program that need not know of them. */
#ifndef SCONCE_COMMON_THREAD_H
#define SCONCE_COMMON_THREAD_H

#include <pthread.h>

/**
 * sconce_thread_start - start a thread that takes no signal of the program's: all are blocked but
 * those of faults in the thread itself, which go to the program's handlers as from any other. The
 * kick signal is unblocked by the thread's first run.
 * @name: at most 15 bytes; shows in /proc. Returns 0, or an errno.
 */
int sconce_thread_start(pthread_t *ret_thread, const char *name, void *(*work)(void *ctx),
                        void *ctx);

#endif
