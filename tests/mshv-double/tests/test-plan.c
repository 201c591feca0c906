/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of faults. A plan is read when a process starts: each test starts this program once
 * more, with a plan, to play one scene.
 */
#include "scene.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- Scenes --------------------------------------------------------------------------------- */

static int set_rax(struct machine *m, uint64_t value, uint16_t reps, struct call *call)
{
    static struct {
        uint64_t partition;
        uint32_t vp, vtl;
        struct pair pairs[4];
    } in;

    memset(&in, 0, sizeof in);
    for (uint32_t i = 0; i < 4; i++)
        in.pairs[i] = (struct pair){.name = RAX + i, .value = {value + i, 0}};
    *call = (struct call){0x51, reps, (uint16_t)(16 + 32 * reps), 0, .in = &in};
    return client_call(m->vp, call);
}

/* Setting registers is what machine_new() has done 11 times. */
static void scene_eagain(void **state)
{
    struct machine m;
    struct call call;

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, RAX, 1);
    assert_fails(set_rax(&m, 5, 1, &call), EAGAIN);
    assert_int_equal(call.status, 0xb); /* insufficient memory */
    assert_int_equal(call.reps, 0);
    assert_int_equal(client_get(&m, RAX), 1);
    /* As it came back it is no valid call. */
    assert_fails(client_call(m.vp, &call), EINVAL);
    call.status = 0;
    call.reps = 1;
    assert_int_equal(client_call(m.vp, &call), 0);
    assert_int_equal(client_get(&m, RAX), 5);
}

static void scene_partial_reps(void **state)
{
    struct machine m;
    struct call call;

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, RBX, 1);
    assert_fails(set_rax(&m, 0x70, 4, &call), EAGAIN);
    assert_int_equal(call.reps, 2);
    assert_int_equal(client_get(&m, RAX), 0x70);
    assert_int_equal(client_get(&m, RCX), 0x71);
    assert_int_equal(client_get(&m, RBX), 1); /* the fourth */
}

static void scene_status(void **state)
{
    struct machine m;
    uint64_t value;
    uint16_t status;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_get_property(m.pt, 0x50017, &value, &status), EIO);
    assert_int_equal(status, 6);
    assert_int_equal(client_get_property(m.pt, 0x50017, &value, NULL), 0);
}

static void scene_statuses(void **state)
{
    struct machine m;
    uint64_t value;

    (void)state;
    machine_new(&m, CODE(0xf4));
    for (int i = 0; i < 5; i++)
        assert_fails(client_get_property(m.pt, 0x50017, &value, NULL), EINVAL);
    for (int i = 0; i < 3; i++)
        assert_fails(client_get_property(m.pt, 0x50017, &value, NULL), EIO);
}

static void scene_no_register_page(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.vp, 0), MAP_FAILED);
    assert_int_equal(errno, ENODEV);
    assert_ptr_not_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.vp, 4096), MAP_FAILED);
    /* Hypercalls do the same. */
    assert_int_equal(client_run(&m), IO_PORT);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
}

static void scene_no_device(void **state)
{
    (void)state;
    assert_fails(open("/dev/mshv", O_RDWR), ENOENT);
}

static void scene_errors(void **state)
{
    struct machine m;
    const uint32_t one = 1;
    void *page;
    int file, pt;

    (void)state;
    assert_fails(open("/dev/mshv", O_RDWR | O_CLOEXEC), EACCES);
    machine_new(&m, CODE(0xf4));
    page = client_memory(4096, &file);
    assert_fails(client_map(m.pt, page, 4096, NOWHERE, WRITABLE), ENOMEM);
    assert_int_equal(client_map(m.pt, page, 4096, NOWHERE, WRITABLE), 0);
    assert_fails(ioctl(m.pt, CREATE_VP, &one), ENOMEM);
    assert_true(ioctl(m.pt, CREATE_VP, &one) >= 0);
    pt = client_partition(m.dev);
    assert_fails(ioctl(pt, INITIALIZE), ENOMEM);
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
}

static void scene_eintr(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    assert_int_equal(client_run(&m), 0);
    assert_int_equal(errno, EINTR);
    assert_int_equal(client_get(&m, 0), 1);
    assert_int_equal(client_run(&m), IO_PORT); /* nothing was lost */
}

/* What the client has marked in the register page is there for the next try. */
static void scene_failing_run(void **state)
{
    struct machine m;
    uint8_t *page;
    const uint64_t rip = CODE_AT + 2;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.vp, 0);
    assert_int_equal(client_run(&m), IO_PORT);
    memcpy(page + 136, &rip, sizeof rip);
    page[4] = 2; /* dirty: RIP */
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), ENOMEM);
    assert_int_equal(page[2], 1);
    assert_int_equal(page[4], 2);
    assert_int_equal(client_get(&m, 1), 1); /* INTERCEPT_SUSPEND */
    assert_int_equal(client_run(&m), HALT);
}

