/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundary: a snapshot file's memory. An input whose first byte is odd is compressed first, so that
 * what is within the frame is reached; else it is the frame.
 */
#include <string.h>

#include "fake-guest.h"
#include "fuzz.h"
#include "snapshot/memory.h"

struct bytes {
    const uint8_t *at;
    size_t left;
};

static int read_bytes(void *ctx, void *to, size_t bytes, size_t *ret_got, struct sconce_error *err)
{
    struct bytes *from = ctx;

    (void)err;
    *ret_got = bytes < from->left ? bytes : from->left;
    memcpy(to, from->at, *ret_got);
    from->at += *ret_got;
    from->left -= *ret_got;
    return 0;
}

static int fill(struct sconce_snapshot *snapshot, const struct sconce_memory_input *input,
                struct sconce_error *err)
{
    struct sconce_snapshot_source source = {.read = sconce_memory_read};
    struct sconce_memory_reader *reader;
    uint64_t room = sconce_snapshot_room_bytes(snapshot);
    int r = sconce_memory_open(input, "it", room, &reader, err);

    if (r < 0)
        return r;
    FUZZ_CHECK(reader->memory_bytes <= room);
    FUZZ_CHECK(reader->count <= room / SCONCE_SNAPSHOT_PAGE_BYTES);
    source.ctx = reader;
    source.stretches = reader->stretches;
    source.count = reader->count;
    r = sconce_snapshot_fill(snapshot, &source, err);
    if (!r)
        r = sconce_memory_end(reader, err);
    sconce_memory_close(reader);
    return r;
}

static void try_frame(const uint8_t *data, size_t bytes)
{
    struct bytes from = {data, bytes};
    const struct sconce_memory_input input = {read_bytes, &from};
    const struct sconce_snapshot_parts parts = fake_parts();
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};
    int r;

    FUZZ_CHECK(sconce_snapshot_make(fake_guest(), fake_limits(), &parts, &snapshot, NULL) == 0);
    r = fill(snapshot, &input, &err);
    if (r < 0) {
        fuzz_check_error(r, &err);
    } else {
        FUZZ_CHECK(from.left == 0);
        fake_check(snapshot);
    }
    sconce_snapshot_free(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    size_t most = ZSTD_compressBound(bytes);
    uint8_t *frame;

    if (!bytes || !(data[0] & 1)) {
        try_frame(bytes ? data + 1 : data, bytes ? bytes - 1 : 0);
        return 0;
    }
    frame = malloc(most);
    FUZZ_CHECK(frame);
    most = ZSTD_compress(frame, most, data + 1, bytes - 1, 1);
    FUZZ_CHECK(!ZSTD_isError(most));
    try_frame(frame, most);
    free(frame);
    return 0;
}
