/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls within calls, with guests that do what no compiler would make of one: the stub plays them.
 */
#include "e2e.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The guest frames.elf imports host_echo_string alone, as number 0. */
struct world {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandbox;
    char script[64];
    /* what the host function saw of its nested call, i32_of(1) */
    int nested;
    uint32_t nested_limit;
    unsigned calls; /* that it made */
};

static int call_within(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                       size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    struct world *world = ctx;
    const struct sconce_value one = sconce_u64(1);
    struct sconce_value result;
    struct sconce_error why = {0};

    (void)call, (void)arg_count, (void)err;
    for (unsigned i = 0; i < world->calls; i++)
        world->nested = sconce_sandbox_call(world->sandbox, "i32_of", &one, 1, &result, &why);
    world->nested_limit = why.limit;
    *ret = args[0];
    return 0;
}

static void open_world(struct world *world, const char *script, sconce_host_fn fn, void *ctx)
{
    const struct sconce_host_function offer = {"host_echo_string", "(string) -> string", fn, ctx};
    const struct sconce_sandbox_options options = {
        .size = sizeof options, .function_count = 1, .functions = &offer, .limits.traps = 3};
    struct sconce_runtime_options runtime_options = {.size = sizeof runtime_options};
    struct sconce_config *config;
    struct sconce_error err = {0};
    int fd;

    strcpy(world->script, "/tmp/sconce-nested-XXXXXX");
    fd = mkstemp(world->script);
    assert_int_equal(write(fd, script, strlen(script)), strlen(script));
    close(fd);
    config = e2e_config("runtime.backend", "stub", "runtime.isolation", "any",
                        "backend.stub.script", world->script, (char *)NULL);
    runtime_options.config = config;
    e2e_ok(sconce_runtime_new(&runtime_options, &world->runtime, &err), &err);
    sconce_config_free(config);
    world->guest = e2e_guest(world->runtime, "frames");
    e2e_ok(sconce_sandbox_new(world->guest, &options, &world->sandbox, &err), &err);
}

static void close_world(struct world *world)
{
    sconce_sandbox_free(world->sandbox);
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
    unlink(world->script);
}

#define OK 0
#define FAILED SCONCE_E_GUEST_FAILED
#define PROTOCOL SCONCE_E_GUEST_PROTOCOL
#define FAULT SCONCE_E_GUEST_FAULT
#define BACKEND SCONCE_E_BACKEND
#define HOST_CALL "host-call 0 string \"x\"\n"
#define DONE "expect host-return string \"x\"\nreturn string \"done\"\n"

static const struct {
    const char *script; /* behind the outermost CALL */
    int outer, nested;
    uint32_t limit; /* of the nested call */
    uint32_t state;
    unsigned calls;
} cases[] = {
    {HOST_CALL "nested-return i32 7\n" DONE, OK, OK, 0, SCONCE_STATE_READY, 1},
    {HOST_CALL "nested-return i32 7\nnested-fail 1 \"no\"\nnested-return i32 8\n" DONE, OK, OK, 0,
     SCONCE_STATE_READY, 3},
    {HOST_CALL "nested-fail 3 \"no\"\n" DONE, OK, FAILED, 0, SCONCE_STATE_READY, 1},
    {HOST_CALL "cancelled\nprint \"x\"\nnested-return i32 7\n" DONE, OK, OK, 0, SCONCE_STATE_READY,
     1},
    /* what is not due */
    {HOST_CALL "return i32 7\n", PROTOCOL, PROTOCOL, 0, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "ready\n", PROTOCOL, PROTOCOL, 0, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "nested-return string \"7\"\n", PROTOCOL, PROTOCOL, 0, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "prepare print \"x\"\ndoorbell 5\n", PROTOCOL, PROTOCOL, 0, SCONCE_STATE_POISONED,
     1},
    {HOST_CALL "doorbell 200\n", PROTOCOL, PROTOCOL, 0, SCONCE_STATE_POISONED, 1},
    {"nested-return i32 7\n", PROTOCOL, OK, 0, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "nested-return i32 7\n" HOST_CALL "nested-return i32 7\nnested-return i32 7\n",
     PROTOCOL, OK, 0, SCONCE_STATE_POISONED, 1},
    /* ends of another kind */
    {HOST_CALL "fault memory 0x10 write\n", FAULT, FAULT, 0, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "fault memory 0x10 write\n", FAULT, SCONCE_E_STATE, 0, SCONCE_STATE_POISONED, 2},
    {HOST_CALL "shutdown\n", FAULT, FAULT, 0, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "abort 4 \"no\"\n", SCONCE_E_GUEST_ABORT, SCONCE_E_GUEST_ABORT, 0,
     SCONCE_STATE_POISONED, 1},
    {HOST_CALL "system-failure 5 \"broke\"\n", BACKEND, BACKEND, 0, SCONCE_STATE_DEAD, 1},
    {HOST_CALL "error system \"broke\"\n", BACKEND, BACKEND, 0, SCONCE_STATE_DEAD, 1},
    /* three traps are allowed, in all levels together */
    {"syscall 1\n" HOST_CALL "syscall 1\nsyscall 1\nnested-return i32 7\n" DONE, OK, OK, 0,
     SCONCE_STATE_READY, 1},
    {"syscall 1\nsyscall 1\n" HOST_CALL "syscall 1\nsyscall 1\n", SCONCE_E_LIMIT, SCONCE_E_LIMIT,
     SCONCE_LIMIT_TRAPS, SCONCE_STATE_POISONED, 1},
    {HOST_CALL "syscall 1\nsyscall 1\nnested-return i32 7\nsyscall 1\nsyscall 1\n", SCONCE_E_LIMIT,
     OK, 0, SCONCE_STATE_POISONED, 1},
    /* an answer wanted so near to the end of IN, of 4 MiB, that a call has no room there; nor has
     * the answer */
    {"prepare " HOST_CALL "out 24 f0ff3f0000000000\ndoorbell 2\n", PROTOCOL, SCONCE_E_LIMIT,
     SCONCE_LIMIT_IO, SCONCE_STATE_POISONED, 1},
    /* so near that both just fit */
    {"prepare " HOST_CALL "out 24 a0ff3f0000000000\ndoorbell 2\nnested-return i32 7\n"
     "return string \"done\"\n",
     OK, OK, 0, SCONCE_STATE_READY, 1},
};

