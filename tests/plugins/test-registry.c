/* SPDX-License-Identifier: Apache-2.0 */
/* core/registry.c and registry-select.c: which backend is taken, and everything that is told about
 * those that are not. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugins/select.h"

/* ---- Names that are configured --------------------------------------------------------------- */

static void test_select_named_backend_is_taken(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_set(stage, "runtime.backend", "vm-x86");

    expect_backend(stage, X86, "vm-x86", "");
}

static void test_select_backend_for_any_machine_is_taken_for_each(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "good");
    stage_set(stage, "runtime.backend", "good");
    stage_set(stage, "runtime.isolation", "any");

    expect_backend(stage, X86, "good", "");
    expect_backend(stage, ARM, "good", "");
}

static void test_select_first_of_a_list_that_works_is_taken_and_the_rest_told(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "probe-fails");
    stage_install(stage, "vm-x86");
    stage_install(stage, "good");
    stage_set(stage, "runtime.backend", "missing, probe-fails, vm-x86, good");

    {
        struct selected s;
        char *line;

        assert_int_equal(select_for(stage, X86, &s), 0);
        assert_string_equal(s.backend->name, "vm-x86");
        line = strtok(s.refusals, "\n");
        assert_string_equal(
            line,
            with_path(
                stage,
                "backend \"missing\" is not installed: there is no %s (install the package of "
                "missing, or use one that is installed: good, probe-fails, vm-x86)",
                "missing"));
        line = strtok(NULL, "\n");
        assert_memory_equal(line, "probe-fails: cannot open /dev/frob", 34);
        assert_non_null(strstr(line, "Permission denied (make /dev/frob)"));
        assert_null(strtok(NULL, "\n"));
        drop(&s);
    }
}

static void test_select_missing_backend_names_its_package(void **state)
{
    struct stage *stage = *state;

    add_entry(stage, "etc.d", "10-kvm-x86_64.ini", "kvm-x86_64");
    stage_set(stage, "runtime.backend", "kvm-x86_64");

    expect_failure(
        stage, X86,
        with_path(stage, "backend \"kvm-x86_64\" is not installed: there is no %s", "kvm-x86_64"),
        "install the package sconce-backend-kvm-x86_64");
}

static void test_select_missing_backend_names_the_nearest_installed(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_set(stage, "runtime.backend", "vm-x68");

    expect_failure(
        stage, X86,
        with_path(stage, "backend \"vm-x68\" is not installed: there is no %s", "vm-x68"),
        "did you mean \"vm-x86\"?");
}

static void test_select_missing_backend_where_none_is(void **state)
{
    struct stage *stage = *state;

    stage_set(stage, "runtime.backend", "kvm");

    expect_failure(stage, X86,
                   with_path(stage, "backend \"kvm\" is not installed: there is no %s", "kvm"),
                   "no backend is installed there at all");
}

static void test_select_all_refused_tells_each_and_the_most_useful_hint(void **state)
{
    struct stage *stage = *state;
    struct selected s;
    const char *expected;

    stage_install(stage, "vm-arm");
    stage_install(stage, "good");
    stage_install(stage, "reserved");
    stage_install(stage, "probe-fails");
    stage_set(stage, "runtime.backend", "vm-arm, good, missing");

    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_NO_BACKEND);
    expected = with_path(
        stage,
        "no backend can be used for x86_64 guests:\n"
        "  backend \"vm-arm\" runs aarch64 guests, not x86_64\n"
        "  backend \"good\" has isolation \"none\", and isolation = vm asks for a virtual machine "
        "(isolation = any allows good (sconce: --isolation=any), which isolates nothing)\n"
        "  backend \"missing\" is not installed: there is no %s",
        "missing");
    assert_string_equal(stage->err.text, expected);
    assert_string_equal(stage->err.hint, "install the package of missing, or use one that is "
                                         "installed: good, probe-fails, reserved, vm-arm");
    drop(&s);

    stage_set(stage, "runtime.backend", "good, probe-fails, missing");
    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_NO_BACKEND);
    assert_string_equal(stage->err.hint, "make /dev/frob");
    drop(&s);
}

static void test_select_very_many_refusals_fit_and_are_terminated(void **state)
{
    struct stage *stage = *state;
    char list[2048] = "";
    struct selected s;
    int i;

    for (i = 0; i < 40; i++)
        sprintf(list + strlen(list), "%smissing-number-%d", i ? ", " : "", i);
    stage_set(stage, "runtime.backend", list);

    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_NO_BACKEND);
    assert_true(strlen(stage->err.text) < sizeof stage->err.text);
    assert_non_null(strstr(stage->err.text, "missing-number-1"));
    drop(&s);
}

