/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/absent.c: without the libraries for them, snapshot files are an error that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <sconce/sconce.h>

static void test_absent_snapshot_files_are_an_error_with_a_hint(void **state)
{
    struct sconce_error err[4] = {0};

    (void)state;
    assert_int_equal(sconce_snapshot_save(NULL, "", "", &err[0]), SCONCE_E_SNAPSHOT);
    assert_int_equal(sconce_snapshot_open(NULL, "", "", NULL, NULL, &err[1]), SCONCE_E_SNAPSHOT);
    assert_int_equal(sconce_snapshot_verify(NULL, "", "", &err[2]), SCONCE_E_SNAPSHOT);
    assert_int_equal(sconce_snapshot_each("", NULL, NULL, &err[3]), SCONCE_E_SNAPSHOT);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(err[i].text, "this Sconce was built without snapshot files");
        assert_non_null(strstr(err[i].hint, "-Dsnapshot_files=enabled"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_snapshot_files_are_an_error_with_a_hint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
