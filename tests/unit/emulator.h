/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What qemu-user, which runs the tests of cross builds, does not do as Linux does. Its place is
 * taken by the lab (docs/testing.md), which boots a kernel.
 */
#ifndef SCONCE_TESTS_UNIT_EMULATOR_H
#define SCONCE_TESTS_UNIT_EMULATOR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* MADV_WIPEONFORK is answered with success and forgotten, so that a child takes itself for its
 * parent; and threads that are started in a child of several threads may hang. */
#define EMULATOR_FORK "qemu-user does not empty pages in a forked child (MADV_WIPEONFORK)"
/* A signal that comes at the edge of a system call can be lost, or end the emulator. */
#define EMULATOR_SIGNALS "qemu-user loses signals that race system calls"
/* A limit of address space or data would be the emulator's own. */
#define EMULATOR_LIMITS "qemu-user takes no limit of memory (RLIMIT_DATA)"

/* Says why, when it is true: then skip() the test, or exit with 77. */
static inline bool under_emulator(const char *why)
{
    if (!getenv("SCONCE_TEST_EMULATOR"))
        return false;
    printf("skipped: %s\n", why);
    return true;
}

#endif
