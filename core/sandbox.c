/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sandbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/attributes.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/options.h"
#include "common/overflow.h"
#include "common/process.h"
#include "core/snapshot.h"

SCONCE_HOT int sconce_sandbox_hold(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    int r = sconce_check_process(sandbox->process, err);

    if (r < 0)
        return r;
    if (atomic_exchange_explicit(&sandbox->held, true, memory_order_acquire))
        return sconce_fail_hint(err, SCONCE_E_BUSY, "make a sandbox for each thread",
                                "the sandbox is in use, by another thread or by the call that "
                                "this host function serves");
    return 0;
}

SCONCE_HOT void sconce_sandbox_release(struct sconce_sandbox *sandbox)
{
    atomic_store_explicit(&sandbox->held, false, memory_order_release);
}

SCONCE_HOT void sconce_sandbox_set_state(struct sconce_sandbox *sandbox, uint32_t state)
{
    atomic_store_explicit(&sandbox->state, state, memory_order_release);
}

SCONCE_HOT uint32_t sconce_sandbox_state(const struct sconce_sandbox *sandbox)
{
    return atomic_load_explicit(&sandbox->state, memory_order_acquire);
}

SCONCE_HOT int sconce_sandbox_park(struct sconce_sandbox *sandbox, bool patient,
                                   struct sconce_error *err)
{
    int r = sconce_exitless_park(sandbox->exitless, patient, err);

    if (r < 0)
        sconce_sandbox_set_state(sandbox, r == SCONCE_E_GUEST_PROTOCOL ? SCONCE_STATE_POISONED
                                                                       : SCONCE_STATE_DEAD);
    return r;
}

SCONCE_HOT uint8_t *sconce_scratch_reserve(struct sconce_scratch *scratch, size_t bytes)
{
    uint8_t *data;

    if (scratch->data && bytes <= scratch->bytes)
        return scratch->data;
    data = malloc(bytes ? bytes : 1);
    if (!data)
        return NULL;
    free(scratch->data);
    scratch->data = data;
    scratch->bytes = bytes;
    return data;
}

void sconce_sandbox_wrote(struct sconce_sandbox *sandbox, uint64_t gpa, uint64_t bytes)
{
    uint64_t end, from, to;

    if (!sconce_add_u64(gpa, bytes, &end))
        end = UINT64_MAX;
    for (uint32_t i = 0; i < sandbox->layout.region_count; i++)
        if (sconce_layout_own(&sandbox->layout.regions[i], gpa, end, &from, &to))
            sconce_arena_wrote(&sandbox->arena, from, to - from);
}

static void destroy(struct sconce_sandbox *sandbox)
{
    sconce_exitless_free(sandbox->exitless);
    sconce_vm_destroy(&sandbox->vm);
    sconce_arena_fini(&sandbox->arena);
    sconce_stretches_fini(&sandbox->touched);
    for (uint32_t i = 0; i < sandbox->function_count; i++)
        free((char *)sandbox->functions[i].name);
    free(sandbox->functions);
    free(sandbox->bindings);
    free(sandbox->args.data);
    free(sandbox->env.data);
    sconce_personality_state_fini(&sandbox->personality.state);
    sconce_levels_free(sandbox);
    sconce_guest_unref(sandbox->guest);
    explicit_bzero(sandbox->seed_key, sizeof sandbox->seed_key);
    free(sandbox);
}

static void cleanup_sandbox(struct sconce_sandbox *const *sandbox)
{
    if (*sandbox)
        destroy(*sandbox);
}

void sconce_sandbox_free(struct sconce_sandbox *sandbox)
{
    if (sandbox && sandbox->process == sconce_process_id())
        destroy(sandbox);
}

/* The options of the first version ended with the limits, and these with their seventh. */
#define FIRST_OPTIONS_BYTES                                                                        \
    (offsetof(struct sconce_sandbox_options, limits) + offsetof(struct sconce_limits, nesting))

_Static_assert(sizeof(struct sconce_limits) == 8 * sizeof(uint64_t),
               "it lies within the options: new limits are members at their end");

/* The caller's limits where given, else the configuration's. */
static void settle_limits(struct sconce_limits *limits, const struct sconce_limits *wanted,
                          const struct sconce_limits *configured)
{
    *limits = *configured;
#define TAKE(member)                                                                               \
    do {                                                                                           \
        if (wanted->member)                                                                        \
            limits->member = wanted->member;                                                       \
    } while (0)
    TAKE(heap_bytes);
    TAKE(stack_bytes);
    TAKE(io_bytes);
    TAKE(deadline_ns);
    TAKE(output_bytes);
    TAKE(host_calls);
    TAKE(traps);
    TAKE(nesting);
#undef TAKE
}

