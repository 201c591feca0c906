/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of parts. Every number here may be an attacker's: sizes are held against the host's
 * limits before anything is allocated, addresses against the layout, the books of system calls
 * against what system calls can do.
 */
#include "core/snapshot-parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/overflow.h"
#include "common/process.h"
#include "core/snapshot.h"

#define PAGE SCONCE_SNAPSHOT_PAGE_BYTES

_Static_assert(SCONCE_SNAPSHOT_MAX_REGIONS >= SCONCE_LAYOUT_MAX_REGIONS, "parts hold any layout");

/* ---- Taking apart ---------------------------------------------------------------------------- */

int sconce_runtime_caps(const struct sconce_runtime *runtime, struct sconce_limits *ret_limits,
                        uint64_t *ret_image_bytes, struct sconce_error *err)
{
    int r = sconce_check_process(runtime->process, err);

    if (r < 0)
        return r;
    *ret_limits = runtime->settings->limits;
    *ret_image_bytes = runtime->settings->image_bytes;
    return 0;
}

int sconce_snapshot_check(const struct sconce_snapshot *snapshot, struct sconce_error *err)
{
    return sconce_check_process(snapshot->process, err);
}

void sconce_snapshot_describe(const struct sconce_snapshot *snapshot,
                              struct sconce_snapshot_parts *ret_parts)
{
    *ret_parts = (struct sconce_snapshot_parts){
        .heap_bytes = snapshot->layout.heap.bytes,
        .stack_bytes = snapshot->layout.stack.bytes,
        .io_bytes = snapshot->layout.in.bytes,
        .resume_pc = snapshot->resume.pc,
        .resume_sp = snapshot->resume.sp,
        .resume_tls = snapshot->resume.tls,
        .fault_pc = snapshot->fault_handler.pc,
        .fault_stack = snapshot->fault_handler.stack,
        .fault_stack_bytes = snapshot->fault_handler.stack_bytes,
        .generation = snapshot->generation,
        .system = snapshot->system,
        .region_count = snapshot->layout.region_count,
    };
    for (uint32_t i = 0; i < snapshot->layout.region_count; i++) {
        const struct sconce_region *region = &snapshot->layout.regions[i];

        ret_parts->regions[i] =
            (struct sconce_snapshot_region){region->gpa, region->bytes, region->role};
    }
}

const struct sconce_guest *sconce_snapshot_guest(const struct sconce_snapshot *snapshot)
{
    return snapshot->guest;
}

const void *sconce_guest_file(const struct sconce_guest *guest, size_t *ret_bytes)
{
    *ret_bytes = guest->file_bytes;
    return guest->file;
}

/* A list that grows. */
struct list {
    struct sconce_snapshot_stretch *at;
    size_t count, room;
};

static bool add_page(struct list *list, uint64_t gpa, bool starts_region)
{
    struct sconce_snapshot_stretch *last = list->count ? &list->at[list->count - 1] : NULL;

    if (last && last->end == gpa && !starts_region) {
        last->end += PAGE;
        return true;
    }
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct sconce_snapshot_stretch *grown = reallocarray(list->at, room, sizeof *grown);

        if (!grown)
            return false;
        list->at = grown;
        list->room = room;
    }
    list->at[list->count++] = (struct sconce_snapshot_stretch){gpa, gpa + PAGE};
    return true;
}

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

static bool list_region(const struct sconce_arena *arena, const struct sconce_region *region,
                        struct list *list)
{
    const uint64_t region_end = region->offset + region->bytes;
    uint64_t start, end;

    for (uint64_t at = region->offset; sconce_arena_populated(arena, at, region_end, &start, &end);
         at = end)
        for (uint64_t page = start; page < end; page += PAGE)
            if (!is_zero(arena->host + page) &&
                !add_page(list, region->gpa + (page - region->offset), page == region->offset))
                return false;
    return true;
}

static int compare_start(const void *a, const void *b)
{
    uint64_t x = ((const struct sconce_snapshot_stretch *)a)->start;
    uint64_t y = ((const struct sconce_snapshot_stretch *)b)->start;

    return x < y ? -1 : x > y;
}

int sconce_snapshot_stretches(const struct sconce_snapshot *snapshot,
                              struct sconce_snapshot_stretch **ret_stretches, size_t *ret_count,
                              struct sconce_error *err)
{
    const struct sconce_layout *layout = &snapshot->layout;
    struct list list = {0};

    for (uint32_t i = 0; i < layout->region_count; i++) {
        if (layout->regions[i].role != SCONCE_MEM_STATE ||
            list_region(&snapshot->baseline.arena, &layout->regions[i], &list))
            continue;
        free(list.at);
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a list of pages");
    }
    if (list.count)
        qsort(list.at, list.count, sizeof *list.at, compare_start);
    *ret_stretches = list.at;
    *ret_count = list.count;
    return 0;
}

