/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/attributes.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/memfd.h"

#define LINE_BYTES 64u
#define GAP_BYTES 512u /* to copy less costs no less than a stretch of its own does */

int sconce_arena_init(struct sconce_arena *arena, const char *name, uint64_t bytes,
                      struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    void *host;

    fd = sconce_memfd(name);
    if (fd < 0)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot create guest memory");
    if (ftruncate(fd, (off_t)bytes))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno,
                                 "cannot size guest memory to %llu bytes",
                                 (unsigned long long)bytes);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot seal guest memory");
    host = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (host == MAP_FAILED)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno,
                                 "cannot map %llu bytes of guest memory",
                                 (unsigned long long)bytes);

    arena->host = host;
    arena->bytes = bytes;
    arena->fd = sconce_steal_fd(&fd);
    return 0;
}

void sconce_arena_fini(struct sconce_arena *arena)
{
    if (!arena->host)
        return;
    munmap(arena->host, arena->bytes);
    close(arena->fd);
    sconce_page_set_fini(&arena->written);
    *arena = (struct sconce_arena)SCONCE_ARENA_EMPTY;
}

/* ---- Sharing --------------------------------------------------------------------------------- */

static bool map_over(struct sconce_arena *arena, int flags, int fd,
                     const struct sconce_stretch *stretch)
{
    return mmap(arena->host + stretch->start, stretch->end - stretch->start, PROT_READ | PROT_WRITE,
                flags | MAP_FIXED | MAP_NORESERVE, fd, (off_t)stretch->start) != MAP_FAILED;
}

int sconce_arena_share(struct sconce_arena *arena, const struct sconce_arena *of,
                       const struct sconce_stretch *stretch, struct sconce_error *err)
{
    int errnum;

    if (map_over(arena, MAP_PRIVATE, of->fd, stretch)) {
        arena->shared[arena->shared_count++] = *stretch;
        return 1;
    }
    errnum = errno;
    /* Some kernels take away what was there before they refuse. */
    if (map_over(arena, MAP_SHARED, arena->fd, stretch))
        return 0;
    return sconce_fail_errno(err, SCONCE_E_SYSTEM, errnum,
                             "cannot share %llu bytes of a snapshot's memory",
                             (unsigned long long)(stretch->end - stretch->start));
}

bool sconce_arena_drop(struct sconce_arena *arena)
{
    for (uint32_t i = 0; i < arena->shared_count; i++) {
        const struct sconce_stretch *at = &arena->shared[i];

        if (madvise(arena->host + at->start, at->end - at->start, MADV_DONTNEED))
            return false;
    }
    return true;
}

/* The first that does not end before @from, or NULL. */
static const struct sconce_stretch *next_shared(const struct sconce_arena *arena, uint64_t from)
{
    for (uint32_t i = 0; i < arena->shared_count; i++)
        if (arena->shared[i].end > from)
            return &arena->shared[i];
    return NULL;
}

bool sconce_arena_unshared(const struct sconce_arena *arena, uint64_t from, uint64_t end,
                           uint64_t *ret_start, uint64_t *ret_end)
{
    const struct sconce_stretch *shared = next_shared(arena, from);

    while (shared && shared->start <= from) {
        from = shared->end;
        shared = next_shared(arena, from);
    }
    *ret_start = from;
    *ret_end = shared && shared->start < end ? shared->start : end;
    return from < end;
}

/* ---- What was touched ------------------------------------------------------------------------ */

