/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/load.c: which file is read, what wins over what, messages with file:line; and that the
 * installed sconce.ini and the manual page tell every key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"
#include "config/load.h"
#include "config/object.h"
#include "tests/unit/scratch.h"

static struct sconce_error err;
static struct sconce_config *config;
static char path[PATH_MAX];

static int setup(void **state)
{
    int r = scratch_setup(state);

    memset(&err, 0, sizeof err);
    config = NULL;
    snprintf(path, sizeof path, "%s/s.ini", (const char *)*state);
    return r;
}

static int teardown(void **state)
{
    sconce_config_free(config);
    return scratch_teardown(state);
}

static const struct sconce_config_environment nothing = {.system_path = "/nonexistent/s.ini"};

/* Loads @text as a file that was named. */
static int load_text(void **state, const char *text)
{
    scratch_file(*state, "s.ini", text);
    return sconce_config_load_from(&nothing, path, &config, &err);
}

/* @format: a message, with %s where the file's path stands. */
#define assert_message(format, ...)                                                                \
    do {                                                                                           \
        char message_[PATH_MAX + 256];                                                             \
        snprintf(message_, sizeof message_, format, __VA_ARGS__);                                  \
        assert_string_equal(err.text, message_);                                                   \
    } while (0)

static void test_load_file_sets_values_with_their_lines(void **state)
{
    char expected[PATH_MAX + 8];

    assert_int_equal(load_text(state, "[runtime]\nbackend = stub\n[limits]\ntraps = 7\n"
                                      "[backend.stub]\nscript = /s ; why\n"),
                     0);

    assert_string_equal(sconce_config_settings(config)->backends[0], "stub");
    assert_int_equal(sconce_config_settings(config)->limits.traps, 7);
    snprintf(expected, sizeof expected, "%s:4", path);
    assert_string_equal(sconce_config_origin(config, "limits", "traps"), expected);
    snprintf(expected, sizeof expected, "%s:6", path);
    assert_string_equal(sconce_config_origin(config, "backend.stub", "script"), expected);
    assert_string_equal(sconce_config_origin(config, "limits", "host_calls"), "default");
}

static void test_load_named_file_that_is_missing_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(sconce_config_load_from(&nothing, path, &config, &err), SCONCE_E_CONFIG);

    assert_message("cannot open %s: No such file or directory", path);
    assert_null(config);
}

static void test_load_system_file_may_be_absent(void **state)
{
    (void)state;
    assert_int_equal(sconce_config_load_from(&nothing, NULL, &config, &err), 0);

    assert_string_equal(sconce_config_settings(config)->backends[0], "auto");
}

static void test_load_system_file_is_read_when_nothing_is_named(void **state)
{
    struct sconce_config_environment environment = {.system_path = path};

    scratch_file(*state, "s.ini", "[limits]\ntraps = 1\n");
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), 0);

    assert_int_equal(sconce_config_settings(config)->limits.traps, 1);
}

static void test_load_environment_names_the_file(void **state)
{
    struct sconce_config_environment environment = {.config_path = path,
                                                    .system_path = "/dev/null"};

    scratch_file(*state, "s.ini", "[limits]\ntraps = 2\n");
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), 0);

    assert_int_equal(sconce_config_settings(config)->limits.traps, 2);
}

static void test_load_environment_that_names_a_missing_file_is_an_error(void **state)
{
    struct sconce_config_environment environment = {.config_path = path,
                                                    .system_path = "/dev/null"};

    (void)state;
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), SCONCE_E_CONFIG);

    assert_message("$SCONCE_CONFIG: cannot open %s: No such file or directory", path);
}

static void test_load_environment_is_weaker_than_an_argument(void **state)
{
    struct sconce_config_environment environment = {.config_path = "/nonexistent/x.ini",
                                                    .system_path = "/nonexistent/y.ini"};

    scratch_file(*state, "s.ini", "[limits]\ntraps = 3\n");
    assert_int_equal(sconce_config_load_from(&environment, path, &config, &err), 0);

    assert_int_equal(sconce_config_settings(config)->limits.traps, 3);
}

