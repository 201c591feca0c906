/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/run.c: kicks and deadlines against a pretended vCPU that spins until it is told to stop. No
 * sleeps: threads wait for what they need to have happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/run.h"
#include "tests/unit/emulator.h"

#define MS 1000000ull
#define FOREVER UINT64_MAX

struct fake_vm {
    atomic_bool stop;    /* what vcpu_kick_local sets and the vCPU consumes */
    atomic_bool running; /* the vCPU is in its loop */
    atomic_uint ignore;  /* kicks that come to nothing, as one just before entry does */
    atomic_uint kicks;
};

static void kick_local(struct sconce_plugin_vm *handle)
{
    struct fake_vm *vm = (struct fake_vm *)handle;

    atomic_fetch_add(&vm->kicks, 1);
    if (atomic_load(&vm->ignore))
        atomic_fetch_sub(&vm->ignore, 1);
    else
        atomic_store(&vm->stop, true);
}

/* The guest that never ends by itself; consumes the kick that ended it. */
static void run_guest(struct fake_vm *vm)
{
    atomic_store(&vm->running, true);
    while (!atomic_load(&vm->stop))
        sched_yield(); /* on a busy machine the kicker wants the core */
    atomic_store(&vm->stop, false);
    atomic_store(&vm->running, false);
}

static struct sconce_backend fake_backend(uint32_t style)
{
    struct sconce_backend backend = {.probe.kick_style = style};

    backend.ops.vcpu_kick_local = kick_local;
    return backend;
}

static void make_run(struct sconce_run *run, struct fake_vm *vm, uint32_t style)
{
    struct sconce_backend backend = fake_backend(style);

    assert_int_equal(sconce_kick_signal_install(SIGURG, NULL), 0);
    memset(vm, 0, sizeof *vm);
    sconce_run_init(run, SIGURG, &backend, (struct sconce_plugin_vm *)vm);
}

/* What the exit loop does, with a guest that never rings. */
static uint32_t run_until_stopped(struct sconce_run *run, struct fake_vm *vm)
{
    uint32_t reason;

    while (!(reason = sconce_run_stop_reason(run))) {
        sconce_run_guest_in(run);
        run_guest(vm);
        sconce_run_guest_out(run);
    }
    return reason;
}

struct kicker {
    struct sconce_run *run;
    struct fake_vm *vm;
    bool hit;
};

static void *kick_when_running(void *arg)
{
    struct kicker *kicker = arg;

    while (!atomic_load(&kicker->vm->running))
        sched_yield();
    kicker->hit = sconce_run_kick(kicker->run);
    return NULL;
}

static void kick_a_running_guest(uint32_t style, uint32_t ignored)
{
    struct sconce_run run;
    struct fake_vm vm;
    struct kicker kicker = {&run, &vm, false};
    pthread_t thread;

    make_run(&run, &vm, style);
    atomic_store(&vm.ignore, ignored);
    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, kick_when_running, &kicker), 0);

    assert_int_equal(run_until_stopped(&run, &vm), SCONCE_STOP_KICKED);

    pthread_join(thread, NULL);
    assert_true(kicker.hit);
    assert_true(sconce_run_end(&run));
}

static void test_run_kick_stops_a_running_guest(void **state)
{
    (void)state;
    kick_a_running_guest(SCONCE_KICK_FLAG, 0);
}

static void test_run_native_kick_needs_no_signal(void **state)
{
    (void)state;
    kick_a_running_guest(SCONCE_KICK_NATIVE, 0);
}

static void test_run_resignal_repeats_a_kick_that_was_lost(void **state)
{
    (void)state;
    kick_a_running_guest(SCONCE_KICK_RESIGNAL, 3);
}

