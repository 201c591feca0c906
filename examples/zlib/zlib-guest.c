/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zlib in a sandbox, as Debian ships it: gunzip(bytes) -> bytes, gzip(bytes) -> bytes. Nothing here
 * knows of a sandbox but SCONCE_EXPORT and sconce_fail.
 */
#include <stdlib.h>

#include <sconce/guest.h>
#include <zlib.h>

#define GZIP_WINDOW (MAX_WBITS + 16) /* zlib: with a gzip header */
#define MEMORY_LEVEL 8
#define FIRST_BYTES (64u << 10)

/* Kept from call to call: the result of one lies here, and the next need not ask for it anew. */
static struct {
    unsigned char *data;
    size_t bytes;
} room;

static bool make_room(size_t bytes)
{
    unsigned char *data = bytes > room.bytes ? realloc(room.data, bytes) : room.data;

    if (!data) {
        sconce_fail(Z_MEM_ERROR, "the heap cannot hold %zu bytes", bytes);
        return false;
    }
    room.bytes = bytes > room.bytes ? bytes : room.bytes;
    room.data = data;
    return true;
}

/* One piece of output; false at the end of the input, or with the call failed. */
static bool inflate_more(z_stream *stream, size_t *done)
{
    int r;

    if (*done == room.bytes && !make_room(room.bytes * 2))
        return false;
    stream->next_out = room.data + *done;
    stream->avail_out = (uInt)(room.bytes - *done);
    r = inflate(stream, Z_NO_FLUSH);
    *done = room.bytes - stream->avail_out;
    if (r == Z_STREAM_END) /* gzip files may be joined */
        return stream->avail_in > 0 && inflateReset(stream) == Z_OK;
    if (r == Z_BUF_ERROR)
        sconce_fail(r, "not a whole gzip file: it ends too early");
    else if (r != Z_OK)
        sconce_fail(r, "not a gzip file, or damaged: %s", stream->msg ? stream->msg : zError(r));
    return r == Z_OK;
}

SCONCE_EXPORT(sconce_bytes, gunzip, (sconce_bytes file))
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)file.data, .avail_in = (uInt)file.length};
    size_t done = 0;

    if (!make_room(FIRST_BYTES))
        return (sconce_bytes){NULL, 0};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        sconce_fail(Z_MEM_ERROR, "the heap cannot hold what zlib needs");
        return (sconce_bytes){NULL, 0};
    }
    while (inflate_more(&stream, &done))
        ;
    inflateEnd(&stream);
    return (sconce_bytes){room.data, done};
}

SCONCE_EXPORT(sconce_bytes, gzip, (sconce_bytes data))
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data.data, .avail_in = (uInt)data.length};
    size_t done = 0;

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        sconce_fail(Z_MEM_ERROR, "the heap cannot hold what zlib needs");
        return (sconce_bytes){NULL, 0};
    }
    if (make_room(deflateBound(&stream, (uLong)data.length))) {
        stream.next_out = room.data;
        stream.avail_out = (uInt)room.bytes;
        deflate(&stream, Z_FINISH); /* in one go: there is room */
        done = stream.total_out;
    }
    deflateEnd(&stream);
    return (sconce_bytes){room.data, done};
}
