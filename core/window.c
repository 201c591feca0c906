/* SPDX-License-Identifier: Apache-2.0 */
#include "core/window.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/overflow.h"
#include "sconce-plugin.h"

#define READ_MOST (1u << 30) /* bytes of one pread; Linux stops at 2 GiB anyway */

static uint8_t *window_of(const struct sconce_sandbox *sandbox)
{
    return sandbox->arena.host + sandbox->layout.window.offset;
}

/* Pages that go are gone for the guest only where it follows the host's memory: a backend that pins
 * them, or has copies, would go on showing the old ones. */
static bool may_punch(const struct sconce_sandbox *sandbox)
{
    return sandbox->guest->backend->probe.caps & SCONCE_CAP_FOLLOWS_HOST_MM;
}

/* Of what there may be little: an attempt that failed may have been for much. */
static void zero_touched(const struct sconce_arena *arena, uint64_t at, uint64_t end)
{
    uint64_t start, stop;

    for (; sconce_arena_populated(arena, at, end, &start, &stop); at = stop)
        memset(arena->host + start, 0, stop - start);
}

/* Bytes [@from, @end) of the window become zero, and behind them all is. */
static void zero(const struct sconce_sandbox *sandbox, uint64_t from, uint64_t end)
{
    const uint64_t at = sandbox->layout.window.offset + from, bytes = end - from;

    if (bytes <= SCONCE_WINDOW_KEPT_BYTES)
        memset(sandbox->arena.host + at, 0, bytes);
    else
        zero_touched(&sandbox->arena, at, at + bytes);
}

/* All from @from on is a hole, which reads as zeros; with it goes what the guest has touched there
 * by reading. */
static bool punch(const struct sconce_sandbox *sandbox, uint64_t from)
{
    const struct sconce_region *window = &sandbox->layout.window;

    return may_punch(sandbox) &&
           fallocate(sandbox->arena.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                     (off_t)(window->offset + from), (off_t)(window->bytes - from)) == 0;
}

/* The first @bytes of the window are what is attached now; of what was before the rest goes. What
 * holds memory behind them counts, not what goes: it adds up when less is attached each time. */
static void settle(struct sconce_sandbox *sandbox, uint64_t bytes)
{
    if (sandbox->window_held < sandbox->window_used)
        sandbox->window_held = sandbox->window_used;
    if (sandbox->window_held < bytes)
        sandbox->window_held = bytes;
    if (sandbox->window_held - bytes > SCONCE_WINDOW_KEPT_BYTES && punch(sandbox, bytes))
        sandbox->window_held = bytes;
    else if (bytes < sandbox->window_used)
        zero(sandbox, bytes, sandbox->window_used);
    sandbox->window_used = bytes;
    sconce_boot_tell_window(sandbox);
}

void sconce_window_empty(struct sconce_sandbox *sandbox)
{
    if (sandbox->window_used)
        settle(sandbox, 0);
}

/* ---- Who may, and how much ------------------------------------------------------------------- */

static int check_room(const struct sconce_sandbox *sandbox, uint64_t bytes,
                      struct sconce_error *err)
{
    const uint64_t room = sandbox->layout.window.bytes;

    if (bytes <= room)
        return 0;
    if (!room)
        sconce_fail_hint(err, SCONCE_E_LIMIT,
                         "give it one by limits.window_bytes, or window_bytes of its options",
                         "cannot attach %" PRIu64 " bytes: the sandbox has no window", bytes);
    else
        sconce_fail_hint(err, SCONCE_E_LIMIT,
                         "raise limits.window_bytes, or window_bytes of the sandbox's options",
                         "cannot attach %" PRIu64 " bytes: the sandbox's window has %" PRIu64,
                         bytes, room);
    if (err)
        err->limit = SCONCE_LIMIT_MEMORY;
    return SCONCE_E_LIMIT;
}

/* A guest that is not at READY may be reading what is there. */
static int check_ready(const struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    switch (sconce_sandbox_state(sandbox)) {
    case SCONCE_STATE_READY:
        return 0;
    case SCONCE_STATE_POISONED:
        return sconce_fail_hint(err, SCONCE_E_STATE, "restore a snapshot first",
                                "cannot attach data: the sandbox is poisoned");
    default:
        return sconce_fail_hint(err, SCONCE_E_STATE, "free it and make another",
                                "cannot attach data: the sandbox is dead, its backend failed");
    }
}

