/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes that begin as a snapshot: any number of one, and nothing of the start-up runs again. */
#include "e2e.h"

#include <stdlib.h>
#include <string.h>

struct story {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *first;
    struct sconce_snapshot *snapshot;
};

static uint64_t call_u64(struct sconce_sandbox *sandbox, const char *function)
{
    struct sconce_value result = {0};
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, function, NULL, 0, &result, &err), &err);
    return result.as.u64;
}

static void open_story(struct story *story, const char *guest)
{
    story->runtime = e2e_runtime();
    story->guest = e2e_guest(story->runtime, guest);
    story->first = e2e_sandbox(story->guest, NULL);
}

static void take(struct story *story)
{
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_snapshot(story->first, &story->snapshot, &err), &err);
}

static void close_story(struct story *story)
{
    sconce_snapshot_free(story->snapshot);
    sconce_sandbox_free(story->first);
    sconce_guest_free(story->guest);
    sconce_runtime_free(story->runtime);
}

static struct sconce_sandbox *another(const struct story *story)
{
    const struct sconce_sandbox_options options = {.size = sizeof options,
                                                   .snapshot = story->snapshot};

    return e2e_sandbox(story->guest, &options);
}

static void test_many_of_one_snapshot_are_apart(void **state)
{
    struct sconce_sandbox *sandboxes[5];
    struct story story = {0};

    (void)state;
    open_story(&story, "counter");
    assert_int_equal(call_u64(story.first, "next"), 101);
    take(&story);
    assert_int_equal(call_u64(story.first, "next"), 102);
    for (unsigned i = 0; i < 5; i++) {
        sandboxes[i] = another(&story);
        assert_int_equal(sconce_sandbox_state(sandboxes[i]), SCONCE_STATE_READY);
        for (unsigned n = 0; n <= i; n++)
            assert_int_equal(call_u64(sandboxes[i], "next"), 102 + n);
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(call_u64(sandboxes[i], "next"), 103 + i);
        sconce_sandbox_free(sandboxes[i]);
    }
    close_story(&story);
}

static void test_start_up_does_not_run(void **state)
{
    struct sconce_stats stats = {.size = sizeof stats};
    struct sconce_sandbox *sandbox;
    struct story story = {0};

    (void)state;
    open_story(&story, "counter");
    take(&story);
    sandbox = another(&story);
    sconce_sandbox_stats(sandbox, &stats);
    assert_int_equal(stats.exits, 0);
    assert_int_equal(call_u64(sandbox, "next"), 101);
    sconce_sandbox_free(sandbox);
    close_story(&story);
}

static void test_it_can_be_restored_and_copied_again(void **state)
{
    struct sconce_snapshot *second;
    struct sconce_sandbox *sandbox;
    struct story story = {0};
    struct sconce_error err = {0};

    (void)state;
    open_story(&story, "counter");
    take(&story);
    sandbox = another(&story);
    sconce_sandbox_free(story.first);
    story.first = NULL;
    e2e_ok(sconce_sandbox_snapshot(sandbox, &second, &err), &err);
    assert_int_equal(call_u64(sandbox, "next"), 101);
    e2e_ok(sconce_sandbox_restore(sandbox, second, &err), &err);
    assert_int_equal(call_u64(sandbox, "next"), 101);
    e2e_ok(sconce_sandbox_restore(sandbox, story.snapshot, &err), &err);
    assert_int_equal(call_u64(sandbox, "next"), 101);
    sconce_snapshot_free(second);
    sconce_sandbox_free(sandbox);
    close_story(&story);
}

/* A guest that draws random numbers looks at it to draw anew. */
static void test_generation_is_one_that_the_guest_has_not_seen(void **state)
{
    struct sconce_sandbox *sandbox, *next;
    struct story story = {0};
    struct sconce_error err = {0};
    uint64_t before;

    (void)state;
    open_story(&story, "random");
    take(&story);
    sandbox = another(&story);
    before = call_u64(sandbox, "generation");
    assert_int_not_equal(before, 0);
    sconce_snapshot_free(story.snapshot);
    e2e_ok(sconce_sandbox_snapshot(sandbox, &story.snapshot, &err), &err);
    next = another(&story);
    assert_int_not_equal(call_u64(next, "generation"), before);
    /* Also where the sandbox itself has seen fewer than the snapshot. */
    e2e_ok(sconce_sandbox_restore(story.first, story.snapshot, &err), &err);
    assert_int_not_equal(call_u64(story.first, "generation"), before);
    sconce_sandbox_free(next);
    sconce_sandbox_free(sandbox);
    close_story(&story);
}

static void test_limits_of_memory_are_the_snapshots(void **state)
{
    const struct sconce_sandbox_options small = {.size = sizeof small,
                                                 .limits = {.heap_bytes = 1u << 20}};
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_sandbox *sandbox = NULL;
    struct story story = {0};
    struct sconce_error err = {0};

    (void)state;
    open_story(&story, "counter");
    sconce_sandbox_free(story.first);
    story.first = e2e_sandbox(story.guest, &small);
    take(&story);
    sandbox = another(&story);
    assert_int_equal(call_u64(sandbox, "next"), 101);
    options.snapshot = story.snapshot;
    options.limits.heap_bytes = 2u << 20;
    assert_int_equal(sconce_sandbox_new(story.guest, &options, &sandbox, &err), SCONCE_E_INVALID);
    e2e_says(&err, "other memory limits");
    sconce_sandbox_free(sandbox);
    close_story(&story);
}

static void test_a_snapshot_of_another_guest_is_refused(void **state)
{
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_sandbox *sandbox = NULL;
    struct story story = {0};
    struct sconce_guest *other;
    struct sconce_error err = {0};

    (void)state;
    open_story(&story, "counter");
    take(&story);
    other = e2e_guest(story.runtime, "empty");
    options.snapshot = story.snapshot;
    assert_int_equal(sconce_sandbox_new(other, &options, &sandbox, &err), SCONCE_E_INVALID);
    e2e_says(&err, "the sandbox of another");
    assert_null(sandbox);
    sconce_guest_free(other);
    close_story(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_of_one_snapshot_are_apart),
        cmocka_unit_test(test_start_up_does_not_run),
        cmocka_unit_test(test_it_can_be_restored_and_copied_again),
        cmocka_unit_test(test_generation_is_one_that_the_guest_has_not_seen),
        cmocka_unit_test(test_limits_of_memory_are_the_snapshots),
        cmocka_unit_test(test_a_snapshot_of_another_guest_is_refused),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