/* Of its own memory, where nothing is shared. */
static bool find_own(const struct sconce_arena *arena, uint64_t from, uint64_t end,
                     uint64_t *ret_start, uint64_t *ret_end)
{
    off_t data, hole;

    if (from >= end)
        return false;
    data = lseek(arena->fd, (off_t)from, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        return false;
    if (data < 0)
        data = (off_t)from;
    if ((uint64_t)data >= end)
        return false;
    hole = lseek(arena->fd, data, SEEK_HOLE);
    *ret_start = (uint64_t)data;
    *ret_end = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
    return true;
}

bool sconce_arena_populated(const struct sconce_arena *arena, uint64_t from, uint64_t end,
                            uint64_t *ret_start, uint64_t *ret_end)
{
    const struct sconce_stretch *shared = next_shared(arena, from);
    bool meets = shared && shared->start < end;

    if (find_own(arena, from, meets ? shared->start : end, ret_start, ret_end))
        return true;
    if (!meets || from >= end)
        return false;
    *ret_start = shared->start > from ? shared->start : from;
    *ret_end = shared->end < end ? shared->end : end;
    return true;
}

static int add_stretch(struct sconce_stretches *stretches, uint64_t start, uint64_t end,
                       struct sconce_error *err)
{
    if (stretches->count && stretches->at[stretches->count - 1].end == start) {
        stretches->at[stretches->count - 1].end = end;
        stretches->bytes += end - start;
        return 0;
    }
    if (stretches->count == stretches->room) {
        size_t room = stretches->room ? 2 * stretches->room : 16;
        struct sconce_stretch *grown = reallocarray(stretches->at, room, sizeof *stretches->at);

        if (!grown)
            return sconce_fail(err, SCONCE_E_NO_MEMORY,
                               "out of memory for a list of %zu stretches of guest memory", room);
        stretches->at = grown;
        stretches->room = room;
    }
    stretches->at[stretches->count++] = (struct sconce_stretch){start, end};
    stretches->bytes += end - start;
    return 0;
}

int sconce_arena_survey(const struct sconce_arena *arena, uint64_t bytes,
                        struct sconce_stretches *ret_stretches, struct sconce_error *err)
{
    uint64_t start, end, at = 0;

    ret_stretches->count = 0;
    ret_stretches->bytes = 0;
    while (sconce_arena_populated(arena, at, bytes, &start, &end)) {
        int r = add_stretch(ret_stretches, start, end, err);

        if (r < 0)
            return r;
        at = end;
    }
    return 0;
}

bool sconce_arena_holds_just(const struct sconce_arena *arena,
                             const struct sconce_stretches *stretches)
{
    struct stat status;
    uint64_t bytes;

    if (fstat(arena->fd, &status))
        return false;
    bytes = (uint64_t)status.st_blocks * 512;
    for (uint32_t i = 0; i < arena->shared_count; i++) /* all of it is in each survey */
        bytes += arena->shared[i].end - arena->shared[i].start;
    return bytes == stretches->bytes;
}

static bool is_zero(const uint8_t *line)
{
    uint64_t words[LINE_BYTES / 8], any = 0;

    memcpy(words, line, sizeof words);
    for (size_t i = 0; i < LINE_BYTES / 8; i++)
        any |= words[i];
    return !any;
}

/* The line at @start, which is behind all that there are. */
static int add_line(struct sconce_stretches *stretches, uint64_t start, struct sconce_error *err)
{
    struct sconce_stretch *last = stretches->count ? &stretches->at[stretches->count - 1] : NULL;

    if (!last || start - last->end >= GAP_BYTES)
        return add_stretch(stretches, start, start + LINE_BYTES, err);
    stretches->bytes += start + LINE_BYTES - last->end;
    last->end = start + LINE_BYTES;
    return 0;
}

int sconce_arena_content(const struct sconce_arena *arena, struct sconce_stretches *ret_stretches,
                         struct sconce_error *err)
{
    uint64_t start, end, at = 0;

    ret_stretches->count = 0;
    ret_stretches->bytes = 0;
    for (; sconce_arena_populated(arena, at, arena->bytes, &start, &end); at = end) {
        for (uint64_t line = start; line < end; line += LINE_BYTES) {
            int r = is_zero(arena->host + line) ? 0 : add_line(ret_stretches, line, err);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

void sconce_stretches_fini(struct sconce_stretches *stretches)
{
    free(stretches->at);
    *stretches = (struct sconce_stretches){0};
}

SCONCE_HOT void sconce_arena_wrote(struct sconce_arena *arena, uint64_t offset, uint64_t bytes)
{
    sconce_page_set_add(&arena->written, offset, bytes);
}

void sconce_arena_zero(struct sconce_arena *arena, uint64_t offset, uint64_t bytes)
{
    uint64_t start, stop, at = offset;

    while (sconce_arena_populated(arena, at, offset + bytes, &start, &stop)) {
        memset(arena->host + start, 0, stop - start);
        sconce_arena_wrote(arena, start, stop - start);
        at = stop;
    }
}

void sconce_arena_copy(struct sconce_arena *arena, uint64_t to, uint64_t from, uint64_t bytes)
{
    uint64_t start, stop, at = from;

    while (sconce_arena_populated(arena, at, from + bytes, &start, &stop)) {
        memcpy(arena->host + to + (start - from), arena->host + start, stop - start);
        sconce_arena_wrote(arena, to + (start - from), stop - start);
        at = stop;
    }
}
