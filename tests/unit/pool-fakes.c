/* SPDX-License-Identifier: Apache-2.0 */
#include "pool-fakes.h"

#include <stdlib.h>

#include "common/error.h"

struct sconce_sandbox {
    uint32_t state;
};

struct sconce_snapshot {
    int any;
};

struct pool_fakes pool_fakes;

int pool_fakes_reset(void **state)
{
    (void)state;
    atomic_store(&pool_fakes.new_result, 0);
    atomic_store(&pool_fakes.restore_result, 0);
    atomic_store(&pool_fakes.snapshot_result, 0);
    atomic_store(&pool_fakes.made, 0);
    atomic_store(&pool_fakes.restored, 0);
    pool_fakes.look = NULL;
    return 0;
}

static int come_to(atomic_int *result, struct sconce_error *err, const char *what)
{
    int r = atomic_load(result);

    return r < 0 ? sconce_fail(err, r, "the fake cannot %s", what) : 0;
}

int sconce_sandbox_new(struct sconce_guest *guest, const struct sconce_sandbox_options *options,
                       struct sconce_sandbox **ret_sandbox, struct sconce_error *err)
{
    int r = come_to(&pool_fakes.new_result, err, "start");

    (void)guest;
    if (pool_fakes.look)
        pool_fakes.look(options);
    if (r < 0)
        return r;
    *ret_sandbox = calloc(1, sizeof **ret_sandbox);
    if (!*ret_sandbox)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a fake");
    (*ret_sandbox)->state = SCONCE_STATE_READY;
    atomic_fetch_add(&pool_fakes.sandboxes, 1);
    atomic_fetch_add(&pool_fakes.made, 1);
    return 0;
}

void sconce_sandbox_free(struct sconce_sandbox *sandbox)
{
    if (sandbox)
        atomic_fetch_sub(&pool_fakes.sandboxes, 1);
    free(sandbox);
}

uint32_t sconce_sandbox_state(const struct sconce_sandbox *sandbox)
{
    return sandbox->state;
}

int sconce_sandbox_snapshot(struct sconce_sandbox *sandbox, struct sconce_snapshot **ret_snapshot,
                            struct sconce_error *err)
{
    int r = come_to(&pool_fakes.snapshot_result, err, "be copied");

    (void)sandbox;
    if (r < 0)
        return r;
    *ret_snapshot = calloc(1, sizeof **ret_snapshot);
    if (!*ret_snapshot)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a fake");
    atomic_fetch_add(&pool_fakes.snapshots, 1);
    return 0;
}

int sconce_sandbox_restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                           struct sconce_error *err)
{
    (void)sandbox;
    (void)snapshot;
    atomic_fetch_add(&pool_fakes.restored, 1);
    return come_to(&pool_fakes.restore_result, err, "be restored");
}

void sconce_snapshot_free(struct sconce_snapshot *snapshot)
{
    if (snapshot)
        atomic_fetch_sub(&pool_fakes.snapshots, 1);
    free(snapshot);
}
