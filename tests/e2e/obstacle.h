/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that lack something, played by this one: a process puts itself into such a condition,
 * and stays in it over exec. For children that the test forks.
 */
#ifndef SCONCE_TESTS_OBSTACLE_H
#define SCONCE_TESTS_OBSTACLE_H

#include <stdint.h>

/* How the argument of a refused call looks. */
enum obstacle_match { OBSTACLE_ALWAYS, OBSTACLE_EQUALS, OBSTACLE_HAS_BITS };

/* A system call that is answered with an errno. */
struct obstacle_call {
    int number; /* SYS_* */
    int error;
    enum obstacle_match match;
    uint32_t argument; /* which: 0 to 5; its low half is looked at */
    uint32_t value;
};

/** obstacle_refuse - from now on. Returns 0, or -1 with errno set, as all here do. */
int obstacle_refuse(const struct obstacle_call *call);

/** obstacle_listen - have a seccomp filter with a listener, as some containers put around theirs.
 * It allows everything. */
int obstacle_listen(void);

/** obstacle_no_processes - be somebody who may not have one process more. */
int obstacle_no_processes(void);

/** obstacle_no_executable_memfds - be the first process of a pid namespace with
 * vm.memfd_noexec = 2. Only root can; ENOENT where kernels have no such setting. The process that
 * called this waits and ends as the new one does. */
int obstacle_no_executable_memfds(void);

#endif
