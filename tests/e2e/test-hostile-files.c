/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot files that an attacker made: each is refused with a reason, or its guest runs as any
 * guest does. Digests are right wherever the test is not about them.
 */
#include "e2e.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "layout.h"
#include "scratch.h"

static struct sconce_runtime *runtime;

static const char *save(void **state, const char *guest_name)
{
    return layout_save(runtime, scratch_path(*state, guest_name), guest_name);
}

/* The result of opening, of making a sandbox when there is something to make one of, and of calling
 * next() in it. */
static int try(const char *dir, struct sconce_error *err)
{
    struct sconce_sandbox_options options = {.size = sizeof options,
                                             .limits = {.deadline_ns = 2000000000}};
    struct sconce_sandbox *sandbox = NULL;
    struct sconce_snapshot *snapshot;
    struct sconce_guest *guest;
    int r;

    *err = (struct sconce_error){0};
    r = sconce_snapshot_open(runtime, dir, "t", &guest, &snapshot, err);
    if (r < 0)
        return r;
    options.snapshot = snapshot;
    r = sconce_sandbox_new(guest, &options, &sandbox, err);
    if (!r)
        r = sconce_sandbox_call(sandbox, "next", NULL, 0, NULL, err);
    sconce_sandbox_free(sandbox);
    sconce_snapshot_free(snapshot);
    sconce_guest_free(guest);
    return r;
}

static void refused(const char *dir, int code, const char *says)
{
    struct sconce_error err;
    int r = try(dir, &err);

    if (r != code || err.code != code || !strstr(err.text, says))
        fail_msg("%d, \"%s\", not %d, \"%s\"", r, err.text, code, says);
}

static void test_each_blob_is_held_against_its_digest(void **state)
{
    const char *dir = save(state, "counter");
    const struct layout layout = layout_look(dir);
    const char *const blobs[] = {layout.manifest, layout.config, layout.guest, layout.memory};
    struct sconce_error err;

    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
        size_t bytes;
        char *data = layout_blob(&layout, blobs[i], &bytes);
        const char *path = layout_blob_path(&layout, blobs[i]);

        for (size_t at = 0; at < bytes; at += 1 + bytes / 20) {
            data[at] = (char)(data[at] ^ 1);
            layout_write(path, data, bytes);
            refused(dir, SCONCE_E_SNAPSHOT, "was changed");
            data[at] = (char)(data[at] ^ 1);
        }
        layout_write(path, data, bytes - 1);
        refused(dir, SCONCE_E_SNAPSHOT, "but its descriptor says");
        assert_int_equal(unlink(path), 0);
        refused(dir, SCONCE_E_SNAPSHOT, "No such file");
        layout_write(path, data, bytes);
        assert_int_equal(try(dir, &err), 0);
        free(data);
    }
}

