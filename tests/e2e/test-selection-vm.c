/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files alone choose the backend, where a hypervisor can be used.
 */
#include "choose.h"

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

static void test_selection_kvm_file_gives_kvm(void **state)
{
    struct choice choice = choose(choose_config("backend = kvm-x86_64\n"));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "kvm-x86_64");
}

static void test_selection_auto_gives_kvm(void **state)
{
    struct choice choice = choose(choose_config(""));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "kvm-x86_64");
}

static void test_selection_backend_dropped_in_is_found_by_auto_and_told_when_gone(void **state)
{
    char source[4096], target[4096], folder[4096];
    const char *file;
    struct choice choice;

    (void)state;
    snprintf(folder, sizeof folder, "%s/lib", choose_dir());
    mkdir(folder, 0755);
    snprintf(folder, sizeof folder, "%s/lib/plugins", choose_dir());
    mkdir(folder, 0755);
    snprintf(folder, sizeof folder, "%s/lib/backends.d", choose_dir());
    mkdir(folder, 0755);
    snprintf(source, sizeof source, "%s/sconce-backend-kvm-x86_64.so",
             getenv("SCONCE_TEST_PLUGIN_DIR"));
    snprintf(target, sizeof target, "%s/lib/plugins/sconce-backend-kvn-x86_64.so", choose_dir());
    /* Same length, so that the note and the descriptor keep their places. */
    copy_renamed(source, target, "kvm-x86_64", "kvn-x86_64");
    choose_file("lib/backends.d/60-kvn-x86_64.ini", "[backend]\nname = kvn-x86_64\n"
                                                    "package = sconce-backend-kvn\n");
    file = choose_file("auto.ini",
                       "[runtime]\nplugin_dir = %s/lib/plugins\nallow_untrusted_plugins = yes\n",
                       choose_dir());

    choice = choose(file);
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "kvn-x86_64");

    unlink(target);
    choice = choose(file);
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    e2e_says(&choice.err, "kvn-x86_64");
    e2e_says(&choice.err, "sconce-backend-kvn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection_kvm_file_gives_kvm),
        cmocka_unit_test(test_selection_auto_gives_kvm),
        cmocka_unit_test(test_selection_backend_dropped_in_is_found_by_auto_and_told_when_gone),
    };

    e2e_require_backend("kvm-x86_64");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
