/* SPDX-License-Identifier: Apache-2.0 */
/* examples/lua: scripts that end well, that fail, and that do not end. */
#include "ordinary.h"

#define DEADLINE_MS 300u

static void test_lua_script_file_comes_to_the_same_as_natively(void **state)
{
    struct ordinary lua;

    (void)state;
    ordinary_open(&lua, "lua", 0);
    assert_true(ordinary_same(&lua, "run", ORDINARY_WORDS("@primes.lua")));
    assert_true(lua.printed.length > 0);
    ordinary_close(&lua);
}

static int refuse(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                  size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)ctx;
    (void)call;
    (void)args;
    (void)arg_count;
    *ret = sconce_string("");
    err->text[0] = 'N', err->text[1] = 'O', err->text[2] = '\0';
    return 7;
}

static void test_lua_host_function_that_fails_is_an_error_of_lua(void **state)
{
    const struct sconce_host_function ask = {"ask", "(string) -> string", refuse, NULL};
    const struct sconce_sandbox_options options = {
        .size = sizeof options, .function_count = 1, .functions = &ask};
    struct sconce_value script = sconce_string("print(ask('x'))");
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};
    struct ordinary lua;

    (void)state;
    ordinary_open(&lua, "lua", 0);
    e2e_ok(sconce_sandbox_new(lua.guest, &options, &sandbox, &err), &err);
    assert_int_equal(sconce_sandbox_call(sandbox, "run", &script, 1, NULL, &err),
                     SCONCE_E_GUEST_FAILED);
    e2e_says(&err, "ask: NO");
    sconce_sandbox_free(sandbox);
    ordinary_close(&lua);
}

static void test_lua_errors_are_lua_s_and_next_script_runs(void **state)
{
    struct ordinary lua;

    (void)state;
    ordinary_open(&lua, "lua", 0);
    assert_false(ordinary_same(&lua, "run", ORDINARY_WORDS("error('no')")));
    assert_false(ordinary_same(&lua, "run", ORDINARY_WORDS("print('here'); return nil + 1")));
    assert_false(ordinary_same(&lua, "run", ORDINARY_WORDS("return (")));
    assert_true(ordinary_same(&lua, "run", ORDINARY_WORDS("return 6 * 7")));
    ordinary_close(&lua);
}

static void test_lua_endless_loop_ends_by_the_deadline(void **state)
{
    struct sconce_error err = {0};
    struct ordinary lua;

    (void)state;
    ordinary_open(&lua, "lua", DEADLINE_MS);
    assert_int_equal(ordinary_call(&lua, "run", ORDINARY_WORDS("while true do end"), NULL, &err),
                     SCONCE_E_LIMIT);
    e2e_says(&err, "deadline");
    assert_int_equal(sconce_sandbox_state(lua.sandbox), SCONCE_STATE_POISONED);
    ordinary_restore(&lua);
    assert_true(ordinary_same(&lua, "run", ORDINARY_WORDS("return 6 * 7")));
    ordinary_close(&lua);
}

static void test_lua_script_without_measure_ends_by_the_heap(void **state)
{
    const char *const *hungry = ORDINARY_WORDS("local t = {} while true do t[#t + 1] = {} end");
    struct sconce_error err = {0};
    struct ordinary lua;

    (void)state;
    ordinary_open(&lua, "lua", 0);
    assert_int_equal(ordinary_call(&lua, "run", hungry, NULL, &err), SCONCE_E_GUEST_FAILED);
    e2e_says(&err, "not enough memory");
    assert_true(ordinary_same(&lua, "run", ORDINARY_WORDS("return 6 * 7")));
    ordinary_close(&lua);
}

/* A new Lua asks for the time twice, as a seed. Memory is asked for no more than once. */
static void test_lua_later_calls_trap_for_seeds_only(void **state)
{
    const char *const *script =
        ORDINARY_WORDS("local t = {} for i = 1, 10000 do t[i] = i .. '' end");
    struct sconce_error err = {0};
    struct ordinary lua;
    uint64_t traps;

    (void)state;
    ordinary_open(&lua, "lua", 0);
    e2e_ok(ordinary_call(&lua, "run", script, NULL, &err), &err);
    traps = ordinary_traps(&lua);
    for (unsigned i = 0; i < 10; i++)
        e2e_ok(ordinary_call(&lua, "run", script, NULL, &err), &err);
    assert_in_range(ordinary_traps(&lua) - traps, 0, 10 * 2);
    ordinary_close(&lua);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lua_script_file_comes_to_the_same_as_natively),
        cmocka_unit_test(test_lua_host_function_that_fails_is_an_error_of_lua),
        cmocka_unit_test(test_lua_errors_are_lua_s_and_next_script_runs),
        cmocka_unit_test(test_lua_endless_loop_ends_by_the_deadline),
        cmocka_unit_test(test_lua_script_without_measure_ends_by_the_heap),
        cmocka_unit_test(test_lua_later_calls_trap_for_seeds_only),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
