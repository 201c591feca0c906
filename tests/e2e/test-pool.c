/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of real guests, on each backend that runs them: threads that share one, kicks, what a pool
 * costs and gives back.
 */
#include "pool.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

/* ---- Contention ------------------------------------------------------------------------------ */

static void test_pool_is_shared_by_four_threads(void **state)
{
    struct pool_world *world =
        pool_world("counter", &(struct sconce_pool_options){.ready = 2, .most = 3, .uses = 20});
    struct pool_tally tally = pool_share(world, false);
    struct sconce_pool_counts counts;

    (void)state;
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.kicked, 0);
    counts = pool_count(world);
    assert_int_equal(counts.lent, 0);
    assert_int_equal(counts.failed, 0);
    assert_int_equal(counts.failed_restores, 0);
    assert_in_range(counts.alive, 1, 3);
    assert_in_range(counts.made, tally.calls / 20, tally.calls);
    pool_close_world(world);
}

static void test_pool_cleans_what_is_kicked_among_threads(void **state)
{
    struct pool_world *world =
        pool_world("counter", &(struct sconce_pool_options){.ready = 2, .most = 3});
    struct pool_tally tally = pool_share(world, true);

    (void)state;
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(pool_count(world).recycled, tally.calls);
    assert_int_equal(pool_count(world).failed_restores, 0);
    pool_close_world(world);
}

/* ---- One at a time --------------------------------------------------------------------------- */

static void *kick_it(void *arg)
{
    while (sconce_sandbox_kick(arg) != 1)
        sched_yield();
    return NULL;
}

static void test_pool_lends_a_kicked_sandbox_again(void **state)
{
    struct pool_world *world = pool_world("hang", &(struct sconce_pool_options){.most = 1});

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct sconce_sandbox *sandbox = pool_take(world);
        pthread_t kicker;

        assert_int_equal(pthread_create(&kicker, NULL, kick_it, sandbox), 0);
        assert_int_equal(sconce_sandbox_call(sandbox, "spin", NULL, 0, NULL, NULL),
                         SCONCE_E_KICKED);
        pthread_join(kicker, NULL);
        sconce_pool_give(world->pool, sandbox);
    }
    assert_int_equal(pool_count(world).made, 1);
    pool_close_world(world);
}

/* In the pool's options, or in those of its sandboxes. Its limits on memory are not the
 * configuration's, and it is the caller's to free. */
