/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend's file is replaced, under its name, while a sandbox of it is alive: the sandbox
 * finishes on the code that it began with, a new runtime uses the new file. Two stubs that differ
 * only in their version.
 */
#include "choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of(char path[4096], const char *name)
{
    snprintf(path, 4096, "%s/%s", choose_dir(), name);
}

/* Copies the stub with its version text changed, and puts it in place by a rename. */
static void install_stub(const char *version)
{
    char source[4096], fresh[4096], target[4096];
    size_t bytes, length;
    char *data;
    FILE *file;

    snprintf(source, sizeof source, "%s/sconce-backend-stub.so", getenv("SCONCE_TEST_PLUGIN_DIR"));
    path_of(fresh, "plugins/fresh");
    path_of(target, "plugins/sconce-backend-stub.so");
    file = fopen(source, "re");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    bytes = (size_t)ftell(file);
    rewind(file);
    data = malloc(bytes);
    assert_int_equal(fread(data, 1, bytes, file), bytes);
    fclose(file);

    length = strlen(sconce_version());
    assert_int_equal(strlen(version), length);
    for (size_t i = 0; i + length <= bytes; i++) {
        if (!memcmp(data + i, sconce_version(), length))
            memcpy(data + i, version, length);
    }
    file = fopen(fresh, "we");
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
    free(data);
    assert_int_equal(rename(fresh, target), 0);
}

struct world {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandbox;
};

static struct world make_world(void)
{
    struct sconce_config *config;
    struct world world = {0};
    struct sconce_error err = {0};
    char script[4096];
    const char *file;

    choose_file("script", "ready\nreturn u64 1\nreturn u64 2\n");
    path_of(script, "script");
    file = choose_file("stub.ini",
                       "[runtime]\nplugin_dir = %s/plugins\nallow_untrusted_plugins = yes\n"
                       "backend = stub\nisolation = any\n[backend.stub]\nscript = %s\n",
                       choose_dir(), script);
    e2e_ok(sconce_config_load(file, &config, &err), &err);
    e2e_ok(sconce_runtime_new(
               &(struct sconce_runtime_options){.size = sizeof(struct sconce_runtime_options),
                                                .config = config},
               &world.runtime, &err),
           &err);
    sconce_config_free(config);
    world.guest = e2e_guest(world.runtime, "counter");
    e2e_ok(sconce_sandbox_new(world.guest, NULL, &world.sandbox, &err), &err);
    return world;
}

static void free_world(struct world *world)
{
    sconce_sandbox_free(world->sandbox);
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
}

static const char *version_of(const struct world *world)
{
    struct sconce_backend_info info;

    assert_true(sconce_guest_backend(world->guest, &info));
    return info.version;
}

static uint64_t next(const struct world *world)
{
    struct sconce_value result;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(world->sandbox, "next", NULL, 0, &result, &err), &err);
    return result.as.u64;
}

static void test_replace_old_sandbox_goes_on_and_new_runtime_loads_the_new_file(void **state)
{
    struct world old, fresh;
    char folder[4096];

    (void)state;
    path_of(folder, "plugins");
    mkdir(folder, 0755);
    install_stub("7.7.1");
    old = make_world();
    assert_string_equal(version_of(&old), "7.7.1");
    assert_int_equal(next(&old), 1);

    install_stub("7.7.2");
    fresh = make_world();
    assert_string_equal(version_of(&fresh), "7.7.2");
    assert_int_equal(next(&fresh), 1);
    assert_string_equal(version_of(&old), "7.7.1");
    assert_int_equal(next(&old), 2);

    /* And again: the third file must not be taken for one of the first two. */
    install_stub("7.7.3");
    free_world(&fresh);
    fresh = make_world();
    assert_string_equal(version_of(&fresh), "7.7.3");
    free_world(&fresh);
    free_world(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_old_sandbox_goes_on_and_new_runtime_loads_the_new_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
