/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: everything that a guest can change comes back, by a restore and by a rewind, and what
 * must differ does. */
#include <elf.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/box.h"

static enum check_outcome expect_next(struct check *check, struct check_box *box, uint64_t wanted)
{
    CHECK_STEP(check_call_done(check, box, "next", WITHOUT));
    CHECK(check, box->result.as.u64 == wanted, "next() is %llu, not %llu",
          (unsigned long long)box->result.as.u64, (unsigned long long)wanted);
    return CHECK_OK;
}

/* sconce_sandbox_restore or sconce_sandbox_rewind. */
typedef int (*way_back)(struct sconce_sandbox *, const struct sconce_snapshot *,
                        struct sconce_error *);

static uint64_t rewinds(const struct check_box *box)
{
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(box->sandbox, &stats);
    return stats.rewinds;
}

/* A rewind that restores in secret would show nothing. */
static enum check_outcome go_back(struct check *check, struct check_box *box, way_back way)
{
    uint64_t wanted = rewinds(box) + (way == sconce_sandbox_rewind);

    CHECK(check, way(box->sandbox, box->start, &box->err) == 0, "cannot go back: %s",
          box->err.text);
    CHECK(check, rewinds(box) == wanted, "%llu rewinds, not %llu", (unsigned long long)rewinds(box),
          (unsigned long long)wanted);
    return CHECK_OK;
}

static enum check_outcome state(struct check *check, way_back way)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "counter.elf", NULL));
    CHECK_STEP(expect_next(check, &box, 101));
    CHECK_STEP(check_call_done(check, &box, "add", WITH(sconce_i64(-5))));
    CHECK_STEP(check_call_done(check, &box, "keep", WITH(sconce_string("before"))));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(expect_next(check, &box, 102));
        CHECK_STEP(expect_next(check, &box, 103));
        CHECK_STEP(check_call_done(check, &box, "add", WITH(sconce_i64(1000))));
        CHECK_STEP(check_call_done(check, &box, "keep", WITH(sconce_string("after, and longer"))));
        CHECK_STEP(go_back(check, &box, way));
        CHECK_STEP(check_call_done(check, &box, "kept_text", WITHOUT));
        CHECK(check, check_is_text(&box.result, "before"), "the heap came back as \"%s\"",
              (const char *)box.result.as.span.data);
        CHECK_STEP(check_call_done(check, &box, "add", WITH(sconce_i64(0))));
        CHECK(check, box.result.as.i64 == -5, "the total came back as %lld",
              (long long)box.result.as.i64);
    }
    return CHECK_OK;
}

static enum check_outcome checksums(struct check *check, struct check_box *box, char text[64])
{
    CHECK_STEP(check_call_done(check, box, "checksums", WITHOUT));
    snprintf(text, 64, "%.*s", (int)box->result.as.span.length,
             (const char *)box->result.as.span.data);
    return CHECK_OK;
}

