/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that fork without exec. The child has copies of all handles and descriptors, and a
 * runtime of its own if it wants one; parent and child go on, and neither is in the other's way.
 */
#include "e2e.h"
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS 30u
#define THREADS 3u

struct world {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandbox;
};

static struct world make_world(void)
{
    struct world world = {.runtime = e2e_runtime()};

    world.guest = e2e_guest(world.runtime, "counter");
    world.sandbox = e2e_sandbox(world.guest, NULL);
    return world;
}

static void free_world(const struct world *world)
{
    sconce_sandbox_free(world->sandbox);
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
}

/* 101 at the first call, then 102, ...; 0 when it fails. */
static uint64_t next(struct sconce_sandbox *sandbox)
{
    struct sconce_value result;
    struct sconce_error err;

    return sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &err) == 0 ? result.as.u64 : 0;
}

static bool has_no_child(void)
{
    return waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD;
}

/* In a child: a whole life of its own. The number of the first thing that is not so. */
static int live(void)
{
    struct world world;

    /* The parent's zygote and guests are not its children. */
    if (!has_no_child())
        return 1;
    world = make_world();
    if (next(world.sandbox) != 101 || next(world.sandbox) != 102)
        return 2;
    if (strcmp(e2e_isolation(), "process") == 0 && !processes_zygote(getpid()))
        return 3;
    free_world(&world);
    return has_no_child() ? 0 : 4;
}

static void expect_success(pid_t child)
{
    int status = -1;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child: told that it is one, it lets go of all that it inherited and lives on. */
static int let_go_and_live(const struct world *inherited)
{
    struct sconce_error err = {0};

    if (sconce_sandbox_call(inherited->sandbox, "next", NULL, 0, NULL, &err) != SCONCE_E_FORKED)
        return 10;
    free_world(inherited);
    return live();
}

/* Both at work at the same time: each waits for the other once. */
static void test_forks_child_and_parent_go_on_side_by_side(void **state)
{
    struct world world = make_world();
    int to_child[2], to_parent[2];
    char byte = 0;
    pid_t child;

    (void)state;
    assert_int_equal(next(world.sandbox), 101);
    assert_int_equal(pipe2(to_child, O_CLOEXEC) | pipe2(to_parent, O_CLOEXEC), 0);
    child = fork();
    if (!child) {
        int r = let_go_and_live(&world);
        struct world own = make_world();

        if (write(to_parent[1], "", 1) != 1 || read(to_child[0], &byte, 1) != 1)
            _exit(20);
        if (!r && next(own.sandbox) != 101)
            r = 21;
        free_world(&own);
        _exit(r);
    }
    assert_int_equal(read(to_parent[0], &byte, 1), 1);
    for (uint64_t i = 102; i < 200; i++)
        assert_int_equal(next(world.sandbox), i);
    assert_int_equal(write(to_child[1], "", 1), 1);
    expect_success(child);
    assert_int_equal(next(world.sandbox), 200);
    for (unsigned i = 0; i < 2; i++) {
        close(to_child[i]);
        close(to_parent[i]);
    }
    free_world(&world);
    assert_true(has_no_child());
}

/* A child that never cared: it runs the program's own clean-up, and exits. */
static void test_forks_child_that_just_frees_everything_harms_nobody(void **state)
{
    struct world world = make_world();

    (void)state;
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();

        if (!child) {
            free_world(&world);
            _exit(0);
        }
        expect_success(child);
        assert_int_equal(next(world.sandbox), 101 + i);
    }
    free_world(&world);
    assert_true(has_no_child());
}

/* ---- In a host function -------------------------------------------------------------------- */

struct fork_in_call {
    struct sconce_sandbox *sandbox; /* that is in the call */
    unsigned forks;
    bool is_child;
};

/* The child lives in the middle of the call, frees the sandbox that it is in, and returns to it. */
static int fork_and_go_on(void *ctx, struct sconce_host_call *host_call,
                          const struct sconce_value *args, size_t arg_count,
                          struct sconce_value *ret, struct sconce_error *err)
{
    struct fork_in_call *call = ctx;
    pid_t child = fork();

    (void)host_call, (void)args, (void)arg_count, (void)ret, (void)err;
    if (!child) {
        int r = live();

        if (r)
            _exit(r);
        sconce_sandbox_free(call->sandbox);
        call->is_child = true;
        return 0;
    }
    expect_success(child);
    call->forks++;
    return 0;
}

static void test_forks_in_a_host_function_leave_the_call_alone(void **state)
{
    struct fork_in_call call = {0};
    struct sconce_host_function offers[] = {
        {"host_nothing", "() -> none", fork_and_go_on, &call},
        {"host_echo_string", "(string) -> string", e2e_echo, NULL},
    };
    const struct sconce_sandbox_options options = {
        .size = sizeof options, .function_count = 2, .functions = offers};
    const struct sconce_value count = sconce_u32(5);
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "hang");
    struct sconce_error err = {0};

    (void)state;
    e2e_ok(sconce_sandbox_new(guest, &options, &call.sandbox, &err), &err);
    for (unsigned i = 1; i <= 3; i++) {
        int r = sconce_sandbox_call(call.sandbox, "call_host", &count, 1, NULL, &err);

        if (call.is_child)
            _exit(r == SCONCE_E_FORKED ? 0 : 30);
        e2e_ok(r, &err);
        assert_int_equal(call.forks, 5 * i);
    }
    sconce_sandbox_free(call.sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    assert_true(has_no_child());
}

/* ---- While other threads are in the middle of it ------------------------------------------- */

static atomic_bool no_more;

static void *make_sandboxes(void *arg)
{
    while (!atomic_load(&no_more)) {
        struct sconce_sandbox *sandbox = e2e_sandbox(arg, NULL);

        assert_int_equal(next(sandbox), 101);
        sconce_sandbox_free(sandbox);
    }
    return NULL;
}

static void *make_runtimes(void *arg)
{
    (void)arg;
    while (!atomic_load(&no_more)) {
        struct world world = make_world();

        assert_int_equal(next(world.sandbox), 101);
        free_world(&world);
    }
    return NULL;
}

/* Whatever those threads held at that moment, the child does not wait for it. */
static void fork_among(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    struct world world;

    if (e2e_is_sanitized())
        skip();
    world = make_world();
    atomic_store(&no_more, false);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, world.guest);
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();

        if (!child)
            _exit(let_go_and_live(&world));
        expect_success(child);
        assert_int_equal(next(world.sandbox), 101 + i);
    }
    atomic_store(&no_more, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    free_world(&world);
    assert_true(has_no_child());
}

static void test_forks_while_others_make_sandboxes_give_working_children(void **state)
{
    (void)state;
    fork_among(make_sandboxes);
}

static void test_forks_while_others_make_runtimes_give_working_children(void **state)
{
    (void)state;
    fork_among(make_runtimes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forks_child_and_parent_go_on_side_by_side),
        cmocka_unit_test(test_forks_child_that_just_frees_everything_harms_nobody),
        cmocka_unit_test(test_forks_in_a_host_function_leave_the_call_alone),
        cmocka_unit_test(test_forks_while_others_make_sandboxes_give_working_children),
        cmocka_unit_test(test_forks_while_others_make_runtimes_give_working_children),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