/* The moment that an ioctl without an immediate-exit flag cannot cover: looked, not yet inside. */
static void test_run_resignal_repeats_a_kick_that_came_just_before_entry(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;

    (void)state;
    make_run(&run, &vm, SCONCE_KICK_RESIGNAL);
    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    sconce_run_guest_in(&run);
    assert_int_equal(sconce_run_stop_reason(&run), SCONCE_STOP_NONE);
    atomic_store(&vm.ignore, 1);
    assert_true(sconce_run_kick(&run));

    run_guest(&vm);
    sconce_run_guest_out(&run);
    assert_int_equal(sconce_run_stop_reason(&run), SCONCE_STOP_KICKED);
    assert_true(sconce_run_end(&run));
}

static void test_run_kick_of_an_idle_vcpu_does_nothing(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;

    (void)state;
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    assert_false(sconce_run_kick(&run));
    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    assert_false(sconce_run_end(&run));
    assert_false(sconce_run_kick(&run));

    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    assert_int_equal(sconce_run_stop_reason(&run), SCONCE_STOP_NONE);
    assert_false(sconce_run_end(&run));
    assert_int_equal(atomic_load(&vm.kicks), 0);
}

static void test_run_deadline_stops_a_running_guest(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;

    (void)state;
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    assert_int_equal(sconce_run_begin(&run, MS, NULL), 0);

    assert_int_equal(run_until_stopped(&run, &vm), SCONCE_STOP_DEADLINE);
    assert_false(sconce_run_end(&run));
}

static void test_run_lazily_armed_timer_serves_a_later_deadline(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;

    (void)state;
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    /* Arms the timer for 2 ms; the second run leaves it so, and must still end at its own time. */
    assert_int_equal(sconce_run_begin(&run, 2 * MS, NULL), 0);
    sconce_run_end(&run);
    assert_int_equal(sconce_run_begin(&run, 6 * MS, NULL), 0);

    assert_int_equal(run_until_stopped(&run, &vm), SCONCE_STOP_DEADLINE);
    assert_false(sconce_run_end(&run));
}

static void test_run_earlier_deadline_moves_the_timer(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;

    (void)state;
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    assert_int_equal(sconce_run_begin(&run, 3600ull * 1000 * MS, NULL), 0);
    sconce_run_end(&run);
    assert_int_equal(sconce_run_begin(&run, MS, NULL), 0);

    assert_int_equal(run_until_stopped(&run, &vm), SCONCE_STOP_DEADLINE);
    assert_false(sconce_run_end(&run));
}

static void test_run_inner_run_leaves_the_outer_deadline_in_force(void **state)
{
    struct sconce_run outer, inner;
    struct fake_vm outer_vm, inner_vm;

    (void)state;
    make_run(&outer, &outer_vm, SCONCE_KICK_FLAG);
    make_run(&inner, &inner_vm, SCONCE_KICK_FLAG);
    assert_int_equal(sconce_run_begin(&outer, 4 * MS, NULL), 0);
    assert_int_equal(sconce_run_begin(&inner, MS, NULL), 0);
    assert_int_equal(run_until_stopped(&inner, &inner_vm), SCONCE_STOP_DEADLINE);
    sconce_run_end(&inner);

    assert_int_equal(run_until_stopped(&outer, &outer_vm), SCONCE_STOP_DEADLINE);
    sconce_run_end(&outer);
}

static atomic_uint theirs;

static void on_their_signal(int signal)
{
    (void)signal;
    atomic_fetch_add(&theirs, 1);
}

static void test_run_signal_of_others_reaches_their_handler(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;
    struct sconce_backend backend = fake_backend(SCONCE_KICK_FLAG);

    (void)state;
    signal(SIGUSR1, on_their_signal);
    assert_int_equal(sconce_kick_signal_install(SIGUSR1, NULL), 0);
    memset(&vm, 0, sizeof vm);
    sconce_run_init(&run, SIGUSR1, &backend, (struct sconce_plugin_vm *)&vm);

    raise(SIGUSR1);
    assert_int_equal(atomic_load(&theirs), 1);
    assert_int_equal(sconce_run_begin(&run, MS, NULL), 0);
    assert_int_equal(run_until_stopped(&run, &vm), SCONCE_STOP_DEADLINE);
    sconce_run_end(&run);
    assert_int_equal(atomic_load(&theirs), 1);
    raise(SIGUSR1);
    assert_int_equal(atomic_load(&theirs), 2);
}