/* What each segment of the sandbox's own memory starts out as. */
static void load_data(struct sconce_sandbox *sandbox)
{
    const struct sconce_image *image = sandbox->guest->image;

    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *segment = &image->segments[i];
        const struct sconce_region *region = &sandbox->layout.regions[i];

        if (!region->shared && segment->init_bytes)
            memcpy(sandbox->arena.host + region->offset, segment->init, segment->init_bytes);
    }
}

static int map_region(struct sconce_sandbox *sandbox, const struct sconce_region *region,
                      struct sconce_error *err)
{
    const struct sconce_arena *arena =
        region->shared ? &sandbox->guest->image_arena : &sandbox->arena;
    const struct sconce_memory memory = {
        .size = sizeof memory,
        .role = region->role,
        .bytes = region->bytes,
        .host_addr = arena->host + region->offset,
        .handle = (uint64_t)arena->fd,
        .offset = region->offset,
        .handle_kind = SCONCE_HANDLE_LINUX_FD,
    };
    const struct sconce_mapping mapping = {
        .size = sizeof mapping, .prot = region->prot, .gpa = region->gpa, .bytes = region->bytes};
    int r = sconce_vm_map(&sandbox->vm, &memory, &mapping, err);

    if (!r && (region->prot & SCONCE_PROT_EXEC))
        r = sconce_vm_sync_code(&sandbox->vm, region->gpa, region->bytes, err);
    return r;
}

int sconce_sandbox_enter(struct sconce_sandbox *sandbox, const struct sconce_resume *at,
                         struct sconce_error *err)
{
    const struct sconce_entry entry = {
        .size = sizeof entry,
        .pc = at->pc,
        .sp = at->sp,
        .tls = at->tls,
        .args = {sandbox->layout.boot.gpa},
    };

    return sconce_vm_enter(&sandbox->vm, &entry, err);
}

/* @from: NULL: as the image has it. @ret_at: where the guest begins. */
static int fill_memory(struct sconce_sandbox *sandbox, const struct sconce_snapshot *from,
                       struct sconce_resume *ret_at, struct sconce_error *err)
{
    int r;

    if (from) {
        r = sconce_snapshot_start(sandbox, from, err);
        if (r < 0)
            return r;
        *ret_at = sandbox->resume;
        return 0;
    }
    load_data(sandbox);
    *ret_at = (struct sconce_resume){
        .pc = sandbox->guest->image->entry,
        .sp = sandbox->layout.stack.gpa + sandbox->layout.stack.bytes,
    };
    return 0;
}

/* The word is behind what frames have of OUT: whatever a frame says of its length, it is no part of
 * one. */
static int prepare_exitless(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    const struct sconce_turn turn = {
        .word = (_Atomic uint32_t *)(void *)(sandbox->out.host + sandbox->out.bytes),
        .spins = (_Atomic uint32_t *)(void *)(sandbox->arena.host + sandbox->layout.boot.offset +
                                              SCONCE_BOOT_TURN_SPINS_AT),
    };

    if (!sandbox->wants_exitless)
        return 0;
    sandbox->exitless = sconce_exitless_new(&sandbox->vm, &sandbox->run, &turn, &sandbox->stats);
    return sandbox->exitless ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

static int build_vm(struct sconce_sandbox *sandbox, const struct sconce_snapshot *from,
                    struct sconce_error *err)
{
    struct sconce_resume start;
    int r = sconce_arena_init(&sandbox->arena, "sconce-sandbox", sandbox->layout.arena_bytes, err);

    if (r < 0)
        return r;
    sandbox->in = (struct sconce_buffer){sandbox->arena.host + sandbox->layout.in.offset,
                                         sandbox->layout.in.bytes, 0};
    sandbox->out = (struct sconce_buffer){sandbox->arena.host + sandbox->layout.out.offset,
                                          sandbox->layout.out.bytes, 0};
    if (sandbox->wants_exitless)
        sandbox->out.bytes -= SCONCE_TURN_BYTES;
    r = fill_memory(sandbox, from, &start, err);
    if (!r)
        r = sconce_boot_write(sandbox, err);
    if (r < 0)
        return r;
    r = sconce_vm_create(&sandbox->vm, sandbox->guest->backend, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < sandbox->layout.region_count; i++) {
        r = map_region(sandbox, &sandbox->layout.regions[i], err);
        if (r < 0)
            return r;
    }
    sconce_run_init(&sandbox->run, sandbox->guest->runtime->settings->kick_signal,
                    sandbox->guest->backend, sandbox->vm.handle);
    r = prepare_exitless(sandbox, err);
    return r < 0 ? r : sconce_sandbox_enter(sandbox, &start, err);
}

/* The guest's own start-up code, to its first READY. */
static int start_guest(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    struct sconce_message message;
    int r;

    r = sconce_sandbox_run_to_ready(sandbox, &message, err);
    if (!r && message.frame.kind != SCONCE_FRAME_READY)
        r = sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                        "the guest answered a call before it was ready (frame kind %u)",
                        message.frame.kind);
    if (r < 0)
        sconce_error_prefix(err, "guest %s did not start", sandbox->guest->image->name);
    return r;
}

