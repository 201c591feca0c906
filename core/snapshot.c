/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots in memory, made. How they get back into a sandbox is restore.c's. */
#include <stdatomic.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/process.h"
#include "core/sandbox.h"
#include "core/snapshot.h"

void sconce_snapshot_free(struct sconce_snapshot *snapshot)
{
    if (!snapshot || snapshot->process != sconce_process_id())
        return;
    sconce_baseline_fini(&snapshot->baseline);
    sconce_personality_state_fini(&snapshot->system);
    sconce_guest_unref(snapshot->guest);
    free(snapshot);
}

static void cleanup_snapshot(struct sconce_snapshot *const *snapshot)
{
    sconce_snapshot_free(*snapshot);
}

static uint64_t new_id(void)
{
    static _Atomic uint64_t last;

    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* A snapshot has no call buffers: what lies in OUT is not to come back. IN knows that itself. */
static void mark_out(struct sconce_sandbox *sandbox)
{
    const struct sconce_region *out = &sandbox->layout.out;

    for (size_t i = 0; i < sandbox->touched.count; i++) {
        const struct sconce_stretch *at = &sandbox->touched.at[i];
        uint64_t start = at->start > out->offset ? at->start : out->offset;
        uint64_t end = at->end < out->offset + out->bytes ? at->end : out->offset + out->bytes;

        if (start < end)
            sconce_arena_wrote(&sandbox->arena, start, end - start);
    }
}

static int take(struct sconce_sandbox *sandbox, struct sconce_snapshot **ret_snapshot,
                struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_snapshot) struct sconce_snapshot *snapshot = NULL;
    int r;

    if (sconce_sandbox_state(sandbox) != SCONCE_STATE_READY)
        return sconce_fail(err, SCONCE_E_STATE, "only a ready sandbox can be copied");
    if (!sandbox->resume.pc)
        return sconce_fail(err, SCONCE_E_STATE, "guest %s does not say where it can be resumed",
                           sandbox->guest->image->name);
    snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a snapshot");
    snapshot->baseline = (struct sconce_baseline)SCONCE_BASELINE_EMPTY;
    snapshot->process = sandbox->process;
    snapshot->guest = sconce_guest_ref(sandbox->guest);
    snapshot->layout = sandbox->layout;
    snapshot->resume = sandbox->resume;
    snapshot->fault_handler = sandbox->fault_handler;
    r = sconce_personality_state_reserve(&snapshot->system, &sandbox->personality.state, err);
    if (r < 0)
        return r;
    sconce_personality_state_copy(&snapshot->system, &sandbox->personality.state);
    r = sconce_arena_survey(&sandbox->arena, &sandbox->touched, err);
    if (!r)
        r = sconce_baseline_take(&snapshot->baseline, &sandbox->layout, &sandbox->arena,
                                 &sandbox->touched, err);
    if (r < 0)
        return r;
    snapshot->id = new_id();
    sconce_snapshot_track(snapshot, sandbox);
    mark_out(sandbox);
    *ret_snapshot = SCONCE_STEAL(snapshot);
    return 0;
}

int sconce_sandbox_snapshot(struct sconce_sandbox *sandbox, struct sconce_snapshot **ret_snapshot,
                            struct sconce_error *err)
{
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    r = take(sandbox, ret_snapshot, err);
    sconce_sandbox_release(sandbox);
    return r;
}
