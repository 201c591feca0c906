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

struct sconce_snapshot *sconce_snapshot_new(struct sconce_guest *guest, struct sconce_error *err)
{
    static _Atomic uint64_t last_id;
    struct sconce_snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (!snapshot) {
        sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a snapshot");
        return NULL;
    }
    snapshot->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    snapshot->baseline = (struct sconce_baseline)SCONCE_BASELINE_EMPTY;
    snapshot->process = guest->process;
    snapshot->guest = sconce_guest_ref(guest);
    return snapshot;
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
    r = sconce_sandbox_park(sandbox, true, err);
    if (r < 0)
        return r;
    snapshot = sconce_snapshot_new(sandbox->guest, err);
    if (!snapshot)
        return SCONCE_E_NO_MEMORY;
    snapshot->layout = sandbox->layout;
    sconce_layout_drop_window(&snapshot->layout); /* what is attached is no state of the guest's */
    snapshot->resume = sandbox->resume;
    snapshot->fault_handler = sandbox->fault_handler;
    snapshot->generation = sandbox->generation;
    r = sconce_personality_state_reserve(&snapshot->system, &sandbox->personality.state, err);
    if (r < 0)
        return r;
    sconce_personality_state_copy(&snapshot->system, &sandbox->personality.state);
    sandbox->wrote_touched = false;
    r = sconce_arena_survey(&sandbox->arena, sconce_layout_own_bytes(&sandbox->layout),
                            &sandbox->touched, err);
    if (!r)
        r = sconce_baseline_take(&snapshot->baseline, &sandbox->layout, &sandbox->arena,
                                 &sandbox->touched, err);
    if (r < 0)
        return r;
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

void sconce_snapshot_limits(const struct sconce_snapshot *snapshot, struct sconce_limits *limits)
{
    limits->heap_bytes = snapshot->layout.heap.bytes;
    limits->stack_bytes = snapshot->layout.stack.bytes;
    limits->io_bytes = snapshot->layout.in.bytes;
}
