/* SPDX-License-Identifier: Apache-2.0 */
/* examples/parser: crafted files, and the bug that is planted in its handler. */
#include "ordinary.h"

static void test_parser_files_come_to_the_same_as_natively(void **state)
{
    struct ordinary parser;

    (void)state;
    ordinary_open(&parser, "parser", 0);
    assert_true(ordinary_same(&parser, "parse", ORDINARY_WORDS("@good.xml")));
    assert_false(ordinary_same(&parser, "parse", ORDINARY_WORDS("@malformed.xml")));
    assert_false(ordinary_same(&parser, "parse", ORDINARY_WORDS("@deep.xml")));
    assert_false(ordinary_same(&parser, "parse", ORDINARY_WORDS("@laughs.xml")));
    assert_true(ordinary_same(&parser, "parse", ORDINARY_WORDS("@good.xml")));
    ordinary_close(&parser);
}

static void test_parser_fault_is_contained_and_next_file_is_served(void **state)
{
    struct sconce_error err = {0};
    struct ordinary parser;

    (void)state;
    ordinary_open(&parser, "parser", 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ordinary_call(&parser, "parse", ORDINARY_WORDS("@fault.xml"), NULL, &err),
                         SCONCE_E_GUEST_FAULT);
        e2e_says(&err, "memory fault"); /* of its read or its write: processors differ */
        assert_int_equal(sconce_sandbox_state(parser.sandbox), SCONCE_STATE_POISONED);
        ordinary_restore(&parser);
        assert_true(ordinary_same(&parser, "parse", ORDINARY_WORDS("@good.xml")));
    }
    ordinary_close(&parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser_files_come_to_the_same_as_natively),
        cmocka_unit_test(test_parser_fault_is_contained_and_next_file_is_served),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
