/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "personality-fixture.h"

static int setup(void **state)
{
    static struct fixture f;

    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

static void test_constants(void **state)
{
    static const struct {
        const char *name;
        int64_t result;
    } constants[] = {
        {"open", -ENOENT},   {"openat", -ENOENT},     {"readlink", -ENOENT},
        {"access", -ENOENT}, {"readlinkat", -ENOENT}, {"faccessat", -ENOENT},
        {"getpid", 1},       {"faccessat2", -ENOENT}, {"gettid", 1},
        {"getppid", 0},      {"getuid", 1000},        {"geteuid", 1000},
        {"getgid", 1000},    {"getegid", 1000},       {"set_tid_address", 1},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        assert_int_equal(CALL(f, constants[i].name, UINT64_MAX, UINT64_MAX), constants[i].result);
    assert_int_equal(f->p.counts.denied, 0);
}

static void test_numbers_without_an_entry_are_denied_and_counted(void **state)
{
    static const uint64_t numbers[] = {200, 1023, 1024, 1ull << 32, UINT64_MAX};
    struct fixture *f = *state;
    const uint64_t args[6] = {0};
    int64_t result;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        result = 0;
        assert_int_equal(sconce_personality_call(&f->p, numbers[i], args, &result, &f->err), 0);
        assert_int_equal(result, -ENOSYS);
    }
    assert_int_equal(f->p.counts.denied, 5);
    assert_int_equal(sconce_personality_arg_count(&f->table, UINT64_MAX), 6);
    assert_int_equal(sconce_personality_arg_count(&f->table, fixture_number("getpid")), 0);
}

static const char *denied_name(uint64_t number)
{
    static const char *const names[] = {
        "fstat",   "newfstatat", "clone", "clone3",          "fork",  "execve",  "socket",
        "ptrace",  "fcntl",      "rseq",  "set_robust_list", "uname", "sysinfo", "dup",
        "mprotec", "writev2",    "",
    };

    return number < sizeof names / sizeof names[0] ? names[number] : NULL;
}

static void test_resolve_goes_by_whole_names(void **state)
{
    struct sconce_personality_table table;

    (void)state;
    memset(&table, 0xff, sizeof table);
    sconce_personality_resolve(&table, denied_name);
    for (size_t i = 0; i < SCONCE_PERSONALITY_NUMBERS; i++)
        assert_int_equal(table.entries[i], 0);
}

/* Whatever the pointers and lengths are: memory that the guest may not write stays as it is, and
 * the answer is a result, a known error or an end. Sanitizers see the rest. */
static void test_hostile_arguments_in_every_place(void **state)
{
    static const uint64_t hostile[] = {
        0,
        1,
        3,
        8,
        1024,
        1025,
        PAGE,
        CODE_AT,
        CODE_AT - 4,
        DATA_AT,
        MORE_AT + STRETCH - 4,
        BOOT_AT + STRETCH - 1,
        HEAP_AT,
        HEAP_AT + HEAP_BYTES - 1,
        HEAP_AT + HEAP_BYTES,
        1ull << 32,
        INT64_MAX,
        1ull << 63,
        UINT64_MAX - PAGE + 1,
        UINT64_MAX,
    };
    const size_t count = sizeof hostile / sizeof hostile[0];
    struct fixture *f = *state;

    memset(fixture_at(f, CODE_AT), 0xc0, STRETCH);
    memset(fixture_at(f, BOOT_AT), 0xb0, STRETCH);
    for (size_t call = 0; sconce_personality_entry_name(call); call++)
        for (size_t i = 0; i < count * count * count; i++) {
            const uint64_t args[6] = {hostile[i % count],
                                      hostile[i / count % count],
                                      hostile[i / count / count],
                                      hostile[i % 7],
                                      hostile[i % 5],
                                      0};
            int64_t result = 0;
            int r = sconce_personality_call(&f->p, call, args, &result, &f->err);

            assert_true(r == 0 || r == SCONCE_E_GUEST_EXIT || r == SCONCE_E_GUEST_ABORT);
            assert_true(result > -134);
        }
    assert_true(fixture_is(f, CODE_AT, 0xc0, STRETCH));
    assert_true(fixture_is(f, BOOT_AT, 0xb0, STRETCH));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_constants),
        TEST(test_numbers_without_an_entry_are_denied_and_counted),
        TEST(test_resolve_goes_by_whole_names),
        TEST(test_hostile_arguments_in_every_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
