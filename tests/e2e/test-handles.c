/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a handle is: threads, forks, order of freeing, and sandboxes that have nothing to do with
 * each other. With a backend that runs guests.
 */
#include "e2e.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 101 at the first call, then 102, ... */
static uint64_t next(struct sconce_sandbox *sandbox)
{
    struct sconce_value result;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &err), &err);
    return result.as.u64;
}

/* A sandbox that another thread keeps busy until it is kicked. */
struct busy {
    struct sconce_sandbox *sandbox;
    struct sconce_error err;
    int result;
};

static void *spin(void *arg)
{
    struct busy *busy = arg;

    busy->result = sconce_sandbox_call(busy->sandbox, "spin", NULL, 0, NULL, &busy->err);
    return NULL;
}

static void test_handles_second_thread_is_told_that_it_is_busy(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "hang");
    const struct sconce_sandbox_options options = {.size = sizeof options,
                                                   .limits.deadline_ns = UINT64_MAX};
    struct busy busy = {.sandbox = e2e_sandbox(guest, &options)};
    struct sconce_sandbox *other = e2e_sandbox(guest, &options);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, spin, &busy);
    while (sconce_sandbox_state(busy.sandbox) != SCONCE_STATE_RUNNING)
        sched_yield();

    assert_int_equal(sconce_sandbox_call(busy.sandbox, "spin", NULL, 0, NULL, &err), SCONCE_E_BUSY);
    e2e_says(&err, "in use");
    assert_int_equal(sconce_sandbox_snapshot(busy.sandbox, &snapshot, &err), SCONCE_E_BUSY);
    assert_int_equal(sconce_sandbox_state(other), SCONCE_STATE_READY);
    assert_int_equal(sconce_sandbox_kick(other), 0);
    assert_int_equal(sconce_sandbox_kick(busy.sandbox), 1);
    pthread_join(thread, NULL);
    assert_int_equal(busy.result, SCONCE_E_KICKED);
    assert_int_equal(sconce_sandbox_state(busy.sandbox), SCONCE_STATE_POISONED);

    sconce_sandbox_free(busy.sandbox);
    sconce_sandbox_free(other);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

/* What the child sees of its parent's handles; its exit status is the number of the first lie. */
static int look_from_child(struct sconce_runtime *runtime, struct sconce_guest *guest,
                           struct sconce_sandbox *sandbox, struct sconce_snapshot *snapshot)
{
    struct sconce_sandbox *other;
    struct sconce_guest *again;
    struct sconce_snapshot *copy;
    struct sconce_runtime *own;
    struct sconce_error err = {0};

    if (sconce_sandbox_call(sandbox, "next", NULL, 0, NULL, &err) != SCONCE_E_FORKED)
        return 1;
    if (!strstr(err.text, "forked"))
        return 2;
    if (sconce_sandbox_new(guest, NULL, &other, &err) != SCONCE_E_FORKED)
        return 3;
    if (sconce_guest_load_memory(runtime, "", 0, "x", &again, &err) != SCONCE_E_FORKED)
        return 4;
    if (sconce_sandbox_snapshot(sandbox, &copy, &err) != SCONCE_E_FORKED)
        return 5;
    if (sconce_sandbox_restore(sandbox, snapshot, &err) != SCONCE_E_FORKED)
        return 6;
    if (sconce_sandbox_kick(sandbox))
        return 7;
    sconce_sandbox_free(sandbox);
    sconce_snapshot_free(snapshot);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    /* A runtime of the child's own works. */
    own = e2e_runtime();
    guest = e2e_guest(own, "counter");
    sandbox = e2e_sandbox(guest, NULL);
    if (next(sandbox) != 101)
        return 8;
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(own);
    return 0;
}

static void test_handles_inherited_over_fork_are_refused(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(next(sandbox), 101);
    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    child = fork();
    if (!child)
        _exit(look_from_child(runtime, guest, sandbox, snapshot));
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);

    assert_int_equal(next(sandbox), 102);
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

/* Forks; the child goes on as if it were the parent, and must be told that it is not. */
static int fork_in_host_function(void *ctx, struct sconce_host_call *call,
                                 const struct sconce_value *args, size_t arg_count,
                                 struct sconce_value *ret, struct sconce_error *err)
{
    pid_t *child = ctx;

    (void)call, (void)args, (void)arg_count, (void)ret, (void)err;
    *child = fork();
    return 0;
}

/* In the child: its own runtime, and deadlines of its own. */
static int use_own_runtime(void)
{
    const struct sconce_sandbox_options options = {.limits.deadline_ns = 200000000};
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "hang");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, &options);
    struct sconce_error err = {0};
    int r = sconce_sandbox_call(sandbox, "spin", NULL, 0, NULL, &err);

    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    return r == SCONCE_E_LIMIT && err.limit == SCONCE_LIMIT_DEADLINE ? 0 : 3;
}

