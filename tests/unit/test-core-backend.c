/* SPDX-License-Identifier: Apache-2.0 */
/* core/backend.c and plugin-error.c: what a plugin's failure becomes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/backend.h"
#include "core/plugin-error.h"

static struct sconce_backend backend = {.name = (char[]){"kvm"},
                                        .version = (char[]){"1"},
                                        .arch_name = (char[]){"x86_64"},
                                        .mechanism = (char[]){"kvm"},
                                        .isolation = (char[]){"vm"},
                                        .status = (char[]){"verified"},
                                        .requires_ = (char[]){"/dev/kvm"},
                                        .path = (char[]){"/p"},
                                        .machine = 62};

static struct sconce_error err;

static int fails(int32_t status, uint32_t domain, int64_t code, const char *text)
{
    struct sconce_plugin_error from;

    sconce_plugin_error_init(&from);
    from.domain = domain;
    from.code = code;
    memcpy(from.text, text, strnlen(text, sizeof from.text));
    strncpy(from.hint, "the hint", sizeof from.hint - 1);
    memset(&err, 0, sizeof err);
    return sconce_backend_error(&backend, status, &from, &err);
}

static void test_backend_error_names_the_backend_and_keeps_the_hint(void **state)
{
    (void)state;
    assert_int_equal(fails(SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0, "no KVM"),
                     SCONCE_E_NO_BACKEND);

    assert_string_equal(err.text, "kvm: no KVM");
    assert_string_equal(err.hint, "the hint");
    assert_int_equal(err.code, SCONCE_E_NO_BACKEND);
}

static void test_backend_error_each_status_has_its_code(void **state)
{
    static const int cases[][2] = {
        {SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_E_BACKEND},
        {SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_E_NO_BACKEND},
        {SCONCE_PLUGIN_E_INVALID, SCONCE_E_BACKEND},
        {SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_E_NO_MEMORY},
        {SCONCE_PLUGIN_E_SYSTEM, SCONCE_E_SYSTEM},
        {SCONCE_PLUGIN_E_DEAD, SCONCE_E_BACKEND},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(fails(cases[i][0], SCONCE_DOMAIN_NONE, 0, "x"), cases[i][1]);
        assert_string_equal(err.text, "kvm: x");
    }
}

static void test_backend_error_status_outside_the_contract_is_told(void **state)
{
    (void)state;
    assert_int_equal(fails(5, SCONCE_DOMAIN_NONE, 0, "x"), SCONCE_E_BACKEND);
    assert_string_equal(err.text, "kvm: it answered 5, which the plugin ABI does not know");
    assert_int_equal(fails(-7, SCONCE_DOMAIN_NONE, 0, "x"), SCONCE_E_BACKEND);
    assert_string_equal(err.text, "kvm: it answered -7, which this Sconce does not know: x");
}

static void test_backend_error_codes_are_explained_by_domain(void **state)
{
    (void)state;
    fails(SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, ENOENT, "cannot open /dev/kvm");
    assert_string_equal(err.text, "kvm: cannot open /dev/kvm: No such file or directory");
    fails(SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_HV_STATUS, 5, "x");
    assert_string_equal(err.text, "kvm: x (HV_STATUS 0x5)");
    fails(SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_HRESULT, (int32_t)0x80370102, "x");
    assert_string_equal(err.text, "kvm: x (HRESULT 0x80370102)");
    fails(SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_EXIT, 17 | 2ll << 32, "x");
    assert_string_equal(err.text, "kvm: x (exit reason 17, suberror 2)");
    fails(SCONCE_PLUGIN_E_SYSTEM, 99, 1, "x");
    assert_string_equal(err.text, "kvm: x");
}

static void test_backend_error_errno_that_the_text_tells_is_not_told_twice(void **state)
{
    (void)state;
    fails(SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, ENOENT, "x: No such file or directory");
    assert_string_equal(err.text, "kvm: x: No such file or directory");
    fails(SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, -1, "x");
    assert_string_equal(err.text, "kvm: x");
}

static void test_backend_error_without_text_says_so(void **state)
{
    (void)state;
    fails(SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, "");

    assert_string_equal(err.text, "kvm: it failed without saying why");
}

static void test_backend_error_text_without_end_is_cut_and_on_one_line(void **state)
{
    char text[400];

    (void)state;
    memset(text, 'x', sizeof text);
    text[3] = '\n';
    text[sizeof text - 1] = '\0';
    fails(SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, text);

    assert_int_equal(strlen(err.text), 5 + sizeof((struct sconce_plugin_error *)NULL)->text);
    assert_memory_equal(err.text, "kvm: xxx xxx", 12);
}

static void test_backend_error_null_only_returns_the_code(void **state)
{
    struct sconce_plugin_error from;

    (void)state;
    sconce_plugin_error_init(&from);
    assert_int_equal(sconce_backend_error(&backend, SCONCE_PLUGIN_E_DEAD, &from, NULL),
                     SCONCE_E_BACKEND);
}

static void test_backend_describe_has_no_null_and_no_description_before_a_probe(void **state)
{
    struct sconce_backend_info info;

    (void)state;
    strcpy(backend.probe.description, "KVM 12");
    sconce_backend_describe(&backend, &info);
    assert_int_equal(info.size, sizeof info);
    assert_int_equal(info.machine, 62);
    assert_string_equal(info.name, "kvm");
    assert_string_equal(info.isolation, "vm");
    assert_string_equal(info.requires_, "/dev/kvm");
    assert_string_equal(info.description, "");
    assert_string_equal(info.problem, "");
    assert_string_equal(info.hint, "");

    backend.probed = true;
    sconce_backend_describe(&backend, &info);
    assert_string_equal(info.description, "KVM 12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backend_error_names_the_backend_and_keeps_the_hint),
        cmocka_unit_test(test_backend_error_each_status_has_its_code),
        cmocka_unit_test(test_backend_error_status_outside_the_contract_is_told),
        cmocka_unit_test(test_backend_error_codes_are_explained_by_domain),
        cmocka_unit_test(test_backend_error_errno_that_the_text_tells_is_not_told_twice),
        cmocka_unit_test(test_backend_error_without_text_says_so),
        cmocka_unit_test(test_backend_error_text_without_end_is_cut_and_on_one_line),
        cmocka_unit_test(test_backend_error_null_only_returns_the_code),
        cmocka_unit_test(test_backend_describe_has_no_null_and_no_description_before_a_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
