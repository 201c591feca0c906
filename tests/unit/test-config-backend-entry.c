/* SPDX-License-Identifier: Apache-2.0 */
/* config/backend-entry.c: the files of backends.d. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "config/backend-entry.h"
#include "tests/unit/scratch.h"

static struct sconce_error err;
static struct sconce_backend_entry entry;
static bool masked;

static int read_text(void **state, const char *file, const char *text)
{
    memset(&err, 0, sizeof err);
    entry = (struct sconce_backend_entry){0};
    masked = false;
    scratch_file(*state, file, text);
    return sconce_backend_entry_read(scratch_path(*state, file), &entry, &masked, &err);
}

/* @format: a message, with %s where the file's path stands. */
static void assert_message(void **state, const char *file, const char *behind)
{
    char expected[PATH_MAX + 256];

    snprintf(expected, sizeof expected, "%s%s", scratch_path(*state, file), behind);
    assert_string_equal(err.text, expected);
}

static void test_entry_name_is_between_number_and_suffix(void **state)
{
    char name[SCONCE_BACKEND_NAME_MAX + 1];

    (void)state;
    assert_true(sconce_backend_entry_name("10-kvm-x86_64.ini", name));
    assert_string_equal(name, "kvm-x86_64");
    assert_true(sconce_backend_entry_name("99-abcdefghijklmnopqrstuvwxyzabcdefghijklmn.ini", name));
}

static void test_entry_name_of_other_files_is_none(void **state)
{
    static const char *const other[] = {"README",
                                        "kvm.ini",
                                        "1-kvm.ini",
                                        "100-kvm.ini",
                                        "10-.ini",
                                        "10-Kvm.ini",
                                        "10-kvm",
                                        "10-kvm.ini~",
                                        "10_kvm.ini",
                                        "10-kvm.ini.bak",
                                        ".ini",
                                        "",
                                        "10-abcdefghijklmnopqrstuvwxyzabcdefghijklmno.ini"};
    char name[SCONCE_BACKEND_NAME_MAX + 1];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_false(sconce_backend_entry_name(other[i], name));
}

static void test_entry_read_takes_its_three_keys(void **state)
{
    assert_int_equal(read_text(state, "10-x.ini",
                               "[backend]\nname = x\ndescription = An X\npackage = sconce-x\n"),
                     0);

    assert_string_equal(entry.name, "x");
    assert_string_equal(entry.description, "An X");
    assert_string_equal(entry.package, "sconce-x");
    assert_string_equal(entry.file, scratch_path(*state, "10-x.ini"));
    sconce_backend_entry_clear(&entry);
}

static void test_entry_read_empty_file_masks(void **state)
{
    assert_int_equal(read_text(state, "10-x.ini", ""), 0);

    assert_true(masked);
    assert_null(entry.name);
}

static void test_entry_read_link_to_dev_null_masks(void **state)
{
    masked = false;
    scratch_link(*state, "10-x.ini", "/dev/null");
    assert_int_equal(
        sconce_backend_entry_read(scratch_path(*state, "10-x.ini"), &entry, &masked, &err), 0);

    assert_true(masked);
}

static void test_entry_read_pipe_is_refused_without_waiting(void **state)
{
    memset(&err, 0, sizeof err);
    assert_int_equal(mkfifo(scratch_path(*state, "10-x.ini"), 0600), 0);
    assert_int_equal(
        sconce_backend_entry_read(scratch_path(*state, "10-x.ini"), &entry, &masked, &err),
        SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", " is not a regular file");
}

static void test_entry_read_name_must_be_the_files(void **state)
{
    assert_int_equal(read_text(state, "10-x.ini", "[backend]\nname = y\n"), SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", ": it names \"y\", but the file is called after \"x\"");
}

static void test_entry_read_without_name_is_an_error(void **state)
{
    assert_int_equal(read_text(state, "10-x.ini", "# nothing\n"), SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", ": [backend] has no name");
}

static void test_entry_read_file_called_otherwise_is_an_error(void **state)
{
    assert_int_equal(read_text(state, "x.ini", "[backend]\nname = x\n"), SCONCE_E_CONFIG);
    assert_message(state, "x.ini", ": the file's name is not NN-NAME.ini");
}

static void test_entry_read_unknown_section_and_key_are_errors(void **state)
{
    assert_int_equal(read_text(state, "10-x.ini", "[backends]\n"), SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", ":1: unknown section [backends]");

    assert_int_equal(read_text(state, "10-x.ini", "[backend]\nname = x\nprio = 1\n"),
                     SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", ":3: unknown key \"prio\" in [backend]");

    assert_int_equal(read_text(state, "10-x.ini", "name = x\n"), SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", ":1: key \"name\" before [backend]");
}

static void test_entry_read_key_that_stands_twice_is_an_error(void **state)
{
    assert_int_equal(read_text(state, "10-x.ini", "[backend]\nname = x\nname = x\n"),
                     SCONCE_E_CONFIG);
    assert_message(state, "10-x.ini", ":3: \"name\" stands twice");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_name_is_between_number_and_suffix),
        cmocka_unit_test(test_entry_name_of_other_files_is_none),
        TEST(test_entry_read_takes_its_three_keys),
        TEST(test_entry_read_empty_file_masks),
        TEST(test_entry_read_link_to_dev_null_masks),
        TEST(test_entry_read_pipe_is_refused_without_waiting),
        TEST(test_entry_read_name_must_be_the_files),
        TEST(test_entry_read_without_name_is_an_error),
        TEST(test_entry_read_file_called_otherwise_is_an_error),
        TEST(test_entry_read_unknown_section_and_key_are_errors),
        TEST(test_entry_read_key_that_stands_twice_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