/* ---- Isolation ------------------------------------------------------------------------------- */

static void test_select_process_isolation_needs_any(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "process-x86");
    stage_set(stage, "runtime.backend", "process-x86");
    expect_failure(stage, X86,
                   "backend \"process-x86\" has isolation \"process\", and isolation = vm asks for "
                   "a virtual machine",
                   "isolation = any allows process-x86 (sconce: --isolation=any), whose wall is "
                   "the host's kernel, and no hypervisor");
    assert_null(strstr(stage->logged, "good.entry"));

    stage_set(stage, "runtime.isolation", "any");
    expect_backend(stage, X86, "process-x86", "");
}

static void test_select_hint_names_the_weaker_wall_beside_the_best_remedy(void **state)
{
    struct stage *stage = *state;
    struct selected s;

    stage_install(stage, "probe-fails");
    stage_install(stage, "good");
    stage_install(stage, "process-x86");
    stage_set(stage, "runtime.backend", "probe-fails, good, process-x86");

    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_NO_BACKEND);
    assert_string_equal(stage->err.hint,
                        "make /dev/frob; or isolation = any allows process-x86 (sconce: "
                        "--isolation=any), whose wall is the host's kernel, and no hypervisor");
    /* What the hint says is not said twice. */
    assert_null(strstr(stage->err.text, "make /dev/frob"));
    assert_null(strstr(stage->err.text, "whose wall"));
    assert_non_null(strstr(stage->err.text, "(isolation = any allows good"));
    assert_non_null(strstr(stage->err.text, "\"process-x86\" has isolation \"process\""));
    drop(&s);
}

/* ---- Errors that end a selection ------------------------------------------------------------- */

static void test_select_wrong_setting_is_no_reason_to_take_the_next(void **state)
{
    struct stage *stage = *state;
    struct selected s;

    stage_install(stage, "vm-x86");
    stage_install(stage, "process-x86");
    stage_set(stage, "runtime.backend", "vm-x86, process-x86");
    stage_set(stage, "runtime.isolation", "any");
    stage_set(stage, "backend.vm-x86.mood", "1");

    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_CONFIG);
    assert_string_equal(stage->err.text, "test: backend \"vm-x86\" has no setting \"mood\"");
    drop(&s);
}

static void test_select_untrusted_directory_is_told_once(void **state)
{
    struct stage *stage = *state;
    struct selected s;

    stage_install(stage, "vm-x86");
    stage_install(stage, "good");
    stage_set(stage, "runtime.backend", "vm-x86, good");
    stage_set(stage, "runtime.allow_untrusted_plugins", "no");
    scratch_mode(stage->root, "", 0777);

    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_NO_BACKEND);
    assert_memory_equal(stage->err.text, "cannot trust /", 14);
    assert_null(strchr(stage->err.text, '\n'));
    assert_string_equal(stage->logged, "");
    drop(&s);
}

/* ---- One runtime over time ------------------------------------------------------------------- */

static void test_select_is_remembered_by_machine(void **state)
{
    struct stage *stage = *state;
    struct selected s;
    struct sconce_backend *again = NULL, *arm = NULL;
    char *refusals = NULL;

    stage_install(stage, "vm-x86");
    stage_install(stage, "vm-arm");
    stage_set(stage, "runtime.backend", "missing, vm-x86, vm-arm");
    assert_int_equal(select_for(stage, X86, &s), 0);
    stage->logged[0] = '\0';
    assert_int_equal(unlink(stage_plugin(stage, "vm-x86")), 0);

    assert_int_equal(sconce_registry_select(s.registry, X86, &again, &refusals, &stage->err), 0);
    assert_ptr_equal(again, s.backend);
    assert_string_equal(refusals, s.refusals);
    assert_string_equal(stage->logged, "");
    free(refusals);

    assert_int_equal(sconce_registry_select(s.registry, ARM, &arm, &refusals, &stage->err), 0);
    assert_string_equal(arm->name, "vm-arm");
    free(refusals);
    drop(&s);
}

