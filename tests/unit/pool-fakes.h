/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes and snapshots that are numbers, in the place of the core: a pool knows no more of them
 * than <sconce/sconce.h> says. */
#ifndef SCONCE_TESTS_POOL_FAKES_H
#define SCONCE_TESTS_POOL_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sconce/sconce.h>

/* What the next calls come to, and what there is. */
struct pool_fakes {
    atomic_int new_result, restore_result, snapshot_result;
    atomic_int sandboxes, snapshots; /* alive */
    atomic_uint made, restored;
    /* Called with the options of each sandbox that is made, when not NULL. */
    void (*look)(const struct sconce_sandbox_options *options);
};

extern struct pool_fakes pool_fakes;

/** pool_fakes_reset - for a cmocka set-up. */
int pool_fakes_reset(void **state);

#endif
