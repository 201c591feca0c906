/* SPDX-License-Identifier: Apache-2.0 */
/* pool/kept-options.c: sandboxes that are made later are made as the caller said once. */
#include <string.h>

#include "pool-fakes.h"
#include "pool/pool.h"

static int any_context;

static int serve(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                 size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)ctx, (void)call, (void)args, (void)arg_count, (void)ret, (void)err;
    return 0;
}

static void print(void *ctx, const char *text, size_t bytes)
{
    (void)ctx, (void)text, (void)bytes;
}

/* Everything that can be pointed to, in memory that is overwritten behind the copy. */
static void test_kept_options_share_nothing_with_the_callers(void **state)
{
    char name[] = "f", signature[] = "() -> none", arg[] = "guest", other_arg[] = "-v",
         variable[] = "HOME=/", seed[] = {1, 2, 3};
    struct sconce_host_function functions[] = {{name, signature, serve, &any_context}};
    const char *args[] = {arg, other_arg}, *env[] = {variable};
    struct sconce_sandbox_options options = {
        .size = sizeof options,
        .function_count = 1,
        .functions = functions,
        .print = print,
        .print_ctx = &any_context,
        .limits.traps = 9,
        .args = args,
        .arg_count = 2,
        .env = env,
        .env_count = 1,
        .random = SCONCE_RANDOM_SEED,
        .seed = seed,
        .seed_bytes = sizeof seed,
        .snapshot = (const struct sconce_snapshot *)&any_context,
    };
    struct sconce_sandbox_options *kept;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_pool_keep_options(&options, &kept, &err), 0);
    memset(name, 'x', sizeof name);
    memset(signature, 'x', sizeof signature);
    memset(arg, 'x', sizeof arg);
    memset(other_arg, 'x', sizeof other_arg);
    memset(variable, 'x', sizeof variable);
    memset(seed, 'x', sizeof seed);
    memset(functions, 0, sizeof functions);
    memset(args, 0, sizeof args);
    memset(env, 0, sizeof env);
    memset(&options, 0, sizeof options);

    assert_int_equal(kept->size, sizeof *kept);
    assert_int_equal(kept->function_count, 1);
    assert_string_equal(kept->functions[0].name, "f");
    assert_string_equal(kept->functions[0].signature, "() -> none");
    assert_ptr_equal(kept->functions[0].fn, serve);
    assert_ptr_equal(kept->functions[0].ctx, &any_context);
    assert_ptr_equal(kept->print, print);
    assert_int_equal(kept->limits.traps, 9);
    assert_string_equal(kept->args[0], "guest");
    assert_string_equal(kept->args[1], "-v");
    assert_string_equal(kept->env[0], "HOME=/");
    assert_int_equal(kept->random, SCONCE_RANDOM_SEED);
    assert_int_equal(kept->seed_bytes, 3);
    assert_memory_equal(kept->seed, "\1\2\3", 3);
    assert_null(kept->snapshot); /* nothing of the caller's is left: the pool has one of its own */
    sconce_pool_free_options(kept);
}

static void test_kept_options_of_nothing_are_the_defaults(void **state)
{
    const struct sconce_sandbox_options *seen;
    struct sconce_sandbox_options *kept;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_pool_keep_options(NULL, &kept, &err), 0);
    seen = kept;
    assert_int_equal(seen->size, sizeof *seen);
    assert_int_equal(seen->function_count, 0);
    assert_null(seen->print);
    assert_null(seen->seed);
    sconce_pool_free_options(kept);
    sconce_pool_free_options(NULL);
}

/* What lies behind the struct of a program that is older than its last members is not read. */
static void test_kept_options_of_an_older_program_end_where_it_says(void **state)
{
    const struct sconce_sandbox_options old = {
        .size = offsetof(struct sconce_sandbox_options, args), .print = print, .arg_count = 77};
    struct sconce_sandbox_options *kept;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_pool_keep_options(&old, &kept, &err), 0);
    assert_ptr_equal(kept->print, print);
    assert_int_equal(kept->size, sizeof *kept);
    assert_int_equal(kept->arg_count, 0);
    sconce_pool_free_options(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_options_share_nothing_with_the_callers),
        cmocka_unit_test(test_kept_options_of_nothing_are_the_defaults),
        cmocka_unit_test(test_kept_options_of_an_older_program_end_where_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