static void test_select_replaced_file_is_for_new_runtimes(void **state)
{
    struct stage *stage = *state;
    struct selected old, new;

    stage_install(stage, "good");
    stage_set(stage, "runtime.backend", "good");
    stage_set(stage, "runtime.isolation", "any");
    assert_int_equal(select_for(stage, X86, &old), 0);
    stage_install_as(stage, "good-next", "good");
    assert_int_equal(select_for(stage, X86, &new), 0);
    assert_string_equal(old.backend->version, "1");
    assert_string_equal(new.backend->version, "2");

    /* A runtime stays with what it has loaded, for other machines too. */
    {
        struct sconce_backend *again = NULL;
        char *refusals = NULL;

        assert_int_equal(sconce_registry_select(old.registry, ARM, &again, &refusals, &stage->err),
                         0);
        assert_string_equal(again->version, "1");
        free(refusals);
    }
    drop(&old);
    drop(&new);
}

static void test_select_failure_is_not_remembered(void **state)
{
    struct stage *stage = *state;
    struct selected s;

    stage_set(stage, "runtime.backend", "vm-x86");
    assert_int_equal(select_for(stage, X86, &s), SCONCE_E_NO_BACKEND);
    stage_install(stage, "vm-x86");

    assert_int_equal(sconce_registry_select(s.registry, X86, &s.backend, &s.refusals, &stage->err),
                     0);
    drop(&s);
}

static void test_select_logs_refusals_and_the_choice(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_set(stage, "runtime.backend", "missing, vm-x86");
    {
        struct selected s;

        assert_int_equal(select_for(stage, X86, &s), 0);
        drop(&s);
    }

    assert_non_null(strstr(stage->logged, "backend.refused: backend \"missing\" is not installed"));
    assert_non_null(
        strstr(stage->logged, "backend.selected: vm-x86 (isolation vm) for x86_64 guests"));
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define THREADS 4

struct worker {
    struct stage *stage;
    struct sconce_registry *shared;
    struct sconce_backend *seen; /* what the shared registry chose */
    const char *failed;
};

/* Selects from the registry that all share, and from many of its own. */
static void *work(void *arg)
{
    const struct sconce_log silent = {0};
    struct worker *worker = arg;
    struct sconce_error err = {0};
    char *refusals = NULL;
    int i;

    if (sconce_registry_select(worker->shared, X86, &worker->seen, &refusals, &err) < 0)
        worker->failed = "shared";
    free(refusals);
    for (i = 0; i < 50 && !worker->failed; i++) {
        struct sconce_registry *own = NULL;
        struct sconce_backend *backend = NULL;

        refusals = NULL;
        if (sconce_registry_new(worker->stage->config, &silent, &own, &err) < 0 ||
            sconce_registry_select(own, X86, &backend, &refusals, &err) < 0 ||
            backend != worker->seen)
            worker->failed = "own";
        free(refusals);
        sconce_registry_free(own);
    }
    return NULL;
}

/* The shared registry keeps the plugin in use, so its probe finds the same for everybody: the same
 * backend. */
static void test_select_from_many_threads_at_once(void **state)
{
    const struct sconce_log silent = {0};
    struct stage *stage = *state;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    struct sconce_registry *shared = NULL;
    size_t i;

    stage_install(stage, "vm-x86");
    stage_set(stage, "runtime.backend", "missing, vm-x86");
    assert_int_equal(sconce_registry_new(stage->config, &silent, &shared, &stage->err), 0);
    for (i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.stage = stage, .shared = shared};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);

    for (i = 0; i < THREADS; i++) {
        assert_null(workers[i].failed);
        assert_ptr_equal(workers[i].seen, workers[0].seen);
    }
    sconce_registry_free(shared);
}

/* ---- Telling --------------------------------------------------------------------------------- */

static int tell(void *ctx, const struct sconce_backend_info *info)
{
    char *text = ctx;

    assert_int_equal(info->size, sizeof *info);
    sprintf(text + strlen(text), "%s|%s|%u|%s|%s|%s|%s\n", info->name, info->version, info->machine,
            info->isolation, info->description, *info->problem ? "problem" : "", info->hint);
    return 0;
}

static void test_each_tells_installed_files_in_the_order_of_auto(void **state)
{
    struct stage *stage = *state;
    struct sconce_registry *registry;
    char text[4096] = "";

    stage_install(stage, "vm-arm");
    stage_install(stage, "good");
    stage_install(stage, "vm-x86");
    stage_install(stage, "not-elf");
    scratch_file(stage->root, "plugins/README", "x");
    scratch_file(stage->root, "plugins/sconce-backend-Odd.so", "x");
    add_entry(stage, "backends.d", "10-vm-x86.ini", "vm-x86");
    add_entry(stage, "backends.d", "20-good.ini", "good");
    add_entry(stage, "backends.d", "30-gone.ini", "gone");
    assert_int_equal(sconce_registry_new(stage->config, &stage->log, &registry, &stage->err), 0);
    assert_int_equal(sconce_registry_each(registry, tell, text, &stage->err), 0);

    assert_string_equal(text, "vm-x86|1|62|vm|||\n"
                              "good|1|0|none||problem|isolation = any allows good (sconce: "
                              "--isolation=any), which isolates nothing\n"
                              "not-elf||0|||problem|\n"
                              "vm-arm|1|183|vm|||\n");
    assert_null(strstr(stage->logged, "good.entry"));
    sconce_registry_free(registry);
}

