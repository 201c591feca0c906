/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/exitless.c with its runner, against a pretended VM whose guest is C: it rings READY for
 * ever, by memory where it may, as the SDK's doorbell does. No sleeps: what waits does so for what
 * the other thread does.
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

#include "common/spin.h"
#include "core/exitless.h"
#include "core/spare.h"
#include "tests/unit/emulator.h"

/* What the guest does behind its next answers. */
#define KEEPS_ITS_TURN 0u
#define RUNS_ON 1u    /* rings, and computes without looking */
#define COMPUTES 2u   /* does not ring */
#define SHUTS_DOWN 3u /* rings, and its machine gives up */

struct fake_vm {
    _Atomic uint32_t word, spins;
    atomic_bool kicked;
    atomic_uint behaviour;
    atomic_uint answers; /* that the guest took */
    atomic_bool computing;
    atomic_uint stopped; /* how often it was kicked out while it computed */
    bool rang;           /* it is in the doorbell's exit */
    bool waits;          /* it looks at the word, so often yet: */
    uint32_t looks;
    bool runs_on; /* it has rung, and computes since */
};

static struct fake_vm vm;

static void kick_local(struct sconce_plugin_vm *handle)
{
    (void)handle;
    atomic_store(&vm.kicked, true);
}

static int32_t come_out(struct sconce_exit *ret_exit, uint32_t kind)
{
    memset((char *)ret_exit + sizeof ret_exit->size, 0, sizeof *ret_exit - sizeof ret_exit->size);
    ret_exit->kind = kind;
    if (kind == SCONCE_EXIT_DOORBELL) {
        ret_exit->u.doorbell.number = SCONCE_DOORBELL_READY;
        vm.rang = true;
    }
    return SCONCE_PLUGIN_OK;
}

/* Until it is kicked. */
static void compute(void)
{
    atomic_store(&vm.computing, true);
    while (!atomic_load(&vm.kicked))
        ;
    atomic_fetch_add(&vm.stopped, 1);
    atomic_store(&vm.computing, false);
}

/* The rest of the SDK's doorbell. True: there is an exit. */
static bool wait_for_answer(struct sconce_exit *ret_exit)
{
    uint32_t rung = SCONCE_DOORBELL_READY;

    while (vm.looks--) {
        if (atomic_load(&vm.kicked))
            return false;
        if (atomic_load(&vm.word) != rung)
            break;
        sconce_spin_pause();
    }
    vm.waits = false;
    if (atomic_compare_exchange_strong(&vm.word, &rung, SCONCE_TURN_ASLEEP) ||
        rung != SCONCE_TURN_ANSWERED) {
        come_out(ret_exit, SCONCE_EXIT_DOORBELL);
        return true;
    }
    atomic_fetch_add(&vm.answers, 1);
    return false;
}

static int32_t vcpu_run(struct sconce_plugin_vm *handle, struct sconce_exit *ret_exit,
                        struct sconce_plugin_error *err)
{
    (void)handle, (void)err;
    if (vm.rang)
        atomic_fetch_add(&vm.answers, 1);
    vm.rang = false;
    for (;;) {
        if (atomic_exchange(&vm.kicked, false))
            return come_out(ret_exit, SCONCE_EXIT_CANCELLED);
        if (vm.waits) {
            if (wait_for_answer(ret_exit))
                return SCONCE_PLUGIN_OK;
            continue;
        }
        if (vm.runs_on || atomic_load(&vm.behaviour) == COMPUTES) {
            compute();
            continue;
        }
        vm.looks = atomic_load(&vm.spins);
        if (!vm.looks)
            return come_out(ret_exit, SCONCE_EXIT_DOORBELL);
        atomic_store(&vm.word, SCONCE_DOORBELL_READY);
        vm.waits = atomic_load(&vm.behaviour) == KEEPS_ITS_TURN;
        if (atomic_load(&vm.behaviour) == SHUTS_DOWN)
            return come_out(ret_exit, SCONCE_EXIT_SHUTDOWN);
        vm.runs_on = atomic_load(&vm.behaviour) == RUNS_ON;
    }
}