static void test_handles_child_forked_in_a_host_function_is_told(void **state)
{
    pid_t child = -1;
    const struct sconce_host_function offer = {"host_nothing", "() -> none", fork_in_host_function,
                                               &child};
    struct sconce_host_function offers[] = {
        offer, {"host_echo_string", "(string) -> string", e2e_echo, NULL}};
    const struct sconce_sandbox_options options = {
        .size = sizeof options, .function_count = 2, .functions = offers, .limits.host_calls = 1};
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "hang");
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};
    int status, r;

    (void)state;
    e2e_ok(sconce_sandbox_new(guest, &options, &sandbox, &err), &err);
    r = sconce_sandbox_call(sandbox, "call_host_forever", NULL, 0, NULL, &err);
    if (!child)
        _exit(r == SCONCE_E_FORKED ? use_own_runtime() : 2);
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(r, SCONCE_E_LIMIT);

    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

static void test_handles_may_be_freed_in_any_order(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    (void)state;
    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    sconce_runtime_free(runtime);
    sconce_guest_free(guest);
    assert_int_equal(next(sandbox), 101);
    e2e_ok(sconce_sandbox_restore(sandbox, snapshot, &err), &err);
    assert_int_equal(next(sandbox), 101);
    sconce_sandbox_free(sandbox);
    sconce_snapshot_free(snapshot);
}

static void test_handles_snapshot_moves_state_between_sandboxes(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *a = e2e_sandbox(guest, NULL), *b = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(next(a), 101);
    assert_int_equal(next(a), 102);
    e2e_ok(sconce_sandbox_snapshot(a, &snapshot, &err), &err);
    assert_int_equal(next(a), 103);
    e2e_ok(sconce_sandbox_restore(b, snapshot, &err), &err);
    assert_int_equal(next(b), 103);
    e2e_ok(sconce_sandbox_restore(a, snapshot, &err), &err);
    assert_int_equal(next(a), 103);

    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(a);
    sconce_sandbox_free(b);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

static void test_handles_snapshot_of_another_guest_is_refused(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *one = e2e_guest(runtime, "counter"), *two = e2e_guest(runtime, "hang");
    struct sconce_sandbox *a = e2e_sandbox(one, NULL), *b = e2e_sandbox(two, NULL);
    const struct sconce_sandbox_options options = {.size = sizeof options,
                                                   .limits.heap_bytes = 1 << 20};
    struct sconce_sandbox *small = e2e_sandbox(one, &options);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    (void)state;
    e2e_ok(sconce_sandbox_snapshot(a, &snapshot, &err), &err);
    assert_int_equal(sconce_sandbox_restore(b, snapshot, &err), SCONCE_E_INVALID);
    e2e_says(&err, "another");
    assert_int_equal(sconce_sandbox_state(b), SCONCE_STATE_READY);
    assert_int_equal(sconce_sandbox_restore(small, snapshot, &err), SCONCE_E_INVALID);
    e2e_says(&err, "memory limits");

    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(a);
    sconce_sandbox_free(b);
    sconce_sandbox_free(small);
    sconce_guest_free(one);
    sconce_guest_free(two);
    sconce_runtime_free(runtime);
}

#define SOAK 2000u
#define ALIVE 200u

static void test_handles_2000_sandboxes_leave_nothing_behind(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    unsigned fds, mappings;

    (void)state;
    sconce_sandbox_free(e2e_sandbox(guest, NULL));
    fds = e2e_fds();
    mappings = e2e_mappings();
    for (unsigned i = 0; i < SOAK; i++) {
        struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);

        assert_int_equal(next(sandbox), 101);
        sconce_sandbox_free(sandbox);
    }
    assert_int_equal(e2e_fds(), fds);
    /* The allocator may keep an arena or two, but not one for each hundred. */
    assert_in_range(e2e_mappings(), 0, mappings + 4);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

static void test_handles_200_alive_stay_within_the_budget(void **state)
{
    static struct sconce_sandbox *alive[ALIVE];
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    unsigned fds, mappings;

    (void)state;
    sconce_sandbox_free(e2e_sandbox(guest, NULL)); /* what a backend keeps is no sandbox's */
    fds = e2e_fds();
    mappings = e2e_mappings();
    for (unsigned i = 0; i < ALIVE; i++)
        alive[i] = e2e_sandbox(guest, NULL);
    for (unsigned i = 0; i < ALIVE; i++)
        assert_int_equal(next(alive[i]), 101);
    print_message("a sandbox takes %.2f descriptors and %.2f mappings\n",
                  (e2e_fds() - fds) / (double)ALIVE, (e2e_mappings() - mappings) / (double)ALIVE);
    assert_in_range(e2e_fds() - fds, 1, 3 * ALIVE);
    assert_in_range(e2e_mappings() - mappings, 1, 12 * ALIVE);
    for (unsigned i = 0; i < ALIVE; i++)
        sconce_sandbox_free(alive[i]);
    assert_int_equal(e2e_fds(), fds);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles_second_thread_is_told_that_it_is_busy),
        cmocka_unit_test(test_handles_inherited_over_fork_are_refused),
        cmocka_unit_test(test_handles_child_forked_in_a_host_function_is_told),
        cmocka_unit_test(test_handles_may_be_freed_in_any_order),
        cmocka_unit_test(test_handles_snapshot_moves_state_between_sandboxes),
        cmocka_unit_test(test_handles_snapshot_of_another_guest_is_refused),
        cmocka_unit_test(test_handles_2000_sandboxes_leave_nothing_behind),
        cmocka_unit_test(test_handles_200_alive_stay_within_the_budget),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