static bool wants_exitless(const struct sconce_guest *guest,
                           const struct sconce_sandbox_options *options)
{
    bool wanted = options->exitless == SCONCE_EXITLESS_CONFIGURED
                      ? guest->runtime->settings->exitless
                      : options->exitless == SCONCE_EXITLESS_ON;

    return wanted && sconce_exitless_fits(guest->backend);
}

int sconce_sandbox_new(struct sconce_guest *guest, const struct sconce_sandbox_options *wanted,
                       struct sconce_sandbox **ret_sandbox, struct sconce_error *err)
{
    struct sconce_sandbox_options options = {.size = sizeof options};
    SCONCE_CLEANUP(cleanup_sandbox) struct sconce_sandbox *sandbox = NULL;
    struct sconce_limits configured;
    int r = sconce_check_process(guest->process, err);

    if (r < 0)
        return r;
    if (wanted)
        r = sconce_options_take(&options, sizeof options, wanted, wanted->size, FIRST_OPTIONS_BYTES,
                                "struct sconce_sandbox_options", err);
    if (r < 0)
        return r;
    if (options.exitless > SCONCE_EXITLESS_OFF)
        return sconce_fail(err, SCONCE_E_INVALID, "there is no way %u to make calls",
                           options.exitless);
    if (!guest->backend)
        return sconce_fail(err, SCONCE_E_STATE, "guest %s was loaded without a runtime, to inspect",
                           guest->image->name);
    sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    sandbox->process = sconce_process_id();
    sandbox->guest = sconce_guest_ref(guest);
    sandbox->arena = (struct sconce_arena)SCONCE_ARENA_EMPTY;
    sandbox->print = options.print;
    sandbox->print_ctx = options.print_ctx;
    atomic_init(&sandbox->held, true);
    sandbox->level = &sandbox->outermost;
    sandbox->wants_exitless = wants_exitless(guest, &options);
    configured = guest->runtime->settings->limits;
    if (options.snapshot)
        sconce_snapshot_limits(options.snapshot, &configured);
    settle_limits(&sandbox->limits, &options.limits, &configured);
    if (sandbox->limits.nesting > SCONCE_NESTING_MAX)
        return sconce_fail(err, SCONCE_E_INVALID,
                           "calls cannot be nested %" PRIu64 " deep, but %u at most",
                           sandbox->limits.nesting, SCONCE_NESTING_MAX);

    r = sconce_bind_imports(sandbox, options.functions, options.function_count, err);
    if (r < 0)
        return r;
    r = sconce_layout_make(guest->image, &sandbox->limits, &sandbox->layout, err);
    if (!r)
        r = sconce_layout_add_window(&sandbox->layout,
                                     options.window_bytes ? options.window_bytes
                                                          : guest->runtime->settings->window_bytes,
                                     err);
    if (r < 0)
        return r;
    r = sconce_trap_init(sandbox, &options, err);
    if (!r)
        r = sconce_boot_take_strings(sandbox, &options, err);
    if (r < 0)
        return r;
    r = build_vm(sandbox, options.snapshot, err);
    if (r < 0)
        return r;
    if (options.snapshot)
        sconce_sandbox_set_state(sandbox, SCONCE_STATE_READY);
    else
        r = start_guest(sandbox, err);
    if (r < 0)
        return r;
    sconce_sandbox_release(sandbox);
    *ret_sandbox = SCONCE_STEAL(sandbox);
    return 0;
}

int sconce_sandbox_kick(struct sconce_sandbox *sandbox)
{
    return sconce_run_kick(&sandbox->run);
}

int sconce_sandbox_stats(const struct sconce_sandbox *sandbox, struct sconce_stats *ret_stats)
{
    uint32_t size = ret_stats->size;
    struct sconce_stats stats = sandbox->stats;

    if (size < sizeof size)
        return SCONCE_E_INVALID;
    if (sandbox->process != sconce_process_id())
        return SCONCE_E_FORKED;
    stats.size = size;
    memcpy(ret_stats, &stats, size < sizeof stats ? size : sizeof stats);
    return 0;
}
