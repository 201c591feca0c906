/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several sandboxes of one snapshot that is too large to be copied where its pages can be shared:
 * each has what the snapshot has until it writes there itself, whoever writes elsewhere, whatever
 * it goes back to, and whether the snapshot is still there. Where nothing is shared the same holds.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/calls.h"

#define PAGE 4096ull
#define PAGES 96u /* of the heap, one behind the other */
#define MOST 4u

/* One guest, its sandboxes and snapshots. Calls go to calls.box.sandbox, one of them. */
struct share {
    struct check_calls calls;
    struct sconce_sandbox *sandboxes[MOST];
    struct sconce_snapshot *snapshots[2];
    uint64_t heap;
};

static void close_share(struct share *share)
{
    for (unsigned i = 0; i < MOST; i++)
        sconce_sandbox_free(share->sandboxes[i]);
    for (unsigned i = 0; i < 2; i++)
        sconce_snapshot_free(share->snapshots[i]);
    share->calls.box.sandbox = NULL;
    check_calls_close(&share->calls);
}

static void use(struct share *share, unsigned which)
{
    share->calls.box.sandbox = share->sandboxes[which];
}

/* A word of page @i; each page has another one. */
static uint64_t word_of(const struct share *share, unsigned i)
{
    return share->heap + i * PAGE + i % 500 * 8;
}

/* Each @step-th page gets another word, which tells of @value. */
static enum check_outcome write_pages(struct check *check, struct share *share, unsigned step,
                                      uint64_t value)
{
    for (unsigned i = 0; i < PAGES; i += step)
        CHECK_STEP(check_calls_put(check, &share->calls, word_of(share, i), value + i));
    return CHECK_OK;
}

/* Each @step-th page holds @written, and each other one @kept. */
static enum check_outcome expect(struct check *check, struct share *share, unsigned step,
                                 uint64_t written, uint64_t kept)
{
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_STEP(check_calls_hold(check, &share->calls, word_of(share, i),
                                    (i % step == 0 ? written : kept) + i));
    return CHECK_OK;
}

static enum check_outcome take(struct check *check, struct share *share, unsigned which)
{
    CHECK(check,
          sconce_sandbox_snapshot(share->calls.box.sandbox, &share->snapshots[which],
                                  &share->calls.box.err) == 0,
          "no snapshot: %s", share->calls.box.err.text);
    return CHECK_OK;
}

/* Sandbox @which begins as a snapshot, and is the one that is used. */
static enum check_outcome begin(struct check *check, struct share *share, unsigned which,
                                unsigned snapshot)
{
    const struct sconce_sandbox_options options = {.size = sizeof options,
                                                   .snapshot = share->snapshots[snapshot]};

    CHECK(check,
          sconce_sandbox_new(share->calls.box.guest, &options, &share->sandboxes[which],
                             &share->calls.box.err) == 0,
          "no sandbox of a snapshot: %s", share->calls.box.err.text);
    use(share, which);
    return CHECK_OK;
}

static enum check_outcome go_back(struct check *check, struct share *share, unsigned snapshot,
                                  bool rewind)
{
    struct check_box *box = &share->calls.box;
    int code = rewind ? sconce_sandbox_rewind(box->sandbox, share->snapshots[snapshot], &box->err)
                      : sconce_sandbox_restore(box->sandbox, share->snapshots[snapshot], &box->err);

    CHECK(check, code == 0, "cannot go back: %s", box->err.text);
    return CHECK_OK;
}

/* Snapshot 0 is of sandbox 0, whose pages hold 1000 and so on. */
static enum check_outcome open_share(struct check *check, struct share *share)
{
    CHECK_STEP(check_calls_open(check, &share->calls, NULL));
    share->sandboxes[0] = share->calls.box.sandbox;
    CHECK_STEP(check_calls_boot_word(check, &share->calls, CHECK_BOOT_HEAP_ADDR, &share->heap));
    CHECK_STEP(write_pages(check, share, 1, 1000));
    return take(check, share, 0);
}

static enum check_outcome check_apart(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};

    CHECK_STEP(open_share(check, &share));
    for (unsigned i = 1; i < MOST; i++) {
        CHECK_STEP(begin(check, &share, i, 0));
        if (i & 1) /* pages that were read first, and pages that were not */
            CHECK_STEP(expect(check, &share, 1, 1000, 0));
        CHECK_STEP(write_pages(check, &share, i + 1, 1000 * (i + 1)));
    }
    for (unsigned i = 1; i < MOST; i++) {
        use(&share, i);
        CHECK_STEP(expect(check, &share, i + 1, 1000 * (i + 1), 1000));
    }
    use(&share, 0);
    CHECK_STEP(expect(check, &share, 1, 1000, 0));
    CHECK_STEP(write_pages(check, &share, 1, 9000));
    sconce_sandbox_free(share.sandboxes[1]);
    CHECK_STEP(begin(check, &share, 1, 0));
    return expect(check, &share, 1, 1000, 0);
}

static enum check_outcome check_back(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};

    CHECK_STEP(open_share(check, &share));
    CHECK_STEP(begin(check, &share, 1, 0));
    CHECK_STEP(begin(check, &share, 2, 0));
    for (unsigned i = 0; i < 6; i++) {
        use(&share, 1 + i / 3);
        CHECK_STEP(write_pages(check, &share, 1 + i % 3, 2000));
        CHECK_STEP(go_back(check, &share, 0, i & 1));
        CHECK_STEP(expect(check, &share, 1, 1000, 0));
    }
    return CHECK_OK;
}