static void test_run_kick_in_a_forked_child_does_nothing(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;
    int status;
    pid_t child;

    (void)state;
    if (under_emulator(EMULATOR_FORK))
        skip();
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    child = fork();
    if (!child)
        _exit(sconce_run_kick(&run) ? 1 : 0);
    waitpid(child, &status, 0);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(sconce_run_end(&run));
}

/* fork() copies the word, with the kickers of the moment, and none of their threads. */
static void test_run_end_in_a_forked_child_waits_for_no_kicker(void **state)
{
    const uint64_t one_kicker = 4; /* as run.c counts them */
    struct sconce_run run;
    struct fake_vm vm;
    int status;
    pid_t child;

    (void)state;
    if (under_emulator(EMULATOR_FORK))
        skip();
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    atomic_fetch_add(&run.word, one_kicker);
    child = fork();
    if (!child) {
        sconce_run_end(&run);
        _exit(0);
    }
    atomic_fetch_sub(&run.word, one_kicker);
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(sconce_run_end(&run));
}

/* A thread that kicks all the time while calls come and go. */
struct storm {
    struct sconce_run *run;
    atomic_bool over;
    unsigned hits;
};

static void *kick_all_the_time(void *arg)
{
    struct storm *storm = arg;

    while (!atomic_load(&storm->over))
        storm->hits += sconce_run_kick(storm->run);
    return NULL;
}

static void test_run_kicks_racing_short_runs_are_neither_lost_nor_stale(void **state)
{
    struct sconce_run run;
    struct fake_vm vm;
    struct storm storm = {&run, false, 0};
    unsigned kicked_runs = 0;
    pthread_t thread;

    (void)state;
    if (under_emulator(EMULATOR_SIGNALS))
        skip();
    make_run(&run, &vm, SCONCE_KICK_FLAG);
    assert_int_equal(pthread_create(&thread, NULL, kick_all_the_time, &storm), 0);
    /* Each run ends only when it is kicked: a lost kick hangs here. */
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
        if (i % 2)
            assert_int_equal(run_until_stopped(&run, &vm), SCONCE_STOP_KICKED);
        kicked_runs += sconce_run_end(&run);
    }
    atomic_store(&storm.over, true);
    pthread_join(thread, NULL);

    assert_true(kicked_runs >= 150);
    assert_true(storm.hits >= kicked_runs);
    /* Quiet now: nothing of the storm reaches the next run. */
    assert_int_equal(sconce_run_begin(&run, FOREVER, NULL), 0);
    assert_int_equal(sconce_run_stop_reason(&run), SCONCE_STOP_NONE);
    assert_false(sconce_run_end(&run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_kick_stops_a_running_guest),
        cmocka_unit_test(test_run_native_kick_needs_no_signal),
        cmocka_unit_test(test_run_resignal_repeats_a_kick_that_was_lost),
        cmocka_unit_test(test_run_resignal_repeats_a_kick_that_came_just_before_entry),
        cmocka_unit_test(test_run_kick_of_an_idle_vcpu_does_nothing),
        cmocka_unit_test(test_run_deadline_stops_a_running_guest),
        cmocka_unit_test(test_run_lazily_armed_timer_serves_a_later_deadline),
        cmocka_unit_test(test_run_earlier_deadline_moves_the_timer),
        cmocka_unit_test(test_run_inner_run_leaves_the_outer_deadline_in_force),
        cmocka_unit_test(test_run_signal_of_others_reaches_their_handler),
        cmocka_unit_test(test_run_kick_in_a_forked_child_does_nothing),
        cmocka_unit_test(test_run_end_in_a_forked_child_waits_for_no_kicker),
        cmocka_unit_test(test_run_kicks_racing_short_runs_are_neither_lost_nor_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
