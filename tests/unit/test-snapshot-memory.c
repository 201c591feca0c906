/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/memory-read.c: no blob takes more memory than it says, or less, or more than there is
 * room for. What memory-write.c writes is read by the end-to-end tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "snapshot/memory-format.h"
#include "snapshot/memory.h"

#define PAGE SCONCE_SNAPSHOT_PAGE_BYTES
#define ROOM (16 * (uint64_t)PAGE)
#define RAW_MOST (64u << 10)

/* A blob, before and behind the compressor, and how much of it was handed out. */
struct fixture {
    uint8_t raw[RAW_MOST];
    size_t raw_bytes;
    uint8_t blob[2 * RAW_MOST];
    size_t blob_bytes, at;
    struct sconce_memory_head *head; /* of @raw */
    struct sconce_memory_stretch *table;
    struct sconce_error err;
};

static void build(struct fixture *f)
{
    f->head = (void *)f->raw;
    f->table = (void *)(f->raw + sizeof *f->head);
    memset(f->raw, 0, sizeof f->raw);
    *f->head = (struct sconce_memory_head){
        .version = 1, .page_bytes = PAGE, .stretch_count = 2, .memory_bytes = 3 * PAGE};
    memcpy(f->head->magic, SCONCE_MEMORY_MAGIC, sizeof f->head->magic);
    f->table[0] = (struct sconce_memory_stretch){0x10000, 0x11000};
    f->table[1] = (struct sconce_memory_stretch){0x20000, 0x22000};
    f->raw_bytes = sizeof *f->head + 2 * sizeof f->table[0];
    for (unsigned i = 0; i < 3; i++, f->raw_bytes += PAGE)
        memset(f->raw + f->raw_bytes, (int)i + 1, PAGE);
}

