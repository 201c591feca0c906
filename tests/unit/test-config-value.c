/* SPDX-License-Identifier: Apache-2.0 */
/* config/value.c: every kind of value, the limits of each, and what a wrong one is told. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/value.h"

static struct sconce_error err;

static const struct sconce_key *key(const char *section, const char *name)
{
    size_t i = sconce_key_find(section, name);

    assert_true(i < SCONCE_KEY_COUNT);
    return &sconce_keys[i];
}

/* The canonical form of a value that is taken. */
static void takes(const char *section, const char *name, const char *text, const char *canonical)
{
    struct sconce_value_parsed value;

    assert_int_equal(sconce_value_parse(key(section, name), text, &value, &err), 0);
    assert_string_equal(value.text, canonical);
    sconce_value_free(&value);
}

static void refuses(const char *section, const char *name, const char *text, const char *why)
{
    struct sconce_value_parsed value;
    char expected[512];

    memset(&err, 0, sizeof err);
    snprintf(expected, sizeof expected, "bad value \"%s\" for %s: %s", text, name, why);
    assert_int_equal(sconce_value_parse(key(section, name), text, &value, &err), SCONCE_E_CONFIG);
    assert_string_equal(err.text, expected);
}

static void test_value_backend_list_is_split_and_trimmed(void **state)
{
    struct sconce_settings settings = {0};
    struct sconce_value_parsed value;

    (void)state;
    assert_int_equal(
        sconce_value_parse(key("runtime", "backend"), " kvm-x86_64 ,stub,\tx ", &value, &err), 0);
    sconce_value_store(key("runtime", "backend"), &value, &settings);

    assert_string_equal(value.text, "kvm-x86_64, stub, x");
    assert_string_equal(settings.backends[0], "kvm-x86_64");
    assert_string_equal(settings.backends[1], "stub");
    assert_string_equal(settings.backends[2], "x");
    assert_null(settings.backends[3]);
    sconce_value_free(&value);
}

static void test_value_backend_list_of_one_letter_names(void **state)
{
    (void)state;
    takes("runtime", "backend", "a,b,c,d,e,f", "a, b, c, d, e, f");
    takes("runtime", "backend", "auto", "auto");
}

static void test_value_backend_wrong_lists_are_refused(void **state)
{
    static const char syntax[] = "is no backend name: those are made of a-z, 0-9, - and _, and at "
                                 "most 40 long";
    char why[256];

    (void)state;
    snprintf(why, sizeof why, "\"../x\" %s", syntax);
    refuses("runtime", "backend", "../x", why);
    snprintf(why, sizeof why, "\"\" %s", syntax);
    refuses("runtime", "backend", "a,,b", why);
    refuses("runtime", "backend", "a,", why);
    refuses("runtime", "backend", ",", why);
    snprintf(why, sizeof why, "\"Stub\" %s", syntax);
    refuses("runtime", "backend", "Stub", why);
    refuses("runtime", "backend", "a, b, a", "\"a\" stands twice");
    refuses("runtime", "backend", "a, auto", "auto stands alone");
    refuses("runtime", "backend", "auto, a", "auto stands alone");
}

static void test_value_isolation_is_one_of_two_words(void **state)
{
    (void)state;
    takes("runtime", "isolation", "vm", "vm");
    takes("runtime", "isolation", "any", "any");
    refuses("runtime", "isolation", "process", "it is vm or any");
    refuses("runtime", "isolation", "VM", "it is vm or any");
}

static void test_value_directory_is_absolute(void **state)
{
    static char longer[5000];

    (void)state;
    takes("runtime", "plugin_dir", "/a/b//", "/a/b");
    takes("runtime", "plugin_dir", "/", "/");
    refuses("runtime", "plugin_dir", "a/b", "a directory is given as a whole path, from /");
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '/';
    assert_int_equal(sconce_value_parse(key("runtime", "plugin_dir"), longer,
                                        &(struct sconce_value_parsed){0}, &err),
                     SCONCE_E_CONFIG);
}

static void test_value_switch_is_yes_or_no(void **state)
{
    (void)state;
    takes("runtime", "allow_untrusted_plugins", "true", "yes");
    takes("runtime", "allow_untrusted_plugins", "0", "no");
    refuses("runtime", "allow_untrusted_plugins", "maybe", "it is yes or no");
}

static void test_value_signal_by_name_and_number(void **state)
{
    char text[16];

    (void)state;
    takes("runtime", "kick_signal", "SIGURG", "SIGURG");
    takes("runtime", "kick_signal", "SIGUSR2", "SIGUSR2");
    snprintf(text, sizeof text, "%d", SIGUSR1);
    takes("runtime", "kick_signal", text, "SIGUSR1");
}

