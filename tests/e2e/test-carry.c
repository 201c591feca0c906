/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots in files, carried from each backend to each: what one was in the middle of another goes
 * on with.
 */
#include "carry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"

#define TREASURE 0x1122334455667788u

static void expect_counter(struct place *place, uint64_t next, const char *kept)
{
    struct sconce_value text;

    assert_int_equal(CALL(place, "next").as.u64, next);
    assert_int_equal(CALL_WITH(place, "add", sconce_i64(0)).as.i64, -5);
    text = CALL(place, "kept_text");
    assert_int_equal(text.as.span.length, strlen(kept));
    assert_memory_equal(text.as.span.data, kept, strlen(kept));
}

/* Data, bss and heap; there and back. */
static void carry_counter(const char *from, const char *to, const char *dir)
{
    struct place place = carry_begin(from, "counter");

    assert_int_equal(CALL(&place, "next").as.u64, 101);
    CALL_WITH(&place, "add", sconce_i64(-5));
    CALL_WITH(&place, "keep", sconce_string("from the first"));
    carry_save(&place, dir, "there");
    carry_end(&place);
    place = carry_go_on(to, dir, "there");
    expect_counter(&place, 102, "from the first");
    CALL_WITH(&place, "keep", sconce_string("from the second"));
    carry_save(&place, dir, "back");
    carry_end(&place);
    place = carry_go_on(from, dir, "back");
    expect_counter(&place, 103, "from the second");
    carry_end(&place);
    place = carry_go_on(from, dir, "there"); /* is still what it was */
    expect_counter(&place, 102, "from the first");
    carry_end(&place);
}

/* A handler of the guest's own faults. */
static void carry_handler(const char *from, const char *to, const char *dir)
{
    struct place place = carry_begin(from, "handler");

    CALL(&place, "keep_handler");
    carry_save(&place, dir, "handler");
    carry_end(&place);
    place = carry_go_on(to, dir, "handler");
    assert_int_equal(CALL_WITH(&place, "read_at", sconce_u64(8)).as.u64, TREASURE);
    carry_end(&place);
}

/* The thread pointer, and what brk and mmap gave. */
static void carry_libc(const char *from, const char *to, const char *dir)
{
    struct place place = carry_begin(from, "libc-glibc");
    int local = CALL(&place, "thread_local_next").as.i32;

    assert_int_equal(CALL_WITH(&place, "allocate", sconce_u32(300)).as.u32, 0);
    carry_save(&place, dir, "libc");
    carry_end(&place);
    place = carry_go_on(to, dir, "libc");
    assert_int_equal(CALL(&place, "thread_local_next").as.i32, local + 100);
    assert_int_equal(CALL_WITH(&place, "allocate", sconce_u32(300)).as.u32, 0);
    carry_end(&place);
}

static void test_state_of_a_guest_goes_from_each_to_each(void **state)
{
    carry_each_pair(carry_counter, scratch_path(*state, "layout"));
}

static void test_fault_handler_goes_from_each_to_each(void **state)
{
    carry_each_pair(carry_handler, scratch_path(*state, "layout"));
}

static void test_an_ordinary_c_library_goes_from_each_to_each(void **state)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/libc-glibc.elf", getenv("SCONCE_TEST_GUESTS"));
    if (access(path, R_OK)) {
        print_message("no guest with glibc was built\n");
        skip();
    }
    carry_each_pair(carry_libc, scratch_path(*state, "layout"));
}

/* The one feature that no processor has. */
static void carry_too_far(const char *from, const char *to, const char *dir)
{
    struct place place = carry_begin(from, "counter");
    struct sconce_snapshot *snapshot;
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_error err = {0};
    struct layout layout;

    carry_save(&place, dir, "t");
    carry_end(&place);
    layout = layout_look(dir);
    layout_edit(&layout, layout.config, "\"cpu_features\":[", "\"cpu_features\":[\"x-ray\",");
    runtime = carry_runtime(to);
    assert_int_equal(sconce_snapshot_open(runtime, dir, "t", &guest, &snapshot, &err),
                     SCONCE_E_SNAPSHOT);
    e2e_says(&err, "taken on a processor with features that this one lacks: x-ray");
    e2e_says(&err, "take the snapshot anew on this machine");
    sconce_runtime_free(runtime);
}

static void test_a_processor_that_lacks_a_feature_refuses_with_its_name(void **state)
{
    carry_each_pair(carry_too_far, scratch_path(*state, "layout"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARRY_TEST(test_state_of_a_guest_goes_from_each_to_each),
        CARRY_TEST(test_fault_handler_goes_from_each_to_each),
        CARRY_TEST(test_an_ordinary_c_library_goes_from_each_to_each),
        CARRY_TEST(test_a_processor_that_lacks_a_feature_refuses_with_its_name),
    };

    carry_backends();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
