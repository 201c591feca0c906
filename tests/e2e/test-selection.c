/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files alone choose the backend: one program, one guest, several files.
 */
#include "e2e.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/sconce-selection-XXXXXX";

/* A file in the test's folder; its whole content. */
static const char *write_file(const char *name, const char *format, ...)
{
    static char path[4096];
    va_list args;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "we");
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
    return path;
}

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

struct choice {
    int result;
    char backend[64];
    char refusals[2048];
    struct sconce_error err;
};

/* What a program that knows only a file's name ends up with. */
static struct choice choose(const char *config_path)
{
    struct choice choice = {.result = 0};
    struct sconce_config *config = NULL;
    struct sconce_runtime *runtime = NULL;
    struct sconce_guest *guest = NULL;
    struct sconce_backend_info info;
    char path[4096];

    snprintf(path, sizeof path, "%s/types.elf", getenv("SCONCE_TEST_GUESTS"));
    e2e_ok(sconce_config_load(config_path, &config, &choice.err), &choice.err);
    e2e_ok(sconce_runtime_new(
               &(struct sconce_runtime_options){.size = sizeof(struct sconce_runtime_options),
                                                .config = config},
               &runtime, &choice.err),
           &choice.err);
    choice.result = sconce_guest_load_file(runtime, path, &guest, &choice.err);
    if (!choice.result) {
        assert_true(sconce_guest_backend(guest, &info));
        snprintf(choice.backend, sizeof choice.backend, "%s", info.name);
        snprintf(choice.refusals, sizeof choice.refusals, "%s", sconce_guest_refusals(guest));
    }
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    sconce_config_free(config);
    return choice;
}

static const char *config_file(const char *settings)
{
    return write_file("test.ini", "[runtime]\nplugin_dir = %s\nallow_untrusted_plugins = yes\n%s",
                      getenv("SCONCE_TEST_PLUGIN_DIR"), settings);
}

static void test_selection_stub_file_gives_stub(void **state)
{
    struct choice choice = choose(config_file("backend = stub\nisolation = any\n"));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "stub");
    assert_string_equal(choice.refusals, "");
}

static void test_selection_kvm_file_gives_kvm(void **state)
{
    struct choice choice = choose(config_file("backend = kvm-x86_64\n"));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "kvm-x86_64");
}

static void test_selection_auto_gives_kvm(void **state)
{
    struct choice choice = choose(config_file(""));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "kvm-x86_64");
}

static void test_selection_missing_then_stub_gives_stub_and_tells(void **state)
{
    struct choice choice = choose(config_file("backend = gone-x86_64, stub\nisolation = any\n"));

    (void)state;
    e2e_ok(choice.result, &choice.err);
    assert_string_equal(choice.backend, "stub");
    assert_non_null(strstr(choice.refusals, "gone-x86_64"));
    assert_non_null(strstr(choice.refusals, "not installed"));
}

static void test_selection_nothing_usable_tells_every_refusal(void **state)
{
    struct choice choice = choose(config_file("backend = gone-x86_64, stub\n"));

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
    choice = choose(write_file(
        "test.ini", "[runtime]\nplugin_dir = %s/none\nallow_untrusted_plugins = yes\n", dir));
    assert_int_equal(choice.result, SCONCE_E_NO_BACKEND);
    assert_true(choice.err.hint[0] != '\0');
}

static void test_selection_backend_dropped_in_is_found_by_auto_and_told_when_gone(void **state)
{
    char source[4096], target[4096], folder[4096];
    const char *file;
    struct choice choice;

    (void)state;
    snprintf(folder, sizeof folder, "%s/lib", dir);
    mkdir(folder, 0755);
    snprintf(folder, sizeof folder, "%s/lib/plugins", dir);
    mkdir(folder, 0755);
    snprintf(folder, sizeof folder, "%s/lib/backends.d", dir);
    mkdir(folder, 0755);
    snprintf(source, sizeof source, "%s/sconce-backend-kvm-x86_64.so",
             getenv("SCONCE_TEST_PLUGIN_DIR"));
    snprintf(target, sizeof target, "%s/lib/plugins/sconce-backend-kvn-x86_64.so", dir);
    /* Same length, so that the note and the descriptor keep their places. */
    copy_renamed(source, target, "kvm-x86_64", "kvn-x86_64");
    write_file("lib/backends.d/60-kvn-x86_64.ini", "[backend]\nname = kvn-x86_64\n"
                                                   "package = sconce-backend-kvn\n");
    file = write_file(
        "auto.ini", "[runtime]\nplugin_dir = %s/lib/plugins\nallow_untrusted_plugins = yes\n", dir);

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
        cmocka_unit_test(test_selection_stub_file_gives_stub),
        cmocka_unit_test(test_selection_kvm_file_gives_kvm),
        cmocka_unit_test(test_selection_auto_gives_kvm),
        cmocka_unit_test(test_selection_missing_then_stub_gives_stub_and_tells),
        cmocka_unit_test(test_selection_nothing_usable_tells_every_refusal),
        cmocka_unit_test(test_selection_empty_plugin_folder_refuses_well),
        cmocka_unit_test(test_selection_backend_dropped_in_is_found_by_auto_and_told_when_gone),
    };

    e2e_require_backend("kvm-x86_64");
    if (!mkdtemp(dir))
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