static void test_value_signal_that_must_not_be_taken_is_refused(void **state)
{
    static const char *const bad[] = {"SIGSEGV", "SIGKILL", "SIGCHLD", "9",        "11", "0",
                                      "65",      "34",      "urg",     "SIGRTMIN", "-1", "SIGUSR3"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses("runtime", "kick_signal", bad[i],
                "it is SIGURG, SIGUSR1 or SIGUSR2, by name or number");
}

static void test_value_memory_is_rounded_up_to_64k(void **state)
{
    (void)state;
    takes("limits", "heap_bytes", "65537", "128K");
    takes("limits", "heap_bytes", "64K", "64K");
    takes("limits", "heap_bytes", "32G", "32G");
    takes("limits", "output_bytes", "100", "100");
}

static void test_value_memory_out_of_range_is_refused(void **state)
{
    (void)state;
    refuses("limits", "heap_bytes", "65535", "it is from 64K to 32G");
    refuses("limits", "heap_bytes", "33G", "it is from 64K to 32G");
    refuses("limits", "stack_bytes", "2G", "it is from 64K to 1G");
    refuses("limits", "io_bytes", "0", "it is from 64K to 1G");
    refuses("limits", "image_bytes", "99999999999G", "it is from 64K to 32G");
    refuses("limits", "heap_bytes", "16MB",
            "a size is a number of bytes, or one with K, M or G behind");
}

static void test_value_deadline_is_ms_and_zero_is_none(void **state)
{
    struct sconce_settings settings = {0};
    struct sconce_value_parsed value;

    (void)state;
    assert_int_equal(sconce_value_parse(key("limits", "deadline_ms"), "250", &value, &err), 0);
    sconce_value_store(key("limits", "deadline_ms"), &value, &settings);
    assert_int_equal(settings.limits.deadline_ns, 250000000);
    sconce_value_free(&value);

    assert_int_equal(sconce_value_parse(key("limits", "deadline_ms"), "0", &value, &err), 0);
    sconce_value_store(key("limits", "deadline_ms"), &value, &settings);
    assert_true(settings.limits.deadline_ns == UINT64_MAX);
    assert_string_equal(value.text, "0");
    sconce_value_free(&value);

    refuses("limits", "deadline_ms", "1000000000001", "it is from 0 to 1000000000000");
    refuses("limits", "deadline_ms", "5s", "it is a number");
}

static void test_value_counts_go_up_to_64_bits(void **state)
{
    (void)state;
    takes("limits", "traps", "18446744073709551615", "18446744073709551615");
    refuses("limits", "traps", "18446744073709551616", "it is from 0 to 18446744073709551615");
    refuses("limits", "host_calls", "1M", "it is a number");
    takes("limits", "nesting", "0", "0");
    refuses("limits", "nesting", "1001", "it is from 0 to 1000");
}

static void test_value_clock_is_host_frozen_or_offset(void **state)
{
    static const char wanted[] = "it is host, frozen, frozen:SECONDS or offset:SECONDS";

    (void)state;
    takes("guest", "clock", "host", "host");
    takes("guest", "clock", "frozen", "frozen");
    takes("guest", "clock", "frozen:1700000000", "frozen:1700000000");
    takes("guest", "clock", "offset:-86400", "offset:-86400");
    takes("guest", "clock", "offset:+5", "offset:+5");
    refuses("guest", "clock", "frozen:", wanted);
    refuses("guest", "clock", "frozen:1.5", wanted);
    refuses("guest", "clock", "offset", wanted);
    refuses("guest", "clock", "offset:--5", wanted);
    refuses("guest", "clock", "offset:1000000000001", wanted);
    refuses("guest", "clock", "hosts", wanted);
}

static void test_value_random_is_host_or_a_seed(void **state)
{
    static const char wanted[] = "it is host, or seed: and 1 to 64 hexadecimal digits";
    char text[80] = "seed:";

    (void)state;
    takes("guest", "random", "host", "host");
    takes("guest", "random", "seed:0", "seed:0");
    takes("guest", "random", "seed:00Ff", "seed:00Ff");
    memset(text + 5, 'a', 64);
    takes("guest", "random", text, text);
    memset(text + 5, 'a', 65);
    refuses("guest", "random", text, wanted);
    refuses("guest", "random", "seed:", wanted);
    refuses("guest", "random", "seed", wanted);
    refuses("guest", "random", "seed:0x1", wanted);
}

static void test_value_empty_is_refused(void **state)
{
    struct sconce_value_parsed value;
    size_t i;

    (void)state;
    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        assert_int_equal(sconce_value_parse(&sconce_keys[i], "", &value, &err), SCONCE_E_CONFIG);
    assert_string_equal(err.text, "random has no value");
}

/* `sconce config` shows canonical texts; what it shows must be taken again, unchanged. */
static void test_value_canonical_default_is_taken_again(void **state)
{
    struct sconce_value_parsed value;
    size_t i;

    (void)state;
    for (i = 0; i < SCONCE_KEY_COUNT; i++) {
        if (!sconce_keys[i].fallback)
            continue;
        assert_int_equal(sconce_value_parse(&sconce_keys[i], sconce_keys[i].fallback, &value, &err),
                         0);
        takes(sconce_keys[i].section, sconce_keys[i].name, value.text, value.text);
        sconce_value_free(&value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_backend_list_is_split_and_trimmed),
        cmocka_unit_test(test_value_backend_list_of_one_letter_names),
        cmocka_unit_test(test_value_backend_wrong_lists_are_refused),
        cmocka_unit_test(test_value_isolation_is_one_of_two_words),
        cmocka_unit_test(test_value_directory_is_absolute),
        cmocka_unit_test(test_value_switch_is_yes_or_no),
        cmocka_unit_test(test_value_signal_by_name_and_number),
        cmocka_unit_test(test_value_signal_that_must_not_be_taken_is_refused),
        cmocka_unit_test(test_value_memory_is_rounded_up_to_64k),
        cmocka_unit_test(test_value_memory_out_of_range_is_refused),
        cmocka_unit_test(test_value_deadline_is_ms_and_zero_is_none),
        cmocka_unit_test(test_value_counts_go_up_to_64_bits),
        cmocka_unit_test(test_value_clock_is_host_frozen_or_offset),
        cmocka_unit_test(test_value_random_is_host_or_a_seed),
        cmocka_unit_test(test_value_empty_is_refused),
        cmocka_unit_test(test_value_canonical_default_is_taken_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
