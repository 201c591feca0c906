/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes as /proc shows them; and a guest that runs while the test looks. */
#ifndef SCONCE_PLUGINS_PROCESS_TESTS_PROC_H
#define SCONCE_PLUGINS_PROCESS_TESTS_PROC_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "plugins/shared/process/tests/guests.h"

/** proc_children - how many children of that name @parent has; the first few of them. */
size_t proc_children(pid_t parent, const char *comm, pid_t *ret_pids, size_t room);

/** proc_only_child - the one child of that name; fails the test when there is another number. */
pid_t proc_only_child(pid_t parent, const char *comm);

/** proc_text - /proc/PID/NAME whole. Skips the test, with a line why, when this user may not read
 * it: another process that cannot be dumped is root's to look at. */
const char *proc_text(pid_t pid, const char *name);

/** proc_value - what follows "KEY:" in /proc/PID/status. */
void proc_value(pid_t pid, const char *key, char *ret_value, size_t room);

/** proc_link - what /proc/PID/NAME points to; skips as proc_text. */
void proc_link(pid_t pid, const char *name, char *ret_target, size_t room);

/** proc_entries - how many names /proc/PID/NAME has; skips as proc_text. */
unsigned proc_entries(pid_t pid, const char *name);

int proc_pidfd(pid_t pid);
bool proc_is_gone(int pidfd);
void proc_await_end(int pidfd);

/* A guest in an endless loop, run by a thread of its own. */
struct spinner {
    struct fake_guest guest;
    pthread_t thread;
    atomic_bool ended;
    uint32_t kind; /* of the exit that ended it */
};

/* Returns when the guest has begun to spin. */
void spinner_start(struct spinner *spinner);
/* Kicks it until it has ended. */
void spinner_stop(struct spinner *spinner);

#endif