static void test_configs_that_no_guest_can_have_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
        int code;
        const char *says;
    } cases[] = {
        {"\"heap_bytes\":", "\"heap_bytes\":1099511627776,\"x\":", SCONCE_E_LIMIT,
         "limits.heap_bytes allows"},
        {"\"stack_bytes\":", "\"stack_bytes\":1099511627776,\"x\":", SCONCE_E_LIMIT,
         "limits.stack_bytes allows"},
        {"\"io_bytes\":", "\"io_bytes\":1099511627776,\"x\":", SCONCE_E_LIMIT,
         "limits.io_bytes allows"},
        {"\"role\":\"image\"", "\"role\":\"state\"", SCONCE_E_SNAPSHOT, "laid out otherwise"},
        {"\"pc\":\"0x", "\"pc\":\"0x9", SCONCE_E_SNAPSHOT, "no code of its own"},
        {"\"brk\":\"0x", "\"brk\":\"0x9", SCONCE_E_SNAPSHOT, "the heap is said to be used"},
        {"\"mappings\":[]", "\"mappings\":[[\"0x1\",\"0x1000\"]]", SCONCE_E_SNAPSHOT, "mapping"},
        {"\"cpu_features\":[", "\"cpu_features\":[\"x-ray\",", SCONCE_E_SNAPSHOT,
         "features that this one lacks: x-ray"},
        {"\"architecture\":\"", "\"architecture\":\"riscv64\",\"x\":\"", SCONCE_E_SNAPSHOT,
         "it is for riscv64, this machine is "},
        {"\"abi\":", "\"abi\":1", SCONCE_E_SNAPSHOT, "another architecture or guest ABI"},
        {"\"generation\":", "\"generation\":1e9,\"x\":", SCONCE_E_SNAPSHOT, "no whole number"},
        {"\"generation\":", "\"generation\":9223372036854775807,\"x\":", SCONCE_E_SNAPSHOT,
         "generation 9223372036854775807 is none"},
        {"\"random_bytes\":", "\"random_bytes\":9223372036854775807,\"x\":", SCONCE_E_SNAPSHOT,
         "9223372036854775807 random bytes"},
        {"\"resume\":",
         "\"fault_handler\":{\"pc\":\"0x1\",\"stack\":\"0x0\",\"stack_bytes\":0},"
         "\"resume\":",
         SCONCE_E_SNAPSHOT, "fault handler at 0x1"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *dir = save(state, "counter");
        struct layout layout = layout_look(dir);
        size_t bytes;
        char *text = layout_blob(&layout, layout.config, &bytes);

        if (strstr(text, cases[i].from)) {
            layout_edit(&layout, layout.config, cases[i].from, cases[i].to);
            refused(dir, cases[i].code, cases[i].says);
        }
        free(text);
    }
}

/* Whoever begins as the last generation is of none that a file can tell. */
static void test_a_generation_behind_the_last_is_not_saved(void **state)
{
    const char *dir = save(state, "counter");
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_snapshot *snapshot, *next;
    struct layout layout = layout_look(dir);
    struct sconce_sandbox *sandbox;
    struct sconce_guest *guest;
    struct sconce_error err = {0};

    layout_edit(&layout, layout.config, "\"generation\":", "\"generation\":281474976710656,\"x\":");
    e2e_ok(sconce_snapshot_open(runtime, dir, "t", &guest, &snapshot, &err), &err);
    options.snapshot = snapshot;
    sandbox = e2e_sandbox(guest, &options);
    e2e_ok(sconce_sandbox_snapshot(sandbox, &next, &err), &err);
    assert_int_equal(sconce_snapshot_save(next, dir, "u", &err), SCONCE_E_SNAPSHOT);
    e2e_says(&err, "its guest is of generation 281474976710657");
    e2e_ok(sconce_snapshot_verify(runtime, dir, "t", &err), &err);
    assert_int_equal(sconce_snapshot_verify(runtime, dir, "u", &err), SCONCE_E_SNAPSHOT);
    sconce_snapshot_free(next);
    sconce_sandbox_free(sandbox);
    sconce_snapshot_free(snapshot);
    sconce_guest_free(guest);
}

static void test_what_another_processor_had_does_not_matter_to_verify(void **state)
{
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir);
    struct sconce_error err = {0};

    layout_edit(&layout, layout.config, "\"cpu_features\":[", "\"cpu_features\":[\"x-ray\",");
    e2e_ok(sconce_snapshot_verify(runtime, dir, "t", &err), &err);
}

/* Nobody is told of features that a processor of another architecture lacks. */
static void test_another_architecture_is_what_is_wrong_first(void **state)
{
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir);
    struct sconce_error err = {0};

    layout_edit(&layout, layout.config, "\"cpu_features\":[", "\"cpu_features\":[\"x-ray\",");
    layout_edit(&layout, layout.config, "\"architecture\":\"",
                "\"architecture\":\"riscv64\",\"x\":\"");
    refused(dir, SCONCE_E_SNAPSHOT, "it is for riscv64, this machine is ");
    try(dir, &err);
    assert_non_null(strstr(err.hint, "use a machine of riscv64"));
    assert_int_equal(sconce_snapshot_verify(runtime, dir, "t", &err), SCONCE_E_SNAPSHOT);
    e2e_says(&err, "another architecture or guest ABI");
}

