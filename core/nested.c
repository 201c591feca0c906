/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls within calls: how deep a sandbox is in them, who may make them, and what one that ends
 * badly does to those around it. Runs nothing and reads no frame; that is call.c's and
 * exits.c's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/attributes.h"
#include "common/error.h"
#include "core/sandbox.h"

#define FIRST_ABI 2u /* of guests that take a call where an answer was due */

SCONCE_HOT void sconce_serving_begin(struct sconce_sandbox *sandbox, uint64_t reply_at)
{
    sandbox->level->reply_at = reply_at;
    sandbox->serving = true;
}

SCONCE_HOT int sconce_serving_end(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    sandbox->serving = false;
    if (sandbox->ended && err)
        *err = sandbox->ended_why;
    return sandbox->ended;
}

/* In this order: what another thread is doing is not looked at. */
SCONCE_HOT bool sconce_serves_here(const struct sconce_sandbox *sandbox)
{
    return sconce_run_is_here(&sandbox->run) && sandbox->serving;
}

static int too_deep(const struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    sconce_fail(err, SCONCE_E_LIMIT, "calls are nested %" PRIu64 " deep, which is the limit",
                sandbox->limits.nesting);
    if (err) {
        err->limit = SCONCE_LIMIT_NESTING;
        snprintf(err->hint, sizeof err->hint, "raise limits.nesting, up to %u", SCONCE_NESTING_MAX);
    }
    return SCONCE_E_LIMIT;
}

int sconce_nested_enter(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    const struct sconce_image *image = sandbox->guest->image;
    struct sconce_level *level = sandbox->level;

    if (image->abi < FIRST_ABI)
        return sconce_fail_hint(err, SCONCE_E_BUSY, "build the guest anew, or make another sandbox",
                                "guest %s, of guest ABI %u, takes no call while it waits for a "
                                "host function: that came with %u",
                                image->name, image->abi, FIRST_ABI);
    if (sandbox->depth >= sandbox->limits.nesting)
        return too_deep(sandbox, err);
    if (!level->inner) {
        level->inner = calloc(1, sizeof *level->inner);
        if (!level->inner)
            return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a nested call");
        level->inner->outer = level;
    }
    level->inner->call_at = level->reply_at;
    sandbox->level = level->inner;
    sandbox->depth++;
    sandbox->serving = false;
    return 0;
}

void sconce_nested_leave(struct sconce_sandbox *sandbox, int result, const struct sconce_error *why)
{
    sandbox->level = sandbox->level->outer;
    sandbox->depth--;
    sandbox->serving = true;
    if (sconce_sandbox_state(sandbox) == SCONCE_STATE_RUNNING || sandbox->ended)
        return;
    sandbox->ended = result;
    sandbox->ended_why = *why;
}

void sconce_levels_free(struct sconce_sandbox *sandbox)
{
    struct sconce_level *level = sandbox->outermost.inner;

    free(sandbox->outermost.result.data);
    free(sandbox->outermost.host_args.data);
    while (level) {
        struct sconce_level *inner = level->inner;

        free(level->result.data);
        free(level->host_args.data);
        free(level);
        level = inner;
    }
}