/* The mark was not taken, and nobody looks at it any more. */
static void scene_forgotten_page(void **state)
{
    struct machine m;
    uint8_t *page;
    const uint64_t rip = CODE_AT + 2;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.vp, 0);
    assert_int_equal(client_run(&m), IO_PORT);
    memcpy(page + 136, &rip, sizeof rip);
    page[4] = 2; /* dirty: RIP */
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), EINTR);
    assert_int_equal(page[2], 0);
    assert_int_equal(page[4], 2);
    assert_int_equal(client_get(&m, RIP), CODE_AT);
    assert_int_equal(client_run(&m), IO_PORT);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
}

static void scene_messages(void **state)
{
    const uint32_t expected[] = {UNRECOVERABLE, INVALID_REGISTER, UNSUPPORTED, EXCEPTION, CPUID,
                                 0x80010009,    0x8000003f,       0x80000050,  0x12345};
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x0f, 0xa2, 0xe6, 0x42, 0xf4)); /* cpuid; out; hlt */
    client_set(&m, RAX, 0);
    client_set(&m, RCX, 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(client_run(&m), expected[i]);
        assert_int_equal(client_get(&m, RIP), CODE_AT);
        if (expected[i] == CPUID) {
            uint32_t values[4];

            client_cpuid(&m, 0, 0, values);
            assert_int_equal(INSN_LENGTH(&m.message), 2);
            assert_int_equal(PAYLOAD(&m.message, 40, 8), 0);         /* RAX */
            assert_int_equal(PAYLOAD(&m.message, 72, 8), values[0]); /* what it would be */
            assert_int_equal(PAYLOAD(&m.message, 96, 8), values[1]);
        }
        if (expected[i] == UNSUPPORTED)
            assert_int_equal(PAYLOAD(&m.message, 4, 4), 1);
    }
    assert_int_equal(client_run(&m), IO_PORT);
}

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    (void)signal;
    handled++;
}

static void scene_race(void **state)
{
    struct machine m;

    (void)state;
    signal(SIGUSR1, handler);
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    assert_int_equal(client_run(&m), IO_PORT); /* the message, not EINTR */
    assert_int_equal(handled, 1);              /* and the signal has been handled */
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT); /* so this run knows nothing of it */
}

static void scene_large_xsave(void **state)
{
    static _Alignas(4096) uint8_t buffer[3 * 4096];
    struct state args = {.type = 1, .bytes = 4096, .buffer = buffer};
    struct machine m;
    uint64_t most;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_get_property(m.pt, 0x60008, &most, NULL), 0);
    assert_true(most > 8192);
    buffer[0] = 0x77;
    assert_fails(ioctl(m.vp, GET_STATE, &args), EINVAL);
    assert_int_equal(args.bytes, most); /* told all the same */
    assert_int_equal(buffer[0], 0x77);
    args.bytes = sizeof buffer;
    assert_int_equal(ioctl(m.vp, GET_STATE, &args), 0);
    assert_int_equal(args.bytes, most);
    args.bytes = 4096;
    assert_fails(ioctl(m.vp, SET_STATE, &args), EINVAL);
    args.bytes = sizeof buffer;
    assert_int_equal(ioctl(m.vp, SET_STATE, &args), 0);
}

/* A newer driver that has none of what is new. */
static void scene_nothing_new(void **state)
{
    struct creation args = {.flags = 8, .banks = 2};
    struct machine m;
    uint64_t value;
    int file;
    void *page = client_memory(4096, &file), *view;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ioctl(m.dev, CREATE_PARTITION, &args), EINVAL);
    assert_fails(client_get_property(m.dev, 0x6000a, &value, NULL), ENOTTY);
    view = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    assert_fails(client_map(m.pt, view, 4096, NOWHERE, 0), EFAULT);
    assert_int_equal(client_map(m.pt, page, 4096, NOWHERE, 0), 0);
    assert_fails(client_get_property(m.pt, 0x50017, &value, NULL), EAGAIN);
}

static const struct CMUnitTest scenes[] = {
    cmocka_unit_test(scene_nothing_new), cmocka_unit_test(scene_large_xsave),
    cmocka_unit_test(scene_eagain),      cmocka_unit_test(scene_partial_reps),
    cmocka_unit_test(scene_status),      cmocka_unit_test(scene_no_register_page),
    cmocka_unit_test(scene_no_device),   cmocka_unit_test(scene_errors),
    cmocka_unit_test(scene_eintr),       cmocka_unit_test(scene_messages),
    cmocka_unit_test(scene_race),        cmocka_unit_test(scene_statuses),
    cmocka_unit_test(scene_failing_run), cmocka_unit_test(scene_forgotten_page),
};

