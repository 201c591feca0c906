/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox's side of system calls: guest memory by the layout, printing, input, the thread
 * pointer. What each call is answered with is the personality's affair.
 */
#include <string.h>

#include "common/error.h"
#include "common/process.h"
#include "config/guest-settings.h"
#include "core/sandbox.h"

_Static_assert(SCONCE_PERSONALITY_READ == SCONCE_PROT_READ &&
                   SCONCE_PERSONALITY_WRITE == SCONCE_PROT_WRITE &&
                   SCONCE_PERSONALITY_EXEC == SCONCE_PROT_EXEC,
               "both speak of access in the same bits");

static bool find_memory(void *ctx, uint64_t address, struct sconce_personality_span *ret)
{
    const struct sconce_sandbox *sandbox = ctx;
    const struct sconce_layout *layout = &sandbox->layout;

    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct sconce_region *region = &layout->regions[i];
        const struct sconce_arena *arena =
            region->shared ? &sandbox->guest->image_arena : &sandbox->arena;
        uint64_t within = address - region->gpa;

        if (address < region->gpa || within >= region->bytes)
            continue;
        *ret = (struct sconce_personality_span){arena->host + region->offset + within,
                                                region->bytes - within, region->prot};
        return true;
    }
    return false;
}

/* What system calls may write is the sandbox's own. */
static void wrote_memory(void *ctx, uint64_t address, uint64_t bytes)
{
    sconce_sandbox_wrote(ctx, address, bytes);
}

static void zero_heap(void *ctx, uint64_t address, uint64_t bytes)
{
    struct sconce_sandbox *sandbox = ctx;
    const struct sconce_region *heap = &sandbox->layout.heap;

    sconce_arena_zero(&sandbox->arena, heap->offset + (address - heap->gpa), bytes);
}

static void copy_heap(void *ctx, uint64_t to, uint64_t from, uint64_t bytes)
{
    struct sconce_sandbox *sandbox = ctx;
    const struct sconce_region *heap = &sandbox->layout.heap;

    sconce_arena_copy(&sandbox->arena, heap->offset + (to - heap->gpa),
                      heap->offset + (from - heap->gpa), bytes);
}

/* What the exit loop will end the call for when this system call has its answer; or a child of a
 * fork in a callback, which must not touch the parent's guest. */
static bool stopped(void *ctx)
{
    const struct sconce_sandbox *sandbox = ctx;

    return sandbox->spent.printed > sandbox->limits.output_bytes ||
           sconce_run_stop_reason(&sandbox->run) != SCONCE_STOP_NONE ||
           sandbox->process != sconce_process_id();
}

static void print(void *ctx, uint32_t fd, const void *data, size_t bytes)
{
    struct sconce_sandbox *sandbox = ctx;
    const uint64_t limit = sandbox->limits.output_bytes;
    uint64_t room = sandbox->spent.printed < limit ? limit - sandbox->spent.printed : 0;
    bool is_error = fd == 2 && sandbox->print_error;

    sandbox->spent.printed += bytes;
    if (bytes > room)
        bytes = (size_t)room;
    sandbox->stats.output_bytes += bytes;
    if (bytes && is_error)
        sandbox->print_error(sandbox->print_error_ctx, data, bytes);
    else if (bytes && sandbox->print)
        sandbox->print(sandbox->print_ctx, data, bytes);
}

static int64_t read_input(void *ctx, void *data, size_t bytes)
{
    struct sconce_sandbox *sandbox = ctx;

    int64_t got = sandbox->input ? sandbox->input(sandbox->input_ctx, data, bytes) : 0;

    /* Guest memory is shared with a child that returns from the parent's callback. */
    return sandbox->process == sconce_process_id() ? got : -1;
}

static int set_tls(void *ctx, uint64_t tls, struct sconce_error *err)
{
    struct sconce_sandbox *sandbox = ctx;

    return sconce_vm_failed(sconce_vm_set_tls(&sandbox->vm, tls, err), err);
}

static const struct sconce_personality_ops ops = {
    .memory = find_memory,
    .wrote = wrote_memory,
    .zero = zero_heap,
    .copy = copy_heap,
    .stopped = stopped,
    .output = print,
    .input = read_input,
    .set_tls = set_tls,
};

static int settle_clock(struct sconce_personality_settings *settings,
                        const struct sconce_sandbox_options *options, const char *configured,
                        struct sconce_error *err)
{
    uint32_t clock = options->clock;
    int64_t seconds = options->clock_seconds;

