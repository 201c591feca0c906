/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files alone choose the backend, where one that runs guests can be used.
 */
#include "choose.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies a file, with every @from replaced by the equally long @to. */
static void copy_renamed(const char *source, const char *target, const char *from, const char *to)
{
    FILE *in = fopen(source, "re"), *out = fopen(target, "we");
    size_t bytes, length = strlen(from);
    char *data;

    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    bytes = (size_t)ftell(in);
    rewind(in);
    data = malloc(bytes);
    assert_int_equal(fread(data, 1, bytes, in), bytes);
    for (size_t i = 0; i + length <= bytes; i++) {
        if (!memcmp(data + i, from, length))
            memcpy(data + i, to, length);
    }
    assert_int_equal(fwrite(data, 1, bytes, out), bytes);
    fclose(in);
    fclose(out);
    free(data);
}

static bool is_vm(void)
{
    return strcmp(e2e_isolation(), "vm") == 0;
}

/* A configuration whose backends are @list, with this one's isolation allowed or not. */
static struct choice choose_from(const char *list, bool allowed, const char *more)
{
    char settings[512];

    snprintf(settings, sizeof settings, "backend = %s\nisolation = %s\n%s", list,
             allowed && !is_vm() ? "any" : "vm", more);
    return choose(choose_config(settings));
}

static void test_selection_file_that_names_it_gives_it(void **state)
{
    struct choice choice = choose_from(e2e_backend(), true, "");

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, e2e_backend());
    assert_string_equal(choice.refusals, "");
}

/* Nobody has to know the word "isolation" to be safe. */
static void test_selection_weaker_wall_is_refused_unless_asked_for(void **state)
{
    struct choice choice = choose(choose_config(""));
    char list[128];

    (void)state;
    if (is_vm()) {
        e2e_ok(choice.result, &choice.err);
        assert_string_equal(choice.backend, e2e_backend());
        return;
    }
    assert_true(choice.result == SCONCE_E_NO_BACKEND || strcmp(choice.backend, e2e_backend()));
    choice = choose_from(e2e_backend(), false, "");
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, e2e_backend());
    e2e_says(&choice.err, "isolation \"process\"");
    e2e_says(&choice.err, "isolation = any");
    snprintf(list, sizeof list, "gone-x86_64, %s", e2e_backend());
    choice = choose_from(list, false, "");
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, "gone-x86_64");
}

/* A virtual machine where there is one, whatever is allowed; a process only where there is none. */
static void test_selection_auto_takes_the_strongest_wall_that_works(void **state)
{
    struct choice choice;

    (void)state;
    if (is_vm()) {
        choice = choose(choose_config("isolation = any\n"));
        e2e_ok(choice.result, &choice.err);
        assert_string_equal(choice.backend, e2e_backend());
        return;
    }
    choice = choose_from("auto", true, "[backend.kvm-x86_64]\ndevice = /dev/null\n");
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, e2e_backend());
    choice = choose_from("auto", false, "[backend.kvm-x86_64]\ndevice = /dev/null\n");
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, e2e_backend());
}

static void test_selection_backend_dropped_in_is_found_by_auto_and_told_when_gone(void **state)
{
    char source[4096], target[4096], folder[4096], name[64];
    const char *file;
    struct choice choice;

    (void)state;
    snprintf(folder, sizeof folder, "%s/lib", choose_dir());
    mkdir(folder, 0755);
    snprintf(folder, sizeof folder, "%s/lib/plugins", choose_dir());
    mkdir(folder, 0755);
    snprintf(folder, sizeof folder, "%s/lib/backends.d", choose_dir());
    mkdir(folder, 0755);
    /* Same length, so that the note and the descriptor keep their places: kvn-x86_64. */
    snprintf(name, sizeof name, "%s", e2e_backend());
    name[strcspn(name, "-") - 1]++;
    snprintf(source, sizeof source, "%s/sconce-backend-%s.so", getenv("SCONCE_TEST_PLUGIN_DIR"),
             e2e_backend());
    snprintf(target, sizeof target, "%s/lib/plugins/sconce-backend-%s.so", choose_dir(), name);
    copy_renamed(source, target, e2e_backend(), name);
    snprintf(folder, sizeof folder, "lib/backends.d/60-%s.ini", name);
    choose_file(folder, "[backend]\nname = %s\npackage = sconce-new\n", name);
    file = choose_file("auto.ini",
                       "[runtime]\nplugin_dir = %s/lib/plugins\nallow_untrusted_plugins = yes\n"
                       "isolation = %s\n",
                       choose_dir(), is_vm() ? "vm" : "any");

    choice = choose(file);
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, name);

    unlink(target);
    choice = choose(file);
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, name);
    e2e_says(&choice.err, "sconce-new");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection_file_that_names_it_gives_it),
        cmocka_unit_test(test_selection_weaker_wall_is_refused_unless_asked_for),
        cmocka_unit_test(test_selection_auto_takes_the_strongest_wall_that_works),
        cmocka_unit_test(test_selection_backend_dropped_in_is_found_by_auto_and_told_when_gone),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
