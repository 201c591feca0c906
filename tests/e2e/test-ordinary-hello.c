/* SPDX-License-Identifier: Apache-2.0 */
/* examples/hello on the compiler's C library: what its start-up costs, and that a snapshot is
 * behind it. */
#include "ordinary.h"

#include <string.h>

/* glibc's has 13 on x86_64, and no library a hundred. */
#define START_TRAPS_MAX 100u

static void greets(struct ordinary *hello, struct sconce_sandbox *sandbox)
{
    struct sconce_value name = sconce_string("Ada"), greeting;
    struct sconce_error err = {0};

    (void)hello;
    e2e_ok(sconce_sandbox_call(sandbox, "greet", &name, 1, &greeting, &err), &err);
    assert_non_null(strstr(greeting.as.span.data, "Ada!"));
}

/* A greeting prints a line: one write, at the end of the call. Nothing else is asked for. */
#define TRAPS_OF_A_GREETING 1u

static void test_hello_start_traps_and_calls_only_print(void **state)
{
    struct ordinary hello;
    uint64_t traps;

    (void)state;
    ordinary_open(&hello, "hello", 0);
    traps = ordinary_traps(&hello);
    assert_in_range(traps, 1, START_TRAPS_MAX);
    greets(&hello, hello.sandbox); /* malloc gets its first memory */
    traps = ordinary_traps(&hello);
    for (unsigned i = 0; i < 10; i++)
        greets(&hello, hello.sandbox);
    assert_int_equal(ordinary_traps(&hello), traps + 10 * TRAPS_OF_A_GREETING);
    ordinary_close(&hello);
}

static void test_hello_restored_snapshot_costs_no_start(void **state)
{
    struct sconce_snapshot *warm;
    struct sconce_error err = {0};
    struct ordinary hello;
    uint64_t traps;

    (void)state;
    ordinary_open(&hello, "hello", 0);
    greets(&hello, hello.sandbox);
    e2e_ok(sconce_sandbox_snapshot(hello.sandbox, &warm, &err), &err);
    traps = ordinary_traps(&hello);
    for (unsigned i = 0; i < 3; i++) {
        e2e_ok(sconce_sandbox_restore(hello.sandbox, warm, &err), &err);
        greets(&hello, hello.sandbox);
    }
    assert_int_equal(ordinary_traps(&hello), traps + 3 * TRAPS_OF_A_GREETING);
    sconce_snapshot_free(warm);
    ordinary_close(&hello);
}

/* Of another sandbox, and from before its first call. */
static void test_hello_snapshot_after_start_costs_no_start(void **state)
{
    struct ordinary hello;
    uint64_t started, traps, first;

    (void)state;
    ordinary_open(&hello, "hello", 0);
    started = ordinary_traps(&hello);
    greets(&hello, hello.sandbox);
    first = ordinary_traps(&hello) - started;
    ordinary_restore(&hello);
    traps = ordinary_traps(&hello);
    greets(&hello, hello.sandbox);
    assert_int_equal(ordinary_traps(&hello) - traps, first);
    ordinary_close(&hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_start_traps_and_calls_only_print),
        cmocka_unit_test(test_hello_restored_snapshot_costs_no_start),
        cmocka_unit_test(test_hello_snapshot_after_start_costs_no_start),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
