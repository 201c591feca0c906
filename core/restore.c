/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots, put back. A restore scrubs the vCPU and enters it again; a rewind leaves it at its
 * READY doorbell, behind which the guest finds out (sconce-guest-abi.h, rewound_sp).
 */
#include <inttypes.h>
#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/overflow.h"
#include "common/process.h"
#include "core/sandbox.h"
#include "core/snapshot.h"
#include "core/window.h"

/* Since that guest ABI a guest looks behind READY whether it was rewound. */
#define REWIND_ABI 2u

/* What was written may be a bit a page, read for each restore: of a larger sandbox it takes longer
 * to read than all that was ever touched takes to find. */
#define TRACKED_MOST (8ull << 30)

/* May what @snapshot holds go into @sandbox, whatever state that is in? */
SCONCE_HOT static int check_fits(const struct sconce_sandbox *sandbox,
                                 const struct sconce_snapshot *snapshot, struct sconce_error *err)
{
    int r = sconce_check_process(snapshot->process, err);

    if (r < 0)
        return r;
    if (snapshot->guest != sandbox->guest)
        return sconce_fail_hint(err, SCONCE_E_INVALID,
                                "make the sandbox of the guest that the snapshot was taken of, or "
                                "that was opened with it: the same file, loaded again, is another",
                                "the snapshot is of guest %s, the sandbox of another (%s)",
                                snapshot->guest->image->name, sandbox->guest->image->name);
    if (sandbox->based_on != snapshot->id &&
        !sconce_layout_same_state(&snapshot->layout, &sandbox->layout))
        return sconce_fail_hint(err, SCONCE_E_INVALID,
                                "use the same heap, stack and buffer sizes for both",
                                "the snapshot is of a sandbox with other memory limits");
    return 0;
}

SCONCE_HOT static int check_restore(const struct sconce_sandbox *sandbox,
                                    const struct sconce_snapshot *snapshot,
                                    struct sconce_error *err)
{
    uint32_t state = sconce_sandbox_state(sandbox);
    int r = sconce_check_process(snapshot->process, err);

    if (r < 0)
        return r;
    if (state != SCONCE_STATE_READY && state != SCONCE_STATE_POISONED)
        return sconce_fail_hint(err, SCONCE_E_STATE, "free it and make another",
                                "the sandbox is dead: its backend failed");
    return check_fits(sandbox, snapshot, err);
}

/* All but memory. The guest compares generations: it must see one that it has not seen, whichever
 * sandbox the snapshot is from. There is room for the personality's state. */
SCONCE_HOT static void take_books(struct sconce_sandbox *sandbox,
                                  const struct sconce_snapshot *snapshot)
{
    if (sandbox->generation < snapshot->generation)
        sandbox->generation = snapshot->generation;
    sandbox->generation++;
    sandbox->resume = snapshot->resume;
    sconce_personality_state_copy(&sandbox->personality.state, &snapshot->system);
    sandbox->fault_handler = snapshot->fault_handler;
}

/* A backend that sees memory otherwise than by the host's page tables would not see what is private
 * there, or go on seeing what was dropped. */
static int share(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                 struct sconce_error *err)
{
    const uint64_t needed = SCONCE_CAP_COW_CLONE | SCONCE_CAP_FOLLOWS_HOST_MM;

    if ((sandbox->guest->backend->probe.caps & needed) != needed)
        return 0;
    sandbox->shows = snapshot->id;
    return sconce_baseline_share(&snapshot->baseline, &sandbox->arena, err);
}

int sconce_snapshot_start(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                          struct sconce_error *err)
{
    const struct sconce_stretches none = {0};
    int r = check_fits(sandbox, snapshot, err);

    if (!r)
        r = sconce_personality_state_reserve(&sandbox->personality.state, &snapshot->system, err);
    if (!r)
        r = share(sandbox, snapshot, err);
    if (r < 0)
        return r;
    sconce_baseline_put(&snapshot->baseline, &sandbox->layout, &sandbox->arena, &none, true);
    take_books(sandbox, snapshot);
    return 0;
}