static enum check_outcome every_byte(struct check *check, way_back way)
{
    /* More pages than a KVM backend's ring has entries. */
    const struct sconce_limits limits = {.heap_bytes = 6u << 20, .deadline_ns = UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    char first[64], before[64], dirty[64], after[64];

    CHECK_STEP(check_box_open(check, &box, "dirty.elf", &limits));
    CHECK_STEP(check_call_done(check, &box, "fill", WITH(check_u64(1))));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(checksums(check, &box, first));
    CHECK_STEP(go_back(check, &box, way));
    CHECK_STEP(checksums(check, &box, before));
    /* The third is of the stack below what is in use, and a restored guest uses another depth. */
    CHECK(check, memcmp(first, before, 2 * 17) == 0,
          "checksums of data and heap were %.33s and came back as %.33s", first, before);
    for (uint64_t pattern = 2; pattern < 5; pattern++) {
        CHECK_STEP(check_call_done(check, &box, "fill", WITH(check_u64(pattern))));
        CHECK_STEP(checksums(check, &box, dirty));
        CHECK(check, strcmp(before, dirty) != 0, "fill() changed nothing");
        CHECK_STEP(go_back(check, &box, way));
        CHECK_STEP(checksums(check, &box, after));
        CHECK(check, strcmp(before, after) == 0,
              "checksums of data, heap and stack were %s and came back as %s", before, after);
        CHECK_STEP(check_call_done(check, &box, "differing", WITH(check_u64(1))));
        CHECK(check, box.result.as.u64 == 0, "%llu words differ",
              (unsigned long long)box.result.as.u64);
    }
    return CHECK_OK;
}

/* By then nothing new had to be looked for a few times; verify_restores sees what is left. */
static enum check_outcome check_late(struct check *check)
{
    const struct sconce_limits limits = {.heap_bytes = 6u << 20, .deadline_ns = UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    for (uint32_t i = 0; i < 2; i++) {
        const way_back way = i ? sconce_sandbox_rewind : sconce_sandbox_restore;

        CHECK_STEP(check_box_open(check, &box, "dirty.elf", &limits));
        CHECK_STEP(check_box_keep_start(check, &box));
        for (uint32_t turn = 0; turn < 4; turn++)
            CHECK_STEP(go_back(check, &box, way));
        CHECK_STEP(check_call_done(check, &box, "fill", WITH(check_u64(1))));
        CHECK_STEP(go_back(check, &box, way));
        check_box_close(&box);
        box = (struct check_box){0};
    }
    return CHECK_OK;
}

static enum check_outcome check_other_sandbox(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_sandbox *first;

    CHECK_STEP(check_box_open(check, &box, "counter.elf", NULL));
    CHECK_STEP(expect_next(check, &box, 101));
    CHECK_STEP(check_box_keep_start(check, &box));
    first = box.sandbox;
    box.sandbox = NULL;
    CHECK(check, check_box_new(&box, NULL, &box.sandbox) == 0, "no second sandbox: %s",
          box.err.text);
    sconce_sandbox_free(first); /* a snapshot outlives what it was taken of */
    CHECK_STEP(expect_next(check, &box, 101));
    CHECK_STEP(go_back(check, &box, sconce_sandbox_restore));
    return expect_next(check, &box, 102);
}

/* In a vCPU that never ran the guest's start-up. */
static enum check_outcome check_begin(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_stats stats = {.size = sizeof stats};

    CHECK_STEP(check_box_open(check, &box, "counter.elf", NULL));
    CHECK_STEP(expect_next(check, &box, 101));
    CHECK_STEP(check_box_keep_start(check, &box));
    options.snapshot = box.start;
    for (int i = 0; i < 3; i++) {
        sconce_sandbox_free(box.sandbox);
        box.sandbox = NULL;
        CHECK(check, sconce_sandbox_new(box.guest, &options, &box.sandbox, &box.err) == 0,
              "no sandbox of a snapshot: %s", box.err.text);
        sconce_sandbox_stats(box.sandbox, &stats);
        CHECK(check, stats.exits == 0, "the guest ran to an exit before its first call");
        CHECK_STEP(expect_next(check, &box, 102));
        CHECK_STEP(go_back(check, &box, sconce_sandbox_restore));
        CHECK_STEP(expect_next(check, &box, 102));
        CHECK_STEP(expect_next(check, &box, 103));
    }
    return CHECK_OK;
}

/* Takes the result of a call without arguments that gives bytes. */
static enum check_outcome take_bytes(struct check *check, struct check_box *box,
                                     const char *function, uint8_t to[32])
{
    CHECK_STEP(check_call_done(check, box, function, WITHOUT));
    CHECK(check, box->result.as.span.length == 32, "%s gave %zu bytes", function,
          box->result.as.span.length);
    memcpy(to, box->result.as.span.data, 32);
    return CHECK_OK;
}

static enum check_outcome differs(struct check *check, way_back way)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint64_t guard, generation;
    uint8_t first[32], second[32];

    CHECK_STEP(check_box_open(check, &box, "random.elf", NULL));
    CHECK_STEP(take_bytes(check, &box, "seed", first));
    CHECK_STEP(check_call_done(check, &box, "stack_guard", WITHOUT));
    guard = box.result.as.u64;
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_call_done(check, &box, "generation", WITHOUT));
    CHECK(check, box.result.as.u64 == 0, "the first generation is %llu",
          (unsigned long long)box.result.as.u64);
    generation = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(go_back(check, &box, way));
        CHECK_STEP(take_bytes(check, &box, "seed", second));
        CHECK(check, memcmp(first, second, sizeof first) != 0, "the seed is the same again");
        memcpy(first, second, sizeof first);
        CHECK_STEP(check_call_done(check, &box, "stack_guard", WITHOUT));
        CHECK(check, box.result.as.u64 != guard, "the stack guard is the same again");
        guard = box.result.as.u64;
        CHECK_STEP(check_call_done(check, &box, "generation", WITHOUT));
        CHECK(check, box.result.as.u64 != generation, "the generation is the same again");
        generation = box.result.as.u64;
    }
    return CHECK_OK;
}

static enum check_outcome check_refusals(struct check *check)
{
    const struct sconce_limits other = {.heap_bytes = 1u << 20};
    SCONCE_CLEANUP(check_box_close) struct check_box counter = {0};
    SCONCE_CLEANUP(check_box_close) struct check_box random = {0};
    int code;

