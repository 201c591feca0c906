/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: one sandbox is lent again and again, to a guest that leaves marks everywhere and to one
 * that tells what all of its memory is. No turn may find anything of the one before.
 */
#include <stdio.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

/* In the hands of a row: the box's sandbox is the pool's while there is a pool. */
struct lending {
    struct check_box box;
    struct sconce_pool *pool;
};

static void give(struct lending *lending)
{
    sconce_pool_give(lending->pool, lending->box.sandbox);
    lending->box.sandbox = NULL;
}

static void end_lending(struct lending *lending)
{
    if (lending->pool) {
        give(lending);
        sconce_pool_free(lending->pool);
    }
    check_box_close(&lending->box);
}

static enum check_outcome take(struct check *check, struct lending *lending)
{
    int code =
        sconce_pool_take(lending->pool, UINT64_MAX, &lending->box.sandbox, &lending->box.err);

    CHECK(check, code == 0, "the pool lends nothing: %s", lending->box.err.text);
    CHECK(check, sconce_sandbox_state(lending->box.sandbox) == SCONCE_STATE_READY,
          "the pool lent a sandbox in state %u", sconce_sandbox_state(lending->box.sandbox));
    return CHECK_OK;
}

/* A pool of one. */
static enum check_outcome make_pool(struct check *check, struct lending *lending,
                                    const struct sconce_limits *limits)
{
    struct sconce_pool_options options = {.ready = 1, .most = 1, .snapshot = lending->box.start};

    CHECK(check, check_box_pool(&lending->box, limits, &options, &lending->pool) == 0,
          "cannot make a pool: %s", lending->box.err.text);
    return CHECK_OK;
}

static enum check_outcome expect_recycled(struct check *check, struct lending *lending,
                                          unsigned turns)
{
    struct sconce_pool_counts counts = {.size = sizeof counts};

    CHECK(check, sconce_pool_count(lending->pool, &counts) == 0, "the pool cannot be counted");
    CHECK(check,
          counts.made == 1 && counts.recycled == turns && counts.ready == 1 &&
              counts.failed_restores == 0,
          "after %u turns of one sandbox %llu were made, %llu times one was cleaned, %llu times in "
          "vain, and %u are ready",
          turns, (unsigned long long)counts.made, (unsigned long long)counts.recycled,
          (unsigned long long)counts.failed_restores, counts.ready);
    return CHECK_OK;
}

/* ---- Marks ----------------------------------------------------------------------------------- */

#define MARK_TURNS 12u
#define NO_MARKS "image 0 heap 0 stack 0 in 0 out 0"

static const uint8_t seed[] = "marks";

static void seed_random(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->random = SCONCE_RANDOM_SEED;
    options->seed = seed;
    options->seed_bytes = sizeof seed;
}

/* What a clean sandbox says, and what is there to leave marks in. */
struct clean {
    uint32_t classes; /* of registers */
    bool has_system;
    char system[128];
};

static enum check_outcome ask_system(struct check *check, struct check_box *box, char text[128])
{
    CHECK_STEP(check_call_done(check, box, "system_state", WITHOUT));
    snprintf(text, 128, "%.*s", (int)box->result.as.span.length,
             (const char *)box->result.as.span.data);
    return CHECK_OK;
}

/* Nobody was here: registers, memory, the host's books. */
static enum check_outcome expect_clean(struct check *check, struct check_box *box,
                                       const struct clean *clean, unsigned turn)
{
    char system[128];

    CHECK_STEP(check_call_done(check, box, "leaks", WITHOUT));
    CHECK(check, check_is_text(&box->result, "at resume:"), "turn %u: registers that survived: %s",
          turn, (const char *)box->result.as.span.data);
    CHECK_STEP(check_call_done(check, box, "look", WITHOUT));
    CHECK(check, check_is_text(&box->result, NO_MARKS), "turn %u: marks that survived: %s", turn,
          (const char *)box->result.as.span.data);
    if (!clean->has_system)
        return CHECK_OK;
    CHECK_STEP(ask_system(check, box, system));
    CHECK(check, strcmp(system, clean->system) == 0, "turn %u: \"%s\" was \"%s\"", turn, system,
          clean->system);
    return CHECK_OK;
}

static enum check_outcome leave_marks(struct check *check, struct check_box *box,
                                      const struct clean *clean, unsigned turn)
{
    CHECK_STEP(check_call_done(check, box, "leave", WITH(check_u32(turn))));
    CHECK(check, !check->setup->has_fault || box->result.as.i32 == 0,
          "a fault handler is refused with %d", box->result.as.i32);
    if (clean->has_system)
        CHECK_STEP(check_call_done(check, box, "leave_in_system", WITHOUT));
    return CHECK_OK;
}

/* Without being cleaned, marks are found: what follows could fail. */
static enum check_outcome expect_marks(struct check *check, struct check_box *box,
                                       const struct clean *clean)
{
    const char *said;
    char system[128];

    CHECK_STEP(check_call_done(check, box, "look", WITHOUT));
    said = box->result.as.span.data;
    CHECK(check,
          !strstr(said, "image 0 ") && !strstr(said, "heap 0 ") && !strstr(said, "stack 0 ") &&
              !strstr(said, "out 0"),
          "where marks were left there are none: %s", said);
    if (clean->has_system) {
        CHECK_STEP(ask_system(check, box, system));
        CHECK(check, strcmp(system, clean->system) != 0, "system calls changed nothing: %s",
              system);
    }
    if (check->setup->has_fault) {
        CHECK_STEP(check_call_done(check, box, "read_null", WITHOUT));
        CHECK(check, box->result.as.u64 == 42, "the handler gave %llu",
              (unsigned long long)box->result.as.u64);
    }
    return CHECK_OK;
}

