/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/store.c and blob-*.c: whole or not at all, and nothing but what its digest says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "scratch.h"
#include "snapshot/store.h"

#define HELLO_HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static struct sconce_store store_in(const char *path)
{
    struct sconce_store store;
    struct sconce_error err = {0};

    if (sconce_store_create(path, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

static struct sconce_descriptor put(const struct sconce_store *store, const char *text)
{
    struct sconce_descriptor blob;

    assert_int_equal(sconce_blob_put(store, text, strlen(text), &blob, NULL), 0);
    return blob;
}

static int load(const struct sconce_store *store, const struct sconce_descriptor *blob,
                uint64_t most, struct sconce_error *err)
{
    void *data;
    size_t bytes;
    int r = sconce_blob_load(store, blob, most, &data, &bytes, err);

    if (!r) {
        assert_int_equal(bytes, blob->bytes);
        assert_int_equal(((char *)data)[bytes], 0);
        free(data);
    }
    return r;
}

static unsigned entries_of(const char *path)
{
    DIR *dir = opendir(path);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

static void test_blobs_come_back_by_their_digest(void **state)
{
    const char *path = scratch_path(*state, "layout");
    struct sconce_store store = store_in(path);
    struct sconce_descriptor blob = put(&store, "hello");
    struct sconce_error err = {0};

    assert_string_equal(blob.hex, HELLO_HEX);
    assert_int_equal(blob.bytes, 5);
    assert_int_equal(load(&store, &blob, 5, &err), 0);
    assert_int_equal(load(&store, &blob, 4, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "at most 4 are read"));
    blob = put(&store, "hello"); /* again */
    assert_int_equal(entries_of(scratch_path(*state, "layout/blobs/sha256")), 1);
    assert_int_equal(entries_of(path), 2);
    sconce_store_close(&store);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void test_blobs_that_were_changed_are_refused(void **state)
{
    const char *path = scratch_path(*state, "layout");
    const char *file = scratch_path(*state, "layout/blobs/sha256/" HELLO_HEX);
    struct sconce_store store = store_in(path);
    struct sconce_descriptor blob = put(&store, "hello");
    struct sconce_error err = {0};

    write_file(file, "hellO");
    assert_int_equal(load(&store, &blob, 100, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, HELLO_HEX " was changed"));
    write_file(file, "hell");
    assert_int_equal(load(&store, &blob, 100, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "has 4 bytes, but its descriptor says 5"));
    write_file(file, "hello!");
    assert_int_equal(load(&store, &blob, 100, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "has 6 bytes"));
    blob.bytes = 1ull << 62;
    assert_int_equal(load(&store, &blob, UINT64_MAX, &err), SCONCE_E_SNAPSHOT);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(load(&store, &blob, UINT64_MAX, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "No such file"));
    sconce_store_close(&store);
}

/* A link may lead to what only this process may read, and a pipe waits for ever. */
static void test_what_is_no_plain_file_is_not_read(void **state)
{
    const char *path = scratch_path(*state, "layout");
    const char *file = scratch_path(*state, "layout/blobs/sha256/" HELLO_HEX);
    struct sconce_store store = store_in(path);
    struct sconce_descriptor blob = put(&store, "hello");
    struct sconce_error err = {0};

    assert_int_equal(rename(file, scratch_path(*state, "elsewhere")), 0);
    assert_int_equal(symlink("../../../elsewhere", file), 0);
    assert_int_equal(load(&store, &blob, 100, &err), SCONCE_E_SNAPSHOT);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(load(&store, &blob, 100, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "not a regular file"));
    sconce_store_close(&store);
}

/* Each of the two folders as a link to one that somebody else has, who wants his files back. */
static void test_folders_that_are_links_are_not_followed(void **state)
{
    static const char *const folders[] = {"layout/blobs", "layout/blobs/sha256"};
    struct sconce_store store = store_in(scratch_path(*state, "layout"));
    struct sconce_error err = {0};

    put(&store, "hello");
    sconce_store_close(&store);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            rename(scratch_path(*state, folders[i]), scratch_path(*state, "elsewhere")), 0);
        scratch_file(*state, i ? "elsewhere/.tmp-blob" : "elsewhere/sha256/.tmp-blob", "his");
        scratch_link(*state, folders[i], scratch_path(*state, "elsewhere"));
        assert_int_equal(sconce_store_open(scratch_path(*state, "layout"), &store, &err),
                         SCONCE_E_SNAPSHOT);
        assert_non_null(strstr(err.text, i ? "blobs/sha256 is a link" : "blobs is a link"));
        assert_int_equal(sconce_store_create(scratch_path(*state, "layout"), &store, &err),
                         SCONCE_E_SNAPSHOT);
        assert_non_null(strstr(err.hint, "name a directory that has none"));
        assert_int_equal(
            access(scratch_path(*state, i ? "elsewhere/.tmp-blob" : "elsewhere/sha256/.tmp-blob"),
                   F_OK),
            0);
        assert_int_equal(unlink(scratch_path(*state, folders[i])), 0);
        assert_int_equal(
            rename(scratch_path(*state, "elsewhere"), scratch_path(*state, folders[i])), 0);
    }
}

/* Whoever may write into the layout can do so while a reader or a writer is at work. */
static void test_folders_that_become_links_are_not_followed(void **state)
{
    struct sconce_store store = store_in(scratch_path(*state, "layout"));
    struct sconce_descriptor blob = put(&store, "hello");
    struct sconce_error err = {0};

    scratch_dir(*state, "elsewhere");
    assert_int_equal(rename(scratch_path(*state, "layout/blobs"), scratch_path(*state, "were")), 0);
    scratch_link(*state, "layout/blobs", "../elsewhere");
    assert_int_equal(load(&store, &blob, 5, &err), 0);
    blob = put(&store, "bye");
    assert_int_equal(load(&store, &blob, 5, &err), 0);
    assert_int_equal(entries_of(scratch_path(*state, "elsewhere")), 0);
    assert_int_equal(entries_of(scratch_path(*state, "were/sha256")), 2);
    sconce_store_close(&store);
}

static void test_a_reader_that_stops_early_does_not_vouch(void **state)
{
    const char *path = scratch_path(*state, "layout");
    struct sconce_store store = store_in(path);
    struct sconce_descriptor blob = put(&store, "hello");
    struct sconce_blob_reader reader;
    struct sconce_error err = {0};
    char text[8];
    size_t got;

    assert_int_equal(sconce_blob_open(&store, &blob, 5, &reader, &err), 0);
    assert_int_equal(sconce_blob_read(&reader, text, 3, &got, &err), 0);
    assert_int_equal(got, 3);
    assert_int_equal(sconce_blob_check(&reader, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "goes on for 2 bytes"));
    assert_int_equal(sconce_blob_read(&reader, text, 8, &got, &err), 0);
    assert_int_equal(got, 2);
    assert_int_equal(sconce_blob_check(&reader, &err), 0);
    sconce_blob_close(&reader);
    sconce_store_close(&store);
}

static void test_what_a_crash_left_is_removed(void **state)
{
    const char *path = scratch_path(*state, "layout");
    struct sconce_blob_writer writer;
    struct sconce_store store = store_in(path);
    struct sconce_error err = {0};

    assert_int_equal(sconce_blob_begin(&store, &writer, &err), 0);
    assert_int_equal(sconce_blob_write(&writer, "half", 4, &err), 0);
    close(writer.fd); /* as when the process ends here */
    sconce_store_close(&store);
    write_file(scratch_path(*state, "layout/.tmp-file"), "half");
    assert_int_equal(entries_of(scratch_path(*state, "layout/blobs/sha256")), 1);
    store = store_in(path);
    assert_int_equal(entries_of(scratch_path(*state, "layout/blobs/sha256")), 0);
    assert_int_equal(entries_of(path), 2);
    sconce_store_close(&store);
}

/* The directory may be one that somebody named by mistake. */
static void test_files_of_others_stay(void **state)
{
    static const char *const names[] = {"layout/.tmp-blob", "layout/.tmp-mine",
                                        "layout/blobs/sha256/.tmp-file",
                                        "layout/blobs/sha256/.tmp-mine"};
    struct sconce_store store = store_in(scratch_path(*state, "layout"));

    sconce_store_close(&store);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        scratch_file(*state, names[i], "");
    store = store_in(scratch_path(*state, "layout"));
    sconce_store_close(&store);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(access(scratch_path(*state, names[i]), F_OK), 0);
}

static void test_a_blob_that_is_abandoned_leaves_nothing(void **state)
{
    struct sconce_store store = store_in(scratch_path(*state, "layout"));
    struct sconce_blob_writer writer;

    assert_int_equal(sconce_blob_begin(&store, &writer, NULL), 0);
    sconce_blob_abandon(&writer);
    assert_int_equal(entries_of(scratch_path(*state, "layout/blobs/sha256")), 0);
    sconce_blob_abandon(&writer);
    sconce_store_close(&store);
}

static void test_a_second_writer_waits(void **state)
{
    const char *path = scratch_path(*state, "layout");
    struct sconce_store store = store_in(path);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir >= 0);
    assert_int_equal(flock(dir, LOCK_EX | LOCK_NB), -1);
    sconce_store_close(&store);
    assert_int_equal(flock(dir, LOCK_EX | LOCK_NB), 0);
    close(dir);
}

/* A lock is of what was opened, not of who did it: a program may fork while another thread saves.
 */
static void test_a_child_does_not_keep_the_lock(void **state)
{
    const char *path = scratch_path(*state, "layout");
    struct sconce_store store = store_in(path);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t child = fork();
    int r;

    assert_true(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    sconce_store_close(&store);
    r = flock(dir, LOCK_EX | LOCK_NB);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(r, 0);
    close(dir);
}

static void test_directories_that_are_no_layout_are_refused(void **state)
{
    struct sconce_store store;
    struct sconce_error err = {0};

    assert_int_equal(sconce_store_open(*state, &store, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "no OCI image layout"));
    assert_int_equal(sconce_store_open(scratch_path(*state, "none"), &store, &err),
                     SCONCE_E_SYSTEM);
    assert_non_null(strstr(err.text, "none: No such file"));
    assert_int_equal(sconce_store_create(scratch_path(*state, "none/layout"), &store, &err),
                     SCONCE_E_SYSTEM);
    assert_non_null(strstr(err.hint, "must be there"));
    write_file(scratch_path(*state, "file"), "");
    assert_int_equal(sconce_store_create(scratch_path(*state, "file"), &store, &err),
                     SCONCE_E_SYSTEM);
}

/* For a reader and for a writer. */
static void assert_refused(const char *path, const char *why)
{
    struct sconce_store store;
    struct sconce_error err = {0};

    assert_int_equal(sconce_store_open(path, &store, &err), SCONCE_E_SNAPSHOT);
    if (!strstr(err.text, why))
        fail_msg("%s", err.text);
    assert_int_equal(sconce_store_create(path, &store, &err), SCONCE_E_SNAPSHOT);
    if (!strstr(err.text, why))
        fail_msg("%s", err.text);
}

static void test_layouts_of_other_versions_are_refused(void **state)
{
    const char *path = scratch_path(*state, "layout");
    const char *file = scratch_path(*state, "layout/oci-layout");
    struct sconce_store store = store_in(path);

    sconce_store_close(&store);
    assert_int_equal(sconce_store_open(path, &store, NULL), 0);
    sconce_store_close(&store);
    write_file(file, "{\"imageLayoutVersion\":\"2.0.0\"}");
    assert_refused(path, "version \"2.0.0\", but 1.0.0 is what is read");
    write_file(file, "{}");
    assert_refused(path, "oci-layout has no member \"imageLayoutVersion\"");
    write_file(file, "");
    assert_refused(path, "oci-layout is no JSON");
    assert_int_equal(truncate(file, 4097), 0);
    assert_refused(path, "at most 4096 are read");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("index.json", file), 0);
    assert_refused(path, "cannot open");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_refused(path, "not a regular file");
}

static void test_small_files_are_replaced_and_capped(void **state)
{
    struct sconce_store store = store_in(scratch_path(*state, "layout"));
    struct sconce_error err = {0};
    size_t bytes;
    void *data;

    assert_int_equal(sconce_store_replace_file(&store, "index.json", "old", 3, &err), 0);
    assert_int_equal(sconce_store_replace_file(&store, "index.json", "newer", 5, &err), 0);
    assert_int_equal(sconce_store_read_file(&store, "index.json", 5, &data, &bytes, &err), 0);
    assert_string_equal(data, "newer");
    free(data);
    assert_int_equal(sconce_store_read_file(&store, "index.json", 4, &data, &bytes, &err),
                     SCONCE_E_SNAPSHOT);
    sconce_store_close(&store);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_blobs_come_back_by_their_digest),
        STORE_TEST(test_blobs_that_were_changed_are_refused),
        STORE_TEST(test_what_is_no_plain_file_is_not_read),
        STORE_TEST(test_folders_that_are_links_are_not_followed),
        STORE_TEST(test_folders_that_become_links_are_not_followed),
        STORE_TEST(test_a_reader_that_stops_early_does_not_vouch),
        STORE_TEST(test_what_a_crash_left_is_removed),
        STORE_TEST(test_files_of_others_stay),
        STORE_TEST(test_a_blob_that_is_abandoned_leaves_nothing),
        STORE_TEST(test_a_second_writer_waits),
        STORE_TEST(test_a_child_does_not_keep_the_lock),
        STORE_TEST(test_directories_that_are_no_layout_are_refused),
        STORE_TEST(test_layouts_of_other_versions_are_refused),
        STORE_TEST(test_small_files_are_replaced_and_capped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
