/* SPDX-License-Identifier: Apache-2.0 */
/* config/config.c and keys.c: defaults, changes, origins, hints, copies. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/object.h"

static struct sconce_error err;

static int make(void **state)
{
    struct sconce_config *config = NULL;
    int r = sconce_config_new(false, &config, &err);

    memset(&err, 0, sizeof err);
    *state = config;
    return r;
}

static int drop(void **state)
{
    sconce_config_free(*state);
    return 0;
}

/* What sconce_config_each tells of one key. */
struct shown {
    const char *key;
    char value[128];
    char origin[64];
    char help[128];
};

static int show(void *ctx, const char *key, const char *value, const char *origin, const char *help)
{
    struct shown *shown = ctx;

    if (strcmp(key, shown->key) != 0)
        return 0;
    snprintf(shown->value, sizeof shown->value, "%s", value);
    snprintf(shown->origin, sizeof shown->origin, "%s", origin);
    snprintf(shown->help, sizeof shown->help, "%s", help);
    return 1;
}

static struct shown shown_of(const struct sconce_config *config, const char *key)
{
    struct shown shown = {.key = key};

    assert_int_equal(sconce_config_each(config, show, &shown), 1);
    return shown;
}

static void test_config_defaults_are_the_documented_ones(void **state)
{
    const struct sconce_settings *s = sconce_config_settings(*state);

    assert_string_equal(s->backends[0], "auto");
    assert_null(s->backends[1]);
    assert_int_equal(s->isolation, SCONCE_ISOLATION_VM);
    assert_string_equal(s->plugin_dir, SCONCE_PLUGIN_DIRECTORY);
    assert_false(s->allow_untrusted_plugins);
    assert_int_equal(s->kick_signal, SIGURG);
    assert_int_equal(s->limits.heap_bytes, 16 << 20);
    assert_int_equal(s->limits.stack_bytes, 1 << 20);
    assert_int_equal(s->limits.io_bytes, 4 << 20);
    assert_int_equal(s->image_bytes, 256 << 20);
    assert_true(s->limits.deadline_ns == 5000000000ull);
    assert_int_equal(s->limits.output_bytes, 1 << 20);
    assert_int_equal(s->limits.host_calls, 1000000);
    assert_int_equal(s->limits.nesting, 8);
    assert_int_equal(s->limits.traps, 1000000);
}

static void test_config_each_shows_every_key_with_help_and_origin(void **state)
{
    size_t i;

    for (i = 0; i < SCONCE_KEY_COUNT; i++) {
        char key[128];
        struct shown shown;

        snprintf(key, sizeof key, "%s.%s", sconce_keys[i].section, sconce_keys[i].name);
        shown = shown_of(*state, key);
        assert_string_equal(shown.origin, "default");
        assert_true(strlen(shown.value) > 0);
        assert_true(strlen(shown.help) > 10);
    }
}

static void test_config_set_changes_value_and_origin(void **state)
{
    struct shown shown;

    assert_int_equal(sconce_config_set(*state, "runtime.backend", "stub,x", "--backend", &err), 0);

    shown = shown_of(*state, "runtime.backend");
    assert_string_equal(shown.value, "stub, x");
    assert_string_equal(shown.origin, "--backend");
    assert_string_equal(sconce_config_settings(*state)->backends[1], "x");
}

static void test_config_set_wrong_value_changes_nothing(void **state)
{
    assert_int_equal(sconce_config_set(*state, "limits.heap_bytes", "1", "--heap", &err),
                     SCONCE_E_CONFIG);

    assert_string_equal(err.text, "--heap: bad value \"1\" for heap_bytes: it is from 64K to 32G");
    assert_int_equal(sconce_config_settings(*state)->limits.heap_bytes, 16 << 20);
    assert_string_equal(shown_of(*state, "limits.heap_bytes").origin, "default");
}

static void test_config_set_unknown_key_names_the_nearest(void **state)
{
    assert_int_equal(sconce_config_set(*state, "runtime.bakend", "x", "-o", &err), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "-o: unknown key \"bakend\" in [runtime]");
    assert_string_equal(err.hint, "did you mean \"backend\"?");
}

