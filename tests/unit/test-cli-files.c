/* SPDX-License-Identifier: Apache-2.0 */
/* cli/files.c: whole files in, and out without half-written ones. */
#include <dirent.h>
#include <fcntl.h>
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

static void test_files_write_into_what_is_no_file_tells_why(void **state)
{
    (void)state;
    assert_false(files_write(folder, "x", 1, why, sizeof why));
    assert_string_equal(why, "Is a directory");
    assert_false(files_write("/dev/full", "x", 1, why, sizeof why));
    assert_string_equal(why, "No space left on device");
}

static void test_files_write_into_what_is_open_behind_what_it_has(void **state)
{
    static const char *const names[] = {"/dev/fd/%d", "/proc/self/fd/%d", "/dev//fd//%d",
                                        "/proc/thread-self/fd/%d", "/proc/self/task/../fd/%d"};
    char name[64], link[80];
    int fd;

    (void)state;
    snprintf(link, sizeof link, "%s.link", path);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        write_ok(path, "old, ");
        fd = open(path, O_WRONLY | O_APPEND); /* as if it were given */
        assert_true(fd >= 0);
        snprintf(name, sizeof name, names[i], fd);
        assert_int_equal(symlink(name, link), 0);
        write_ok(name, "new, ");
        write_ok(name, "newer, ");
        write_ok(link, "by a link");
        close(fd);

        assert_holds(path, "old, new, newer, by a link");
        assert_false(files_write(name, "x", 1, why, sizeof why));
        assert_string_equal(why, "Bad file descriptor");
        unlink(link);
    }
    assert_int_equal(entries(), 1);
}

static void test_files_descriptor_knows_every_name_of_it(void **state)
{
    static const struct {
        const char *name;
        int fd;
    } cases[] = {
        {"/dev/stdin", 0},
        {"/dev/stdout", 1},
        {"//dev/./stderr", 2},
        {"/dev/../dev/fd/1", 1},
        {"/proc/self/fd/2147483647", 2147483647},
        {"/proc/self/fd/2147483648", -1},
        {"/proc/self/fd/99999999999999999999", -1},
        {"/dev/fd/01", -1},
        {"/dev/fd/+1", -1},
        {"/dev/fd/1x", -1},
        {"/dev/fd/1/", -1},
        {"/dev/fd/", -1},
        {"/proc/self/fdinfo/1", -1},
        {"/dev/null", -1},
        {"/nonexistent/fd/1", -1},
        {"/", -1},
        {".", -1},
        {"1", -1},
        {"", -1},
    };

    char other[64];

    (void)state;
    snprintf(other, sizeof other, "/proc/%ld/fd/1", (long)getppid());
    assert_int_equal(files_descriptor(other), -1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (files_descriptor(cases[i].name) != cases[i].fd)
            fail_msg("%s: %d", cases[i].name, files_descriptor(cases[i].name));
    assert_int_equal(chdir("/dev"), 0);
    assert_int_equal(files_descriptor("stdout"), 1);
    assert_int_equal(files_descriptor("./fd/2"), 2);
    assert_int_equal(chdir("/dev/fd"), 0);
    assert_int_equal(files_descriptor("1"), 1);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(files_descriptor("dev/stdout"), 1);
}

static void test_files_write_refuses_a_descriptor_of_its_own(void **state)
{
    char name[64];
    int fd;

    (void)state;
    write_ok(path, "old");
    fd = open(path, O_WRONLY | O_CLOEXEC);
    snprintf(name, sizeof name, "/dev/fd/%d", fd);

    assert_false(files_write(name, "new", 3, why, sizeof why));
    assert_string_equal(why, "Bad file descriptor");
    assert_holds(path, "old");
    close(fd);
}

static void test_files_write_into_a_fifo_that_stays_one(void **state)
{
    char fifo[80], got[8] = "";
    struct stat st;
    int fd;

    (void)state;
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    fd = open(fifo, O_RDWR | O_CLOEXEC);
    write_ok(fifo, "text");

    assert_int_equal(read(fd, got, sizeof got), 4);
    assert_string_equal(got, "text");
    assert_int_equal(lstat(fifo, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    close(fd);
    unlink(fifo);
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
        cmocka_unit_test(test_files_write_into_what_is_no_file_tells_why),
        cmocka_unit_test(test_files_write_into_what_is_open_behind_what_it_has),
        cmocka_unit_test(test_files_descriptor_knows_every_name_of_it),
        cmocka_unit_test(test_files_write_refuses_a_descriptor_of_its_own),
        cmocka_unit_test(test_files_write_into_a_fifo_that_stays_one),
        cmocka_unit_test(test_files_write_without_a_folder_tells_why),
        cmocka_unit_test(test_files_read_empty_and_endless_names),
        cmocka_unit_test(test_files_read_what_tells_no_size),
        cmocka_unit_test(test_files_read_regular_refuses_all_else_at_once),
        cmocka_unit_test(test_files_read_regular_reads_a_file),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
