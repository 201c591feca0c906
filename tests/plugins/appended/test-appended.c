/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core and plugins of neighbouring minors work together. Compiled twice: with today's core
 * (CORE_MINOR 0) and with a core whose operations have one more at their end (CORE_MINOR 1). Both
 * load the stub of today and the stub that was compiled with one operation more, and run a guest's
 * call from the API down to the plugin and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sconce/sconce.h>

#include "core/registry.h"
#include "tests/unit/elf-builder.h"
#include "tests/unit/scratch.h"

static struct sconce_error err;

static struct sconce_config *make_config(const char *plugins_variable, const char *backend)
{
    const struct {
        const char *key, *value;
    } settings[] = {
        {"runtime.plugin_dir", getenv(plugins_variable)},
        {"runtime.backend", backend},
        {"runtime.isolation", "any"},
        {"runtime.allow_untrusted_plugins", "yes"},
    };
    struct sconce_config *config = NULL;
    size_t i;

    assert_int_equal(sconce_config_load("/dev/null", &config, &err), 0);
    for (i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (sconce_config_set(config, settings[i].key, settings[i].value, "test", &err) < 0)
            fail_msg("%s", err.text);
    return config;
}

/* The stub of one directory answers a call. */
static void expect_answer(const char *root, const char *plugins_variable)
{
    const struct sconce_value args[] = {sconce_i32(1), sconce_i32(2)};
    struct sconce_config *config = make_config(plugins_variable, "stub");
    struct sconce_runtime_options options = {.size = sizeof options, .config = config};
    struct sconce_runtime *runtime = NULL;
    struct sconce_guest *guest = NULL;
    struct sconce_sandbox *sandbox = NULL;
    struct sconce_value result = {0};
    struct elf_guest elf;

    scratch_file(root, "script", "ready\nreturn i32 42\n");
    assert_int_equal(sconce_config_set(config, "backend.stub.script", scratch_path(root, "script"),
                                       "test", &err),
                     0);
    elf_guest_init(&elf,
                   &(struct elf_options){.exports = (const struct elf_function[]){{"add", "iii"}},
                                         .export_count = 1,
                                         .functions = true});
    if (sconce_runtime_new(&options, &runtime, &err) < 0 ||
        sconce_guest_load_memory(runtime, elf.bytes, elf.size, "elf", &guest, &err) < 0 ||
        sconce_sandbox_new(guest, NULL, &sandbox, &err) < 0 ||
        sconce_sandbox_call(sandbox, "add", args, 2, &result, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(result.type, SCONCE_TYPE_I32);
    assert_int_equal(result.as.i32, 42);

    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    sconce_config_free(config);
    elf_guest_fini(&elf);
}

static void test_appended_todays_stub_answers_a_call(void **state)
{
    expect_answer(*state, "SCONCE_TEST_PLUGINS_TODAY");
}

static void test_appended_next_stub_answers_a_call(void **state)
{
    expect_answer(*state, "SCONCE_TEST_PLUGINS_NEXT");
}

/* The backend @name of a directory, loaded; process-lived. */
static struct sconce_backend *load(const char *plugins_variable, const char *name)
{
    struct sconce_config *config = make_config(plugins_variable, name);
    const struct sconce_log silent = {0};
    struct sconce_registry *registry = NULL;
    struct sconce_backend *backend = NULL;
    char *refusals = NULL;

    assert_int_equal(sconce_registry_new(config, &silent, &registry, &err), 0);
    if (sconce_registry_select(registry, EM_X86_64, &backend, &refusals, &err) < 0)
        fail_msg("%s", err.text);
    free(refusals);
    sconce_registry_free(registry);
    sconce_config_free(config);
    return backend;
}

/* What today's core knows of the plugin is right, whatever came behind it. */
static void test_appended_next_plugin_is_taken(void **state)
{
    const struct sconce_backend *backend = load("SCONCE_TEST_PLUGINS_NEXT", "later");

    (void)state;
    assert_int_equal(backend->ops.size, sizeof backend->ops);
    assert_int_equal(backend->probe.kick_style, SCONCE_KICK_FLAG);
#if CORE_MINOR == 1
    {
        struct sconce_plugin_error error = {.size = sizeof error};

        assert_int_equal(backend->ops.later_op(NULL, &error), SCONCE_PLUGIN_E_DEAD);
        assert_string_equal(error.text, "the later operation");
    }
#endif
}

#if CORE_MINOR == 1
/* An operation that a plugin's table ends before is absent: never what lies behind the table. */
static void test_appended_todays_plugin_lacks_the_operation(void **state)
{
    const struct sconce_backend *backend = load("SCONCE_TEST_PLUGINS_TODAY", "stub");

    (void)state;
    assert_true(backend->ops.later_op == NULL);
    assert_non_null(backend->ops.vcpu_kick_local);
}
#endif

static void test_appended_headers_are_those_of_this_build(void **state)
{
    (void)state;
    assert_int_equal(SCONCE_PLUGIN_ABI_MINOR, TODAYS_MINOR + CORE_MINOR);
#if CORE_MINOR == 1
    assert_int_equal(offsetof(struct sconce_plugin_ops, later_op) + sizeof(void *),
                     sizeof(struct sconce_plugin_ops));
#endif
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appended_headers_are_those_of_this_build),
        TEST(test_appended_todays_stub_answers_a_call),
        TEST(test_appended_next_stub_answers_a_call),
        cmocka_unit_test(test_appended_next_plugin_is_taken),
#if CORE_MINOR == 1
        cmocka_unit_test(test_appended_todays_plugin_lacks_the_operation),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