static void test_config_set_key_of_another_section_says_which(void **state)
{
    assert_int_equal(sconce_config_set(*state, "runtime.heap_bytes", "1M", "-o", &err),
                     SCONCE_E_CONFIG);

    assert_string_equal(err.hint, "\"heap_bytes\" belongs to [limits]");
}

static void test_config_set_key_like_no_other_has_no_hint(void **state)
{
    assert_int_equal(sconce_config_set(*state, "runtime.colour", "x", "-o", &err), SCONCE_E_CONFIG);

    assert_string_equal(err.hint, "");
}

static void test_config_set_unknown_section_names_the_nearest(void **state)
{
    static const char *const cases[][3] = {
        {"runtmie.backend", "-o: unknown section [runtmie]", "did you mean \"[runtime]\"?"},
        {"backends.x.y", "-o: unknown section [backends]", "did you mean \"[backend.NAME]\"?"},
        {"limit.traps", "-o: unknown section [limit]", "did you mean \"[limits]\"?"},
        {"colour.x", "-o: unknown section [colour]",
         "sections are [runtime], [limits], [guest], [backend.NAME]"},
    };
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sconce_config_set(*state, cases[i][0], "x", "-o", &err), SCONCE_E_CONFIG);
        assert_string_equal(err.text, cases[i][1]);
        assert_string_equal(err.hint, cases[i][2]);
    }
}

static void test_config_set_text_without_section_is_no_key(void **state)
{
    static const char *const bad[] = {"backend", "backend.stub", ""};
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sconce_config_set(*state, bad[i], "x", "-o", &err), SCONCE_E_CONFIG);
        assert_non_null(strstr(err.text, "is no key"));
    }
}

static void test_config_set_null_is_invalid(void **state)
{
    assert_int_equal(sconce_config_set(*state, "runtime.backend", NULL, "-o", &err),
                     SCONCE_E_INVALID);
}

static void test_config_backends_dir_follows_plugin_dir(void **state)
{
    const struct sconce_settings *s = sconce_config_settings(*state);

    assert_int_equal(sconce_config_set(*state, "runtime.plugin_dir", "/o/plugins/", "-p", &err), 0);
    assert_string_equal(s->backends_dir, "/o/backends.d");
    assert_string_equal(shown_of(*state, "runtime.backends_dir").origin, "default");

    assert_int_equal(sconce_config_set(*state, "runtime.plugin_dir", "/p", "-p", &err), 0);
    assert_string_equal(s->backends_dir, "/backends.d");
}

static void test_config_backends_dir_set_stays(void **state)
{
    assert_int_equal(sconce_config_set(*state, "runtime.backends_dir", "/b", "-b", &err), 0);
    assert_int_equal(sconce_config_set(*state, "runtime.plugin_dir", "/o/p", "-p", &err), 0);

    assert_string_equal(sconce_config_settings(*state)->backends_dir, "/b");
}

static int join(void *ctx, const char *key, const char *value, const char *origin)
{
    char *text = ctx;

    sprintf(text + strlen(text), "%s=%s(%s) ", key, value, origin);
    return 0;
}

static void test_config_backend_settings_stay_in_order(void **state)
{
    char text[256] = "";

    sconce_config_set(*state, "backend.stub.script", "/s", "a", &err);
    sconce_config_set(*state, "backend.kvm-x86_64.device", "/d", "b", &err);
    sconce_config_set(*state, "backend.stub.debug.exits", "", "c", &err);
    sconce_config_set(*state, "backend.stub.script", "/t", "d", &err);
    sconce_config_backend_each(*state, "stub", join, text);

    assert_string_equal(text, "script=/t(d) debug.exits=(c) ");
    assert_string_equal(shown_of(*state, "backend.stub.script").value, "/t");
}