/* PC is code of the guest's; SP and TLS are what it likes. */
static void test_registers_are_a_guests_affair(void **state)
{
    static const char *const cases[][2] = {
        {"\"sp\":\"0x", "\"sp\":\"0xffff800000000000\",\"x\":\"0x"},
        {"\"sp\":\"0x", "\"sp\":\"0x8000000000000000\",\"x\":\"0x"},
        {"\"sp\":\"0x", "\"sp\":\"0x0\",\"x\":\"0x"},
        {"\"tls\":\"0x", "\"tls\":\"0x8000000000000000\",\"x\":\"0x"},
        {"\"tls\":\"0x", "\"tls\":\"0xffffffffffffffff\",\"x\":\"0x"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *dir = save(state, "counter");
        struct layout layout = layout_look(dir);
        struct sconce_error err;
        int r;

        layout_edit(&layout, layout.config, cases[i][0], cases[i][1]);
        r = try(dir, &err);
        if (r != 0 && r != SCONCE_E_GUEST_PROTOCOL && r != SCONCE_E_GUEST_FAULT)
            fail_msg("case %zu gave %d: %s", i, r, err.text);
    }
}

static void test_a_guest_that_is_none_is_refused(void **state)
{
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir);

    layout_replace(&layout, layout.guest, "hello", 5);
    refused(dir, SCONCE_E_GUEST_FORMAT, "snapshot ");
}

/* The file is small; what is behind it in memory is not. */
static void test_a_guest_larger_than_the_reader_allows_is_refused(void **state)
{
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir);
    struct sconce_error err = {0};
    Elf64_Phdr *last = NULL;
    Elf64_Ehdr *head;
    size_t bytes;
    char *data = layout_blob(&layout, layout.guest, &bytes);

    head = (Elf64_Ehdr *)data;
    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr *part = (Elf64_Phdr *)(data + head->e_phoff) + i;

        if (part->p_type == PT_LOAD)
            last = part;
    }
    assert_non_null(last);
    last->p_memsz += 512u << 20;
    layout_replace(&layout, layout.guest, data, bytes);
    free(data);
    refused(dir, SCONCE_E_LIMIT, "its segments take");
    assert_int_equal(sconce_snapshot_verify(runtime, dir, "t", &err), SCONCE_E_LIMIT);
    e2e_says(&err, "its segments take");
    e2e_says(&err, "snapshot ");
}

static void test_another_guests_snapshot_is_refused(void **state)
{
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir), other = layout_look(save(state, "random"));
    size_t bytes;
    char *data = layout_blob(&other, other.guest, &bytes);
    struct sconce_error err;

    layout_replace(&layout, layout.guest, data, bytes);
    /* It may be laid out the same; then it is a guest with strange memory. */
    assert_true(try(dir, &err) < 0);
    free(data);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

#define RAW_MOST (64u << 20)

/* The memory's bytes, without their compression; free() it. */
static uint8_t *unpack(const struct layout *layout, size_t *ret_bytes)
{
    size_t bytes;
    char *blob = layout_blob(layout, layout->memory, &bytes);
    uint8_t *raw = malloc(RAW_MOST);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();

    assert_non_null(raw);
    assert_non_null(zstd);
    {
        ZSTD_inBuffer in = {blob, bytes, 0};
        ZSTD_outBuffer out = {raw, RAW_MOST, 0};

        assert_int_equal(ZSTD_decompressStream(zstd, &out, &in), 0);
        *ret_bytes = out.pos;
    }
    ZSTD_freeDCtx(zstd);
    free(blob);
    return raw;
}