const uint8_t *sconce_snapshot_memory(const struct sconce_snapshot *snapshot,
                                      const struct sconce_snapshot_stretch *stretch)
{
    const struct sconce_region *region =
        sconce_layout_state(&snapshot->layout, stretch->start, stretch->end - stretch->start);

    return snapshot->baseline.arena.host + region->offset + (stretch->start - region->gpa);
}

/* ---- Making ---------------------------------------------------------------------------------- */

static void cleanup_made(struct sconce_snapshot *const *snapshot)
{
    sconce_snapshot_free(*snapshot);
}

/* What others say of a guest is, here, said of a file. */
static int refuse(int r, struct sconce_error *err)
{
    if (r != SCONCE_E_GUEST_PROTOCOL && r != SCONCE_E_INVALID)
        return r;
    if (err)
        err->code = SCONCE_E_SNAPSHOT;
    return SCONCE_E_SNAPSHOT;
}

static int check_size(const char *what, const char *key, uint64_t wanted, uint64_t most,
                      struct sconce_error *err)
{
    uint64_t rounded;

    /* What the configuration says was rounded up in the snapshot's layout. */
    if (!sconce_round_up_u64(most, SCONCE_GUEST_GRANULE, &rounded))
        rounded = most;
    if (!wanted || wanted % SCONCE_GUEST_GRANULE)
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "%s of %" PRIu64 " bytes is none: it is a multiple of %u", what, wanted,
                           SCONCE_GUEST_GRANULE);
    if (wanted <= rounded)
        return 0;
    sconce_fail(err, SCONCE_E_LIMIT,
                "the snapshot wants %s of %" PRIu64 " bytes; limits.%s allows %" PRIu64, what,
                wanted, key, most);
    if (err) {
        err->limit = SCONCE_LIMIT_MEMORY;
        snprintf(err->hint, sizeof err->hint, "raise limits.%s if the snapshot is to be trusted",
                 key);
    }
    return SCONCE_E_LIMIT;
}

static int make_layout(const struct sconce_guest *guest, const struct sconce_limits *most,
                       const struct sconce_snapshot_parts *parts, struct sconce_layout *ret_layout,
                       struct sconce_error *err)
{
    const struct sconce_limits limits = {
        .heap_bytes = parts->heap_bytes,
        .stack_bytes = parts->stack_bytes,
        .io_bytes = parts->io_bytes,
    };
    int r = check_size("a heap", "heap_bytes", parts->heap_bytes, most->heap_bytes, err);

    if (!r)
        r = check_size("a stack", "stack_bytes", parts->stack_bytes, most->stack_bytes, err);
    if (!r)
        r = check_size("a call buffer", "io_bytes", parts->io_bytes, most->io_bytes, err);
    if (!r)
        r = sconce_layout_make(guest->image, &limits, ret_layout, err);
    return r;
}

/* Another version may lay the same guest out otherwise, and its pointers would lead elsewhere. */
static int check_regions(const struct sconce_layout *layout,
                         const struct sconce_snapshot_parts *parts, struct sconce_error *err)
{
    bool same = parts->region_count == layout->region_count;

    for (uint32_t i = 0; same && i < layout->region_count; i++) {
        const struct sconce_snapshot_region *theirs = &parts->regions[i];
        const struct sconce_region *ours = &layout->regions[i];

        same = theirs->address == ours->gpa && theirs->bytes == ours->bytes &&
               theirs->role == ours->role;
    }
    if (same)
        return 0;
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "take the snapshot anew with this version",
                            "the guest's memory is laid out otherwise in the snapshot than by "
                            "this version of Sconce");
}

static int take_resume(struct sconce_snapshot *snapshot, const struct sconce_snapshot_parts *parts,
                       struct sconce_error *err)
{
    snapshot->resume =
        (struct sconce_resume){parts->resume_pc, parts->resume_sp, parts->resume_tls};
    return refuse(sconce_resume_check(&snapshot->layout, parts->resume_pc, err), err);
}

static int take_fault_handler(struct sconce_snapshot *snapshot,
                              const struct sconce_snapshot_parts *parts, struct sconce_error *err)
{
    const struct sconce_fault_handler handler = {parts->fault_pc, parts->fault_stack,
                                                 parts->fault_stack_bytes};
    const struct sconce_backend *backend = snapshot->guest->backend;
    int r;

    if (!handler.pc && !handler.stack && !handler.stack_bytes)
        return 0;
    r = sconce_fault_handler_check(&snapshot->layout, &handler, err);
    if (r < 0)
        return refuse(r, err);
    if (backend && !backend->fault.size)
        return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, "choose another backend",
                                "the snapshot's guest handles its faults, and backend \"%s\" "
                                "cannot go on after one",
                                backend->name);
    snapshot->fault_handler = handler;
    return 0;
}

