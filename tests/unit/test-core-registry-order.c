/* SPDX-License-Identifier: Apache-2.0 */
/* core/registry-order.c: what directories say about backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/registry-order.h"
#include "tests/unit/scratch.h"

static struct sconce_error err;
static struct sconce_order order;

static void add(const char *root, const char *file, const char *name)
{
    char text[128];

    snprintf(text, sizeof text, "[backend]\nname = %s\n", name);
    scratch_file(root, file, text);
}

/* The names in order, a wrong file as "!". */
static const char *read_order(const char *root)
{
    static char names[512];
    size_t i;

    sconce_order_clear(&order);
    if (sconce_order_read(scratch_path(root, "vendor"), scratch_path(root, "etc"), &order, &err) <
        0)
        fail_msg("%s", err.text);
    names[0] = '\0';
    for (i = 0; i < order.count; i++)
        sprintf(names + strlen(names), "%s%s", i ? " " : "",
                order.items[i].entry.name ? order.items[i].entry.name : "!");
    return names;
}

static int setup(void **state)
{
    memset(&err, 0, sizeof err);
    if (scratch_setup(state) < 0)
        return -1;
    scratch_dir(*state, "vendor");
    scratch_dir(*state, "etc");
    return 0;
}

static int teardown(void **state)
{
    sconce_order_clear(&order);
    return scratch_teardown(state);
}

static void test_order_is_that_of_the_file_names_over_both_directories(void **state)
{
    add(*state, "vendor/50-m.ini", "m");
    add(*state, "vendor/10-z.ini", "z");
    add(*state, "etc/30-a.ini", "a");
    add(*state, "vendor/09-b.ini", "b");

    assert_string_equal(read_order(*state), "b z a m");
}

static void test_order_etc_replaces_the_file_of_the_same_name(void **state)
{
    add(*state, "vendor/10-z.ini", "z");
    scratch_file(*state, "etc/10-z.ini", "[backend]\nname = z\npackage = mine\n");

    assert_string_equal(read_order(*state), "z");
    assert_string_equal(sconce_order_find(&order, "z")->package, "mine");
}

static void test_order_empty_file_and_null_link_mask(void **state)
{
    add(*state, "vendor/10-y.ini", "y");
    add(*state, "vendor/20-z.ini", "z");
    add(*state, "vendor/30-a.ini", "a");
    scratch_file(*state, "etc/10-y.ini", "");
    scratch_link(*state, "etc/20-z.ini", "/dev/null");

    assert_string_equal(read_order(*state), "a");
    assert_null(sconce_order_find(&order, "z"));
}

static void test_order_backend_counts_where_it_comes_first(void **state)
{
    add(*state, "vendor/50-z.ini", "z");
    add(*state, "vendor/20-a.ini", "a");
    add(*state, "etc/05-z.ini", "z");

    assert_string_equal(read_order(*state), "z a");
}

static void test_order_wrong_file_is_a_problem_in_its_place(void **state)
{
    add(*state, "vendor/10-z.ini", "z");
    add(*state, "vendor/20-y.ini", "other");
    add(*state, "vendor/odd.ini", "odd");
    add(*state, "vendor/30-a.ini", "a");

    assert_string_equal(read_order(*state), "z ! a !");
    assert_non_null(strstr(order.items[1].problem.text, "vendor/20-y.ini: it names \"other\""));
    assert_non_null(strstr(order.items[3].problem.text, "is not NN-NAME.ini"));
}

static void test_order_other_files_are_not_looked_at(void **state)
{
    scratch_file(*state, "vendor/README", "nonsense");
    scratch_file(*state, "vendor/10-z.ini~", "nonsense");
    scratch_file(*state, "vendor/10-z.ini.dpkg-new", "nonsense");
    scratch_file(*state, "vendor/.10-z.ini", "nonsense");
    scratch_dir(*state, "vendor/dir");

    assert_string_equal(read_order(*state), "");
}

static void test_order_absent_directories_are_empty(void **state)
{
    const char *root = *state;

    assert_int_equal(sconce_order_read(scratch_path(root, "none"), "/nonexistent", &order, &err),
                     0);
    assert_int_equal(order.count, 0);
}

static void test_order_file_in_place_of_a_directory_is_as_absent(void **state)
{
    scratch_file(*state, "file", "x");

    assert_int_equal(
        sconce_order_read(scratch_path(*state, "file"), scratch_path(*state, "etc"), &order, &err),
        0);
}

static void test_order_too_many_files_are_an_error(void **state)
{
    char name[64];
    int i;

    for (i = 0; i < 1025; i++) {
        snprintf(name, sizeof name, "vendor/10-n%d.ini", i);
        scratch_file(*state, name, "");
    }

    assert_int_equal(sconce_order_read(scratch_path(*state, "vendor"), scratch_path(*state, "etc"),
                                       &order, &err),
                     SCONCE_E_SYSTEM);
    assert_non_null(strstr(err.text, "vendor holds more than 1024 files"));
}

static void test_installed_takes_backends_sorted_and_nothing_else(void **state)
{
    static const char *const files[] = {
        "sconce-backend-z.so",   "sconce-backend-a.so", "sconce-backend-.so", "sconce-backend-B.so",
        "sconce-backend-c.so.1", "libsconce.so",        "sconce-backend-x"};
    char **names = NULL;
    size_t i;

    for (i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];

        snprintf(path, sizeof path, "vendor/%s", files[i]);
        scratch_file(*state, path, "");
    }
    assert_int_equal(sconce_order_installed(scratch_path(*state, "vendor"), &names, &err), 0);

    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "z");
    assert_null(names[2]);
    sconce_order_free_names(names);
}

static void test_installed_absent_directory_is_empty(void **state)
{
    char **names = NULL;

    (void)state;
    assert_int_equal(sconce_order_installed("/nonexistent", &names, &err), 0);
    assert_null(names[0]);
    sconce_order_free_names(names);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order_is_that_of_the_file_names_over_both_directories),
        TEST(test_order_etc_replaces_the_file_of_the_same_name),
        TEST(test_order_empty_file_and_null_link_mask),
        TEST(test_order_backend_counts_where_it_comes_first),
        TEST(test_order_wrong_file_is_a_problem_in_its_place),
        TEST(test_order_other_files_are_not_looked_at),
        TEST(test_order_absent_directories_are_empty),
        TEST(test_order_file_in_place_of_a_directory_is_as_absent),
        TEST(test_order_too_many_files_are_an_error),
        TEST(test_installed_takes_backends_sorted_and_nothing_else),
        TEST(test_installed_absent_directory_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