    if (clock > SCONCE_CLOCK_OFFSET)
        return sconce_fail(err, SCONCE_E_INVALID, "there is no clock %u", clock);
    if (clock == SCONCE_CLOCK_CONFIGURED && sconce_config_parse_clock(configured, &clock, &seconds))
        return sconce_fail(err, SCONCE_E_INVALID, "the clock \"%s\" is none", configured);
    settings->clock = clock - SCONCE_CLOCK_HOST;
    settings->clock_seconds = seconds;
    return 0;
}

_Static_assert(SCONCE_CLOCK_HOST - SCONCE_CLOCK_HOST == SCONCE_PERSONALITY_CLOCK_HOST &&
                   SCONCE_CLOCK_FROZEN - SCONCE_CLOCK_HOST == SCONCE_PERSONALITY_CLOCK_FROZEN &&
                   SCONCE_CLOCK_OFFSET - SCONCE_CLOCK_HOST == SCONCE_PERSONALITY_CLOCK_OFFSET,
               "the clocks have the same order");

static int settle_random(struct sconce_personality_settings *settings,
                         const struct sconce_sandbox_options *options, const char *configured,
                         struct sconce_error *err)
{
    uint32_t random = options->random;

    if (random > SCONCE_RANDOM_SEED)
        return sconce_fail(err, SCONCE_E_INVALID, "there is no source of random bytes %u", random);
    if (random == SCONCE_RANDOM_SEED &&
        (!options->seed || !options->seed_bytes || options->seed_bytes > sizeof settings->seed))
        return sconce_fail(err, SCONCE_E_INVALID, "a seed has 1 to %zu bytes, not %zu",
                           sizeof settings->seed, options->seed ? options->seed_bytes : 0);
    if (random == SCONCE_RANDOM_SEED)
        memcpy(settings->seed, options->seed, options->seed_bytes);
    else if (random == SCONCE_RANDOM_CONFIGURED &&
             sconce_config_parse_random(configured, &random, settings->seed))
        return sconce_fail(err, SCONCE_E_INVALID, "\"%s\" gives no random bytes", configured);
    settings->seeded = random == SCONCE_RANDOM_SEED;
    return 0;
}

int sconce_trap_init(struct sconce_sandbox *sandbox, const struct sconce_sandbox_options *options,
                     struct sconce_error *err)
{
    const struct sconce_settings *configured = sandbox->guest->runtime->settings;
    struct sconce_personality *personality = &sandbox->personality;
    int r;

    sandbox->print_error = options->print_error;
    sandbox->print_error_ctx = options->print_error_ctx;
    sandbox->input = options->input;
    sandbox->input_ctx = options->input_ctx;
    sandbox->trace = options->trace;
    sandbox->trace_ctx = options->trace_ctx;
    personality->table = &sandbox->guest->system_calls;
    personality->ops = &ops;
    personality->ctx = sandbox;
    personality->settings = (struct sconce_personality_settings){
        .heap_addr = sandbox->layout.heap.gpa,
        .heap_bytes = sandbox->layout.heap.bytes,
        .stack_bytes = sandbox->layout.stack.bytes,
        .page_bytes = sandbox->guest->backend->arch.page_bytes,
    };
    r = settle_clock(&personality->settings, options, configured->clock, err);
    if (!r)
        r = settle_random(&personality->settings, options, configured->random, err);
    sconce_personality_state_init(&personality->state, &personality->settings);
    return r;
}

static void tell(const struct sconce_sandbox *sandbox, const struct sconce_exit_syscall *syscall,
                 int64_t result, bool ended)
{
    struct sconce_trace trace = {
        .size = sizeof trace,
        .ended = ended,
        .name = sandbox->guest->backend->arch.syscall_name(syscall->raw_nr),
        .number = syscall->raw_nr,
        .result = result,
        .arg_count = sconce_personality_arg_count(sandbox->personality.table, syscall->raw_nr),
    };

    memcpy(trace.args, syscall->args, sizeof trace.args);
    sandbox->trace(sandbox->trace_ctx, &trace);
}

int sconce_trap_serve(struct sconce_sandbox *sandbox, const struct sconce_exit_syscall *syscall,
                      struct sconce_error *err)
{
    struct sconce_personality *personality = &sandbox->personality;
    int64_t result = 0;
    int r;

    r = sconce_personality_call(personality, syscall->raw_nr, syscall->args, &result, err);
    sandbox->stats.denied_traps = personality->counts.denied;
    sandbox->stats.protections_ignored = personality->counts.protections_ignored;
    if (sconce_check_process(sandbox->process, err) < 0)
        return SCONCE_E_FORKED; /* a child that returned from the parent's callback */
    if (sandbox->trace)
        tell(sandbox, syscall, result, r < 0);
    if (r < 0)
        return r;
    return sconce_vm_failed(sconce_vm_complete(&sandbox->vm, result, err), err);
}
