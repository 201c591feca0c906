/* SPDX-License-Identifier: Apache-2.0 */
/* examples/cpp: the C++ library, and exceptions that are caught and that are not. */
#include "ordinary.h"

#include <string.h>

static void test_cpp_library_comes_to_the_same_as_natively(void **state)
{
    struct ordinary cpp;

    (void)state;
    ordinary_open(&cpp, "cpp", 0);
    assert_true(ordinary_same(&cpp, "count_words", ORDINARY_WORDS("the cat, the hat; the end")));
    assert_true(cpp.printed.length > 0);
    assert_true(ordinary_same(&cpp, "count_words", ORDINARY_WORDS("@text")));
    ordinary_close(&cpp);
}

static void test_cpp_exception_caught_inside_is_a_failure(void **state)
{
    struct ordinary cpp;

    (void)state;
    ordinary_open(&cpp, "cpp", 0);
    assert_true(ordinary_same(&cpp, "number", ORDINARY_WORDS("12")));
    assert_false(ordinary_same(&cpp, "number", ORDINARY_WORDS("twelve")));
    assert_false(ordinary_same(&cpp, "number", ORDINARY_WORDS("99999999999")));
    assert_true(ordinary_same(&cpp, "number", ORDINARY_WORDS("-7")));
    ordinary_close(&cpp);
}

static void test_cpp_exception_caught_by_nobody_ends_the_guest(void **state)
{
    struct sconce_error err = {0};
    struct ordinary cpp;

    (void)state;
    ordinary_open(&cpp, "cpp", 0);
    assert_true(ordinary_same(&cpp, "number_or_die", ORDINARY_WORDS("12")));
    assert_int_equal(ordinary_call(&cpp, "number_or_die", ORDINARY_WORDS("twelve"), NULL, &err),
                     SCONCE_E_GUEST_ABORT);
    e2e_says(&err, "SIGABRT");
    assert_non_null(strstr(cpp.printed.data, "std::invalid_argument"));
    assert_int_equal(sconce_sandbox_state(cpp.sandbox), SCONCE_STATE_POISONED);
    ordinary_restore(&cpp);
    assert_true(ordinary_same(&cpp, "number", ORDINARY_WORDS("12")));
    ordinary_close(&cpp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpp_library_comes_to_the_same_as_natively),
        cmocka_unit_test(test_cpp_exception_caught_inside_is_a_failure),
        cmocka_unit_test(test_cpp_exception_caught_by_nobody_ends_the_guest),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