    CHECK_STEP(check_box_open(check, &counter, "counter.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &counter));
    CHECK_STEP(check_box_open(check, &random, "random.elf", NULL));
    code = sconce_sandbox_restore(random.sandbox, counter.start, &random.err);
    CHECK(check, code < 0, "another guest's snapshot was restored");
    CHECK_STEP(check_error(check, &random.err, code, "another guest's snapshot"));
    CHECK_STEP(check_call_done(check, &random, "generation", WITHOUT));

    sconce_sandbox_free(counter.sandbox);
    counter.sandbox = NULL;
    CHECK(check, check_box_new(&counter, &other, &counter.sandbox) == 0, "no sandbox: %s",
          counter.err.text);
    code = sconce_sandbox_restore(counter.sandbox, counter.start, &counter.err);
    CHECK(check, code < 0, "a snapshot of another size was restored");
    CHECK_STEP(check_error(check, &counter.err, code, "a snapshot of another size"));
    return expect_next(check, &counter, 101);
}

/* ---- Rewinds alone --------------------------------------------------------------------------- */

/* Each state is a snapshot's, whether the guest stands behind its start, a restore or a rewind. */
static enum check_outcome check_rewind_chain(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "counter.elf", NULL));
    for (uint64_t i = 0; i < 6; i++) {
        CHECK_STEP(check_box_keep_start(check, &box));
        CHECK_STEP(expect_next(check, &box, 101 + i));
        CHECK_STEP(expect_next(check, &box, 102 + i));
        CHECK_STEP(
            go_back(check, &box, i % 3 == 2 ? sconce_sandbox_restore : sconce_sandbox_rewind));
        CHECK_STEP(go_back(check, &box, sconce_sandbox_rewind)); /* twice is once */
        CHECK_STEP(expect_next(check, &box, 101 + i));
        sconce_snapshot_free(box.start);
        box.start = NULL;
    }
    return CHECK_OK;
}

/* Two snapshots of one sandbox, in turn and by both ways: each brings its own back. */
static enum check_outcome check_two_snapshots(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_snapshot *kept[2] = {0};
    enum check_outcome outcome = CHECK_OK;

    CHECK_STEP(check_box_open(check, &box, "counter.elf", NULL));
    for (int i = 0; i < 2; i++) {
        CHECK_STEP(check_box_keep_start(check, &box));
        kept[i] = box.start;
        box.start = NULL;
        if (i == 0) /* behind the other nothing is written before the first way back */
            CHECK_STEP(expect_next(check, &box, 101));
    }
    for (unsigned i = 0; i < 32 && outcome == CHECK_OK; i++) {
        unsigned which = i >> 1 & 1;

        box.start = kept[which];
        outcome = go_back(check, &box, i % 5 ? sconce_sandbox_rewind : sconce_sandbox_restore);
        if (outcome == CHECK_OK && i % 3)
            outcome = expect_next(check, &box, 101 + which);
    }
    box.start = NULL;
    sconce_snapshot_free(kept[0]);
    sconce_snapshot_free(kept[1]);
    return outcome;
}

/* The boot page says that a guest was rewound to its READY doorbell, and to no other, and once. */
static enum check_outcome check_rewind_told_once(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_boot boot;

    CHECK_STEP(check_box_open(check, &box, "random.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(go_back(check, &box, sconce_sandbox_rewind));
        for (int call = 0; call < 2; call++) {
            CHECK_STEP(check_call_done(check, &box, "boot_page", WITHOUT));
            CHECK(check, box.result.as.span.length >= sizeof boot, "the boot page has %zu bytes",
                  box.result.as.span.length);
            memcpy(&boot, box.result.as.span.data, sizeof boot);
            CHECK(check, (boot.rewound_sp != 0) == (call == 0),
                  "in call %d behind a rewind rewound_sp is 0x%llx", call + 1,
                  (unsigned long long)boot.rewound_sp);
        }
    }
    return CHECK_OK;
}

static enum check_outcome check_rewind_poisoned(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "abort.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED,
                                   "assert_that", WITH(sconce_bool(false))));
        CHECK(check, sconce_sandbox_rewind(box.sandbox, box.start, &box.err) == 0,
              "cannot rewind a poisoned sandbox: %s", box.err.text);
        CHECK(check, rewinds(&box) == (uint64_t)i, "a poisoned sandbox was not restored");
        CHECK_STEP(check_call_done(check, &box, "assert_that", WITH(sconce_bool(true))));
        CHECK_STEP(go_back(check, &box, sconce_sandbox_rewind));
        CHECK_STEP(check_call_done(check, &box, "assert_that", WITH(sconce_bool(true))));
    }
    return CHECK_OK;
}