/* ---- Starting them -------------------------------------------------------------------------- */

static void expect_plan(const char *plan, const char *scene)
{
    char text[4096];
    int status = scene_start(scene, "MSHV_DOUBLE_PLAN", plan, text);

    if (status != 0)
        fail_msg("%s with %s: status 0x%x\n%s", scene, plan, (unsigned)status, text);
}

static void test_buffer_that_is_too_small_is_told_the_size(void **state)
{
    (void)state;
    expect_plan("large-xsave", "scene_large_xsave");
}

static void test_newer_driver_may_lack_each_of_its_calls(void **state)
{
    (void)state;
    setenv("MSHV_DOUBLE_DRIVER", "newer", 1);
    expect_plan("no-v2,no-self-hvcall,no-movable,no-retries,eagain@0x44", "scene_nothing_new");
    unsetenv("MSHV_DOUBLE_DRIVER");
}

static void test_eagain_has_to_be_asked_again_with_a_clean_struct(void **state)
{
    (void)state;
    expect_plan("eagain@0x51:13", "scene_eagain");
}

static void test_partial_repetitions_are_told(void **state)
{
    (void)state;
    expect_plan("partial-reps@0x51:13=2", "scene_partial_reps");
}

static void test_planned_status_comes_back(void **state)
{
    (void)state;
    expect_plan("status@0x44:1=6", "scene_status");
}

static void test_statuses_have_the_errno_that_the_kernel_has_for_them(void **state)
{
    (void)state;
    expect_plan("status@0x44:1=3,status@0x44:2=0x11,status@0x44:3=0x12,status@0x44:4=0x41,"
                "status@0x44:5=0x50,status@0x44:6=4,status@0x44:7=0x15,status@0x44:8=0x1234",
                "scene_statuses");
}

static void test_register_page_may_be_missing(void **state)
{
    (void)state;
    expect_plan("no-register-page", "scene_no_register_page");
}

static void test_device_may_be_missing(void **state)
{
    (void)state;
    expect_plan("no-device", "scene_no_device");
}

static void test_calls_fail_where_planned(void **state)
{
    (void)state;
    expect_plan("error@open:1=EACCES,error@memory:3=ENOMEM,error@create-vp:2=ENOMEM,"
                "error@initialize:2=ENOMEM",
                "scene_errors");
}

static void test_eintr_before_the_guest_ran_loses_nothing(void **state)
{
    (void)state;
    expect_plan("eintr@run", "scene_eintr");
}

static void test_run_that_fails_does_nothing(void **state)
{
    (void)state;
    expect_plan("error@run:2=ENOMEM", "scene_failing_run");
}

static void test_page_may_be_gone_after_eintr(void **state)
{
    (void)state;
    expect_plan("forgets-page@run:2", "scene_forgotten_page");
}

static void test_planned_messages_come_without_the_guest(void **state)
{
    (void)state;
    expect_plan("message@run:1=unrecoverable,message@run:2=invalid-register,"
                "message@run:3=unsupported,message@run:4=exception,message@run:5=cpuid,"
                "message@run:6=sipi,message@run:7=opaque,message@run:8=hypercall,"
                "message@run:9=0x12345",
                "scene_messages");
}

static void test_signal_that_races_a_message_is_handled_after_it(void **state)
{
    char plan[64];

    (void)state;
    snprintf(plan, sizeof plan, "signal-races-message@run:1=%d", SIGUSR1);
    expect_plan(plan, "scene_race");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eagain_has_to_be_asked_again_with_a_clean_struct),
        cmocka_unit_test(test_partial_repetitions_are_told),
        cmocka_unit_test(test_planned_status_comes_back),
        cmocka_unit_test(test_statuses_have_the_errno_that_the_kernel_has_for_them),
        cmocka_unit_test(test_register_page_may_be_missing),
        cmocka_unit_test(test_device_may_be_missing),
        cmocka_unit_test(test_buffer_that_is_too_small_is_told_the_size),
        cmocka_unit_test(test_newer_driver_may_lack_each_of_its_calls),
        cmocka_unit_test(test_calls_fail_where_planned),
        cmocka_unit_test(test_eintr_before_the_guest_ran_loses_nothing),
        cmocka_unit_test(test_run_that_fails_does_nothing),
        cmocka_unit_test(test_page_may_be_gone_after_eintr),
        cmocka_unit_test(test_planned_messages_come_without_the_guest),
        cmocka_unit_test(test_signal_that_races_a_message_is_handled_after_it),
    };

    return argc == 2 ? SCENE_PLAY(scenes, argv[1]) : CLIENT_MAIN(tests);
}
