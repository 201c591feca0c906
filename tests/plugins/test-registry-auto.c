/* SPDX-License-Identifier: Apache-2.0 */
/* core/registry-select.c with backend = auto: the files of backends.d decide, and machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugins/select.h"

static void test_select_auto_goes_by_the_files_names(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "good");
    stage_install(stage, "process-x86");
    stage_install(stage, "vm-x86");
    add_entry(stage, "backends.d", "90-good.ini", "good");
    add_entry(stage, "backends.d", "50-process-x86.ini", "process-x86");
    add_entry(stage, "backends.d", "10-vm-x86.ini", "vm-x86");
    stage_set(stage, "runtime.isolation", "any");

    expect_backend(stage, X86, "vm-x86", "");

    assert_int_equal(unlink(stage_plugin(stage, "vm-x86")), 0);
    expect_backend(stage, X86, "process-x86",
                   with_path(stage,
                             "backend \"vm-x86\" is not installed: there is no %s (install the "
                             "package sconce-backend-vm-x86)",
                             "vm-x86"));
}

static void test_select_auto_skips_other_machines(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-arm");
    stage_install(stage, "vm-x86");
    add_entry(stage, "backends.d", "10-vm-arm.ini", "vm-arm");
    add_entry(stage, "backends.d", "20-vm-x86.ini", "vm-x86");

    expect_backend(stage, X86, "vm-x86", "backend \"vm-arm\" runs aarch64 guests, not x86_64");
    expect_backend(stage, ARM, "vm-arm", "");
}

static void test_select_auto_new_backend_dropped_in_is_found(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    add_entry(stage, "backends.d", "20-vm-x86.ini", "vm-x86");
    stage_install(stage, "good-one");
    add_entry(stage, "backends.d", "10-good-one.ini", "good-one");
    stage_set(stage, "runtime.isolation", "any");

    expect_backend(stage, X86, "good-one", "");
}

static void test_select_auto_etc_overrides_and_masks(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_install(stage, "process-x86");
    add_entry(stage, "backends.d", "10-vm-x86.ini", "vm-x86");
    add_entry(stage, "backends.d", "20-process-x86.ini", "process-x86");
    stage_set(stage, "runtime.isolation", "any");
    scratch_link(stage->root, "etc.d/10-vm-x86.ini", "/dev/null");
    expect_backend(stage, X86, "process-x86", "");

    assert_int_equal(unlink(scratch_path(stage->root, "etc.d/10-vm-x86.ini")), 0);
    scratch_file(stage->root, "etc.d/10-vm-x86.ini", "");
    expect_backend(stage, X86, "process-x86", "");

    assert_int_equal(unlink(scratch_path(stage->root, "etc.d/10-vm-x86.ini")), 0);
    add_entry(stage, "etc.d", "05-process-x86.ini", "process-x86");
    expect_backend(stage, X86, "process-x86", "");
}

static void test_select_auto_wrong_file_is_told_and_the_next_tried(void **state)
{
    struct stage *stage = *state;
    char expected[1024];

    stage_install(stage, "vm-x86");
    scratch_file(stage->root, "backends.d/05-x.ini", "[backend]\nnmae = x\n");
    add_entry(stage, "backends.d", "10-vm-x86.ini", "vm-x86");

    snprintf(expected, sizeof expected,
             "%s:2: unknown key \"nmae\" in [backend] (keys are name, description and package)",
             scratch_path(stage->root, "backends.d/05-x.ini"));
    expect_backend(stage, X86, "vm-x86", expected);
}

static void test_select_auto_nothing_installed(void **state)
{
    struct stage *stage = *state;
    char expected[1024];

    snprintf(expected, sizeof expected, "no backend is installed in %s",
             scratch_path(stage->root, "plugins"));
    expect_failure(stage, X86, expected,
                   "install a backend's package, or set plugin_dir to where they are");

    stage_set(stage, "runtime.plugin_dir", "/nonexistent/plugins");
    expect_failure(stage, X86, "no backend is installed in /nonexistent/plugins",
                   "install a backend's package, or set plugin_dir to where they are");
}

static void test_select_auto_installed_without_files_is_told(void **state)
{
    struct stage *stage = *state;
    char expected[2048];

    stage_install(stage, "vm-x86");
    stage_install(stage, "good");

    snprintf(expected, sizeof expected,
             "auto finds no backend: neither %s nor %s has a file that names one of those "
             "installed (good, vm-x86)",
             scratch_path(stage->root, "backends.d"), scratch_path(stage->root, "etc.d"));
    expect_failure(stage, X86, expected, "name one as backend, or install its NN-NAME.ini");
}

static void test_select_machine_that_no_backend_runs_is_told(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_install(stage, "process-x86");
    add_entry(stage, "backends.d", "10-vm-x86.ini", "vm-x86");

    expect_failure(stage, ARM,
                   "no installed backend runs aarch64 guests (installed: process-x86 for x86_64, "
                   "vm-x86 for x86_64)",
                   "it wants a backend such as parts-aarch64, on a host of that architecture");
    expect_failure(stage, 999,
                   "no installed backend runs ELF machine 999 guests (installed: process-x86 for "
                   "x86_64, vm-x86 for x86_64)",
                   "install the package of a backend for ELF machine 999");
}

static void test_select_machine_backend_without_a_wall_is_not_recommended(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "good");
    stage_install(stage, "vm-x86");
    add_entry(stage, "backends.d", "10-vm-x86.ini", "vm-x86");

    expect_failure(stage, ARM,
                   "no installed backend runs aarch64 guests (installed: good for any, vm-x86 for "
                   "x86_64)",
                   "it wants a backend such as parts-aarch64, on a host of that architecture");
}

static void test_select_machine_that_another_backend_runs_is_told(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_install(stage, "vm-arm");
    stage_set(stage, "runtime.backend", "vm-x86");

    expect_failure(stage, ARM, "no backend that is configured runs aarch64 guests",
                   "backend \"vm-arm\" is installed and runs them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_select_auto_goes_by_the_files_names),
        STAGE_TEST(test_select_auto_skips_other_machines),
        STAGE_TEST(test_select_auto_new_backend_dropped_in_is_found),
        STAGE_TEST(test_select_auto_etc_overrides_and_masks),
        STAGE_TEST(test_select_auto_wrong_file_is_told_and_the_next_tried),
        STAGE_TEST(test_select_auto_nothing_installed),
        STAGE_TEST(test_select_auto_installed_without_files_is_told),
        STAGE_TEST(test_select_machine_that_no_backend_runs_is_told),
        STAGE_TEST(test_select_machine_backend_without_a_wall_is_not_recommended),
        STAGE_TEST(test_select_machine_that_another_backend_runs_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