/* Takes the sandbox; on failure nobody has it. */
static int begin(struct sconce_sandbox *sandbox, uint64_t bytes, struct sconce_error *err)
{
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    r = check_ready(sandbox, err);
    if (!r)
        r = check_room(sandbox, bytes, err);
    if (r < 0)
        sconce_sandbox_release(sandbox);
    return r;
}

/* ---- From memory ----------------------------------------------------------------------------- */

int sconce_sandbox_attach(struct sconce_sandbox *sandbox, const void *data, size_t bytes,
                          struct sconce_error *err)
{
    int r = begin(sandbox, bytes, err);

    if (r < 0)
        return r;
    if (bytes)
        memcpy(window_of(sandbox), data, bytes);
    settle(sandbox, bytes);
    sconce_sandbox_release(sandbox);
    return 0;
}

/* ---- From a file ----------------------------------------------------------------------------- */

static int cannot_read(int errnum, int fd, uint64_t bytes, uint64_t offset,
                       struct sconce_error *err)
{
    const char *hint = errnum == ESPIPE
                           ? "only what can be read at an offset can be attached: read a "
                             "pipe, a socket or a terminal into memory, and attach that"
                       : errnum == EBADF ? "open it for reading"
                                         : NULL;
    int r = sconce_fail_errno(err, SCONCE_E_SYSTEM, errnum,
                              "cannot attach %" PRIu64 " bytes at offset %" PRIu64
                              " of file descriptor %d",
                              bytes, offset, fd);

    if (err && hint)
        snprintf(err->hint, sizeof err->hint, "%s", hint);
    return r;
}

/* @ret_got: what lies in the window now, on failure too. */
static int read_file(struct sconce_sandbox *sandbox, int fd, uint64_t offset, uint64_t bytes,
                     uint64_t *ret_got, struct sconce_error *err)
{
    uint64_t got = 0;
    int r = 0;

    while (!r && got < bytes) {
        uint64_t rest = bytes - got;
        ssize_t n = pread(fd, window_of(sandbox) + got, rest < READ_MOST ? rest : READ_MOST,
                          (off_t)(offset + got));

        if (n > 0)
            got += (uint64_t)n;
        else if (n == 0)
            r = sconce_fail_hint(err, SCONCE_E_SYSTEM,
                                 "attach no more than the file has; has somebody truncated it?",
                                 "cannot attach %" PRIu64 " bytes at offset %" PRIu64
                                 " of file descriptor %d: it ends after %" PRIu64 " of them",
                                 bytes, offset, fd, got);
        else if (errno != EINTR)
            r = cannot_read(errno, fd, bytes, offset, err);
    }
    *ret_got = got;
    return r;
}

int sconce_sandbox_attach_fd(struct sconce_sandbox *sandbox, int fd, uint64_t offset,
                             uint64_t bytes, struct sconce_error *err)
{
    uint64_t end, got;
    int r;

    if (!sconce_add_u64(offset, bytes, &end) || end > INT64_MAX)
        return sconce_fail(err, SCONCE_E_INVALID,
                           "cannot attach %" PRIu64 " bytes at offset %" PRIu64
                           ": no file is so large",
                           bytes, offset);
    r = begin(sandbox, bytes, err);
    if (r < 0)
        return r;
    r = read_file(sandbox, fd, offset, bytes, &got, err);
    if (r < 0) {
        /* A failed read may have written beyond what it says. */
        if (sandbox->window_used < bytes)
            sandbox->window_used = bytes;
        settle(sandbox, 0);
    } else {
        settle(sandbox, bytes);
    }
    sconce_sandbox_release(sandbox);
    return r;
}

/* ---- And away -------------------------------------------------------------------------------- */

int sconce_sandbox_detach(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    int r = sconce_sandbox_hold(sandbox, err);

    if (r < 0)
        return r;
    sconce_window_empty(sandbox);
    sconce_sandbox_release(sandbox);
    return 0;
}