static void test_load_plugin_dir_variable_beats_the_default(void **state)
{
    struct sconce_config_environment environment = nothing;

    (void)state;
    environment.plugin_dir = "/v/plugins";
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), 0);

    assert_string_equal(sconce_config_settings(config)->plugin_dir, "/v/plugins");
    assert_string_equal(sconce_config_settings(config)->backends_dir, "/v/backends.d");
    assert_string_equal(sconce_config_origin(config, "runtime", "plugin_dir"), "SCONCE_PLUGIN_DIR");
}

static void test_load_plugin_dir_in_a_file_beats_the_variable(void **state)
{
    struct sconce_config_environment environment = nothing;

    environment.plugin_dir = "/v/plugins";
    scratch_file(*state, "s.ini", "[runtime]\nplugin_dir = /f/plugins\n");
    assert_int_equal(sconce_config_load_from(&environment, path, &config, &err), 0);

    assert_string_equal(sconce_config_settings(config)->plugin_dir, "/f/plugins");
}

static void test_load_plugin_dir_variable_that_is_relative_is_an_error(void **state)
{
    struct sconce_config_environment environment = nothing;

    (void)state;
    environment.plugin_dir = "plugins";
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), SCONCE_E_CONFIG);

    assert_string_equal(err.text, "SCONCE_PLUGIN_DIR: bad value \"plugins\" for plugin_dir: a "
                                  "directory is given as a whole path, from /");
}

static void test_load_empty_variables_count_as_unset(void **state)
{
    struct sconce_config_environment environment = nothing;

    (void)state;
    environment.config_path = "";
    environment.plugin_dir = "";
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), 0);

    assert_string_equal(sconce_config_origin(config, "runtime", "plugin_dir"), "default");
}

static void test_load_secure_ignores_the_environment(void **state)
{
    struct sconce_config_environment environment = nothing;

    (void)state;
    environment.secure = true;
    environment.config_path = "/nonexistent/x.ini";
    environment.plugin_dir = "/v/plugins";
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), 0);

    assert_string_equal(sconce_config_origin(config, "runtime", "plugin_dir"), "default");
}

static void test_load_secure_refuses_a_system_file_that_others_can_write(void **state)
{
    struct sconce_config_environment environment = {.secure = true, .system_path = path};
    char expected[PATH_MAX + 64];

    scratch_file(*state, "s.ini", "[limits]\ntraps = 1\n");
    scratch_mode(*state, "", 0777);
    assert_int_equal(sconce_config_load_from(&environment, NULL, &config, &err), SCONCE_E_CONFIG);

    snprintf(expected, sizeof expected, "cannot trust %s: /", path);
    assert_memory_equal(err.text, expected, strlen(expected));
    assert_non_null(strstr(err.text, "can be written by others"));
}

static void test_load_mistakes_are_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"[runtime]\nbakend = stub\n", "%s:2: unknown key \"bakend\" in [runtime]",
         "did you mean \"backend\"?"},
        {"\n[runtmie]\n", "%s:2: unknown section [runtmie]", "did you mean \"[runtime]\"?"},
        {"[backend]\nx = 1\n", "%s:1: unknown section [backend]",
         "did you mean \"[backend.NAME]\"?"},
        {"[backend.A]\n", "%s:1: [backend.A]: \"A\" is no backend name", ""},
        {"backend = stub\n", "%s:1: key \"backend\" before any [section]",
         "\"backend\" belongs to [runtime]"},
        {"[limits]\ntraps = many\n", "%s:2: bad value \"many\" for traps: it is a number", ""},
        {"[limits]\ntraps =\n", "%s:2: traps has no value", "give one, or remove the line"},
        {"[limits]\ntraps = 1\n[runtime]\n[limits]\ntraps = 1\n",
         "%s:5: \"traps\" was already set in line 2", "remove one of the two"},
        {"[backend.x]\na = 1\na = 2\n", "%s:3: \"a\" was already set in line 2",
         "remove one of the two"},
        {"[runtime]\nbackend = stub # or kvm\n",
         "%s:2: bad value \"stub # or kvm\" for backend: \"stub # or kvm\" is no backend name: "
         "those are made of a-z, 0-9, - and _, and at most 40 long",
         ""},
    };
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(load_text(state, cases[i].text), SCONCE_E_CONFIG);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        assert_message(cases[i].message, path);
#pragma GCC diagnostic pop
        assert_string_equal(err.hint, cases[i].hint);
    }
}