struct fixture {
    struct sconce_backend backend;
    struct sconce_vm vm;
    struct sconce_run run;
    struct sconce_stats stats;
    struct sconce_exitless *exitless;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    const struct sconce_turn turn = {&vm.word, &vm.spins};

    assert_int_equal(sconce_kick_signal_install(SIGURG, NULL), 0);
    memset(&vm, 0, sizeof vm);
    memset(&fixture, 0, sizeof fixture);
    fixture.backend.isolation = (char *)"vm";
    fixture.backend.thread_model = SCONCE_THREADS_PER_VM;
    fixture.backend.probe.kick_style = SCONCE_KICK_FLAG;
    fixture.backend.ops.vcpu_run = vcpu_run;
    fixture.backend.ops.vcpu_kick_local = kick_local;
    fixture.vm = (struct sconce_vm){&fixture.backend, (struct sconce_plugin_vm *)&vm};
    sconce_run_init(&fixture.run, SIGURG, &fixture.backend, fixture.vm.handle);
    fixture.exitless = sconce_exitless_new(&fixture.vm, &fixture.run, &turn, &fixture.stats);
    assert_non_null(fixture.exitless);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    sconce_exitless_free(fixture->exitless);
    return 0;
}

/* One call; the number of the doorbell that ended it, or a negative code. */
static int call(struct fixture *fixture, bool *ret_rung, struct sconce_error *err)
{
    struct sconce_exit exit;
    uint32_t reason;
    int r = sconce_run_begin(&fixture->run, UINT64_MAX, NULL);

    assert_int_equal(r, 0);
    sconce_exitless_begin(fixture->exitless);
    for (;;) {
        sconce_run_guest_in(&fixture->run);
        reason = sconce_run_stop_reason(&fixture->run);
        r = reason ? SCONCE_E_KICKED : sconce_exitless_run(fixture->exitless, &exit, ret_rung, err);
        sconce_run_guest_out(&fixture->run);
        if (r < 0 || exit.kind != SCONCE_EXIT_CANCELLED)
            break;
    }
    if (!r)
        r = exit.kind == SCONCE_EXIT_DOORBELL ? (int)exit.u.doorbell.number : SCONCE_E_GUEST_FAULT;
    sconce_run_end(&fixture->run);
    sconce_exitless_end(fixture->exitless, r > 0);
    return r;
}

/* Until the guest rings by memory: false where no processor is spare for it. */
static bool get_going(struct fixture *fixture)
{
    bool rung = false;

    for (int i = 0; sconce_exitless_fits(&fixture->backend) && i < 3000000 && !rung; i++)
        assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
    return rung;
}

#define GET_GOING(fixture)                                                                         \
    do {                                                                                           \
        if (!get_going(fixture))                                                                   \
            skip();                                                                                \
    } while (0)

static void test_first_call_is_an_exit_on_this_thread(void **state)
{
    struct fixture *fixture = *state;
    bool rung = true;

    assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
    assert_false(rung);
    assert_int_equal(fixture->stats.exits, 1);
}

static void test_every_answer_is_taken_once(void **state)
{
    struct fixture *fixture = *state;
    unsigned before;
    bool rung;

    GET_GOING(fixture);
    before = atomic_load(&vm.answers);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
        assert_int_equal(atomic_load(&vm.answers), before + i + 1);
    }
}

static void test_park_forces_an_exit(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 100; i++) {
        unsigned before;
        bool rung;

        GET_GOING(fixture);
        before = atomic_load(&vm.answers);
        assert_int_equal(sconce_exitless_park(fixture->exitless, true, NULL), 0);
        assert_true(vm.rang);
        assert_int_equal(atomic_load(&vm.word), 0);
        assert_int_equal(sconce_exitless_park(fixture->exitless, true, NULL), 0);
        assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
        assert_int_equal(atomic_load(&vm.answers), before + 1);
    }
}

/* It has rung, and computes since. */
static bool leave_running(struct fixture *fixture)
{
    bool rung = false;

    while (!rung) { /* a ring that nobody heard in time was an exit */
        atomic_store(&vm.behaviour, KEEPS_ITS_TURN);
        if (!get_going(fixture))
            return false;
        atomic_store(&vm.behaviour, RUNS_ON);
        assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
    }
    return true;
}