static void pack(struct layout *layout, const uint8_t *raw, size_t bytes)
{
    size_t most = ZSTD_compressBound(bytes);
    uint8_t *blob = malloc(most);
    size_t packed;

    assert_non_null(blob);
    packed = ZSTD_compress(blob, most, raw, bytes, 1);
    assert_false(ZSTD_isError(packed));
    layout_replace(layout, layout->memory, blob, packed);
    free(blob);
}

static void put_u64(uint8_t *raw, size_t at, uint64_t value)
{
    memcpy(raw + at, &value, sizeof value);
}

static uint64_t get_u64(const uint8_t *raw, size_t at)
{
    uint64_t value;

    memcpy(&value, raw + at, sizeof value);
    return value;
}

/* The head is 64 bytes: counts at 16 and 24; the first stretch is at 64. */
static void test_memory_that_is_not_the_guests_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        const char *says;
    } cases[] = {
        {0, 0, "does not begin so"},
        {16, UINT64_MAX, "stretches"},
        {24, UINT64_MAX / 2, "the guest has memory for"},
        {64, 0, "it tells of"},
        {64, UINT64_MAX, "ends before it starts"},
        {72, UINT64_MAX, "it tells of"},
    };
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir);
    size_t bytes;
    uint8_t *raw = unpack(&layout, &bytes);
    uint64_t start = get_u64(raw, 64), end = get_u64(raw, 72);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t was = get_u64(raw, cases[i].at);

        put_u64(raw, cases[i].at, cases[i].value);
        pack(&layout, raw, bytes);
        refused(dir, SCONCE_E_SNAPSHOT, cases[i].says);
        put_u64(raw, cases[i].at, was);
    }
    put_u64(raw, 64, 0x1000); /* as large as it was, and elsewhere */
    put_u64(raw, 72, 0x1000 + (end - start));
    pack(&layout, raw, bytes);
    refused(dir, SCONCE_E_SNAPSHOT, "not in memory that the guest can write");
    free(raw);
}

static void test_memory_of_noise_is_a_guests_affair(void **state)
{
    const char *dir = save(state, "counter");
    struct layout layout = layout_look(dir);
    size_t bytes;
    uint8_t *raw = unpack(&layout, &bytes);
    uint64_t table = 64 + 16 * get_u64(raw, 16), noise = 1;

    for (unsigned round = 0; round < 8; round++) {
        struct sconce_error err;
        int r;

        for (size_t at = table; at + 8 <= bytes; at += 8) {
            noise = noise * 6364136223846793005u + 1442695040888963407u;
            if (noise >> 40 & round) /* more and more of it */
                put_u64(raw, at, noise);
        }
        pack(&layout, raw, bytes);
        r = try(dir, &err);
        if (r < 0 && r != SCONCE_E_GUEST_FAULT && r != SCONCE_E_GUEST_PROTOCOL &&
            r != SCONCE_E_GUEST_ABORT && r != SCONCE_E_GUEST_FAILED && r != SCONCE_E_LIMIT)
            fail_msg("round %u gave %d: %s", round, r, err.text);
    }
    free(raw);
}

int main(void)
{
#define FILES_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        FILES_TEST(test_each_blob_is_held_against_its_digest),
        FILES_TEST(test_configs_that_no_guest_can_have_are_refused),
        FILES_TEST(test_a_generation_behind_the_last_is_not_saved),
        FILES_TEST(test_what_another_processor_had_does_not_matter_to_verify),
        FILES_TEST(test_another_architecture_is_what_is_wrong_first),
        FILES_TEST(test_registers_are_a_guests_affair),
        FILES_TEST(test_a_guest_that_is_none_is_refused),
        FILES_TEST(test_a_guest_larger_than_the_reader_allows_is_refused),
        FILES_TEST(test_another_guests_snapshot_is_refused),
        FILES_TEST(test_memory_that_is_not_the_guests_is_refused),
        FILES_TEST(test_memory_of_noise_is_a_guests_affair),
    };
    int r;

    e2e_require_backend();
    runtime = e2e_runtime();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    sconce_runtime_free(runtime);
    return r;
}
