/* SPDX-License-Identifier: Apache-2.0 */
/* core/log.c: what reaches the sink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"

static char seen[4096];

static void sink(void *ctx, uint32_t level, const char *key, const char *text)
{
    size_t used = strlen(seen);

    assert_ptr_equal(ctx, seen);
    snprintf(seen + used, sizeof seen - used, "%u %s %s;", level, key, text);
}

static void test_log_passes_on_up_to_its_level(void **state)
{
    const struct sconce_log log = {sink, seen, SCONCE_LOG_WARNING};

    (void)state;
    seen[0] = '\0';
    sconce_log_line(&log, SCONCE_LOG_ERROR, "a", "one %d", 1);
    sconce_log_line(&log, SCONCE_LOG_WARNING, "b", "two");
    sconce_log_line(&log, SCONCE_LOG_INFO, "c", "three");

    assert_string_equal(seen, "0 a one 1;1 b two;");
}

static void test_log_without_sink_is_silent(void **state)
{
    const struct sconce_log log = {.level = SCONCE_LOG_DEBUG};

    (void)state;
    sconce_log_line(&log, SCONCE_LOG_ERROR, "a", "one");
}

static void test_log_line_is_one_line_and_bounded(void **state)
{
    const struct sconce_log log = {sink, seen, SCONCE_LOG_ERROR};

    (void)state;
    seen[0] = '\0';
    sconce_log_line(&log, SCONCE_LOG_ERROR, "a", "x\ny");
    assert_string_equal(seen, "0 a x y;");

    seen[0] = '\0';
    sconce_log_line(&log, SCONCE_LOG_ERROR, "a", "%02000d", 0);
    assert_int_equal(strlen(seen), strlen("0 a ;") + 1023);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_passes_on_up_to_its_level),
        cmocka_unit_test(test_log_without_sink_is_silent),
        cmocka_unit_test(test_log_line_is_one_line_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
