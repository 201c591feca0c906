/* SPDX-License-Identifier: Apache-2.0 */
/* cli/report.c: the exit status of each error of the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/report.h"

static void test_report_status_of_each_error(void **state)
{
    static const struct {
        int code, status;
    } wanted[] = {
        {SCONCE_E_GUEST_FAILED, 1}, {SCONCE_E_GUEST_FORMAT, 2},
        {SCONCE_E_NO_FUNCTION, 2},  {SCONCE_E_TYPE, 2},
        {SCONCE_E_NO_IMPORT, 2},    {SCONCE_E_CONFIG, 3},
        {SCONCE_E_NO_BACKEND, 4},   {SCONCE_E_GUEST_FAULT, 5},
        {SCONCE_E_GUEST_ABORT, 5},  {SCONCE_E_GUEST_PROTOCOL, 5},
        {SCONCE_E_LIMIT, 6},        {SCONCE_E_KICKED, 6},
        {SCONCE_E_INVALID, 70},     {SCONCE_E_NO_MEMORY, 70},
        {SCONCE_E_SYSTEM, 70},      {SCONCE_E_BACKEND, 70},
        {SCONCE_E_STATE, 70},       {SCONCE_E_BUSY, 70},
        {SCONCE_E_FORKED, 70},      {-1000, 70},
        {SCONCE_E_GUEST_EXIT, 1},   {SCONCE_E_SNAPSHOT, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct sconce_error err = {.code = wanted[i].code};

        assert_int_equal(report_status(&err), wanted[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_report_status_of_each_error)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
