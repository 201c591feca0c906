/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots in memory: the STATE (baseline.c), where to resume, and what system calls have changed
 * on the host's side. Registers are in none: a guest at READY relies on PC, SP and TLS alone.
 */
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/process.h"
#include "core/baseline.h"
#include "core/sandbox.h"

struct sconce_snapshot {
    uint32_t process;
    struct sconce_guest *guest;
    struct sconce_layout layout;
    struct sconce_resume resume;
    struct sconce_personality_state system; /* what system calls have changed */
    struct sconce_fault_handler fault_handler;
    struct sconce_baseline baseline;
};

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
    if (!r)
        *ret_snapshot = SCONCE_STEAL(snapshot);
    return r;
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

static int check_restore(const struct sconce_sandbox *sandbox,
                         const struct sconce_snapshot *snapshot, struct sconce_error *err)
{
    uint32_t state = sconce_sandbox_state(sandbox);
    int r = sconce_check_process(snapshot->process, err);

    if (r < 0)
        return r;
    if (state != SCONCE_STATE_READY && state != SCONCE_STATE_POISONED)
        return sconce_fail_hint(err, SCONCE_E_STATE, "free it and make another",
                                "the sandbox is dead: its backend failed");
    if (snapshot->guest != sandbox->guest)
        return sconce_fail(err, SCONCE_E_INVALID,
                           "the snapshot is of guest %s, the sandbox of another (%s)",
                           snapshot->guest->image->name, sandbox->guest->image->name);
    if (!sconce_layout_same_state(&snapshot->layout, &sandbox->layout))
        return sconce_fail_hint(err, SCONCE_E_INVALID,
                                "use the same heap, stack and buffer sizes for both",
                                "the snapshot is of a sandbox with other memory limits");
    return 0;
}

/* Back into a vCPU that was reset. */
static int enter_again(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                       struct sconce_error *err)
{
    int r;

    sandbox->generation++;
    sandbox->resume = snapshot->resume;
    sconce_personality_state_copy(&sandbox->personality.state, &snapshot->system);
    sandbox->fault_handler = snapshot->fault_handler;
    r = sconce_sandbox_write_boot(sandbox, err);
    if (!r)
        r = sconce_sandbox_enter(sandbox, &snapshot->resume, err);
    sandbox->stats.restores++;
    return r;
}

static int restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                   struct sconce_error *err)
{
    int r = sconce_vm_reset(&sandbox->vm, err);

    if (r < 0) {
        sconce_sandbox_set_state(sandbox, SCONCE_STATE_DEAD);
        return r;
    }
    /* Nothing of the guest is left that could write; nothing was written back yet. */
    sconce_sandbox_set_state(sandbox, SCONCE_STATE_POISONED);
    r = sconce_arena_survey(&sandbox->arena, &sandbox->touched, err);
    if (r < 0)
        return r;
    sconce_baseline_put(&snapshot->baseline, &sandbox->layout, &sandbox->arena, &sandbox->touched);
    r = enter_again(sandbox, snapshot, err);
    /* A guest that asked to be resumed where no guest can be hurts its own snapshot only. */
    if (r != SCONCE_E_GUEST_PROTOCOL)
        sconce_sandbox_set_state(sandbox, r ? SCONCE_STATE_DEAD : SCONCE_STATE_READY);
    return r;
}

int sconce_sandbox_restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                           struct sconce_error *err)
{
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    r = check_restore(sandbox, snapshot, err);
    if (!r)
        r = sconce_personality_state_reserve(&sandbox->personality.state, &snapshot->system, err);
    if (!r)
        r = restore(sandbox, snapshot, err);
    sconce_sandbox_release(sandbox);
    return r;
}
