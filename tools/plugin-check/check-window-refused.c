/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: files that are attached, and what is refused: bad files, too much, too late, no window.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/window.h"

static enum check_outcome expect_refused(struct check *check, struct check_box *box, int got,
                                         int wanted, const char *what)
{
    CHECK(check, got == wanted, "%s: %s", what, got == 0 ? "success" : sconce_error_name(got));
    return check_error(check, &box->err, wanted, what);
}

static enum check_outcome check_file(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = memfd_create("sconce-check", MFD_CLOEXEC);

    CHECK(check,
          write(fd, check_window_pattern(3), CHECK_WINDOW_ROOM) == CHECK_WINDOW_ROOM &&
              lseek(fd, 77, SEEK_SET) == 77,
          "cannot write a file in memory");
    CHECK_STEP(check_window_open(check, &box));
    for (uint32_t at = 0; at < CHECK_WINDOW_ROOM; at += 65537) {
        CHECK(check,
              sconce_sandbox_attach_fd(box.sandbox, fd, at, CHECK_WINDOW_ROOM - at, &box.err) == 0,
              "cannot attach a file from %u on: %s", at, box.err.text);
        CHECK(check, lseek(fd, 0, SEEK_CUR) == 77, "the file was moved");
        CHECK_STEP(check_window_holds(check, &box, check_window_data + at, CHECK_WINDOW_ROOM - at,
                                      CHECK_WINDOW_ROOM));
    }
    /* What becomes of the file is nothing to the guest. */
    CHECK(check, ftruncate(fd, 0) == 0, "cannot truncate a file");
    return check_window_holds(check, &box, check_window_data + 3 * 65537,
                              CHECK_WINDOW_ROOM - 3 * 65537, CHECK_WINDOW_ROOM);
}

static enum check_outcome check_file_refused(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = memfd_create("sconce-check", MFD_CLOEXEC);
    SCONCE_CLEANUP(sconce_cleanup_fd) int pipe_out = -1;
    int ends[2];

    CHECK(check, write(fd, check_window_pattern(4), 5000) == 5000 && pipe2(ends, O_CLOEXEC) == 0,
          "cannot make a file and a pipe");
    pipe_out = ends[0];
    close(ends[1]);
    CHECK_STEP(check_window_open(check, &box));
    const struct {
        int fd;
        uint64_t offset, bytes;
        int code;
    } cases[] = {
        {fd, 0, 5001, SCONCE_E_SYSTEM},
        {fd, 5000, 1, SCONCE_E_SYSTEM},
        {fd, 1ull << 40, 1, SCONCE_E_SYSTEM},
        {pipe_out, 0, 1, SCONCE_E_SYSTEM},
        {-1, 0, CHECK_WINDOW_ROOM, SCONCE_E_SYSTEM},
        {fd, UINT64_MAX, 1, SCONCE_E_INVALID},
        {fd, INT64_MAX, 1, SCONCE_E_INVALID},
        {fd, 0, CHECK_WINDOW_ROOM + 1, SCONCE_E_LIMIT},
    };

    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool stays = cases[i].code != SCONCE_E_SYSTEM;

        CHECK_STEP(check_window_attach(check, &box, check_window_pattern(i), 9999));
        CHECK_STEP(
            expect_refused(check, &box,
                           sconce_sandbox_attach_fd(box.sandbox, cases[i].fd, cases[i].offset,
                                                    cases[i].bytes, &box.err),
                           cases[i].code, "what is no such file"));
        CHECK_STEP(check_window_holds(check, &box, check_window_data, stays ? 9999 : 0,
                                      CHECK_WINDOW_ROOM));
    }
    return CHECK_OK;
}

static enum check_outcome check_limits(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(check_box_close) struct check_box without = {0};

    CHECK_STEP(check_window_open(check, &box));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_window_attach(check, &box, check_window_pattern(5), 9999));
    CHECK_STEP(expect_refused(
        check, &box,
        sconce_sandbox_attach(box.sandbox, check_window_data, CHECK_WINDOW_ROOM + 1, &box.err),
        SCONCE_E_LIMIT, "more than the window has"));
    CHECK(check, box.err.limit == SCONCE_LIMIT_MEMORY, "it ended at limit %u", box.err.limit);
    CHECK_STEP(check_window_holds(check, &box, check_window_data, 9999, CHECK_WINDOW_ROOM));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, "write_at",
                               WITH(check_u64(0))));
    CHECK_STEP(expect_refused(check, &box,
                              sconce_sandbox_attach(box.sandbox, check_window_data, 1, &box.err),
                              SCONCE_E_STATE, "a poisoned sandbox"));
    CHECK(check, sconce_sandbox_detach(box.sandbox, &box.err) == 0,
          "cannot detach from a poisoned sandbox: %s", box.err.text);
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(check_window_is_empty(check, &box, CHECK_WINDOW_ROOM));

    CHECK_STEP(check_box_open(check, &without, "window.elf", NULL));
    CHECK_STEP(check_window_number(check, &without, "address", WITHOUT, 0));
    CHECK_STEP(expect_refused(
        check, &without, sconce_sandbox_attach(without.sandbox, check_window_data, 1, &without.err),
        SCONCE_E_LIMIT, "a sandbox without a window"));
    CHECK(check, sconce_sandbox_detach(without.sandbox, &without.err) == 0,
          "cannot detach from no window: %s", without.err.text);
    return check_window_number(check, &without, "attached", WITHOUT, 0);
}

/* From a host function: the guest is running. */
static void attach_meanwhile(struct check_box *box)
{
    int *codes = box->ctx;

    codes[0] = sconce_sandbox_attach(box->sandbox, check_window_data, 1, &box->err);
    codes[1] = sconce_sandbox_detach(box->sandbox, &box->err);
}

static enum check_outcome check_busy(struct check *check)
{
    int codes[2] = {0};
    SCONCE_CLEANUP(check_box_close)
    struct check_box box = {
        .choose = check_window_choose, .on_nothing = attach_meanwhile, .ctx = codes};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
    CHECK(check, codes[0] == SCONCE_E_BUSY && codes[1] == SCONCE_E_BUSY,
          "of a running guest attach gave %d and detach %d", codes[0], codes[1]);
    return CHECK_OK;
}

const struct check_row check_window_refused_rows[] = {
    {"window.file", "a file is attached as it is then", CHECK_NEEDS_SANDBOX, check_file},
    {"window.file-refused", "what cannot be read leaves nothing attached", CHECK_NEEDS_SANDBOX,
     check_file_refused},
    {"window.limits", "too much, too late and no window are refused and change nothing",
     CHECK_NEEDS_SANDBOX, check_limits},
    {"window.busy", "nothing is attached while the guest runs", CHECK_NEEDS_SANDBOX, check_busy},
    {NULL, NULL, 0, NULL},
};
