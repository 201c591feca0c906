/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that a backend makes of its guests, as /proc shows them: for tests of backends that
 * do. */
#ifndef SCONCE_TESTS_PROCESSES_H
#define SCONCE_TESTS_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

/** processes_children - of @parent, at most @room of them, however they were made. Those that are
 * dead and not waited for count. */
size_t processes_children(pid_t parent, pid_t *ret_pids, size_t room);

/** processes_zygote - the helper process of @host; 0 when it has none. */
pid_t processes_zygote(pid_t host);

/** processes_open - a pidfd; -1 when the process is gone. */
int processes_open(pid_t pid);

/** processes_await_end - until the process of @pidfd is dead; closes @pidfd, which may be -1. */
void processes_await_end(int pidfd);

/** processes_await_no_children - until @parent has none, of which new ones must not be made. */
void processes_await_no_children(pid_t parent);

#endif
