/* SPDX-License-Identifier: Apache-2.0 */
/* core/plugin-note.c: the note's text. Whole files: tests/plugins/test-plugin-load.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/plugin-note.h"

#define ABI "abi=1.4\n"
#define REST                                                                                       \
    "name=x\nversion=1.2\narch=x86_64\nmachine=62\nmechanism=kvm\nisolation=vm\nstatus=verified\n" \
    "requires=/dev/kvm\n"

static struct sconce_error err;
static struct sconce_plugin_facts facts;

static int parse(const char *text)
{
    memset(&err, 0, sizeof err);
    memset(&facts, 0, sizeof facts);
    return sconce_plugin_note_parse(text, strlen(text) + 1, &facts, &err);
}

static void refuses(const char *text, const char *why)
{
    assert_int_equal(parse(text), SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, why);
    assert_string_equal(facts.name, "");
}

static void test_note_all_facts_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse(ABI REST), 0);

    assert_int_equal(facts.abi_major, 1);
    assert_int_equal(facts.abi_minor, 4);
    assert_int_equal(facts.machine, 62);
    assert_string_equal(facts.name, "x");
    assert_string_equal(facts.version, "1.2");
    assert_string_equal(facts.arch, "x86_64");
    assert_string_equal(facts.mechanism, "kvm");
    assert_string_equal(facts.isolation, "vm");
    assert_string_equal(facts.status, "verified");
    assert_string_equal(facts.requires_, "/dev/kvm");
}

static void test_note_unknown_keys_are_a_later_minors(void **state)
{
    (void)state;
    assert_int_equal(parse(ABI "licence=MIT\nnam=y\nnames=z\n=\n" REST), 0);

    assert_string_equal(facts.name, "x");
}

static void test_note_value_may_hold_an_equals_sign_or_nothing(void **state)
{
    (void)state;
    assert_int_equal(parse(ABI "name=x\nversion=a=b\narch=\nmachine=0\nmechanism=m\n"
                               "isolation=none\n"),
                     0);

    assert_string_equal(facts.version, "a=b");
    assert_string_equal(facts.arch, "");
    assert_string_equal(facts.status, "");
}

static void test_note_missing_fact_is_named(void **state)
{
    (void)state;
    refuses(ABI, "its note does not say \"name\"");
    refuses(REST, "its note does not say \"abi\"");
}

static void test_note_fact_that_is_said_twice_is_named(void **state)
{
    (void)state;
    refuses(ABI REST "name=y\n", "its note says \"name\" twice");
}

static void test_note_malformed_numbers_are_refused(void **state)
{
    (void)state;
    refuses("abi=1\n" REST, "its note says abi=1, which is no number");
    refuses("abi=1.\n" REST, "its note says abi=1., which is no number");
    refuses("abi=.1\n" REST, "its note says abi=.1, which is no number");
    refuses("abi=1.65536\n" REST, "its note says abi=1.65536, which is no number");
    refuses("abi=-1.0\n" REST, "its note says abi=-1.0, which is no number");
    refuses("machine=x86\n" ABI, "its note says machine=x86, which is no number");
    refuses("machine=65536\n" ABI, "its note says machine=65536, which is no number");
}

static void test_note_broken_lines_are_refused(void **state)
{
    (void)state;
    refuses("abi\n", "its note has a line without \"=\"");
    refuses(ABI REST "\n", "its note has a line without \"=\"");
    refuses(ABI "name=x", "its note's last line does not end");
}

static void test_note_without_its_nul_is_refused(void **state)
{
    static const char text[] = ABI REST;
    static const char inside[] = ABI "\0" REST;

    (void)state;
    assert_int_equal(sconce_plugin_note_parse(text, sizeof text - 1, &facts, &err),
                     SCONCE_E_NO_BACKEND);
    assert_string_equal(err.text, "its note does not end with its only NUL");
    assert_int_equal(sconce_plugin_note_parse(inside, sizeof inside, &facts, &err),
                     SCONCE_E_NO_BACKEND);
    assert_int_equal(sconce_plugin_note_parse("", 0, &facts, &err), SCONCE_E_NO_BACKEND);
}

static void test_note_unprintable_value_is_refused(void **state)
{
    (void)state;
    refuses(ABI "name=\x1b[2J\n", "its note's \"name\" holds control characters");
}

static void test_note_value_up_to_127_bytes(void **state)
{
    char text[512];

    (void)state;
    snprintf(text, sizeof text, "%sstatus=%0127d\n", ABI, 0);
    refuses(text, "its note does not say \"name\"");
    snprintf(text, sizeof text, "%sstatus=%0128d\n", ABI, 0);
    refuses(text, "its note's \"status\" is longer than 127 bytes");
}

static void test_note_isolation_is_one_of_three_words(void **state)
{
    (void)state;
    refuses(ABI "name=x\nversion=1\narch=a\nmachine=0\nmechanism=m\nisolation=VM\n",
            "its note says isolation=VM, which is none of vm, process, none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_all_facts_are_read),
        cmocka_unit_test(test_note_unknown_keys_are_a_later_minors),
        cmocka_unit_test(test_note_value_may_hold_an_equals_sign_or_nothing),
        cmocka_unit_test(test_note_missing_fact_is_named),
        cmocka_unit_test(test_note_fact_that_is_said_twice_is_named),
        cmocka_unit_test(test_note_malformed_numbers_are_refused),
        cmocka_unit_test(test_note_broken_lines_are_refused),
        cmocka_unit_test(test_note_without_its_nul_is_refused),
        cmocka_unit_test(test_note_unprintable_value_is_refused),
        cmocka_unit_test(test_note_value_up_to_127_bytes),
        cmocka_unit_test(test_note_isolation_is_one_of_three_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
