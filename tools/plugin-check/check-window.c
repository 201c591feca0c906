/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows: the guest reads what is attached, at once and to the byte, cannot change it, and finds
 * nothing of it when it is gone, whichever way that went.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/window.h"

#define LARGE (17ull << 20) /* more than a detached window keeps of memory */

static void with_large_room(struct check_box *box, struct sconce_sandbox_options *options)
{
    check_window_choose(box, options);
    options->window_bytes = LARGE;
}

/* ---- What is there --------------------------------------------------------------------------- */

static enum check_outcome check_read(struct check *check)
{
    static const uint32_t sizes[] = {
        1, 4095, 4096, 4097, 65536, 100001, CHECK_WINDOW_ROOM - 1, CHECK_WINDOW_ROOM};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_window_open(check, &box));
    CHECK_STEP(check_window_is_empty(check, &box, CHECK_WINDOW_ROOM));
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CHECK_STEP(check_window_attach(check, &box, check_window_pattern(i), sizes[i]));
        CHECK_STEP(check_window_holds(check, &box, check_window_data, sizes[i], CHECK_WINDOW_ROOM));
        CHECK_STEP(check_window_holds(check, &box, check_window_data, sizes[i],
                                      CHECK_WINDOW_ROOM)); /* it stays */
    }
    return CHECK_OK;
}

/* From large to small and back: what was attached before is gone, also behind what is now. */
static enum check_outcome check_replace(struct check *check)
{
    static const uint32_t sizes[] = {CHECK_WINDOW_ROOM, 5000, 70000, 1, CHECK_WINDOW_ROOM, 0, 4096};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_window_open(check, &box));
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CHECK_STEP(check_window_attach(check, &box, check_window_pattern(i + 10), sizes[i]));
        CHECK_STEP(check_window_holds(check, &box, check_window_data, sizes[i], CHECK_WINDOW_ROOM));
    }
    return CHECK_OK;
}

static enum check_outcome expect_fault(struct check *check, struct check_box *box,
                                       const char *function, uint64_t place, uint64_t address,
                                       uint32_t access)
{
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, function,
                               WITH(check_u64(place))));
    CHECK(check,
          box->err.fault.kind == SCONCE_FAULT_MEMORY && box->err.fault.access == access &&
              box->err.fault.address == address,
          "%s(%llu): %s", function, (unsigned long long)place, box->err.text);
    return check_box_recover(check, box);
}

static enum check_outcome check_read_only(struct check *check)
{
    static const uint32_t places[] = {0, 4999, 5000, 8192, CHECK_WINDOW_ROOM - 1};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint64_t address;

    CHECK_STEP(check_window_open(check, &box));
    CHECK_STEP(check_call_done(check, &box, "address", WITHOUT));
    address = box.result.as.u64;
    CHECK_STEP(check_box_keep_start(check, &box));
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        CHECK_STEP(check_window_attach(check, &box, check_window_pattern(i), 5000));
        CHECK_STEP(check_call_done(check, &box, "byte_at", WITH(check_u64(places[i]))));
        CHECK_STEP(expect_fault(check, &box, "write_at", places[i], address + places[i],
                                SCONCE_ACCESS_WRITE));
        CHECK_STEP(check_window_is_empty(check, &box, CHECK_WINDOW_ROOM));
    }
    if (check->setup->probe.caps & SCONCE_CAP_EXEC_ENFORCED)
        CHECK_STEP(expect_fault(check, &box, "run_at", 4096, address + 4096, SCONCE_ACCESS_EXEC));
    return expect_fault(check, &box, "byte_at", CHECK_WINDOW_ROOM, address + CHECK_WINDOW_ROOM,
                        SCONCE_ACCESS_READ);
}

/* ---- And gone -------------------------------------------------------------------------------- */

static int detach(struct check_box *box)
{
    return sconce_sandbox_detach(box->sandbox, &box->err);
}

static int restore(struct check_box *box)
{
    return sconce_sandbox_restore(box->sandbox, box->start, &box->err);
}

static int rewind_back(struct check_box *box)
{
    return sconce_sandbox_rewind(box->sandbox, box->start, &box->err);
}

static int (*const ways[])(struct check_box *box) = {detach, restore, rewind_back, detach};
#define WAYS (sizeof ways / sizeof ways[0])

static enum check_outcome check_gone(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_window_open(check, &box));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (uint32_t i = 0; i < 3 * WAYS; i++) {
        CHECK_STEP(check_window_attach(check, &box, check_window_pattern(i),
                                       i < WAYS ? CHECK_WINDOW_ROOM : 4096 * i + i));
        if (i % 3) /* the guest may have seen it or not */
            CHECK_STEP(check_call_done(check, &box, "digest", WITHOUT));
        CHECK(check, ways[i % WAYS](&box) == 0, "way %u: %s", i % (uint32_t)WAYS, box.err.text);
        CHECK_STEP(check_window_is_empty(check, &box, CHECK_WINDOW_ROOM));
    }
    return CHECK_OK;
}