/* Before a restore it need not come to its doorbell, and is not asked again and again. */
static void test_guest_that_runs_on_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    bool rung;

    if (!leave_running(fixture))
        skip();
    assert_int_equal(sconce_exitless_park(fixture->exitless, false, NULL), SCONCE_E_GUEST_PROTOCOL);
    assert_false(atomic_load(&vm.computing));
    assert_int_equal(atomic_load(&vm.word), 0);
    assert_in_range(atomic_load(&vm.stopped), 1, 9); /* 11 where it was */
    vm.runs_on = false;                              /* as a reset would have it */
    atomic_store(&vm.behaviour, KEEPS_ITS_TURN);
    assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
}

static void test_hurry_lets_a_guest_come_to_its_doorbell(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 100; i++) {
        GET_GOING(fixture);
        assert_int_equal(sconce_exitless_park(fixture->exitless, false, NULL), 0);
        assert_true(vm.rang);
    }
}

static void test_guest_that_runs_on_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct sconce_error err;

    if (!leave_running(fixture))
        skip();
    assert_int_equal(sconce_exitless_park(fixture->exitless, true, &err), SCONCE_E_GUEST_PROTOCOL);
    assert_non_null(strstr(err.text, "after it had returned"));
    assert_false(atomic_load(&vm.computing));
}

static void test_exit_instead_of_a_rest_is_told(void **state)
{
    struct fixture *fixture = *state;
    bool rung = false;
    int tries = 0, r;

    GET_GOING(fixture);
    atomic_store(&vm.behaviour, SHUTS_DOWN);
    do /* a ring may be heard first, and many come as exits while nobody has time to look */
        r = call(fixture, &rung, NULL);
    while (r == SCONCE_DOORBELL_READY && tries++ < 3000000);
    assert_int_equal(r, SCONCE_E_GUEST_FAULT);
}

static void *kick_when_computing(void *ctx)
{
    struct fixture *fixture = ctx;

    while (!atomic_load(&vm.computing))
        sched_yield();
    assert_true(sconce_run_kick(&fixture->run));
    return NULL;
}

static void test_kick_reaches_the_runner(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        bool rung;

        atomic_store(&vm.behaviour, KEEPS_ITS_TURN);
        GET_GOING(fixture);
        atomic_store(&vm.behaviour, COMPUTES);
        assert_int_equal(pthread_create(&thread, NULL, kick_when_computing, fixture), 0);
        assert_int_equal(call(fixture, &rung, NULL), SCONCE_E_KICKED);
        pthread_join(thread, NULL);
        assert_false(atomic_load(&vm.computing));
    }
}

/* A call that lasts: its guest has rung, and computes beside the caller. */
static bool begin_beside(struct fixture *fixture, uint64_t timeout_ns)
{
    struct sconce_exit exit;
    bool rung;
    int r;

    assert_int_equal(sconce_run_begin(&fixture->run, timeout_ns, NULL), 0);
    sconce_exitless_begin(fixture->exitless);
    r = sconce_exitless_run(fixture->exitless, &exit, &rung, NULL);
    if (!r && rung)
        return true;
    sconce_run_end(&fixture->run);
    sconce_exitless_end(fixture->exitless, false);
    vm.runs_on = false;
    return false;
}

/* In a host function that blocks the signal the caller does not get to see to it. */
static void test_deadline_needs_no_signal_of_the_caller(void **state)
{
    struct fixture *fixture = *state;
    sigset_t urgent, before;

    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    do {
        atomic_store(&vm.behaviour, KEEPS_ITS_TURN);
        GET_GOING(fixture);
        atomic_store(&vm.behaviour, RUNS_ON);
        atomic_store(&vm.stopped, 0);
        pthread_sigmask(SIG_BLOCK, &urgent, &before);
        if (begin_beside(fixture, 1000000))
            break;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    } while (true);
    while (!atomic_load(&vm.stopped))
        sched_yield();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(sconce_run_stop_reason(&fixture->run), SCONCE_STOP_DEADLINE);
    sconce_run_end(&fixture->run);
    sconce_exitless_end(fixture->exitless, false);
    assert_false(atomic_load(&vm.computing));
}

