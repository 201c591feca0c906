/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame that anybody may have made. What zstd gives is bounded by what was asked for: a
 * small blob that would grow without end does not.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/overflow.h"
#include "snapshot/memory-format.h"
#include "snapshot/memory.h"

#define PAGE SCONCE_SNAPSHOT_PAGE_BYTES

static int refill(struct sconce_memory_reader *reader, struct sconce_error *err)
{
    size_t got;
    int r = reader->input->read(reader->input->ctx, reader->bytes, sizeof reader->bytes, &got, err);

    if (r < 0)
        return r;
    reader->pending = (ZSTD_inBuffer){reader->bytes, got, 0};
    return 0;
}

/* Once more through zstd. Returns 1 when it neither took nor gave anything, and the input has
 * ended. */
static int step(struct sconce_memory_reader *reader, ZSTD_outBuffer *out, struct sconce_error *err)
{
    size_t before_in, before_out = out->pos, left;
    int r = 0;

    if (reader->pending.pos == reader->pending.size)
        r = refill(reader, err);
    if (r < 0)
        return r;
    before_in = reader->pending.pos;
    left = ZSTD_decompressStream(reader->zstd, out, &reader->pending);
    if (ZSTD_isError(left))
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "zstd cannot decompress %s: %s", reader->what,
                           ZSTD_getErrorName(left));
    reader->frame_ended = left == 0;
    return reader->pending.pos == before_in && out->pos == before_out && !reader->frame_ended;
}

int sconce_memory_read(void *ctx, void *to, size_t bytes, struct sconce_error *err)
{
    struct sconce_memory_reader *reader = ctx;
    ZSTD_outBuffer out = {to, bytes, 0};

    while (out.pos < out.size) {
        int r = reader->frame_ended ? 1 : step(reader, &out, err);

        if (r < 0)
            return r;
        if (r > 0)
            return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s ends before the memory that it tells of",
                               reader->what);
    }
    return 0;
}

int sconce_memory_end(struct sconce_memory_reader *reader, struct sconce_error *err)
{
    uint8_t more;

    while (!reader->frame_ended) {
        ZSTD_outBuffer out = {&more, sizeof more, 0};
        int r = step(reader, &out, err);

        if (r < 0)
            return r;
        if (out.pos)
            return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has more memory than it tells of",
                               reader->what);
        if (r > 0)
            return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s is cut short", reader->what);
    }
    if (reader->pending.pos == reader->pending.size) {
        int r = refill(reader, err);

        if (r < 0)
            return r;
    }
    if (reader->pending.pos < reader->pending.size)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s goes on behind its zstd frame",
                           reader->what);
    return 0;
}

static bool all_zero(const uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (words[i])
            return false;
    return true;
}

static int read_head(struct sconce_memory_reader *reader, uint64_t room_bytes,
                     struct sconce_error *err)
{
    struct sconce_memory_head head = {0};
    uint64_t count, bytes;
    int r = sconce_memory_read(reader, &head, sizeof head, err);

    if (r < 0)
        return r;
    if (memcmp(head.magic, SCONCE_MEMORY_MAGIC, sizeof head.magic) != 0)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s is no guest memory: it does not begin so",
                           reader->what);
    if (le32toh(head.version) != SCONCE_MEMORY_VERSION)
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "update Sconce, or take the snapshot anew",
                                "%s has format %u; this version reads %u", reader->what,
                                le32toh(head.version), SCONCE_MEMORY_VERSION);
    if (le32toh(head.page_bytes) != PAGE || !all_zero(head.reserved, 4))
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "%s has pages of %u bytes, or a reserved field that is not zero",
                           reader->what, le32toh(head.page_bytes));
    count = le64toh(head.stretch_count);
    bytes = le64toh(head.memory_bytes);
    if (count > room_bytes / PAGE || bytes > room_bytes)
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "%s has %" PRIu64 " stretches and %" PRIu64
                           " bytes; the guest has memory for %" PRIu64,
                           reader->what, count, bytes, room_bytes);
    reader->count = (size_t)count;
    reader->memory_bytes = bytes;
    return 0;
}

static int read_table(struct sconce_memory_reader *reader, struct sconce_error *err)
{
    uint64_t sum = 0;

    reader->stretches = calloc(reader->count ? reader->count : 1, sizeof *reader->stretches);
    if (!reader->stretches)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for %zu stretches",
                           reader->count);
    for (size_t i = 0; i < reader->count; i++) {
        struct sconce_snapshot_stretch *stretch = &reader->stretches[i];
        struct sconce_memory_stretch raw = {0};
        int r = sconce_memory_read(reader, &raw, sizeof raw, err);

        if (r < 0)
            return r;
        *stretch = (struct sconce_snapshot_stretch){le64toh(raw.start), le64toh(raw.end)};
        if (stretch->end < stretch->start ||
            !sconce_add_u64(sum, stretch->end - stretch->start, &sum))
            return sconce_fail(err, SCONCE_E_SNAPSHOT,
                               "stretch %zu of %s ends before it starts, or is too large", i + 1,
                               reader->what);
    }
    if (sum != reader->memory_bytes)
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "the stretches of %s have %" PRIu64 " bytes, where it tells of %" PRIu64,
                           reader->what, sum, reader->memory_bytes);
    return 0;
}

int sconce_memory_open(const struct sconce_memory_input *input, const char *what,
                       uint64_t room_bytes, struct sconce_memory_reader **ret_reader,
                       struct sconce_error *err)
{
    struct sconce_memory_reader *reader = calloc(1, sizeof *reader);
    int r = 0;

    if (reader)
        reader->zstd = ZSTD_createDCtx();
    if (!reader || !reader->zstd ||
        ZSTD_isError(
            ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, SCONCE_MEMORY_WINDOW_LOG)))
        r = sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory to decompress %s", what);
    if (!r) {
        reader->input = input;
        reader->what = what;
        r = read_head(reader, room_bytes, err);
    }
    if (!r)
        r = read_table(reader, err);
    if (r < 0)
        sconce_memory_close(reader);
    else
        *ret_reader = reader;
    return r;
}

void sconce_memory_close(struct sconce_memory_reader *reader)
{
    if (!reader)
        return;
    ZSTD_freeDCtx(reader->zstd);
    free(reader->stretches);
    free(reader);
}