static void pack(struct fixture *f)
{
    f->blob_bytes = ZSTD_compress(f->blob, sizeof f->blob, f->raw, f->raw_bytes, 1);
    assert_false(ZSTD_isError(f->blob_bytes));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    build(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* A few bytes at a time. */
static int read_some(void *ctx, void *to, size_t bytes, size_t *ret_got, struct sconce_error *err)
{
    struct fixture *f = ctx;
    size_t left = f->blob_bytes - f->at;

    (void)err;
    *ret_got = bytes < 7 ? bytes : 7;
    if (*ret_got > left)
        *ret_got = left;
    memcpy(to, f->blob + f->at, *ret_got);
    f->at += *ret_got;
    return 0;
}

/* Reads it as sconce_snapshot_open does. */
static int read_all(struct fixture *f)
{
    const struct sconce_memory_input input = {read_some, f};
    struct sconce_memory_reader *reader;
    uint8_t page[PAGE];
    int r;

    f->at = 0;
    f->err = (struct sconce_error){0};
    r = sconce_memory_open(&input, "it", ROOM, &reader, &f->err);
    if (r < 0)
        return r;
    for (uint64_t at = 0; !r && at < reader->memory_bytes; at += PAGE) {
        r = sconce_memory_read(reader, page, PAGE, &f->err);
        if (!r)
            assert_int_equal(page[PAGE - 1], at / PAGE + 1);
    }
    if (!r)
        r = sconce_memory_end(reader, &f->err);
    sconce_memory_close(reader);
    return r;
}

static void test_memory_comes_back(void **state)
{
    struct fixture *f = *state;
    const struct sconce_memory_input input = {read_some, f};
    struct sconce_memory_reader *reader;

    pack(f);
    assert_int_equal(read_all(f), 0);
    f->at = 0;
    assert_int_equal(sconce_memory_open(&input, "it", ROOM, &reader, &f->err), 0);
    assert_int_equal(reader->count, 2);
    assert_int_equal(reader->stretches[1].end, 0x22000);
    sconce_memory_close(reader);
}

static void test_no_memory_at_all_is_read(void **state)
{
    struct fixture *f = *state;

    f->head->stretch_count = f->head->memory_bytes = 0;
    f->raw_bytes = sizeof *f->head;
    pack(f);
    assert_int_equal(read_all(f), 0);
}

static void refused(struct fixture *f, const char *says)
{
    int r = read_all(f);

    if (r != SCONCE_E_SNAPSHOT || !strstr(f->err.text, says))
        fail_msg("%d, \"%s\", not \"%s\"", r, f->err.text, says);
}

#define REFUSES(change, says)                                                                      \
    do {                                                                                           \
        build(f);                                                                                  \
        change;                                                                                    \
        pack(f);                                                                                   \
        refused(f, says);                                                                          \
    } while (0)

static void test_heads_and_tables_that_lie_are_refused(void **state)
{
    struct fixture *f = *state;

    REFUSES(f->head->magic[0] = 's', "does not begin so");
    REFUSES(f->head->version = 2, "has format 2");
    REFUSES(f->head->page_bytes = 65536, "pages of 65536 bytes");
    REFUSES(f->head->reserved[3] = 1, "a reserved field");
    REFUSES(f->head->stretch_count = ROOM / PAGE + 1, "17 stretches");
    REFUSES(f->head->stretch_count = UINT64_MAX, "stretches");
    REFUSES(f->head->memory_bytes = ROOM + 1, "the guest has memory for 65536");
    REFUSES(f->head->memory_bytes = UINT64_MAX, "the guest has memory for 65536");
    REFUSES(f->head->memory_bytes += PAGE, "have 12288 bytes, where it tells of 16384");
    REFUSES(f->head->stretch_count = 1, "have 4096 bytes, where it tells of 12288");
    REFUSES(f->table[0].end = 0xffff, "stretch 1 of it ends before it starts");
    REFUSES(
        (f->table[0] = (struct sconce_memory_stretch){0, UINT64_MAX}, f->table[1] = f->table[0]),
        "stretch 2 of it ends before it starts, or is too large");
    REFUSES(f->raw_bytes = 63, "ends before the memory");
    REFUSES(f->raw_bytes = 64 + 8, "ends before the memory");
    REFUSES(f->raw_bytes -= 1, "ends before the memory");
    REFUSES(f->raw_bytes = 0, "ends before the memory");
    REFUSES(f->raw_bytes += 1, "more memory than it tells of");
    REFUSES(f->raw_bytes = RAW_MOST, "more memory than it tells of");
}

static void test_frames_that_are_not_whole_are_refused(void **state)
{
    struct fixture *f = *state;

    pack(f);
    for (size_t bytes = f->blob_bytes; bytes-- > 0;) {
        f->blob_bytes = bytes;
        assert_int_equal(read_all(f), SCONCE_E_SNAPSHOT);
    }
}

static void test_what_is_behind_the_frame_is_refused(void **state)
{
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    struct fixture *f = *state;
    size_t whole;

    pack(f);
    f->blob[f->blob_bytes++] = 0;
    refused(f, "goes on behind its zstd frame");
    pack(f);
    memcpy(f->blob + f->blob_bytes, skippable, sizeof skippable);
    f->blob_bytes += sizeof skippable;
    refused(f, "goes on behind its zstd frame");
    pack(f);
    whole = f->blob_bytes; /* memory in two frames */
    memcpy(f->blob + whole, f->blob, whole);
    f->blob_bytes *= 2;
    refused(f, "goes on behind its zstd frame");
}

static void test_frames_before_the_frame_are_refused(void **state)
{
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    struct fixture *f = *state;

    pack(f);
    memmove(f->blob + sizeof skippable, f->blob, f->blob_bytes);
    memcpy(f->blob, skippable, sizeof skippable);
    f->blob_bytes += sizeof skippable;
    refused(f, "ends before the memory");
}

static void test_windows_that_take_much_memory_are_refused(void **state)
{
    struct fixture *f = *state;
    ZSTD_CCtx *zstd = ZSTD_createCCtx();

    assert_non_null(zstd);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 27);
    {
        ZSTD_inBuffer in = {f->raw, f->raw_bytes, 0};
        ZSTD_outBuffer out = {f->blob, sizeof f->blob, 0};

        /* In two steps: the size is not known, and so the window is not lowered to it. */
        assert_false(ZSTD_isError(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_flush)));
        assert_int_equal(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_end), 0);
        f->blob_bytes = out.pos;
    }
    ZSTD_freeCCtx(zstd);
    refused(f, "zstd cannot decompress it");
}

static void test_bytes_that_are_no_frame_are_refused(void **state)
{
    struct fixture *f = *state;

    memset(f->blob, 'x', 1000);
    f->blob_bytes = 1000;
    refused(f, "zstd cannot decompress it");
    f->blob_bytes = 0;
    refused(f, "ends before the memory");
}

int main(void)
{
#define MEMORY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(test_memory_comes_back),
        MEMORY_TEST(test_no_memory_at_all_is_read),
        MEMORY_TEST(test_heads_and_tables_that_lie_are_refused),
        MEMORY_TEST(test_frames_that_are_not_whole_are_refused),
        MEMORY_TEST(test_what_is_behind_the_frame_is_refused),
        MEMORY_TEST(test_frames_before_the_frame_are_refused),
        MEMORY_TEST(test_windows_that_take_much_memory_are_refused),
        MEMORY_TEST(test_bytes_that_are_no_frame_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
