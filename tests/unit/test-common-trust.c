/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common/trust.c: who else could change what a path leads to. Each test has a directory of its own,
 * which it gives as the root of paths: what lies above it (a sticky /tmp, a build tree) is not
 * looked at.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/trust.h"
#include "tests/unit/scratch.h"

static struct sconce_error err;

static int check(const char *root, const char *path)
{
    const struct sconce_trust trust = {.root = root, .uid = geteuid()};

    memset(&err, 0, sizeof err);
    return sconce_trust_check(&trust, path, SCONCE_E_NO_BACKEND, &err);
}

static void test_trust_own_directories_and_file_are_trusted(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");
    scratch_dir(root, "a/b");
    scratch_file(root, "a/b/f", "x");

    assert_int_equal(check(root, "/a/b"), 0);
    assert_int_equal(check(root, "/a/b/"), 0);
    assert_int_equal(check(root, "//a/./b/f"), 0);
    assert_int_equal(check(root, "/"), 0);
}

static void test_trust_parent_that_others_can_write_is_refused(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");
    scratch_dir(root, "a/b");
    scratch_mode(root, "a", 0757);

    assert_int_equal(check(root, "/a/b"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/a can be written by others (mode 0757)");
}

static void test_trust_parent_that_its_group_can_write_is_refused(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");
    scratch_dir(root, "a/b");
    scratch_mode(root, "a", 0775);

    assert_int_equal(check(root, "/a/b"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/a can be written by its group (mode 0775)");
}

static void test_trust_sticky_is_not_enough(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");
    scratch_mode(root, "a", 01777);

    assert_int_equal(check(root, "/a"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/a can be written by others (mode 1777)");
}

static void test_trust_root_itself_is_checked(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");
    assert_int_equal(chmod(root, 0777), 0);

    assert_int_equal(check(root, "/a"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/ can be written by others (mode 0777)");
}

static void test_trust_file_that_others_can_write_is_refused(void **state)
{
    const char *root = *state;

    scratch_file(root, "f", "x");
    scratch_mode(root, "f", 0666);

    assert_int_equal(check(root, "/f"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/f can be written by others (mode 0666)");
}

static void test_trust_other_owner_is_refused(void **state)
{
    const char *root = *state;
    struct sconce_trust trust = {.root = root, .uid = geteuid()};
    char expected[64];
    uid_t owner = geteuid();

    scratch_dir(root, "a");
    if (owner == 0) {
        /* User 0's own directories are always trusted: give this one away. */
        owner = 12345;
        assert_int_equal(chown(scratch_path(root, "a"), owner, (gid_t)-1), 0);
        snprintf(expected, sizeof expected, "/a belongs to user %u, who is not trusted", owner);
    } else {
        trust.uid = owner + 1;
        snprintf(expected, sizeof expected, "/ belongs to user %u, who is not trusted", owner);
    }

    assert_int_equal(sconce_trust_check(&trust, "/a", SCONCE_E_NO_BACKEND, &err),
                     SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, expected);
}

static void test_trust_symlink_between_trusted_directories_is_trusted(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");
    scratch_dir(root, "a/real");
    scratch_link(root, "a/relative", "real");
    scratch_link(root, "a/up", "../a/./real");
    scratch_link(root, "a/absolute", "/a/real");

    assert_int_equal(check(root, "/a/relative"), 0);
    assert_int_equal(check(root, "/a/up"), 0);
    assert_int_equal(check(root, "/a/absolute"), 0);
    assert_int_equal(check(root, "/a/absolute/../relative"), 0);
}

static void test_trust_symlink_through_a_writable_directory_is_refused(void **state)
{
    const char *root = *state;

    scratch_dir(root, "open");
    scratch_dir(root, "open/real");
    scratch_mode(root, "open", 0777);
    scratch_link(root, "link", "open/real");

    assert_int_equal(check(root, "/link"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/open can be written by others (mode 0777)");
}

static void test_trust_symlink_in_a_writable_directory_is_refused(void **state)
{
    const char *root = *state;

    scratch_dir(root, "real");
    scratch_dir(root, "open");
    scratch_link(root, "open/link", "../real");
    scratch_mode(root, "open", 0777);

    assert_int_equal(check(root, "/open/link"), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "/open can be written by others (mode 0777)");
}

static void test_trust_symlink_loop_ends(void **state)
{
    const char *root = *state;

    scratch_link(root, "a", "b");
    scratch_link(root, "b", "a");

    assert_int_equal(check(root, "/a"), SCONCE_E_SYSTEM);
    assert_non_null(strstr(err.text, "Too many levels of symbolic links"));
}

static void test_trust_dotdot_does_not_leave_the_root(void **state)
{
    const char *root = *state;

    scratch_dir(root, "a");

    assert_int_equal(check(root, "/../../a/../../a"), 0);
}

static void test_trust_absent_part_is_named(void **state)
{
    const char *root = *state;

    assert_int_equal(check(root, "/none/x"), SCONCE_E_SYSTEM);
    assert_string_equal(err.text, "cannot look at /none: No such file or directory");
}

static void test_trust_file_in_place_of_a_directory_is_named(void **state)
{
    const char *root = *state;

    scratch_file(root, "f", "x");

    assert_int_equal(check(root, "/f/x"), SCONCE_E_SYSTEM);
    assert_string_equal(err.text, "cannot look at /f: Not a directory");
}

static void test_trust_overlong_name_is_an_error(void **state)
{
    const char *root = *state;
    char path[NAME_MAX + 3];

    memset(path, 'n', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';

    assert_int_equal(check(root, path), SCONCE_E_SYSTEM);
    assert_non_null(strstr(err.text, "File name too long"));
}

static void test_trust_relative_path_is_an_error(void **state)
{
    assert_int_equal(check(*state, "a"), SCONCE_E_SYSTEM);
    assert_string_equal(err.text, "cannot look at a: not a whole path");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_trust_own_directories_and_file_are_trusted),
        TEST(test_trust_parent_that_others_can_write_is_refused),
        TEST(test_trust_parent_that_its_group_can_write_is_refused),
        TEST(test_trust_sticky_is_not_enough),
        TEST(test_trust_root_itself_is_checked),
        TEST(test_trust_file_that_others_can_write_is_refused),
        TEST(test_trust_other_owner_is_refused),
        TEST(test_trust_symlink_between_trusted_directories_is_trusted),
        TEST(test_trust_symlink_through_a_writable_directory_is_refused),
        TEST(test_trust_symlink_in_a_writable_directory_is_refused),
        TEST(test_trust_symlink_loop_ends),
        TEST(test_trust_dotdot_does_not_leave_the_root),
        TEST(test_trust_absent_part_is_named),
        TEST(test_trust_file_in_place_of_a_directory_is_named),
        TEST(test_trust_overlong_name_is_an_error),
        TEST(test_trust_relative_path_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
