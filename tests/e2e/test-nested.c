/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs whose host functions call the guest that they serve: with several sandboxes on one
 * thread, and with fork.
 */
#include "e2e.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *boxes[2]; /* [0] and [1] take turns */
    uint32_t turns;                  /* boxes that take turns */
    bool is_child;
};

static int descend(struct sconce_sandbox *sandbox, uint32_t levels, const struct sconce_value *text,
                   struct sconce_value *ret, struct sconce_error *err)
{
    const struct sconce_value args[] = {sconce_u32(levels), *text};

    return sconce_sandbox_call(sandbox, "descend", args, 2, ret, err);
}

/* The next box's turn: with two, box 0 is called from within box 1, which is called from within
 * box 0. */
static int again(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                 size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct world *world = ctx;

    (void)call, (void)arg_count;
    return descend(world->boxes[args[0].as.u32 % world->turns], args[0].as.u32, &args[1], ret, err);
}

static int nothing(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                   size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)ctx, (void)call, (void)args, (void)arg_count, (void)ret, (void)err;
    return 0;
}

static void open_world(struct world *world, sconce_host_fn fn, const char *nesting)
{
    const struct sconce_host_function offers[] = {
        {"host_again", "(u32, string) -> string", fn, world},
        {"host_nothing", "() -> none", nothing, NULL},
    };
    const struct sconce_sandbox_options options = {
        .size = sizeof options, .function_count = 2, .functions = offers};
    struct sconce_config *config = e2e_config("runtime.backend", e2e_backend(), "runtime.isolation",
                                              "any", "limits.nesting", nesting, (char *)NULL);
    const struct sconce_runtime_options runtime_options = {.size = sizeof runtime_options,
                                                           .config = config};
    struct sconce_error err = {0};

    e2e_ok(sconce_runtime_new(&runtime_options, &world->runtime, &err), &err);
    sconce_config_free(config);
    world->guest = e2e_guest(world->runtime, "nested");
    for (unsigned i = 0; i < 2; i++)
        e2e_ok(sconce_sandbox_new(world->guest, &options, &world->boxes[i], &err), &err);
}

static void close_world(struct world *world)
{
    sconce_sandbox_free(world->boxes[0]);
    sconce_sandbox_free(world->boxes[1]);
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
}

static void test_nested_two_sandboxes_call_each_other(void **state)
{
    const struct sconce_value text = sconce_string("x");
    struct world world = {.turns = 2};
    struct sconce_value result;
    struct sconce_error err = {0};

    (void)state;
    open_world(&world, again, "8");
    for (unsigned i = 0; i < 10; i++) {
        e2e_ok(descend(world.boxes[0], 6, &text, &result, &err), &err);
        assert_string_equal(result.as.span.data, "6(5(4(3(2(1(x))))))");
    }
    close_world(&world);
}

static void test_nested_depth_is_the_configurations_unless_told(void **state)
{
    const struct sconce_value text = sconce_string("x");
    struct world world = {.turns = 1};
    struct sconce_value result;
    struct sconce_error err = {0};

    (void)state;
    open_world(&world, again, "2");
    e2e_ok(descend(world.boxes[0], 2, &text, &result, &err), &err);
    assert_string_equal(result.as.span.data, "2(1(x))");
    e2e_ok(descend(world.boxes[0], 3, &text, &result, &err), &err);
    assert_non_null(strstr(result.as.span.data, "nested 2 deep"));
    close_world(&world);

    open_world(&world, again, "0");
    e2e_ok(descend(world.boxes[0], 1, &text, &result, &err), &err);
    assert_non_null(strstr(result.as.span.data, "nested 0 deep"));
    close_world(&world);
}

/* At the bottom it forks; the child returns through all levels, told what it is at each. */
static int fork_below(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                      size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct world *world = ctx;
    struct sconce_value result;
    int status = -1, r;
    pid_t child;

    (void)call, (void)arg_count;
    *ret = args[1];
    if (args[0].as.u32) {
        r = descend(world->boxes[0], args[0].as.u32, &args[1], ret, err);
        if (world->is_child && r != SCONCE_E_FORKED)
            _exit(1);
        return r;
    }
    child = fork();
    if (!child) {
        world->is_child = true;
        if (descend(world->boxes[0], 0, &args[1], &result, err) != SCONCE_E_FORKED)
            _exit(2);
        return 0;
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}

static void test_nested_fork_leaves_all_levels_alone(void **state)
{
    const struct sconce_value text = sconce_string("x");
    struct world world = {.turns = 1};
    struct sconce_value result;
    struct sconce_error err = {0};
    int r;

    (void)state;
    open_world(&world, fork_below, "8");
    r = descend(world.boxes[0], 3, &text, &result, &err);
    if (world.is_child)
        _exit(r == SCONCE_E_FORKED ? 0 : 3);
    e2e_ok(r, &err);
    assert_string_equal(result.as.span.data, "3(2(1(x)))");
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested_two_sandboxes_call_each_other),
        cmocka_unit_test(test_nested_depth_is_the_configurations_unless_told),
        cmocka_unit_test(test_nested_fork_leaves_all_levels_alone),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