static void test_config_backend_wrong_name_or_key_is_refused(void **state)
{
    assert_int_equal(sconce_config_set(*state, "backend.Stub.x", "1", "-o", &err), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "-o: [backend.Stub]: \"Stub\" is no backend name");

    assert_int_equal(sconce_config_set(*state, "backend.auto.x", "1", "-o", &err), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "-o: [backend.auto]: \"auto\" is no backend name");

    assert_int_equal(sconce_config_set(*state, "backend.stub.X", "1", "-o", &err), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "-o: \"X\" in [backend.stub] is no key: those are made of a-z, "
                                  "0-9, _ and ., and at most 64 long");
}

static void test_config_backend_settings_have_a_limit(void **state)
{
    char key[64];
    int i, r = 0;

    for (i = 0; i < 1025 && r == 0; i++) {
        snprintf(key, sizeof key, "backend.stub.k%d", i);
        r = sconce_config_set(*state, key, "1", "-o", &err);
    }

    assert_int_equal(i, 1025);
    assert_int_equal(r, SCONCE_E_CONFIG);
    assert_string_equal(err.text, "-o: more than 1024 backend settings");
    assert_int_equal(sconce_config_set(*state, "backend.stub.k0", "2", "-o", &err), 0);
}

static void test_config_copy_is_independent(void **state)
{
    struct sconce_config *copy;

    sconce_config_set(*state, "limits.heap_bytes", "65537", "a", &err);
    sconce_config_set(*state, "backend.stub.script", "/s", "b", &err);
    copy = sconce_config_copy(*state);
    assert_non_null(copy);
    sconce_config_set(*state, "limits.heap_bytes", "1M", "c", &err);
    sconce_config_set(*state, "backend.stub.script", "/t", "c", &err);

    assert_int_equal(sconce_config_settings(copy)->limits.heap_bytes, 131072);
    assert_string_equal(shown_of(copy, "limits.heap_bytes").origin, "a");
    assert_string_equal(shown_of(copy, "backend.stub.script").value, "/s");
    sconce_config_free(copy);
}

static void test_config_secure_refuses_other_plugins(void **state)
{
    struct sconce_config *config = NULL;

    (void)state;
    assert_int_equal(sconce_config_new(true, &config, &err), 0);

    assert_int_equal(
        sconce_config_set(config, "runtime.allow_untrusted_plugins", "yes", "f:1", &err),
        SCONCE_E_CONFIG);
    assert_string_equal(err.text, "f:1: allow_untrusted_plugins cannot be set in a program that "
                                  "runs with raised privileges");
    assert_int_equal(sconce_config_set(config, "runtime.plugin_dir", "/x", "f:2", &err),
                     SCONCE_E_CONFIG);
    assert_non_null(strstr(err.text, "f:2: plugin_dir can only be /"));
    assert_int_equal(
        sconce_config_set(config, "runtime.allow_untrusted_plugins", "no", "f:1", &err), 0);
    sconce_config_free(config);
}

static void test_config_free_takes_null(void **state)
{
    (void)state;
    sconce_config_free(NULL);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_config_defaults_are_the_documented_ones),
        TEST(test_config_each_shows_every_key_with_help_and_origin),
        TEST(test_config_set_changes_value_and_origin),
        TEST(test_config_set_wrong_value_changes_nothing),
        TEST(test_config_set_unknown_key_names_the_nearest),
        TEST(test_config_set_key_of_another_section_says_which),
        TEST(test_config_set_key_like_no_other_has_no_hint),
        TEST(test_config_set_unknown_section_names_the_nearest),
        TEST(test_config_set_text_without_section_is_no_key),
        TEST(test_config_set_null_is_invalid),
        TEST(test_config_backends_dir_follows_plugin_dir),
        TEST(test_config_backends_dir_set_stays),
        TEST(test_config_backend_settings_stay_in_order),
        TEST(test_config_backend_wrong_name_or_key_is_refused),
        TEST(test_config_backend_settings_have_a_limit),
        TEST(test_config_copy_is_independent),
        cmocka_unit_test(test_config_secure_refuses_other_plugins),
        cmocka_unit_test(test_config_free_takes_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
