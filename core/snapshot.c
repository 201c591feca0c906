/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots in memory, by whole copy: every populated page of STATE, and where to resume. Registers
 * are in none: a guest at READY relies on PC, SP and TLS alone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/process.h"
#include "core/sandbox.h"

/* Pages [offset, offset + bytes) of the arena; whatever no extent covers was zero. */
struct extent {
    uint64_t offset;
    uint64_t bytes;
    uint8_t *data;
};

struct sconce_snapshot {
    uint32_t process;
    struct sconce_guest *guest;
    struct sconce_layout layout;
    struct sconce_resume resume;
    struct extent *extents;
    uint32_t extent_count;
};

void sconce_snapshot_free(struct sconce_snapshot *snapshot)
{
    if (!snapshot || snapshot->process != sconce_process_id())
        return;
    for (uint32_t i = 0; i < snapshot->extent_count; i++)
        free(snapshot->extents[i].data);
    free(snapshot->extents);
    sconce_guest_unref(snapshot->guest);
    free(snapshot);
}

static void cleanup_snapshot(struct sconce_snapshot *const *snapshot)
{
    sconce_snapshot_free(*snapshot);
}

static int add_extent(struct sconce_snapshot *snapshot, const struct sconce_arena *arena,
                      uint64_t start, uint64_t end, struct sconce_error *err)
{
    struct extent *grown =
        reallocarray(snapshot->extents, snapshot->extent_count + 1, sizeof *snapshot->extents);
    uint8_t *data;

    if (!grown)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a snapshot");
    snapshot->extents = grown;
    data = malloc(end - start);
    if (!data)
        return sconce_fail(err, SCONCE_E_NO_MEMORY,
                           "out of memory for a snapshot of %" PRIu64 " bytes", end - start);
    memcpy(data, arena->host + start, end - start);
    grown[snapshot->extent_count++] = (struct extent){start, end - start, data};
    return 0;
}

static int copy_state(struct sconce_snapshot *snapshot, const struct sconce_arena *arena,
                      struct sconce_error *err)
{
    for (uint32_t i = 0; i < snapshot->layout.region_count; i++) {
        const struct sconce_region *region = &snapshot->layout.regions[i];
        uint64_t at = region->offset, end = region->offset + region->bytes, start, stop;

        if (region->role != SCONCE_MEM_STATE)
            continue;
        while (sconce_arena_populated(arena, at, end, &start, &stop)) {
            int r = add_extent(snapshot, arena, start, stop, err);

            if (r < 0)
                return r;
            at = stop;
        }
    }
    return 0;
}

static int take(const struct sconce_sandbox *sandbox, struct sconce_snapshot **ret_snapshot,
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
    snapshot->process = sandbox->process;
    snapshot->guest = sconce_guest_ref(sandbox->guest);
    snapshot->layout = sandbox->layout;
    snapshot->resume = sandbox->resume;
    r = copy_state(snapshot, &sandbox->arena, err);
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

/* All that the sandbox's arena held is gone afterwards, call buffers included. */
static void put_state_back(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot)
{
    sconce_arena_zero(&sandbox->arena, 0, sandbox->arena.bytes);
    for (uint32_t i = 0; i < snapshot->extent_count; i++) {
        const struct extent *extent = &snapshot->extents[i];

        memcpy(sandbox->arena.host + extent->offset, extent->data, extent->bytes);
    }
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

static int restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                   struct sconce_error *err)
{
    int r = sconce_vm_reset(&sandbox->vm, err);

    if (r < 0)
        return r;
    put_state_back(sandbox, snapshot);
    sandbox->generation++;
    sandbox->resume = snapshot->resume;
    r = sconce_sandbox_write_boot(sandbox, err);
    if (!r)
        r = sconce_sandbox_enter(sandbox, &snapshot->resume, err);
    sandbox->stats.restores++;
    return r;
}

/* A guest that asked to be resumed where no guest can be hurts its own snapshot only. */
static uint32_t state_after(int result)
{
    if (!result)
        return SCONCE_STATE_READY;
    return result == SCONCE_E_GUEST_PROTOCOL ? SCONCE_STATE_POISONED : SCONCE_STATE_DEAD;
}

int sconce_sandbox_restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                           struct sconce_error *err)
{
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    r = check_restore(sandbox, snapshot, err);
    if (!r) {
        r = restore(sandbox, snapshot, err);
        sconce_sandbox_set_state(sandbox, state_after(r));
    }
    sconce_sandbox_release(sandbox);
    return r;
}