static enum check_outcome check_copied(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};

    CHECK_STEP(open_share(check, &share));
    CHECK_STEP(begin(check, &share, 1, 0));
    CHECK_STEP(write_pages(check, &share, 3, 2000));
    CHECK_STEP(take(check, &share, 1));
    CHECK_STEP(write_pages(check, &share, 2, 3000));
    CHECK_STEP(begin(check, &share, 2, 1));
    CHECK_STEP(expect(check, &share, 3, 2000, 1000));
    use(&share, 1);
    CHECK_STEP(go_back(check, &share, 1, true));
    CHECK_STEP(expect(check, &share, 3, 2000, 1000));
    CHECK_STEP(begin(check, &share, 3, 0));
    return expect(check, &share, 1, 1000, 0);
}

/* One snapshot's memory goes into what shows another's, in turn and by both ways. */
static enum check_outcome check_older(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};

    CHECK_STEP(open_share(check, &share));
    CHECK_STEP(begin(check, &share, 1, 0));
    CHECK_STEP(write_pages(check, &share, 4, 2000));
    CHECK_STEP(take(check, &share, 1));
    CHECK_STEP(begin(check, &share, 2, 1));
    for (unsigned i = 0; i < 8; i++) {
        bool older = !(i & 1);

        use(&share, 1 + (i >> 1 & 1));
        CHECK_STEP(write_pages(check, &share, 5, 3000));
        CHECK_STEP(go_back(check, &share, older ? 0 : 1, i & 2));
        CHECK_STEP(expect(check, &share, 4, older ? 1000 : 2000, 1000));
        CHECK_STEP(go_back(check, &share, older ? 1 : 0, i & 4));
        CHECK_STEP(expect(check, &share, 4, older ? 2000 : 1000, 1000));
    }
    return CHECK_OK;
}

static enum check_outcome check_freed(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};

    CHECK_STEP(open_share(check, &share));
    CHECK_STEP(begin(check, &share, 1, 0));
    CHECK_STEP(begin(check, &share, 2, 0));
    sconce_snapshot_free(share.snapshots[0]);
    share.snapshots[0] = NULL;
    use(&share, 1);
    CHECK_STEP(write_pages(check, &share, 2, 2000));
    use(&share, 2);
    CHECK_STEP(expect(check, &share, 1, 1000, 0));
    use(&share, 1);
    CHECK_STEP(expect(check, &share, 2, 2000, 1000));
    CHECK_STEP(take(check, &share, 0));
    CHECK_STEP(write_pages(check, &share, 1, 3000));
    CHECK_STEP(go_back(check, &share, 0, false));
    return expect(check, &share, 2, 2000, 1000);
}

/* The guest has looked at the page before: what it sees must change under it. */
static enum check_outcome check_host(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};
    uint64_t seen;

    CHECK_STEP(open_share(check, &share));
    CHECK_STEP(begin(check, &share, 1, 0));
    CHECK_STEP(begin(check, &share, 2, 0));
    use(&share, 1);
    CHECK_STEP(expect(check, &share, 1, 1000, 0));
    CHECK_STEP(check_calls_give(check, &share.calls, 8,
                                SYSTEM_CALL("getrandom", word_of(&share, 7), 8, 0, 0)));
    CHECK_STEP(
        check_calls_ask(check, &share.calls, "peek", WITH(check_u64(word_of(&share, 7))), &seen));
    CHECK(check, seen != 1007, "the guest does not see what the host has written");
    use(&share, 2);
    CHECK_STEP(expect(check, &share, 1, 1000, 0));
    use(&share, 1);
    CHECK_STEP(go_back(check, &share, 0, false));
    return expect(check, &share, 1, 1000, 0);
}

static enum check_outcome write_and_go_back(struct check *check, struct share *share)
{
    CHECK_STEP(write_pages(check, share, 2, 3000));
    CHECK_STEP(expect(check, share, 2, 3000, 1000));
    CHECK_STEP(go_back(check, share, 0, false));
    return expect(check, share, 1, 1000, 0);
}

/* The child has all private pages, too, until one of both writes there. */
static enum check_outcome check_fork(struct check *check)
{
    SCONCE_CLEANUP(close_share) struct share share = {0};
    enum check_outcome outcome;
    pid_t child;

    CHECK_STEP(open_share(check, &share));
    CHECK_STEP(begin(check, &share, 1, 0));
    CHECK_STEP(write_pages(check, &share, 2, 2000));
    child = fork();
    CHECK(check, child >= 0, "cannot fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    outcome = write_and_go_back(check, &share);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_STEP(outcome);
    return write_and_go_back(check, &share);
}

const struct check_row check_share_rows[] = {
    {"share.apart", "sandboxes of one snapshot do not see what the others write",
     CHECK_NEEDS_SANDBOX, check_apart},
    {"share.back", "each goes back to it, again and again", CHECK_NEEDS_SANDBOX, check_back},
    {"share.copied", "a snapshot of one has what it wrote and what it did not", CHECK_NEEDS_SANDBOX,
     check_copied},
    {"share.older", "each goes back to an older snapshot, and to a newer one", CHECK_NEEDS_SANDBOX,
     check_older},
    {"share.freed", "they go on when the snapshot is freed", CHECK_NEEDS_SANDBOX, check_freed},
    {"share.host", "what the host writes is seen by that guest alone", CHECK_NEEDS_SANDBOX,
     check_host},
    {"share.fork", "a child of the host's changes nothing for them", CHECK_NEEDS_SANDBOX,
     check_fork},
    {NULL, NULL, 0, NULL},
};