static void test_free_ends_a_guest_that_runs_on(void **state)
{
    struct fixture *fixture = *state;
    bool rung;

    GET_GOING(fixture);
    atomic_store(&vm.behaviour, RUNS_ON);
    assert_int_equal(call(fixture, &rung, NULL), SCONCE_DOORBELL_READY);
    sconce_exitless_free(fixture->exitless);
    fixture->exitless = NULL;
    assert_false(atomic_load(&vm.computing));
}

static void test_processes_and_one_thread_do_not_fit(void **state)
{
    struct fixture *fixture = *state;

    fixture->backend.isolation = (char *)"process";
    assert_false(sconce_exitless_fits(&fixture->backend));
    fixture->backend.isolation = (char *)"vm";
    fixture->backend.thread_model = SCONCE_THREADS_ONE;
    assert_false(sconce_exitless_fits(&fixture->backend));
}

/* ---- turn.h, spare.h --------------------------------------------------------------------------
 */

static void test_only_some_numbers_are_rung(void **state)
{
    const struct sconce_turn turn = {&vm.word, &vm.spins};

    (void)state;
    for (uint32_t word = 0; word < 0x1000; word++) {
        bool rings = word == SCONCE_DOORBELL_READY || word == SCONCE_DOORBELL_HOST_CALL ||
                     word == SCONCE_DOORBELL_PRINT || word == SCONCE_DOORBELL_RETURN;

        atomic_store(&vm.word, word);
        assert_int_equal(sconce_turn_rung(&turn), rings ? word : 0);
        sconce_turn_ask(&turn);
        assert_int_equal(atomic_load(&vm.word), rings ? SCONCE_TURN_ASLEEP : word);
    }
}

static void test_answer_needs_the_ring(void **state)
{
    const struct sconce_turn turn = {&vm.word, &vm.spins};

    (void)state;
    atomic_store(&vm.word, SCONCE_DOORBELL_READY);
    assert_false(sconce_turn_answer(&turn, SCONCE_DOORBELL_PRINT));
    assert_true(sconce_turn_answer(&turn, SCONCE_DOORBELL_READY));
    assert_false(sconce_turn_answer(&turn, SCONCE_DOORBELL_READY));
    assert_int_equal(atomic_load(&vm.word), SCONCE_TURN_ANSWERED);
}

static void test_spare_is_bounded(void **state)
{
    (void)state;
    assert_true(sconce_spare_take(2));
    assert_true(sconce_spare_take(2));
    assert_false(sconce_spare_take(2));
    sconce_spare_give();
    assert_true(sconce_spare_take(2));
    sconce_spare_give();
    sconce_spare_give();
    assert_false(sconce_spare_take(0));
}

static void test_spare_is_not_inherited(void **state)
{
    int status;
    pid_t child;

    (void)state;
    if (under_emulator(EMULATOR_FORK))
        skip();
    assert_true(sconce_spare_take(1));
    child = fork();
    if (!child)
        _exit(sconce_spare_take(1) && !sconce_spare_take(1) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    sconce_spare_give();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_call_is_an_exit_on_this_thread, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_every_answer_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_park_forces_an_exit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_guest_that_runs_on_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_guest_that_runs_on_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_hurry_lets_a_guest_come_to_its_doorbell, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_exit_instead_of_a_rest_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kick_reaches_the_runner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadline_needs_no_signal_of_the_caller, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_free_ends_a_guest_that_runs_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_processes_and_one_thread_do_not_fit, set_up,
                                        tear_down),
        cmocka_unit_test(test_only_some_numbers_are_rung),
        cmocka_unit_test(test_answer_needs_the_ring),
        cmocka_unit_test(test_spare_is_bounded),
        cmocka_unit_test(test_spare_is_not_inherited),
    };

    /* A watch that is a signal late lets a guest go on that should have come out. */
    if (under_emulator(EMULATOR_SIGNALS))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