void sconce_snapshot_track(const struct sconce_snapshot *snapshot, struct sconce_sandbox *sandbox)
{
    struct sconce_page_set *written = &sandbox->arena.written;
    uint64_t bytes = sconce_layout_own_bytes(&sandbox->layout);

    sandbox->based_on = 0;
    if (!sandbox->guest->backend->dirty.size || bytes > TRACKED_MOST ||
        (!written->words && !sconce_page_set_init(written, bytes)))
        return;
    sconce_page_set_clear(written);
    if (sconce_vm_track(&sandbox->vm))
        sandbox->based_on = snapshot->id;
}

/* What a guest has written is put back as its backend tells of it. */
struct putting {
    struct sconce_sandbox *sandbox;
    const struct sconce_baseline *baseline;
};

SCONCE_HOT static void guest_wrote(void *ctx, uint64_t gpa, uint64_t bytes)
{
    const struct putting *putting = ctx;
    const struct sconce_layout *layout = &putting->sandbox->layout;
    uint64_t end, from, to;

    if (!sconce_add_u64(gpa, bytes, &end))
        end = UINT64_MAX;
    for (uint32_t i = 0; i < layout->region_count; i++)
        if (sconce_layout_own(&layout->regions[i], gpa, end, &from, &to))
            sconce_baseline_put_range(putting->baseline, layout->regions[i].role,
                                      &putting->sandbox->arena, from, to);
}

/* Only what was written since memory was the snapshot's, if that is known. */
SCONCE_HOT static bool put_written_back(struct sconce_sandbox *sandbox,
                                        const struct sconce_snapshot *snapshot)
{
    struct putting putting = {sandbox, &snapshot->baseline};

    if (sandbox->based_on != snapshot->id ||
        !sconce_vm_written(&sandbox->vm, guest_wrote, &putting))
        return false;
    sconce_baseline_put_back(&snapshot->baseline, &sandbox->layout, &sandbox->arena);
    sconce_page_set_clear(&sandbox->arena.written);
    return true;
}

SCONCE_HOT static int put_memory_back(struct sconce_sandbox *sandbox,
                                      const struct sconce_snapshot *snapshot,
                                      struct sconce_error *err)
{
    bool shown;
    int r;

    memset(sandbox->in.host, 0, sandbox->in.used);
    sandbox->in.used = 0;
    sconce_window_empty(sandbox);
    if (put_written_back(sandbox, snapshot))
        return 0;
    sandbox->based_on = 0;
    if (!sandbox->wrote_touched || !sconce_arena_holds_just(&sandbox->arena, &sandbox->touched)) {
        sandbox->wrote_touched = false;
        r = sconce_arena_survey(&sandbox->arena, sconce_layout_own_bytes(&sandbox->layout),
                                &sandbox->touched, err);
        if (r < 0)
            return r;
    }
    shown = sandbox->shows == snapshot->id && sconce_arena_drop(&sandbox->arena);
    sconce_baseline_put(&snapshot->baseline, &sandbox->layout, &sandbox->arena, &sandbox->touched,
                        shown);
    sandbox->wrote_touched = sconce_baseline_puts_all(&sandbox->layout, &sandbox->touched);
    sconce_snapshot_track(snapshot, sandbox);
    return 0;
}

/* For those who want to see it. A page that did not come back is the fault of whoever was to tell
 * that it was written. */
static int verify(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                  struct sconce_error *err)
{
    struct sconce_stretches all = {0};
    uint64_t offset;
    int r = sconce_arena_survey(&sandbox->arena, sandbox->arena.bytes, &all, err);

    if (!r && sconce_baseline_differs(&snapshot->baseline, &sandbox->layout, &sandbox->arena, &all,
                                      &offset))
        r = sconce_fail(err, SCONCE_E_BACKEND,
                        "%s: a restored sandbox differs from its snapshot at offset 0x%" PRIx64
                        " of its memory",
                        sandbox->guest->backend->name, offset);
    sconce_stretches_fini(&all);
    return r;
}

/* Memory, and what the host keeps of the guest. On failure the sandbox is POISONED, or DEAD. */
SCONCE_HOT static int put_back(struct sconce_sandbox *sandbox,
                               const struct sconce_snapshot *snapshot, uint64_t rewound_sp,
                               struct sconce_error *err)
{
    int r = put_memory_back(sandbox, snapshot, err);

