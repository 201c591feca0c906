/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options.c: command lines. What it prints on errors is for people and is not looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/options.h"

static struct options options;
static int status;

/* @line is split at blanks. */
static bool parse(const char *line)
{
    static char copy[512];
    char *argv[32];
    int argc = 0;

    options_free(&options);
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    status = -1;
    return options_parse(options_command(argv[0]), argc, argv, &options, &status);
}

static void refused(const char *line)
{
    assert_false(parse(line));
    assert_int_equal(status, 2);
}

static void test_options_may_stand_before_and_behind_operands(void **state)
{
    (void)state;
    assert_true(parse("call -v g.elf --format=json add 1 --backend stub 2"));

    assert_int_equal(options.operand_count, 4);
    assert_string_equal(options.operands[0], "g.elf");
    assert_string_equal(options.operands[3], "2");
    assert_true(options.json);
    assert_int_equal(options.verbose, 1);
    assert_int_equal(options.setting_count, 1);
    assert_string_equal(options.settings[0].key, "runtime.backend");
    assert_string_equal(options.settings[0].value, "stub");
    assert_string_equal(options.settings[0].origin, "--backend");
}

static void test_options_negative_numbers_are_operands(void **state)
{
    (void)state;
    assert_true(parse("call g add -5 -0x1f -vv -inf"));

    assert_int_equal(options.operand_count, 5);
    assert_string_equal(options.operands[2], "-5");
    assert_string_equal(options.operands[4], "-inf");
    assert_int_equal(options.verbose, 2);
}

static void test_options_behind_two_dashes_are_operands(void **state)
{
    (void)state;
    assert_true(parse("call g f -v -- -v --format=json"));

    assert_int_equal(options.operand_count, 4);
    assert_string_equal(options.operands[2], "-v");
    assert_string_equal(options.operands[3], "--format=json");
    assert_int_equal(options.verbose, 1);
}

static void test_options_set_splits_at_the_first_equals(void **state)
{
    (void)state;
    assert_true(parse("config --set=backend.stub.script=a=b --deadline=9"));

    assert_int_equal(options.setting_count, 2);
    assert_string_equal(options.settings[0].key, "backend.stub.script");
    assert_string_equal(options.settings[0].value, "a=b");
    assert_string_equal(options.settings[1].key, "limits.deadline_ms");
    assert_string_equal(options.settings[1].value, "9");
}

static void test_options_plugin_dir_becomes_absolute(void **state)
{
    char here[4096], want[4200];

    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    snprintf(want, sizeof want, "%s/plugins", here);
    assert_true(parse("backends --plugin-dir=plugins"));
    assert_string_equal(options.settings[0].value, want);
    assert_true(parse("backends --plugin-dir=/x"));
    assert_string_equal(options.settings[0].value, "/x");
}

static void test_options_wrong_lines_are_refused(void **state)
{
    (void)state;
    refused("call g f --nonsense");
    refused("call g f -x");
    refused("call g f --verbose=1");
    refused("call g f --format=xml");
    refused("call g f --set=novalue");
    refused("call g f --set==x");
    refused("call g f --config");
    refused("call g f -c");
    refused("inspect g --backend=stub"); /* another command's */
    refused("call g");
    refused("run");
    refused("inspect a b");
    refused("backends x");
}

static void test_options_help_is_no_failure(void **state)
{
    FILE *was = stdout;

    (void)state;
    stdout = fopen("/dev/null", "w");
    assert_false(parse("run --help"));
    fclose(stdout);
    stdout = was;
    assert_int_equal(status, 0);
}

static void test_options_help_of_every_command_fits_80_columns(void **state)
{
    const struct command *command;

    (void)state;
    for (size_t i = 0; (command = options_each_command(i)) != NULL; i++) {
        char *text = NULL;
        size_t bytes;
        FILE *out = open_memstream(&text, &bytes);

        assert_non_null(out);
        options_help(command, out);
        fclose(out);
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 80)
                fail_msg("%s --help: %.*s", command->name, (int)strcspn(line, "\n"), line);
        free(text);
    }
}

static int teardown(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_may_stand_before_and_behind_operands),
        cmocka_unit_test(test_options_negative_numbers_are_operands),
        cmocka_unit_test(test_options_behind_two_dashes_are_operands),
        cmocka_unit_test(test_options_set_splits_at_the_first_equals),
        cmocka_unit_test(test_options_plugin_dir_becomes_absolute),
        cmocka_unit_test(test_options_wrong_lines_are_refused),
        cmocka_unit_test(test_options_help_is_no_failure),
        cmocka_unit_test(test_options_help_of_every_command_fits_80_columns),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