/* The snapshot is of a guest that looks at its registers where it is resumed. */
static enum check_outcome make_model(struct check *check, struct check_box *box,
                                     const struct sconce_limits *limits, struct clean *ret_clean)
{
    *ret_clean = (struct clean){.has_system = check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS};
    box->choose = seed_random;
    CHECK_STEP(check_box_open(check, box, "marks.elf", limits));
    CHECK_STEP(check_fill_registers(check, box, &ret_clean->classes));
    CHECK_STEP(check_box_keep_start(check, box));
    CHECK_STEP(check_box_recover(check, box));
    if (ret_clean->has_system)
        CHECK_STEP(ask_system(check, box, ret_clean->system));
    CHECK_STEP(leave_marks(check, box, ret_clean, 0));
    CHECK_STEP(expect_marks(check, box, ret_clean));
    sconce_sandbox_free(box->sandbox);
    box->sandbox = NULL;
    return CHECK_OK;
}

/* A handler that outlived its guest would be entered, whatever it then comes to. */
static enum check_outcome expect_no_handler(struct check *check, struct check_box *box)
{
    struct sconce_stats before = {.size = sizeof before}, after = {.size = sizeof after};

    sconce_sandbox_stats(box->sandbox, &before);
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, "read_null",
                               WITHOUT));
    sconce_sandbox_stats(box->sandbox, &after);
    CHECK(check, after.traps == before.traps,
          "a fault was taken to the handler of the guest before: %s", box->err.text);
    return CHECK_OK;
}

/* One of three ends: full of marks and ready; a fault that a handler of the one before would have
 * caught; every word that can be written gone over. */
static enum check_outcome end_turn(struct check *check, struct check_box *box,
                                   const struct clean *clean, unsigned turn)
{
    switch (turn % 3) {
    case 0:
        CHECK_STEP(leave_marks(check, box, clean, turn));
        return check_call_done(check, box, "fill_and_ready", WITH(check_u32(clean->classes)));
    case 1:
        return expect_no_handler(check, box);
    default:
        return check_call_ends(check, box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, "wreck",
                               WITH(check_u32(turn)));
    }
}

static enum check_outcome check_marks(struct check *check)
{
    const struct sconce_limits limits = {.heap_bytes = 1u << 20, .deadline_ns = UINT64_MAX};
    SCONCE_CLEANUP(end_lending) struct lending lending = {0};
    struct check_box *box = &lending.box;
    struct clean clean;

    CHECK_STEP(make_model(check, box, &limits, &clean));
    CHECK_STEP(make_pool(check, &lending, &limits));
    for (unsigned turn = 0; turn < MARK_TURNS; turn++) {
        CHECK_STEP(take(check, &lending));
        CHECK_STEP(expect_clean(check, box, &clean, turn));
        CHECK_STEP(end_turn(check, box, &clean, turn));
        give(&lending);
    }
    CHECK_STEP(expect_recycled(check, &lending, MARK_TURNS));
    return check_note(check, "%u turns, register classes 0x%x", MARK_TURNS, clean.classes);
}

/* ---- Turns ----------------------------------------------------------------------------------- */

static enum check_outcome one_turn(struct check *check, struct lending *lending, unsigned turn,
                                   char text[64])
{
    struct check_box *box = &lending->box;

    CHECK_STEP(take(check, lending));
    CHECK_STEP(check_call_done(check, box, "checksums", WITHOUT));
    snprintf(text, 64, "%.*s", (int)box->result.as.span.length,
             (const char *)box->result.as.span.data);
    CHECK_STEP(check_call_done(check, box, "fill", WITH(check_u64(turn))));
    give(lending);
    return CHECK_OK;
}

static enum check_outcome check_turns(struct check *check)
{
    const struct sconce_limits limits = {.heap_bytes = 1u << 18, .deadline_ns = UINT64_MAX};
    const unsigned turns = check->setup->sandboxes;
    SCONCE_CLEANUP(end_lending) struct lending lending = {0};
    struct check_holdings before = {0}, after;
    char first[64] = "", text[64];

    CHECK_STEP(check_box_load(check, &lending.box, "dirty.elf"));
    CHECK_STEP(make_pool(check, &lending, &limits));
    for (unsigned turn = 0; turn < turns + 3; turn++) {
        CHECK_STEP(one_turn(check, &lending, turn, text));
        /* The first sandbox was not resumed: what lies below its stack is another matter. */
        if (turn == 1)
            memcpy(first, text, sizeof first);
        CHECK(check, turn < 1 || strcmp(first, text) == 0,
              "turn %u: checksums of data, heap and stack were %s and are %s", turn, first, text);
        if (turn == 2)
            before = check_count();
    }
    after = check_count();
    CHECK_STEP(expect_recycled(check, &lending, turns + 3));
    CHECK(check, after.fds == before.fds && after.mappings <= before.mappings,
          "%u turns left %d fds and %d mappings", turns, (int)(after.fds - before.fds),
          (int)(after.mappings - before.mappings));
    CHECK(check, after.heap_bytes <= before.heap_bytes, "%u turns left %zu bytes", turns,
          after.heap_bytes - before.heap_bytes);
    return check_note(check, "%u turns", turns);
}

const struct check_row check_pool_rows[] = {
    {"pool.marks", "a recycled sandbox has no mark of those who had it", CHECK_NEEDS_SANDBOX,
     check_marks},
    {"pool.turns", "a recycled sandbox is the same each time, and keeps nothing",
     CHECK_NEEDS_SANDBOX, check_turns},
    {NULL, NULL, 0, NULL},
};
