/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots in files, carried from each backend to each: what one was in the middle of another goes
 * on with. From the environment: SCONCE_TEST_BACKENDS, names with blanks between, all of one
 * architecture; those that cannot be used here are left out.
 */
#include "e2e.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

#define TREASURE 0x1122334455667788u
#define BACKENDS_MOST 8u

static const char *backends[BACKENDS_MOST];
static unsigned backend_count;

struct place {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_snapshot *snapshot;
    struct sconce_sandbox *sandbox;
};

static struct sconce_runtime *runtime_on(const char *backend)
{
    struct sconce_config *config =
        e2e_config("runtime.backend", backend, "runtime.isolation", "any", (char *)NULL);
    const struct sconce_runtime_options options = {.size = sizeof options, .config = config};
    struct sconce_runtime *runtime;
    struct sconce_error err = {0};

    e2e_ok(sconce_runtime_new(&options, &runtime, &err), &err);
    sconce_config_free(config);
    return runtime;
}

static struct place begin(const char *backend, const char *guest)
{
    struct place place = {.runtime = runtime_on(backend)};

    place.guest = e2e_guest(place.runtime, guest);
    place.sandbox = e2e_sandbox(place.guest, NULL);
    return place;
}

static void save(struct place *place, const char *dir, const char *tag)
{
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_snapshot(place->sandbox, &snapshot, &err), &err);
    e2e_ok(sconce_snapshot_save(snapshot, dir, tag, &err), &err);
    sconce_snapshot_free(snapshot);
}

static struct place go_on(const char *backend, const char *dir, const char *tag)
{
    struct place place = {.runtime = runtime_on(backend)};
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_error err = {0};

    e2e_ok(sconce_snapshot_verify(place.runtime, dir, tag, &err), &err);
    e2e_ok(sconce_snapshot_open(place.runtime, dir, tag, &place.guest, &place.snapshot, &err),
           &err);
    options.snapshot = place.snapshot;
    place.sandbox = e2e_sandbox(place.guest, &options);
    return place;
}

static void end(struct place *place)
{
    sconce_sandbox_free(place->sandbox);
    sconce_snapshot_free(place->snapshot);
    sconce_guest_free(place->guest);
    sconce_runtime_free(place->runtime);
}

static struct sconce_value call(struct place *place, const char *function,
                                const struct sconce_value *args, size_t count)
{
    struct sconce_value result = {0};
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(place->sandbox, function, args, count, &result, &err), &err);
    return result;
}

#define CALL(place, function) call(place, function, NULL, 0)
#define CALL_WITH(place, function, ...)                                                            \
    call(place, function, (const struct sconce_value[]){__VA_ARGS__}, 1)

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
    struct place place = begin(from, "counter");

    assert_int_equal(CALL(&place, "next").as.u64, 101);
    CALL_WITH(&place, "add", sconce_i64(-5));
    CALL_WITH(&place, "keep", sconce_string("from the first"));
    save(&place, dir, "there");
    end(&place);
    place = go_on(to, dir, "there");
    expect_counter(&place, 102, "from the first");
    CALL_WITH(&place, "keep", sconce_string("from the second"));
    save(&place, dir, "back");
    end(&place);
    place = go_on(from, dir, "back");
    expect_counter(&place, 103, "from the second");
    end(&place);
    place = go_on(from, dir, "there"); /* is still what it was */
    expect_counter(&place, 102, "from the first");
    end(&place);
}

/* A handler of the guest's own faults. */
static void carry_handler(const char *from, const char *to, const char *dir)
{
    struct place place = begin(from, "handler");

    CALL(&place, "keep_handler");
    save(&place, dir, "handler");
    end(&place);
    place = go_on(to, dir, "handler");
    assert_int_equal(CALL_WITH(&place, "read_at", sconce_u64(8)).as.u64, TREASURE);
    end(&place);
}

/* The thread pointer, and what brk and mmap gave. */
static void carry_libc(const char *from, const char *to, const char *dir)
{
    struct place place = begin(from, "libc-glibc");
    int local = CALL(&place, "thread_local_next").as.i32;

    assert_int_equal(CALL_WITH(&place, "allocate", sconce_u32(300)).as.u32, 0);
    save(&place, dir, "libc");
    end(&place);
    place = go_on(to, dir, "libc");
    assert_int_equal(CALL(&place, "thread_local_next").as.i32, local + 100);
    assert_int_equal(CALL_WITH(&place, "allocate", sconce_u32(300)).as.u32, 0);
    end(&place);
}

static void each_pair(void (*carry)(const char *from, const char *to, const char *dir),
                      const char *dir)
{
    for (unsigned i = 0; i < backend_count; i++)
        for (unsigned j = 0; j < backend_count; j++)
            carry(backends[i], backends[j], dir);
}

static void test_state_of_a_guest_goes_from_each_to_each(void **state)
{
    each_pair(carry_counter, scratch_path(*state, "layout"));
}

static void test_fault_handler_goes_from_each_to_each(void **state)
{
    each_pair(carry_handler, scratch_path(*state, "layout"));
}

static void test_an_ordinary_c_library_goes_from_each_to_each(void **state)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/libc-glibc.elf", getenv("SCONCE_TEST_GUESTS"));
    if (access(path, R_OK)) {
        print_message("no guest with glibc was built\n");
        skip();
    }
    each_pair(carry_libc, scratch_path(*state, "layout"));
}

static void ignore_info(void *ctx, const struct sconce_backend_info *info)
{
    (void)ctx;
    (void)info;
}

/* Returns how many of them can be used. */
static unsigned look_for_backends(void)
{
    char *names = strdup(getenv("SCONCE_TEST_BACKENDS"));
    char *next = NULL;

    for (char *name = strtok_r(names, " ", &next); name; name = strtok_r(NULL, " ", &next)) {
        struct sconce_runtime *runtime = runtime_on(name);
        struct sconce_error err = {0};

        if (sconce_runtime_probe(runtime, name, ignore_info, NULL, &err) < 0)
            printf("%s is left out: %s\n", name, err.text);
        else
            backends[backend_count++] = name; /* lives as long as the program */
        sconce_runtime_free(runtime);
    }
    return backend_count;
}

int main(void)
{
#define CARRY_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CARRY_TEST(test_state_of_a_guest_goes_from_each_to_each),
        CARRY_TEST(test_fault_handler_goes_from_each_to_each),
        CARRY_TEST(test_an_ordinary_c_library_goes_from_each_to_each),
    };

    if (look_for_backends() == 0) {
        printf("skipped: none of these backends can be used here\n");
        return 77;
    }
    printf("carried between %u backends\n", backend_count);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