/* Rounding another way: MXCSR and the x87 control word, or FPCR and a sticky bit of FPSR. */
static void other_control(const struct check *check, uint32_t words[2])
{
    bool x86 = check->setup->machine == EM_X86_64;

    words[0] = x86 ? 0x3f80 : 0xc00000;
    words[1] = x86 ? 0xf7f : 0x8000000;
}

static enum check_outcome check_rewind_control(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint32_t words[2];
    char before[64];

    other_control(check, words);
    CHECK_STEP(check_box_open(check, &box, "registers.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_call_done(check, &box, "control_words", WITHOUT));
    snprintf(before, sizeof before, "%.*s", (int)box.result.as.span.length,
             (const char *)box.result.as.span.data);
    CHECK_STEP(check_call_done(check, &box, "set_control_words",
                               WITH(check_u32(words[0]), check_u32(words[1]))));
    CHECK_STEP(go_back(check, &box, sconce_sandbox_rewind));
    CHECK_STEP(check_call_done(check, &box, "control_words", WITHOUT));
    CHECK(check, check_is_text(&box.result, before), "floating-point control was %s and is %.*s",
          before, (int)box.result.as.span.length, (const char *)box.result.as.span.data);
    return CHECK_OK;
}

/* The guest's next doorbell is not READY, and comes after a stop in its first instructions. */
static enum check_outcome check_rewind_next_doorbell(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(go_back(check, &box, sconce_sandbox_rewind));
        CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
        CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
    }
    return CHECK_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

#define BOTH_WAYS(what_)                                                                           \
    static enum check_outcome check_##what_(struct check *check)                                   \
    {                                                                                              \
        return what_(check, sconce_sandbox_restore);                                               \
    }                                                                                              \
    static enum check_outcome check_rewind_##what_(struct check *check)                            \
    {                                                                                              \
        return what_(check, sconce_sandbox_rewind);                                                \
    }
BOTH_WAYS(state)
BOTH_WAYS(every_byte)
BOTH_WAYS(differs)

const struct check_row check_snapshot_rows[] = {
    {"snapshot.state", "data, bss and heap come back, again and again", CHECK_NEEDS_SANDBOX,
     check_state},
    {"snapshot.bytes", "every byte that a guest can write comes back", CHECK_NEEDS_SANDBOX,
     check_every_byte},
    {"snapshot.other", "a snapshot goes into another sandbox of its guest", CHECK_NEEDS_SANDBOX,
     check_other_sandbox},
    {"snapshot.begin", "a sandbox begins as a snapshot, without a start-up", CHECK_NEEDS_SANDBOX,
     check_begin},
    {"snapshot.differs", "seed, generation and stack guard differ after a restore",
     CHECK_NEEDS_SANDBOX, check_differs},
    {"snapshot.refusals", "a snapshot of something else is refused and changes nothing",
     CHECK_NEEDS_SANDBOX, check_refusals},
    {"rewind.state", "data, bss and heap come back without a restore", CHECK_NEEDS_SANDBOX,
     check_rewind_state},
    {"rewind.bytes", "every byte that a guest can write comes back by a rewind",
     CHECK_NEEDS_SANDBOX, check_rewind_every_byte},
    {"rewind.late", "pages that are touched first after some ways back come back, too",
     CHECK_NEEDS_SANDBOX, check_late},
    {"rewind.differs", "seed, generation and stack guard differ after a rewind",
     CHECK_NEEDS_SANDBOX, check_rewind_differs},
    {"rewind.chain", "starts, restores and rewinds follow each other in any order",
     CHECK_NEEDS_SANDBOX, check_rewind_chain},
    {"rewind.two", "two snapshots of one sandbox do not mix", CHECK_NEEDS_SANDBOX,
     check_two_snapshots},
    {"rewind.told", "a guest is told once that it was rewound", CHECK_NEEDS_SANDBOX,
     check_rewind_told_once},
    {"rewind.poisoned", "a rewind of a poisoned sandbox restores it", CHECK_NEEDS_SANDBOX,
     check_rewind_poisoned},
    {"rewind.control", "floating-point control is a function's entry's after a rewind",
     CHECK_NEEDS_SANDBOX, check_rewind_control},
    {"rewind.doorbell", "doorbells other than READY go on behind a rewind", CHECK_NEEDS_SANDBOX,
     check_rewind_next_doorbell},
    {NULL, NULL, 0, NULL},
};
