/* SPDX-License-Identifier: Apache-2.0 */
/* What sandboxes cost, and that they give it back. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

/* The budget of one sandbox. */
#define MAX_FDS 3u
#define MAX_MAPPINGS 12u
#define ALIVE 200u

/* Lives before the first count: what they set up for the process may stay. */
#define WARM_UP 3u

static enum check_outcome one_life(struct check *check, struct check_box *box)
{
    struct sconce_sandbox *sandbox = NULL;
    struct sconce_value result;
    int code;

    CHECK(check, check_box_new(box, NULL, &sandbox) == 0, "no sandbox: %s", box->err.text);
    code = sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &box->err);
    sconce_sandbox_free(sandbox);
    CHECK(check, code == 0, "a call failed: %s", box->err.text);
    return CHECK_OK;
}

static enum check_outcome same_holdings(struct check *check, const struct check_holdings *before,
                                        const struct check_holdings *after, unsigned lives)
{
    CHECK(check, after->fds == before->fds, "%u lives left %d fds", lives,
          (int)(after->fds - before->fds));
    CHECK(check, after->mappings <= before->mappings, "%u lives left %d mappings", lives,
          (int)(after->mappings - before->mappings));
    CHECK(check, after->heap_bytes <= before->heap_bytes, "%u lives left %zu bytes", lives,
          after->heap_bytes - before->heap_bytes);
    return CHECK_OK;
}

static enum check_outcome check_lives(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct check_holdings before, after;

    CHECK_STEP(check_box_open(check, &box, "counter.elf", NULL));
    for (unsigned i = 0; i < WARM_UP; i++)
        CHECK_STEP(one_life(check, &box));
    before = check_count();
    for (unsigned i = 0; i < check->setup->sandboxes; i++)
        CHECK_STEP(one_life(check, &box));
    after = check_count();
    CHECK_STEP(same_holdings(check, &before, &after, check->setup->sandboxes));
    return check_note(check, "%u sandboxes", check->setup->sandboxes);
}

/* Ends that are not good must give back as much: faults, kicks, failed starts, restores. */
static enum check_outcome check_bad_lives(struct check *check)
{
    /* Starting counts, too. */
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * 1000000ull};
    struct check_holdings before = {0}, after;

    for (unsigned i = 0; i < WARM_UP + 10; i++) {
        SCONCE_CLEANUP(check_box_close) struct check_box fault = {0};
        SCONCE_CLEANUP(check_box_close) struct check_box hang = {0};
        SCONCE_CLEANUP(check_box_close) struct check_box start = {0};

        CHECK_STEP(check_box_open(check, &fault, "faults.elf", NULL));
        CHECK_STEP(check_box_keep_start(check, &fault));
        CHECK_STEP(check_call_ends(check, &fault, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED,
                                   "null_write", WITHOUT));
        CHECK_STEP(check_box_recover(check, &fault));
        CHECK_STEP(check_call_ends(check, &fault, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED,
                                   "undefined_instruction", WITHOUT));
        CHECK_STEP(check_box_open(check, &hang, "hang.elf", &limits));
        CHECK_STEP(
            check_call_ends(check, &hang, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, "spin", WITHOUT));
        CHECK_STEP(check_box_load(check, &start, "start-fault.elf"));
        CHECK(check, check_box_new(&start, NULL, &start.sandbox) == SCONCE_E_GUEST_FAULT,
              "start-fault.elf started");
        check_box_close(&fault);
        check_box_close(&hang);
        check_box_close(&start);
        if (i == WARM_UP - 1)
            before = check_count();
    }
    after = check_count();
    return same_holdings(check, &before, &after, 10);
}

struct crowd {
    struct sconce_sandbox **sandboxes;
    unsigned count;
};

static void end_crowd(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++)
        sconce_sandbox_free(crowd->sandboxes[i]);
    free(crowd->sandboxes);
}

static enum check_outcome check_alive(struct check *check)
{
    const struct sconce_limits limits = {.heap_bytes = 1u << 20, .io_bytes = 1u << 16};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(end_crowd) struct crowd crowd = {0};
    uint32_t max = check->setup->probe.max_vms;
    unsigned wanted = max && max < ALIVE ? max : ALIVE;
    struct check_holdings before = {0}, after;
    struct rlimit files;
    unsigned fds, mappings, more;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    CHECK_STEP(check_box_load(check, &box, "counter.elf"));
    crowd.sandboxes = calloc(ALIVE, sizeof crowd.sandboxes[0]);
    CHECK(check, crowd.sandboxes, "no memory");
    for (; crowd.count < wanted; crowd.count++) {
        CHECK(check, check_box_new(&box, &limits, &crowd.sandboxes[crowd.count]) == 0,
              "no sandbox number %u: %s", crowd.count + 1, box.err.text);
        /* What a backend keeps for the process is there after the first. */
        if (crowd.count == 0)
            before = check_count();
    }
    after = check_count();
    for (unsigned i = 0; i < crowd.count; i++) {
        struct sconce_value result;

        CHECK(check,
              sconce_sandbox_call(crowd.sandboxes[i], "next", NULL, 0, &result, &box.err) == 0,
              "sandbox %u of many cannot be called: %s", i, box.err.text);
        CHECK(check, result.as.u64 == 101, "sandbox %u of many shares state with another", i);
    }
    more = wanted > 1 ? wanted - 1 : 1;
    fds = (after.fds - before.fds + more - 1) / more;
    mappings = (after.mappings - before.mappings + more - 1) / more;
    CHECK(check, fds <= MAX_FDS, "%u fds each, at most %u", fds, MAX_FDS);
    CHECK(check, mappings <= MAX_MAPPINGS, "%u mappings each, at most %u", mappings, MAX_MAPPINGS);
    return check_note(check, "%u alive, %u fds and %u mappings each", wanted, fds, mappings);
}

const struct check_row check_leaks_rows[] = {
    {"leaks.lives", "sandboxes made, called and freed leave nothing", CHECK_NEEDS_SANDBOX,
     check_lives},
    {"leaks.bad-lives", "bad ends leave nothing", CHECK_NEEDS_SANDBOX, check_bad_lives},
    {"leaks.alive", "200 sandboxes live at once within their budget", CHECK_NEEDS_SANDBOX,
     check_alive},
    {NULL, NULL, 0, NULL},
};
