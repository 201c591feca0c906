/* SPDX-License-Identifier: Apache-2.0 */
/* cli/files.c: whole files in, and out without half-written ones. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/files.h"

static char folder[] = "/tmp/sconce-test-XXXXXX";
static char path[64];
static char why[128];

static void write_ok(const char *to, const char *text)
{
    if (!files_write(to, text, strlen(text), why, sizeof why))
        fail_msg("cannot write %s: %s", to, why);
}

static void assert_holds(const char *file, const char *text)
{
    void *data;
    size_t bytes;

    assert_true(files_read(file, &data, &bytes, why, sizeof why));
    assert_int_equal(bytes, strlen(text));
    assert_string_equal(data, text);
    free(data);
}

static unsigned entries(void)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

static void test_files_write_makes_and_replaces(void **state)
{
    struct stat st;

    (void)state;
    write_ok(path, "first, and longer");
    write_ok(path, "second");

    assert_holds(path, "second");
    assert_int_equal(entries(), 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0111, 0);
}

static void test_files_write_keeps_the_mode(void **state)
{
    struct stat st;

    (void)state;
    write_ok(path, "x");
    assert_int_equal(chmod(path, 0640), 0);
    write_ok(path, "y");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_files_write_follows_a_link(void **state)
{
    char link[80];
    struct stat st;

    (void)state;
    write_ok(path, "x");
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink(path, link), 0);
    write_ok(link, "through");

    assert_holds(path, "through");
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    unlink(link);
}

static void test_files_write_refuses_a_link_to_nothing(void **state)
{
    char link[80];
    struct stat st;

    (void)state;
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink("nothing", link), 0);

    assert_false(files_write(link, "x", 1, why, sizeof why));
    assert_string_equal(why, "it is a symbolic link to a file that is not there");
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    unlink(link);
}

static void test_files_write_refuses_links_in_a_circle(void **state)
{
    char link[80];

    (void)state;
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink("file.link", link), 0);

    assert_false(files_write(link, "x", 1, why, sizeof why));
    assert_string_equal(why, "Too many levels of symbolic links");
    unlink(link);
}

static void test_files_write_into_what_is_no_file(void **state)
{
    struct stat st;

    (void)state;
    write_ok("/dev/null", "x");
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_false(files_write(folder, "x", 1, why, sizeof why));
    assert_string_equal(why, "Is a directory");
    assert_false(files_write("/dev/full", "x", 1, why, sizeof why));
    assert_string_equal(why, "No space left on device");
}

static void test_files_write_without_a_folder_tells_why(void **state)
{
    (void)state;
    assert_false(files_write("/nonexistent/x", "x", 1, why, sizeof why));
    assert_string_equal(why, "No such file or directory");
}

static void test_files_read_empty_and_endless_names(void **state)
{
    void *data;
    size_t bytes;

    (void)state;
    assert_true(files_read("/dev/null", &data, &bytes, why, sizeof why));
    assert_int_equal(bytes, 0);
    assert_string_equal(data, "");
    free(data);
    assert_false(files_read(folder, &data, &bytes, why, sizeof why));
    assert_string_equal(why, "Is a directory");
}

static void test_files_read_what_tells_no_size(void **state)
{
    void *data;
    size_t bytes;

    (void)state;
    /* Its size is 0 for stat. */
    assert_true(files_read("/proc/self/status", &data, &bytes, why, sizeof why));
    assert_true(bytes > 100);
    free(data);
}

static void test_files_read_regular_refuses_all_else_at_once(void **state)
{
    char fifo[80];
    void *data;
    size_t bytes;

    (void)state;
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);

    for (size_t i = 0; i < 3; i++) {
        const char *const others[] = {fifo, folder, "/dev/zero"};

        assert_false(files_read_regular(others[i], &data, &bytes, why, sizeof why));
        assert_string_equal(why, "it is not a regular file");
    }
    unlink(fifo);
}

static void test_files_read_regular_reads_a_file(void **state)
{
    void *data;
    size_t bytes;

    (void)state;
    write_ok(path, "text");
    assert_true(files_read_regular(path, &data, &bytes, why, sizeof why));
    assert_int_equal(bytes, 4);
    assert_string_equal(data, "text");
    free(data);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_write_makes_and_replaces),
        cmocka_unit_test(test_files_write_keeps_the_mode),
        cmocka_unit_test(test_files_write_follows_a_link),
        cmocka_unit_test(test_files_write_refuses_a_link_to_nothing),
        cmocka_unit_test(test_files_write_refuses_links_in_a_circle),
        cmocka_unit_test(test_files_write_into_what_is_no_file),
        cmocka_unit_test(test_files_write_without_a_folder_tells_why),
        cmocka_unit_test(test_files_read_empty_and_endless_names),
        cmocka_unit_test(test_files_read_what_tells_no_size),
        cmocka_unit_test(test_files_read_regular_refuses_all_else_at_once),
        cmocka_unit_test(test_files_read_regular_reads_a_file),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