    if (!r && sandbox->guest->runtime->settings->verify_restores)
        r = verify(sandbox, snapshot, err);
    if (r == SCONCE_E_BACKEND)
        sconce_sandbox_set_state(sandbox, SCONCE_STATE_DEAD);
    if (r < 0)
        return r;
    take_books(sandbox, snapshot);
    sconce_boot_renew(sandbox, rewound_sp);
    return 0;
}

SCONCE_HOT static int restore(struct sconce_sandbox *sandbox,
                              const struct sconce_snapshot *snapshot, struct sconce_error *err)
{
    int r = sconce_vm_reset(&sandbox->vm, err);

    if (r < 0) {
        sconce_sandbox_set_state(sandbox, SCONCE_STATE_DEAD);
        return r;
    }
    /* Nothing of the guest is left that could write; nothing was written back yet. */
    sconce_sandbox_set_state(sandbox, SCONCE_STATE_POISONED);
    r = put_back(sandbox, snapshot, 0, err);
    if (r < 0)
        return r;
    sandbox->stats.restores++;
    r = sconce_sandbox_enter(sandbox, &snapshot->resume, err);
    /* A guest that asked to be resumed where no guest can be hurts its own snapshot only. */
    if (r != SCONCE_E_GUEST_PROTOCOL)
        sconce_sandbox_set_state(sandbox, r ? SCONCE_STATE_DEAD : SCONCE_STATE_READY);
    return r;
}

/* Of one that is POISONED nobody knows where it stands. One that was restored stands where that
 * snapshot wants it, before any doorbell; one that moved its thread pointer has to get it back. */
SCONCE_HOT static bool can_rewind(const struct sconce_sandbox *sandbox,
                                  const struct sconce_snapshot *snapshot)
{
    return sconce_sandbox_state(sandbox) == SCONCE_STATE_READY &&
           sandbox->guest->image->abi >= REWIND_ABI && snapshot->resume.sp &&
           sandbox->resume.pc == snapshot->resume.pc && sandbox->resume.sp == snapshot->resume.sp &&
           sandbox->resume.tls == snapshot->resume.tls;
}

SCONCE_HOT static int rewind_ready(struct sconce_sandbox *sandbox,
                                   const struct sconce_snapshot *snapshot, struct sconce_error *err)
{
    int r;

    sconce_sandbox_set_state(sandbox, SCONCE_STATE_POISONED);
    r = put_back(sandbox, snapshot, snapshot->resume.sp, err);
    if (r < 0)
        return r;
    sandbox->stats.restores++;
    sandbox->stats.rewinds++;
    sconce_sandbox_set_state(sandbox, SCONCE_STATE_READY);
    return 0;
}

/* A guest that would not rest where it should is POISONED now, and can be restored as any. */
SCONCE_HOT static int come_to_rest(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    int r = 0;

    if (sconce_sandbox_state(sandbox) == SCONCE_STATE_READY)
        r = sconce_sandbox_park(sandbox, false, err);
    sconce_exitless_stop(sandbox->exitless);
    return r == SCONCE_E_GUEST_PROTOCOL ? 0 : r;
}

SCONCE_HOT static int back_to(struct sconce_sandbox *sandbox,
                              const struct sconce_snapshot *snapshot, bool scrubbed,
                              struct sconce_error *err)
{
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    r = check_restore(sandbox, snapshot, err);
    if (!r)
        r = sconce_personality_state_reserve(&sandbox->personality.state, &snapshot->system, err);
    if (!r)
        r = come_to_rest(sandbox, err);
    if (!r)
        r = scrubbed || !can_rewind(sandbox, snapshot) ? restore(sandbox, snapshot, err)
                                                       : rewind_ready(sandbox, snapshot, err);
    sconce_sandbox_release(sandbox);
    return r;
}

SCONCE_HOT int sconce_sandbox_restore(struct sconce_sandbox *sandbox,
                                      const struct sconce_snapshot *snapshot,
                                      struct sconce_error *err)
{
    return back_to(sandbox, snapshot, true, err);
}

SCONCE_HOT int sconce_sandbox_rewind(struct sconce_sandbox *sandbox,
                                     const struct sconce_snapshot *snapshot,
                                     struct sconce_error *err)
{
    return back_to(sandbox, snapshot, false, err);
}