static int take_system(struct sconce_snapshot *snapshot, const struct sconce_snapshot_parts *parts,
                       struct sconce_error *err)
{
    const struct sconce_backend *backend = snapshot->guest->backend;
    const struct sconce_personality_settings settings = {
        .heap_addr = snapshot->layout.heap.gpa,
        .heap_bytes = snapshot->layout.heap.bytes,
        .page_bytes = backend ? backend->arch.page_bytes : PAGE,
    };
    int r = sconce_personality_state_check(&parts->system, &settings, err);

    if (r < 0)
        return refuse(r, err);
    r = sconce_personality_state_reserve(&snapshot->system, &parts->system, err);
    if (!r)
        sconce_personality_state_copy(&snapshot->system, &parts->system);
    return r;
}

static int take_parts(struct sconce_snapshot *snapshot, const struct sconce_limits *most,
                      const struct sconce_snapshot_parts *parts, struct sconce_error *err)
{
    int r = make_layout(snapshot->guest, most, parts, &snapshot->layout, err);

    if (!r)
        r = check_regions(&snapshot->layout, parts, err);
    if (!r)
        r = take_resume(snapshot, parts, err);
    if (!r)
        r = take_fault_handler(snapshot, parts, err);
    if (!r)
        r = take_system(snapshot, parts, err);
    if (!r && parts->generation > SCONCE_SNAPSHOT_GENERATION_MOST)
        r = sconce_fail(err, SCONCE_E_SNAPSHOT, "generation %" PRIu64 " is none: %llu is the last",
                        parts->generation, SCONCE_SNAPSHOT_GENERATION_MOST);
    snapshot->generation = parts->generation;
    return r;
}

int sconce_snapshot_make(struct sconce_guest *guest, const struct sconce_limits *most,
                         const struct sconce_snapshot_parts *parts,
                         struct sconce_snapshot **ret_snapshot, struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_made) struct sconce_snapshot *snapshot = NULL;
    int r = sconce_check_process(guest->process, err);

    if (r < 0)
        return r;
    snapshot = sconce_snapshot_new(guest, err);
    if (!snapshot)
        return SCONCE_E_NO_MEMORY;
    r = take_parts(snapshot, most, parts, err);
    if (!r)
        r = sconce_arena_init(&snapshot->baseline.arena, "sconce-baseline",
                              snapshot->layout.arena_bytes, err);
    if (!r)
        *ret_snapshot = SCONCE_STEAL(snapshot);
    return r;
}

/* ---- Its memory ------------------------------------------------------------------------------ */

uint64_t sconce_snapshot_room_bytes(const struct sconce_snapshot *snapshot)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < snapshot->layout.region_count; i++)
        if (snapshot->layout.regions[i].role == SCONCE_MEM_STATE)
            bytes += snapshot->layout.regions[i].bytes;
    return bytes;
}

/* Rising, apart, whole pages, each within one region that the guest could write itself. */
static int check_stretches(const struct sconce_layout *layout,
                           const struct sconce_snapshot_source *source, struct sconce_error *err)
{
    uint64_t floor = 0;

    for (size_t i = 0; i < source->count; i++) {
        const struct sconce_snapshot_stretch *stretch = &source->stretches[i];

        if (stretch->start < floor || stretch->start >= stretch->end || stretch->start % PAGE ||
            stretch->end % PAGE)
            return sconce_fail(err, SCONCE_E_SNAPSHOT,
                               "stretch %zu of memory, 0x%" PRIx64 " to 0x%" PRIx64
                               ", is no whole pages behind those before it",
                               i + 1, stretch->start, stretch->end);
        if (!sconce_layout_state(layout, stretch->start, stretch->end - stretch->start))
            return sconce_fail(err, SCONCE_E_SNAPSHOT,
                               "stretch %zu of memory, 0x%" PRIx64 " to 0x%" PRIx64
                               ", is not in memory that the guest can write",
                               i + 1, stretch->start, stretch->end);
        floor = stretch->end;
    }
    return 0;
}

int sconce_snapshot_fill(struct sconce_snapshot *snapshot,
                         const struct sconce_snapshot_source *source, struct sconce_error *err)
{
    int r = check_stretches(&snapshot->layout, source, err);

    for (size_t i = 0; !r && i < source->count; i++) {
        const struct sconce_snapshot_stretch *stretch = &source->stretches[i];

        r = source->read(source->ctx, (void *)sconce_snapshot_memory(snapshot, stretch),
                         (size_t)(stretch->end - stretch->start), err);
    }
    return r ? r : sconce_baseline_survey(&snapshot->baseline, &snapshot->layout, err);
}