/* Of a window whose memory may go back to the system meanwhile. */
static enum check_outcome check_gone_large(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.choose = with_large_room};
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = memfd_create("sconce-check", MFD_CLOEXEC);

    for (uint64_t at = 0; at < LARGE; at += CHECK_WINDOW_ROOM)
        CHECK(check,
              pwrite(fd, check_window_pattern((uint32_t)(at / CHECK_WINDOW_ROOM)),
                     CHECK_WINDOW_ROOM, (off_t)at) == CHECK_WINDOW_ROOM,
              "cannot write a file in memory");
    CHECK_STEP(check_box_open(check, &box, "window.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (uint32_t i = 0; i < WAYS; i++) {
        CHECK(check, sconce_sandbox_attach_fd(box.sandbox, fd, 0, LARGE, &box.err) == 0,
              "cannot attach a file: %s", box.err.text);
        CHECK_STEP(check_window_number(check, &box, "not_zero",
                                       WITH(check_u64(0), check_u64(LARGE)), LARGE));
        CHECK(check, ways[i](&box) == 0, "way %u: %s", i, box.err.text);
        CHECK_STEP(check_window_is_empty(check, &box, LARGE));
        CHECK_STEP(check_window_attach(check, &box, check_window_pattern(i), CHECK_WINDOW_ROOM));
        CHECK_STEP(check_window_holds(check, &box, check_window_data, CHECK_WINDOW_ROOM, LARGE));
    }
    return CHECK_OK;
}

static enum check_outcome pool_turn(struct check *check, struct check_box *box, uint32_t turn)
{
    CHECK_STEP(check_window_is_empty(check, box, CHECK_WINDOW_ROOM));
    CHECK_STEP(
        check_window_attach(check, box, check_window_pattern(turn), CHECK_WINDOW_ROOM - turn));
    if (turn % 2)
        return check_call_ends(check, box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, "write_at",
                               WITH(check_u64(0)));
    return check_window_holds(check, box, check_window_data, CHECK_WINDOW_ROOM - turn,
                              CHECK_WINDOW_ROOM);
}

/* A pool's next user finds nothing, whatever became of the one before, in the same sandbox. */
static enum check_outcome check_pool(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {.choose = check_window_choose};
    struct sconce_pool_options options = {.ready = 1, .most = 1};
    struct sconce_pool_counts counts = {.size = sizeof counts};
    struct sconce_pool *pool;
    enum check_outcome outcome = CHECK_OK;

    CHECK_STEP(check_box_load(check, &box, "window.elf"));
    CHECK(check, check_box_pool(&box, NULL, &options, &pool) == 0, "cannot make a pool: %s",
          box.err.text);
    for (uint32_t i = 0; i < 6 && outcome == CHECK_OK; i++) {
        if (sconce_pool_take(pool, UINT64_MAX, &box.sandbox, &box.err) < 0)
            outcome = check_fail(check, "the pool lends nothing: %s", box.err.text);
        else
            outcome = pool_turn(check, &box, i);
        sconce_pool_give(pool, box.sandbox);
        box.sandbox = NULL;
    }
    sconce_pool_count(pool, &counts);
    sconce_pool_free(pool);
    if (outcome == CHECK_OK && (counts.made != 1 || counts.recycled != 6))
        return check_fail(check, "of %llu sandboxes %llu times one was cleaned",
                          (unsigned long long)counts.made, (unsigned long long)counts.recycled);
    return outcome;
}

/* ---- Snapshots ------------------------------------------------------------------------------- */

static void from_snapshot(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->snapshot = box->start;
    options->window_bytes = *(const uint64_t *)box->ctx;
}

/* A snapshot has nothing attached, and goes into sandboxes with another window, or none. */
static enum check_outcome check_snapshot(struct check *check)
{
    static const uint64_t rooms[] = {CHECK_WINDOW_ROOM, 64u << 10, 8u << 20, 0};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_window_open(check, &box));
    CHECK_STEP(check_window_attach(check, &box, check_window_pattern(1), CHECK_WINDOW_ROOM));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(
        check_window_holds(check, &box, check_window_data, CHECK_WINDOW_ROOM, CHECK_WINDOW_ROOM));
    CHECK(check, restore(&box) == 0, "cannot restore: %s", box.err.text);
    CHECK_STEP(check_window_is_empty(check, &box, CHECK_WINDOW_ROOM));
    box.choose = from_snapshot;
    for (uint32_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        sconce_sandbox_free(box.sandbox);
        box.sandbox = NULL;
        box.ctx = (void *)&rooms[i];
        CHECK(check, check_box_new(&box, NULL, &box.sandbox) == 0, "no sandbox: %s", box.err.text);
        for (uint32_t turn = 0; turn < 2; turn++) {
            CHECK_STEP(check_window_is_empty(check, &box, rooms[i]));
            CHECK_STEP(check_window_attach(check, &box, check_window_pattern(turn),
                                           rooms[i] ? 64u << 10 : 0));
            CHECK_STEP(check_window_holds(check, &box, check_window_data, rooms[i] ? 64u << 10 : 0,
                                          rooms[i]));
            CHECK(check, restore(&box) == 0, "cannot restore: %s", box.err.text);
        }
    }
    return CHECK_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

const struct check_row check_window_rows[] = {
    {"window.read", "a guest reads what is attached, and zeros behind it", CHECK_NEEDS_SANDBOX,
     check_read},
    {"window.replace", "what is attached next leaves nothing of what was before",
     CHECK_NEEDS_SANDBOX, check_replace},
    {"window.read-only", "a guest can neither write a window nor run it", CHECK_NEEDS_SANDBOX,
     check_read_only},
    {"window.gone", "detach, restore and rewind leave zeros", CHECK_NEEDS_SANDBOX, check_gone},
    {"window.gone-large", "so they do of more than a window keeps memory for", CHECK_NEEDS_SANDBOX,
     check_gone_large},
    {"window.pool", "a pool's next user finds nothing attached", CHECK_NEEDS_SANDBOX, check_pool},
    {"window.snapshot", "a snapshot has nothing attached, and fits any window", CHECK_NEEDS_SANDBOX,
     check_snapshot},
    {NULL, NULL, 0, NULL},
};
