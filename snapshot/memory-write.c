/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/memory-format.h"
#include "snapshot/memory.h"

#define LEVEL 3       /* zstd's own default */
#define WINDOW_LOG 21 /* of that level; at most SCONCE_MEMORY_WINDOW_LOG */
#define BUFFER_BYTES 65536u

struct writer {
    const struct sconce_memory_output *output;
    ZSTD_CCtx *zstd;
    uint8_t bytes[BUFFER_BYTES];
};

static int zstd_failed(size_t result, struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_MEMORY, "zstd cannot compress guest memory: %s",
                       ZSTD_getErrorName(result));
}

/* @how: ZSTD_e_continue, or ZSTD_e_end with the last bytes. */
static int compress(struct writer *writer, const void *data, size_t bytes, ZSTD_EndDirective how,
                    struct sconce_error *err)
{
    ZSTD_inBuffer in = {data, bytes, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {writer->bytes, sizeof writer->bytes, 0};
        int r;

        left = ZSTD_compressStream2(writer->zstd, &out, &in, how);
        if (ZSTD_isError(left))
            return zstd_failed(left, err);
        r = out.pos ? writer->output->write(writer->output->ctx, writer->bytes, out.pos, err) : 0;
        if (r < 0)
            return r;
    } while (how == ZSTD_e_end ? left != 0 : in.pos < in.size);
    return 0;
}

static int write_table(struct writer *writer, const struct sconce_snapshot_stretch *stretches,
                       size_t count, struct sconce_error *err)
{
    int r = 0;

    for (size_t i = 0; !r && i < count; i++) {
        const struct sconce_memory_stretch stretch = {htole64(stretches[i].start),
                                                      htole64(stretches[i].end)};

        r = compress(writer, &stretch, sizeof stretch, ZSTD_e_continue, err);
    }
    return r;
}

static int write_all(struct writer *writer, const struct sconce_snapshot *snapshot,
                     const struct sconce_snapshot_stretch *stretches, size_t count,
                     struct sconce_error *err)
{
    struct sconce_memory_head head = {
        .version = htole32(SCONCE_MEMORY_VERSION),
        .page_bytes = htole32(SCONCE_SNAPSHOT_PAGE_BYTES),
        .stretch_count = htole64(count),
    };
    uint64_t bytes = 0;
    int r;

    memcpy(head.magic, SCONCE_MEMORY_MAGIC, sizeof head.magic);
    for (size_t i = 0; i < count; i++)
        bytes += stretches[i].end - stretches[i].start;
    head.memory_bytes = htole64(bytes);
    r = compress(writer, &head, sizeof head, ZSTD_e_continue, err);
    if (!r)
        r = write_table(writer, stretches, count, err);
    for (size_t i = 0; !r && i < count; i++)
        r = compress(writer, sconce_snapshot_memory(snapshot, &stretches[i]),
                     (size_t)(stretches[i].end - stretches[i].start), ZSTD_e_continue, err);
    return r ? r : compress(writer, NULL, 0, ZSTD_e_end, err);
}

int sconce_memory_write(const struct sconce_snapshot *snapshot,
                        const struct sconce_memory_output *output, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) struct sconce_snapshot_stretch *stretches = NULL;
    SCONCE_CLEANUP(sconce_cleanup_free) struct writer *writer = NULL;
    size_t count, result;
    int r = sconce_snapshot_stretches(snapshot, &stretches, &count, err);

    if (r < 0)
        return r;
    writer = calloc(1, sizeof *writer);
    if (writer)
        writer->zstd = ZSTD_createCCtx();
    if (!writer || !writer->zstd)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory to compress guest memory");
    writer->output = output;
    result = ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
    if (!ZSTD_isError(result))
        result = ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_windowLog, WINDOW_LOG);
    r = ZSTD_isError(result) ? zstd_failed(result, err)
                             : write_all(writer, snapshot, stretches, count, err);
    ZSTD_freeCCtx(writer->zstd);
    return r;
}