static void begin_as_the_callers(bool by_sandbox)
{
    const struct sconce_sandbox_options small = {.size = sizeof small,
                                                 .limits = {.heap_bytes = 1u << 20}};
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *model = e2e_sandbox(guest, &small), *a, *b;
    struct sconce_sandbox_options sandbox = {.size = sizeof sandbox};
    struct sconce_pool_options options = {.size = sizeof options, .ready = 1, .most = 2};
    struct sconce_snapshot *snapshot;
    struct pool_world world = {0};
    struct sconce_error err = {0};

    assert_int_equal(pool_next(model), 101);
    e2e_ok(sconce_sandbox_snapshot(model, &snapshot, &err), &err);
    options.sandbox = by_sandbox ? &sandbox : NULL;
    sandbox.snapshot = snapshot;
    if (!by_sandbox)
        options.snapshot = snapshot;
    e2e_ok(sconce_pool_new(guest, &options, &world.pool, &err), &err);
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(model);
    for (unsigned i = 0; i < 3; i++) {
        a = pool_take(&world); /* the first one, then recycled */
        b = pool_take(&world); /* made for it */
        assert_int_equal(pool_next(a), 102);
        assert_int_equal(pool_next(b), 102);
        sconce_pool_give(world.pool, a);
        sconce_pool_give(world.pool, b);
    }
    sconce_pool_free(world.pool);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

static void test_pool_begins_as_a_snapshot_of_the_callers(void **state)
{
    (void)state;
    begin_as_the_callers(false);
    begin_as_the_callers(true);
}

static void test_pool_of_another_guests_snapshot_is_refused(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *counter = e2e_guest(runtime, "counter"),
                        *dirty = e2e_guest(runtime, "dirty");
    struct sconce_sandbox *model = e2e_sandbox(counter, NULL);
    struct sconce_pool_options options = {.size = sizeof options};
    struct sconce_snapshot *snapshot;
    struct sconce_pool *pool = NULL;
    struct sconce_error err = {0};

    (void)state;
    e2e_ok(sconce_sandbox_snapshot(model, &snapshot, &err), &err);
    options.snapshot = snapshot;
    assert_int_equal(sconce_pool_new(dirty, &options, &pool, &err), SCONCE_E_INVALID);
    e2e_says(&err, "another");
    assert_null(pool);
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(model);
    sconce_guest_free(counter);
    sconce_guest_free(dirty);
    sconce_runtime_free(runtime);
}

/* ---- What it takes and gives back ------------------------------------------------------------ */

/* The options are those that pool_new was given, whatever became of them since. */
static void test_pool_keeps_what_its_sandboxes_are_made_with(void **state)
{
    char name[] = "host_echo_string", signature[] = "(string) -> string";
    struct sconce_host_function offers[] = {{name, signature, e2e_echo, NULL}};
    struct sconce_sandbox_options sandbox_options = {.size = sizeof sandbox_options,
                                                     .function_count = 1,
                                                     .functions = offers,
                                                     .limits.host_calls = 7};
    struct pool_world *world = pool_world(
        "frames",
        &(struct sconce_pool_options){.ready = 1, .most = 2, .sandbox = &sandbox_options});
    struct sconce_sandbox *a, *b;

    (void)state;
    memset(name, 'x', sizeof name - 1);
    memset(signature, 'x', sizeof signature - 1);
    memset(offers, 0, sizeof offers);
    memset(&sandbox_options, 0, sizeof sandbox_options);
    a = pool_take(world);
    b = pool_take(world);
    sconce_pool_give(world->pool, a);
    sconce_pool_give(world->pool, b);
    pool_close_world(world);
}

static void test_pool_leaves_nothing_behind(void **state)
{
    unsigned fds = 0, mappings = 0;

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        struct pool_world *world =
            pool_world("counter", &(struct sconce_pool_options){.ready = 2, .most = 4, .uses = 1});

        for (unsigned turn = 0; turn < 8; turn++) {
            struct sconce_sandbox *sandbox = pool_take(world);

            assert_int_equal(pool_next(sandbox), 101);
            sconce_pool_give(world->pool, sandbox);
        }
        pool_close_world(world);
        if (i == 3) {
            fds = e2e_fds();
            mappings = e2e_mappings();
        }
    }
    assert_int_equal(e2e_fds(), fds);
    /* The allocator may keep an arena or two for threads. */
    assert_in_range(e2e_mappings(), 0, mappings + 6);
}

/* The field SigBlk of the thread that is called @name: which signals it blocks. */
static unsigned long long blocked_in(const char *name)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned long long set = 0;
    const struct dirent *entry;
    unsigned found = 0;

    while ((entry = readdir(dir))) {
        char path[300], line[256] = "";
        FILE *file;

        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!file)
            continue;
        if (fgets(line, sizeof line, file) && strstr(line, name)) {
            found++;
            while (fgets(line, sizeof line, file))
                sscanf(line, "SigBlk: %llx", &set);
        }
        fclose(file);
    }
    closedir(dir);
    assert_int_equal(found, 1);
    return set;
}

static bool holds(unsigned long long set, int number)
{
    return set >> (number - 1) & 1;
}

static void test_pool_takes_no_signal_from_the_program(void **state)
{
    struct pool_world *world = pool_world("counter", &(struct sconce_pool_options){.ready = 2});
    unsigned long long blocked;

    (void)state;
    POOL_AWAIT(world, ready, 2); /* one of them by the thread */
    blocked = blocked_in("sconce-pool");
    assert_true(holds(blocked, SIGTERM));
    assert_true(holds(blocked, SIGCHLD));
    assert_true(holds(blocked, SIGALRM));
    assert_false(holds(blocked, SIGSEGV));
    assert_false(holds(blocked, SIGURG)); /* or nothing would end a start that takes too long */
    pool_close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_is_shared_by_four_threads),
        cmocka_unit_test(test_pool_cleans_what_is_kicked_among_threads),
        cmocka_unit_test(test_pool_lends_a_kicked_sandbox_again),
        cmocka_unit_test(test_pool_begins_as_a_snapshot_of_the_callers),
        cmocka_unit_test(test_pool_of_another_guests_snapshot_is_refused),
        cmocka_unit_test(test_pool_keeps_what_its_sandboxes_are_made_with),
        cmocka_unit_test(test_pool_leaves_nothing_behind),
        cmocka_unit_test(test_pool_takes_no_signal_from_the_program),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
