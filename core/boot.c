/* SPDX-License-Identifier: Apache-2.0 */
/* The boot page: what a guest is told when it starts, and again after each restore. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/overflow.h"
#include "core/sandbox.h"

#define SEED_BYTES sizeof(((struct sconce_boot *)0)->seed)
#define SEED_STREAM 1u /* of a seeded sandbox: its boot pages' seeds, by generation */

static int too_long(uint64_t room, struct sconce_error *err)
{
    sconce_fail_hint(err, SCONCE_E_LIMIT, "hand large data over as a function's argument",
                     "the guest's arguments and environment have more than %" PRIu64 " bytes",
                     room);
    if (err)
        err->limit = SCONCE_LIMIT_IO;
    return SCONCE_E_LIMIT;
}

/* @room: bytes behind the boot page's head, of which @used are gone. */
static int copy_strings(struct sconce_strings *strings, const char *const *texts, uint32_t count,
                        uint64_t room, uint64_t used, struct sconce_error *err)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < count; i++)
        if (!sconce_add_u64(bytes, strlen(texts[i]) + 1, &bytes) || bytes > room - used)
            return too_long(room, err);
    strings->data = malloc(bytes ? bytes : 1);
    if (!strings->data)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for the guest's arguments");
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(texts[i]) + 1;

        memcpy(strings->data + strings->bytes, texts[i], length);
        strings->bytes += length;
    }
    strings->count = count;
    return 0;
}

static int check_strings(const char *const *texts, uint32_t count, bool is_env,
                         struct sconce_error *err)
{
    const char *what = is_env ? "environment" : "argument";

    for (uint32_t i = 0; i < count; i++) {
        if (!texts || !texts[i])
            return sconce_fail(err, SCONCE_E_INVALID, "%s number %u is NULL", what, i + 1);
        if (is_env && (texts[i][0] == '=' || !strchr(texts[i], '=')))
            return sconce_fail(err, SCONCE_E_INVALID, "%s number %u is not NAME=VALUE: \"%.200s\"",
                               what, i + 1, texts[i]);
    }
    return 0;
}

int sconce_boot_take_strings(struct sconce_sandbox *sandbox,
                             const struct sconce_sandbox_options *options, struct sconce_error *err)
{
    const uint64_t room = sandbox->layout.boot.bytes - sizeof(struct sconce_boot);
    const char *const name[] = {sandbox->guest->image->name};
    int r = check_strings(options->args, options->arg_count, false, err);

    if (!r)
        r = check_strings(options->env, options->env_count, true, err);
    if (r < 0)
        return r;
    r = options->arg_count
            ? copy_strings(&sandbox->args, options->args, options->arg_count, room, 0, err)
            : copy_strings(&sandbox->args, name, 1, room, 0, err);
    if (!r)
        r = copy_strings(&sandbox->env, options->env, options->env_count, room, sandbox->args.bytes,
                         err);
    return r;
}

static uint8_t *boot_page(const struct sconce_sandbox *sandbox)
{
    return sandbox->arena.host + sandbox->layout.boot.offset;
}

static int find_seed_key(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    const struct sconce_personality_settings *settings = &sandbox->personality.settings;

    if (settings->seeded)
        memcpy(sandbox->seed_key, settings->seed, sizeof sandbox->seed_key);
    else if (getrandom(sandbox->seed_key, sizeof sandbox->seed_key, 0) != sizeof sandbox->seed_key)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot get random bytes");
    return 0;
}

int sconce_boot_write(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    const struct sconce_layout *layout = &sandbox->layout;
    const struct sconce_image *image = sandbox->guest->image;
    const struct sconce_strings *args = &sandbox->args, *env = &sandbox->env;
    uint8_t *at = boot_page(sandbox);
    const struct sconce_boot boot = {
        .magic = SCONCE_BOOT_MAGIC,
        .abi = SCONCE_GUEST_ABI_CURRENT,
        .boot_bytes = sizeof boot,
        .image_base = image->base,
        .image_end = image->end,
        .in_addr = layout->in.gpa,
        .in_bytes = layout->in.bytes,
        .out_addr = layout->out.gpa,
        .out_bytes = sandbox->out.bytes,
        .heap_addr = layout->heap.gpa,
        .heap_bytes = layout->heap.bytes,
        .stack_top = layout->stack.gpa + layout->stack.bytes,
        .stack_bytes = layout->stack.bytes,
        .args_addr = layout->boot.gpa + sizeof boot,
        .args_bytes = args->bytes,
        .env_addr = layout->boot.gpa + sizeof boot + args->bytes,
        .env_bytes = env->bytes,
        .arg_count = args->count,
        .env_count = env->count,
        .window_addr = layout->window.gpa,
        .window_bytes = sandbox->window_used,
        .turn_addr = sandbox->wants_exitless ? layout->out.gpa + sandbox->out.bytes : 0,
    };
    int r = find_seed_key(sandbox, err);

    if (r < 0)
        return r;
    memcpy(at, &boot, sizeof boot);
    memcpy(at + sizeof boot, args->data, args->bytes);
    memcpy(at + sizeof boot + args->bytes, env->data, env->bytes);
    sconce_boot_renew(sandbox, 0);
    return 0;
}

static void set_word(const struct sconce_sandbox *sandbox, size_t offset, uint64_t word)
{
    memcpy(boot_page(sandbox) + offset, &word, sizeof word);
}

SCONCE_HOT void sconce_boot_renew(struct sconce_sandbox *sandbox, uint64_t rewound_sp)
{
    set_word(sandbox, offsetof(struct sconce_boot, generation), sandbox->generation);
    set_word(sandbox, SCONCE_BOOT_REWOUND_SP_AT, rewound_sp);
    sandbox->seed_due = true;
}

/* The time of day, as the number of a stream. */
SCONCE_HOT static uint64_t now_stream(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * A seed is a part of its own, by the generation, of a key's stream. The key is the user's; or the
 * sandbox's, of the kernel's random bytes, which are asked for once: asking costs as much as all
 * else that a small rewind does. Then the time of day says which stream, so that two copies of a
 * machine that was copied while it ran give their guests different ones, unless they begin a run in
 * the same nanosecond of a clock that nobody has set since. It is made when a run begins, as clocks
 * are read then anyway.
 */
SCONCE_HOT void sconce_boot_seed(struct sconce_sandbox *sandbox)
{
    const bool seeded = sandbox->personality.settings.seeded;
    uint8_t *seed = boot_page(sandbox) + offsetof(struct sconce_boot, seed);

    if (!sandbox->seed_due)
        return;
    sandbox->seed_due = false;
    sconce_personality_stream(sandbox->seed_key, seeded ? SEED_STREAM : now_stream(),
                              sandbox->generation * SEED_BYTES, seed, SEED_BYTES);
}

SCONCE_HOT void sconce_boot_end_rewind(const struct sconce_sandbox *sandbox)
{
    _Atomic uint64_t *sp =
        (_Atomic uint64_t *)(void *)(boot_page(sandbox) + SCONCE_BOOT_REWOUND_SP_AT);

    /* A guest that runs on beside us keeps its copy of the line. */
    if (atomic_load_explicit(sp, memory_order_relaxed))
        atomic_store_explicit(sp, 0, memory_order_relaxed);
}

SCONCE_HOT void sconce_boot_tell_window(const struct sconce_sandbox *sandbox)
{
    set_word(sandbox, offsetof(struct sconce_boot, window_bytes), sandbox->window_used);
}
