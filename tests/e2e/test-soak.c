/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long runs: calls, restores and rewinds by the thousand, and turns in a pool, leave no descriptor,
 * no mapping and no memory behind, and each way back brings back every byte. A hundred times as
 * many with SCONCE_SOAK=1 in the environment, as docs/testing.md tells.
 */
#include "pool.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "processes.h"

#define FULL 100u
#define CALLS 10000u
#define WAYS_BACK 1000u
#define SHARES 1u  /* pool_share: two hundred turns */
#define WARM_UP 2u /* of these, and not counted on: libc keeps stacks of threads */
#define POOL_MOST 3u
#define POOL_USES 20u    /* so that a share wears out ten */
#define POOL_MAPPINGS 4u /* less than that: stacks that adjoin are one, or two */
#define CHILDREN_MOST 64u
#define MEMORY_SLACK (1u << 20) /* what libc's allocator keeps, now or then */

static unsigned times(unsigned count)
{
    return getenv("SCONCE_SOAK") ? FULL * count : count;
}

/* What this process holds. */
struct holdings {
    unsigned fds, mappings;
    size_t children;
    size_t memory; /* bytes that it has in use: /proc/self/statm, resident */
};

static struct holdings holdings(void)
{
    struct holdings held = {.fds = e2e_fds(), .mappings = e2e_mappings()};
    pid_t pids[CHILDREN_MOST];
    unsigned long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    held.children = processes_children(getpid(), pids, CHILDREN_MOST);
    held.memory = (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
    return held;
}

/* A sanitizer's allocator keeps what was freed. @mappings: so many more are none that was left. */
static void holds_no_more(const struct holdings *before, const struct holdings *after,
                          unsigned mappings)
{
    print_message(
        "then and now: descriptors %u %u, children %zu %zu, mappings %u %u, KiB %zu %zu\n",
        before->fds, after->fds, before->children, after->children, before->mappings,
        after->mappings, before->memory >> 10, after->memory >> 10);
    assert_int_equal(after->fds, before->fds);
    assert_in_range(after->children, 0, before->children);
    assert_in_range(after->mappings, 0, before->mappings + (e2e_is_sanitized() ? 64 : mappings));
    if (!e2e_is_sanitized())
        assert_in_range(after->memory, 0, before->memory + MEMORY_SLACK);
}

static void call(struct sconce_sandbox *sandbox, const char *function,
                 const struct sconce_value *args, size_t count, struct sconce_value *ret)
{
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, function, args, count, ret, &err), &err);
}

static void test_soak_calls_leave_nothing(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "types");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    const struct sconce_value text = sconce_string("some text, and more of it");
    struct sconce_value result;
    struct holdings before = {0}, after;

    (void)state;
    for (unsigned i = 0; i < times(CALLS); i++) {
        if (i == CALLS / 10)
            before = holdings();
        call(sandbox, "nothing", NULL, 0, NULL);
        call(sandbox, i % 2 ? "echo_string" : "via_host_string", &text, 1, &result);
        assert_int_equal(result.as.span.length, text.as.span.length);
    }
    after = holdings();
    holds_no_more(&before, &after, 0);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

/* A guest that writes all it can, and less. Each way back is compared with the snapshot. */
static void test_soak_ways_back_bring_back_every_byte(void **state)
{
    const struct sconce_sandbox_options options = {
        .size = sizeof options, .limits = {.heap_bytes = 256u << 10, .io_bytes = 64u << 10}};
    struct sconce_config *config = e2e_config("runtime.backend", e2e_backend(), "runtime.isolation",
                                              "any", "runtime.verify_restores", "yes", NULL);
    const struct sconce_runtime_options runtime_options = {.size = sizeof runtime_options,
                                                           .config = config};
    struct sconce_snapshot *snapshot;
    struct sconce_runtime *runtime;
    struct sconce_sandbox *sandbox;
    struct holdings before = {0}, after;
    struct sconce_error err = {0};
    struct sconce_guest *guest;
    struct sconce_value result;

    (void)state;
    e2e_ok(sconce_runtime_new(&runtime_options, &runtime, &err), &err);
    guest = e2e_guest(runtime, "dirty");
    sandbox = e2e_sandbox(guest, &options);
    call(sandbox, "fill", (struct sconce_value[]){sconce_u64(1)}, 1, NULL);
    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    for (unsigned i = 0; i < times(WAYS_BACK); i++) {
        if (i == WAYS_BACK / 10)
            before = holdings();
        if (i % 50 == 0)
            call(sandbox, "fill", (struct sconce_value[]){sconce_u64(i + 2)}, 1, NULL);
        call(sandbox, "differing", (struct sconce_value[]){sconce_u64(1)}, 1, &result);
        e2e_ok(i % 3 ? sconce_sandbox_rewind(sandbox, snapshot, &err)
                     : sconce_sandbox_restore(sandbox, snapshot, &err),
               &err);
    }
    call(sandbox, "differing", (struct sconce_value[]){sconce_u64(1)}, 1, &result);
    assert_int_equal(result.as.u64, 0);
    after = holdings();
    holds_no_more(&before, &after, 0);
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    sconce_config_free(config);
}

/* Nothing is lent, nothing on its way. */
static struct holdings pool_holdings(const struct pool_world *world)
{
    POOL_AWAIT(world, ready, POOL_MOST);
    POOL_AWAIT(world, alive, POOL_MOST);
    return holdings();
}

/* Four threads and a kicker, and fewer sandboxes, which wear out and are made anew. */
static void test_soak_turns_in_a_pool_leave_nothing(void **state)
{
    const struct sconce_pool_options options = {
        .ready = POOL_MOST, .most = POOL_MOST, .uses = POOL_USES};
    struct pool_world *world = pool_world("counter", &options);
    struct holdings before = {0}, after;
    unsigned calls = 0;

    (void)state;
    mallopt(M_ARENA_MAX, 1); /* else libc maps one more when threads meet in it, now or then */
    for (unsigned i = 0; i < WARM_UP + times(SHARES); i++) {
        struct pool_tally tally;

        if (i == WARM_UP)
            before = pool_holdings(world);
        tally = pool_share(world, i % 2);
        assert_int_equal(tally.wrong, 0);
        calls += tally.calls;
    }
    after = pool_holdings(world);
    holds_no_more(&before, &after, POOL_MAPPINGS);
    assert_int_equal(pool_count(world).failed + pool_count(world).failed_restores, 0);
    assert_in_range(pool_count(world).thrown_away, calls / POOL_USES - POOL_MOST, calls);
    print_message("%u turns in %llu sandboxes\n", calls,
                  (unsigned long long)pool_count(world).made);
    pool_close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_soak_calls_leave_nothing),
        cmocka_unit_test(test_soak_ways_back_bring_back_every_byte),
        cmocka_unit_test(test_soak_turns_in_a_pool_leave_nothing),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
