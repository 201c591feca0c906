/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files alone choose the backend: one program, one guest, several files.
 */
#include "choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_selection_stub_file_gives_stub(void **state)
{
    struct choice choice = choose(choose_config("backend = stub\nisolation = any\n"));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "stub");
    assert_string_equal(choice.refusals, "");
}

static void test_selection_missing_then_stub_gives_stub_and_tells(void **state)
{
    struct choice choice = choose(choose_config("backend = gone-x86_64, stub\nisolation = any\n"));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "stub");
    assert_non_null(strstr(choice.refusals, "gone-x86_64"));
    assert_non_null(strstr(choice.refusals, "not installed"));
}

static void test_selection_nothing_usable_tells_every_refusal(void **state)
{
    struct choice choice = choose(choose_config("backend = gone-x86_64, stub\n"));

    (void)state;
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, "gone-x86_64");
    e2e_says(&choice.err, "not installed");
    e2e_says(&choice.err, "stub");
    e2e_says(&choice.err, "isolation");
}

static void test_selection_empty_plugin_folder_refuses_well(void **state)
{
    struct choice choice;

    (void)state;
    choice = choose(choose_file("test.ini",
                                "[runtime]\nplugin_dir = %s/none\nallow_untrusted_plugins = yes\n",
                                choose_dir()));
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    assert_true(choice.err.hint[0] != '\0');
}

/* The dynamic linker replaces $LIB and its like: it would open what nobody checked. */
static void test_selection_linker_token_in_the_plugin_folder_is_refused(void **state)
{
    struct choice choice;
    char folder[4096];

    (void)state;
    snprintf(folder, sizeof folder, "%s/$LIB", choose_dir());
    mkdir(folder, 0755);
    choice = choose(choose_file("test.ini",
                                "[runtime]\nplugin_dir = %s\nallow_untrusted_plugins = yes\n"
                                "backend = stub\nisolation = any\n",
                                folder));
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, "holds a \"$\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection_stub_file_gives_stub),
        cmocka_unit_test(test_selection_missing_then_stub_gives_stub_and_tells),
        cmocka_unit_test(test_selection_nothing_usable_tells_every_refusal),
        cmocka_unit_test(test_selection_empty_plugin_folder_refuses_well),
        cmocka_unit_test(test_selection_linker_token_in_the_plugin_folder_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
