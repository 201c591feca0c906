/* SPDX-License-Identifier: Apache-2.0 */
/* Those who write snapshot files: many at once, and one that cannot finish. */
#include "e2e.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "scratch.h"

#define WRITERS 6u

static struct sconce_runtime *runtime;

static struct sconce_snapshot *snapshot_after(unsigned calls)
{
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    for (unsigned i = 0; i < calls; i++)
        e2e_ok(sconce_sandbox_call(sandbox, "next", NULL, 0, NULL, &err), &err);
    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    return snapshot;
}

/* What next() says in a sandbox of the snapshot. */
static uint64_t next_of(const char *dir, const char *tag)
{
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_value result = {0};
    struct sconce_snapshot *snapshot;
    struct sconce_sandbox *sandbox;
    struct sconce_guest *guest;
    struct sconce_error err = {0};

    e2e_ok(sconce_snapshot_open(runtime, dir, tag, &guest, &snapshot, &err), &err);
    options.snapshot = snapshot;
    e2e_ok(sconce_sandbox_new(guest, &options, &sandbox, &err), &err);
    e2e_ok(sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &err), &err);
    sconce_sandbox_free(sandbox);
    sconce_snapshot_free(snapshot);
    sconce_guest_free(guest);
    return result.as.u64;
}

struct writer {
    pthread_t thread;
    const struct sconce_snapshot *snapshot;
    const char *dir;
    char tag[8];
    int result;
};

static void *write_thrice(void *arg)
{
    struct writer *writer = arg;

    for (unsigned i = 0; i < 3 && !writer->result; i++)
        writer->result = sconce_snapshot_save(writer->snapshot, writer->dir, writer->tag, NULL);
    return NULL;
}

static void test_no_writer_takes_away_what_another_wrote(void **state)
{
    const char *dir = scratch_path(*state, "layout");
    struct sconce_snapshot *odd = snapshot_after(1), *even = snapshot_after(2);
    struct writer writers[WRITERS];

    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.snapshot = i % 2 ? odd : even, .dir = dir};
        snprintf(writers[i].tag, sizeof writers[i].tag, "t%u", i);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_thrice, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].result, 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(next_of(dir, writers[i].tag), i % 2 ? 102 : 103);
    sconce_snapshot_free(odd);
    sconce_snapshot_free(even);
}

/* The limit on a file's size stands for a disk that is full. */
static void test_a_writer_that_fails_leaves_what_was(void **state)
{
    const char *dir = scratch_path(*state, "layout");
    const struct rlimit small = {.rlim_cur = 300, .rlim_max = RLIM_INFINITY};
    struct sconce_snapshot *first = snapshot_after(1), *second = snapshot_after(2);
    struct sconce_error err = {0};
    struct rlimit was;
    int r;

    e2e_ok(sconce_snapshot_save(first, dir, "t", &err), &err);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = sconce_snapshot_save(second, dir, "t", &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(r, SCONCE_E_SYSTEM);
    e2e_says(&err, "layout/blobs/sha256/.tmp-blob: File too large");
    assert_non_null(strstr(err.hint, "with room for the snapshot"));
    assert_int_equal(access(scratch_path(*state, "layout/blobs/sha256/.tmp-blob"), F_OK), -1);
    assert_int_equal(next_of(dir, "t"), 102);
    e2e_ok(sconce_snapshot_save(second, dir, "t", &err), &err);
    assert_int_equal(next_of(dir, "t"), 103);
    sconce_snapshot_free(first);
    sconce_snapshot_free(second);
}

/* An index with as many tags as are still read. Returns how large it is. */
static size_t fill_index(const char *path)
{
    const size_t most = 1u << 20, room = 256;
    FILE *file = fopen(path, "w");
    size_t bytes;

    assert_non_null(file);
    bytes = (size_t)fprintf(file, "{\"schemaVersion\":2,\"manifests\":[{}");
    for (unsigned i = 0; bytes < most - room; i++)
        bytes += (size_t)fprintf(
            file, ",{\"annotations\":{\"org.opencontainers.image.ref.name\":\"many%u\"}}", i);
    bytes += (size_t)fprintf(file, "]}");
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void test_a_tag_for_which_the_index_has_no_room_is_refused(void **state)
{
    const char *dir = scratch_path(*state, "layout");
    const char *index = scratch_path(*state, "layout/index.json");
    struct sconce_snapshot *snapshot = snapshot_after(1);
    struct sconce_error err = {0};
    struct stat st;
    size_t bytes;

    e2e_ok(sconce_snapshot_save(snapshot, dir, "t", &err), &err);
    bytes = fill_index(index);
    assert_int_equal(sconce_snapshot_save(snapshot, dir, "u", &err), SCONCE_E_SNAPSHOT);
    e2e_says(&err, "at most 1048576 are read");
    assert_non_null(strstr(err.hint, "another directory"));
    assert_int_equal(stat(index, &st), 0);
    assert_int_equal(st.st_size, bytes);
    sconce_snapshot_free(snapshot);
}

static int keep_digest(void *ctx, const struct sconce_snapshot_info *info)
{
    char(*digests)[80] = ctx;

    snprintf(digests[info->tag[0] - 'a'], sizeof digests[0], "%s", info->digest);
    return 0;
}

static void test_a_snapshot_gives_the_same_files_each_time(void **state)
{
    const char *dir = scratch_path(*state, "layout");
    struct sconce_snapshot *snapshot = snapshot_after(2);
    struct sconce_error err = {0};
    char digests[2][80] = {"", ""};

    setenv("SOURCE_DATE_EPOCH", "1000000000", 1);
    e2e_ok(sconce_snapshot_save(snapshot, dir, "a", &err), &err);
    e2e_ok(sconce_snapshot_save(snapshot, dir, "b", &err), &err);
    unsetenv("SOURCE_DATE_EPOCH");
    e2e_ok(sconce_snapshot_each(dir, keep_digest, digests, &err), &err);
    assert_string_equal(digests[0], digests[1]);
    assert_int_equal(strlen(digests[0]), strlen("sha256:") + 64);
    sconce_snapshot_free(snapshot);
}

int main(void)
{
#define WRITERS_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        WRITERS_TEST(test_no_writer_takes_away_what_another_wrote),
        WRITERS_TEST(test_a_writer_that_fails_leaves_what_was),
        WRITERS_TEST(test_a_tag_for_which_the_index_has_no_room_is_refused),
        WRITERS_TEST(test_a_snapshot_gives_the_same_files_each_time),
    };
    int r;

    e2e_require_backend();
    runtime = e2e_runtime();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    sconce_runtime_free(runtime);
    return r;
}