static void test_load_same_key_in_two_sections_is_no_duplicate(void **state)
{
    assert_int_equal(load_text(state, "[backend.a]\nx = 1\n[backend.b]\nx = 1\n"), 0);
}

/* The file of the source tree, as a string; freed by the caller. */
static char *source_file(const char *name)
{
    char file[PATH_MAX];
    char *text = calloc(1, 65536);
    FILE *f;

    assert_non_null(text);
    snprintf(file, sizeof file, "%s/%s", SOURCE_ROOT, name);
    f = fopen(file, "re");
    assert_non_null(f);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    return text;
}

/* Every "#key = value" of the installed file, with its # removed, must be taken, and change
 * nothing. */
static void test_load_installed_file_shows_every_default(void **state)
{
    char *text = source_file("config/sconce.ini.in");
    struct sconce_text uncommented = {0};
    struct sconce_config *defaults = NULL;
    char *rest = text;
    char *line;
    size_t i;

    while ((line = strsep(&rest, "\n"))) {
        char *at = strstr(line, "@");

        if (line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' && strcmp(line, "#key = value") != 0)
            line++;
        /* Directories differ from build to build. */
        if (line[0] != '#' && at)
            strcpy(at, "/x");
        sconce_text_add(&uncommented, "%s\n", line);
    }
    assert_int_equal(load_text(state, sconce_text_get(&uncommented)), 0);
    assert_int_equal(sconce_config_new(false, &defaults, &err), 0);

    for (i = 0; i < SCONCE_KEY_COUNT; i++) {
        assert_string_not_equal(config->items[i].origin, "default");
        if (sconce_keys[i].type != SCONCE_KEY_DIRECTORY)
            assert_string_equal(config->items[i].value.text, defaults->items[i].value.text);
    }
    sconce_config_free(defaults);
    sconce_text_free(&uncommented);
    free(text);
}

static void test_load_installed_file_changes_nothing(void **state)
{
    char *text = source_file("config/sconce.ini.in");
    size_t i;

    assert_int_equal(load_text(state, text), 0);

    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        assert_string_equal(config->items[i].origin, "default");
    free(text);
}

static void test_load_manual_page_tells_every_key_and_default(void **state)
{
    char *text = source_file("docs/man/sconce.ini.5.scd");
    char heading[128];
    size_t i;

    (void)state;
    for (i = 0; i < SCONCE_KEY_COUNT; i++) {
        char *at;

        snprintf(heading, sizeof heading, "\n*%s* = ", sconce_keys[i].name);
        at = strstr(text, heading);
        if (!at)
            fail_msg("sconce.ini(5) does not describe %s", sconce_keys[i].name);
        if (!sconce_keys[i].fallback || sconce_keys[i].type == SCONCE_KEY_DIRECTORY)
            continue;
        snprintf(heading, sizeof heading, "(default: %s)\n", sconce_keys[i].fallback);
        at = strstr(at, "(default: ");
        if (!at || strncmp(at, heading, strlen(heading)) != 0)
            fail_msg("sconce.ini(5) does not say that %s defaults to %s", sconce_keys[i].name,
                     sconce_keys[i].fallback);
    }
    free(text);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load_file_sets_values_with_their_lines),
        TEST(test_load_named_file_that_is_missing_is_an_error),
        TEST(test_load_system_file_may_be_absent),
        TEST(test_load_system_file_is_read_when_nothing_is_named),
        TEST(test_load_environment_names_the_file),
        TEST(test_load_environment_that_names_a_missing_file_is_an_error),
        TEST(test_load_environment_is_weaker_than_an_argument),
        TEST(test_load_plugin_dir_variable_beats_the_default),
        TEST(test_load_plugin_dir_in_a_file_beats_the_variable),
        TEST(test_load_plugin_dir_variable_that_is_relative_is_an_error),
        TEST(test_load_empty_variables_count_as_unset),
        TEST(test_load_secure_ignores_the_environment),
        TEST(test_load_secure_refuses_a_system_file_that_others_can_write),
        TEST(test_load_mistakes_are_told_with_file_and_line),
        TEST(test_load_same_key_in_two_sections_is_no_duplicate),
        TEST(test_load_installed_file_shows_every_default),
        TEST(test_load_installed_file_changes_nothing),
        TEST(test_load_manual_page_tells_every_key_and_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