static void test_nested_script_cases_end_as_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world = {.calls = cases[i].calls};
        struct sconce_value result;
        struct sconce_error err = {0};
        char script[1024];
        int outer;

        snprintf(script, sizeof script, "ready\n%s", cases[i].script);
        open_world(&world, script, call_within, &world);
        outer = sconce_sandbox_call(world.sandbox, "bad_utf8_argument", NULL, 0, &result, &err);
        if (outer != cases[i].outer || world.nested != cases[i].nested ||
            world.nested_limit != cases[i].limit ||
            sconce_sandbox_state(world.sandbox) != cases[i].state)
            fail_msg("case %zu: the outer call gave %d (%s), the nested one %d, limit %u; state %u",
                     i, outer, err.text, world.nested, world.nested_limit,
                     sconce_sandbox_state(world.sandbox));
        close_world(&world);
    }
}

/* ---- Another thread, all the while ---------------------------------------------------------- */

struct beside {
    struct world world;
    atomic_bool tried, over;
    unsigned others; /* calls from the other thread that were not told that it is busy */
};

static void *call_beside(void *ctx)
{
    struct beside *beside = ctx;
    const struct sconce_value one = sconce_u64(1);

    while (!atomic_load(&beside->over)) {
        beside->others += sconce_sandbox_call(beside->world.sandbox, "i32_of", &one, 1, NULL,
                                              NULL) != SCONCE_E_BUSY;
        atomic_store(&beside->tried, true);
    }
    return NULL;
}

static int call_within_and_beside(void *ctx, struct sconce_host_call *call,
                                  const struct sconce_value *args, size_t arg_count,
                                  struct sconce_value *ret, struct sconce_error *err)
{
    struct beside *beside = ctx;
    pthread_t thread;
    int r;

    assert_int_equal(pthread_create(&thread, NULL, call_beside, beside), 0);
    while (!atomic_load(&beside->tried))
        ;
    r = call_within(&beside->world, call, args, arg_count, ret, err);
    atomic_store(&beside->over, true);
    pthread_join(thread, NULL);
    return r;
}

static void test_nested_script_other_threads_are_told_that_it_is_busy(void **state)
{
    struct beside beside = {.world.calls = 100};
    struct sconce_value result;
    struct sconce_error err = {0};

    (void)state;
    open_world(&beside.world,
               "ready\n" HOST_CALL "again:\nnested-return i32 7\nrepeat 99 again\n" DONE,
               call_within_and_beside, &beside);
    e2e_ok(sconce_sandbox_call(beside.world.sandbox, "bad_utf8_argument", NULL, 0, &result, &err),
           &err);
    assert_int_equal(beside.world.nested, 0);
    assert_int_equal(beside.others, 0);
    close_world(&beside.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested_script_cases_end_as_they_should),
        cmocka_unit_test(test_nested_script_other_threads_are_told_that_it_is_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
