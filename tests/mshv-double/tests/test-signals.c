/* SPDX-License-Identifier: Apache-2.0 */
/* What a signal does to RUN_VP. */
#include "runner.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>

static void test_signal_ends_the_run_with_eintr(void **state)
{
    struct runner r;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    pthread_kill(r.thread, SIGUSR1);
    pthread_join(r.thread, NULL);

    assert_int_equal(r.type, 0);
    assert_int_equal(r.error, EINTR);
    assert_int_equal(runner_handled, 1);
    machine_free(&r.m);
}

static void test_sa_restart_does_not_restart_it(void **state)
{
    struct runner r;

    (void)state;
    runner_take(SIGUSR1, SA_RESTART);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    pthread_kill(r.thread, SIGUSR1);
    pthread_join(r.thread, NULL);

    assert_int_equal(r.error, EINTR);
    machine_free(&r.m);
}

static void test_interrupted_vp_is_suspended_and_goes_on(void **state)
{
    struct runner r;
    uint32_t before;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    runner_stop(&r);
    assert_int_equal(client_get(&r.m, 0), 1); /* EXPLICIT_SUSPEND */
    assert_int_equal(client_get(&r.m, 1), 0); /* INTERCEPT_SUSPEND */
    memcpy(&before, r.m.ram + DATA_AT, sizeof before);

    runner_start(&r);
    runner_wait(&r);
    runner_stop(&r);
    assert_true(*(volatile uint32_t *)(void *)(r.m.ram + DATA_AT) > before);
    machine_free(&r.m);
}

static void test_register_page_is_not_valid_after_eintr(void **state)
{
    struct runner r;
    volatile uint8_t *page;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r.m.vp, 0);
    runner_start(&r);
    runner_wait(&r);
    runner_stop(&r);
    assert_int_equal(page[2], 0);
    machine_free(&r.m);
}

static void test_signal_handled_before_the_run_is_lost(void **state)
{
    struct runner r;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    raise(SIGUSR1);
    assert_int_equal(runner_handled, 1);

    /* The run does not know of it: the guest goes on and on. */
    runner_start(&r);
    runner_wait(&r);
    runner_wait(&r);
    assert_false(__atomic_load_n(&r.done, __ATOMIC_SEQ_CST));
    runner_stop(&r);
    machine_free(&r.m);
}

static void test_blocked_signal_that_is_pending_does_not_end_it(void **state)
{
    struct machine m;
    sigset_t set, old;

    (void)state;
    runner_take(SIGUSR1, 0);
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(runner_handled, 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(runner_handled, 1);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_ignored_signal_changes_nothing(void **state)
{
    struct runner r;

    (void)state;
    runner_take(SIGUSR1, 0);
    signal(SIGUSR2, SIG_IGN);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    pthread_kill(r.thread, SIGUSR2);
    runner_wait(&r);
    runner_wait(&r);
    assert_false(__atomic_load_n(&r.done, __ATOMIC_SEQ_CST));
    runner_stop(&r);
    machine_free(&r.m);
}

/* inc %ebx; mov %ebx,%eax; out %eax,(%dx); jmp back */
#define COUNT_OUT 0xff, 0xc3, 0x89, 0xd8, 0xef, 0xeb, 0xf9
#define MESSAGES 300u

static void *count_thread(void *argument)
{
    struct runner *r = argument;
    uint32_t expected = 1;

    __atomic_store_n(&r->ready, true, __ATOMIC_SEQ_CST);
    while (expected <= MESSAGES) {
        uint32_t type = client_run(&r->m);

        if (type == 0 && errno == EINTR)
            continue;
        if (type != IO_PORT || PAYLOAD(&r->m.message, 48, 4) != expected)
            break;
        client_skip(&r->m);
        expected++;
    }
    r->type = expected;
    __atomic_store_n(&r->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void test_no_message_is_lost_or_doubled_among_signals(void **state)
{
    struct runner r = {0};

    (void)state;
    runner_take(SIGUSR1, 0);
    machine_new(&r.m, CODE(COUNT_OUT));
    client_set(&r.m, RBX, 0);
    assert_int_equal(pthread_create(&r.thread, NULL, count_thread, &r), 0);
    while (!__atomic_load_n(&r.ready, __ATOMIC_SEQ_CST))
        sched_yield();
    while (!__atomic_load_n(&r.done, __ATOMIC_SEQ_CST)) {
        pthread_kill(r.thread, SIGUSR1);
        sched_yield();
    }
    pthread_join(r.thread, NULL);
    assert_int_equal(r.type, MESSAGES + 1);
    machine_free(&r.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signal_ends_the_run_with_eintr),
        cmocka_unit_test(test_sa_restart_does_not_restart_it),
        cmocka_unit_test(test_interrupted_vp_is_suspended_and_goes_on),
        cmocka_unit_test(test_register_page_is_not_valid_after_eintr),
        cmocka_unit_test(test_signal_handled_before_the_run_is_lost),
        cmocka_unit_test(test_blocked_signal_that_is_pending_does_not_end_it),
        cmocka_unit_test(test_ignored_signal_changes_nothing),
        cmocka_unit_test(test_no_message_is_lost_or_doubled_among_signals),
    };

    return CLIENT_MAIN(tests);
}