static int stop(void *ctx, const struct sconce_backend_info *info)
{
    (void)info;
    return ++*(int *)ctx == 2 ? 77 : 0;
}

static void test_each_stops_when_the_callback_says_so(void **state)
{
    struct stage *stage = *state;
    struct sconce_registry *registry;
    int count = 0;

    stage_install(stage, "vm-arm");
    stage_install(stage, "good");
    stage_install(stage, "vm-x86");
    assert_int_equal(sconce_registry_new(stage->config, &stage->log, &registry, &stage->err), 0);

    assert_int_equal(sconce_registry_each(registry, stop, &count, &stage->err), 77);
    assert_int_equal(count, 2);
    sconce_registry_free(registry);
}

static void tell_probe(void *ctx, const struct sconce_backend_info *info)
{
    tell(ctx, info);
}

static void test_probe_works_whatever_the_isolation(void **state)
{
    struct stage *stage = *state;
    struct sconce_registry *registry;
    char text[1024] = "";

    stage_install(stage, "good");
    assert_int_equal(sconce_registry_new(stage->config, &stage->log, &registry, &stage->err), 0);
    assert_int_equal(sconce_registry_probe(registry, "good", tell_probe, text, &stage->err), 0);

    assert_string_equal(text, "good|1|0|none|version 1, entered 1, released 0, mode "
                              "plain, label -||\n");
    sconce_registry_free(registry);
}

static void test_probe_refusal_is_told_and_returned(void **state)
{
    struct stage *stage = *state;
    struct sconce_registry *registry;
    char text[1024] = "";

    stage_install(stage, "probe-fails");
    assert_int_equal(sconce_registry_new(stage->config, &stage->log, &registry, &stage->err), 0);
    assert_int_equal(sconce_registry_probe(registry, "probe-fails", tell_probe, text, &stage->err),
                     SCONCE_E_NO_BACKEND);

    assert_string_equal(text, "probe-fails|1|0|vm||problem|make /dev/frob\n");
    assert_memory_equal(stage->err.text, "probe-fails: cannot open /dev/frob", 34);

    text[0] = '\0';
    assert_int_equal(sconce_registry_probe(registry, "none", tell_probe, text, &stage->err),
                     SCONCE_E_NO_BACKEND);
    assert_string_equal(text, "none||0|||problem|\n");
    sconce_registry_free(registry);
}

static void test_registry_free_takes_null(void **state)
{
    (void)state;
    sconce_registry_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_select_named_backend_is_taken),
        STAGE_TEST(test_select_backend_for_any_machine_is_taken_for_each),
        STAGE_TEST(test_select_first_of_a_list_that_works_is_taken_and_the_rest_told),
        STAGE_TEST(test_select_missing_backend_names_its_package),
        STAGE_TEST(test_select_missing_backend_names_the_nearest_installed),
        STAGE_TEST(test_select_missing_backend_where_none_is),
        STAGE_TEST(test_select_all_refused_tells_each_and_the_most_useful_hint),
        STAGE_TEST(test_select_very_many_refusals_fit_and_are_terminated),
        STAGE_TEST(test_select_process_isolation_needs_any),
        STAGE_TEST(test_select_hint_names_the_weaker_wall_beside_the_best_remedy),
        STAGE_TEST(test_select_wrong_setting_is_no_reason_to_take_the_next),
        STAGE_TEST(test_select_untrusted_directory_is_told_once),
        STAGE_TEST(test_select_is_remembered_by_machine),
        STAGE_TEST(test_select_replaced_file_is_for_new_runtimes),
        STAGE_TEST(test_select_failure_is_not_remembered),
        STAGE_TEST(test_select_logs_refusals_and_the_choice),
        STAGE_TEST(test_select_from_many_threads_at_once),
        STAGE_TEST(test_each_tells_installed_files_in_the_order_of_auto),
        STAGE_TEST(test_each_stops_when_the_callback_says_so),
        STAGE_TEST(test_probe_works_whatever_the_isolation),
        STAGE_TEST(test_probe_refusal_is_told_and_returned),
        cmocka_unit_test(test_registry_free_takes_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
