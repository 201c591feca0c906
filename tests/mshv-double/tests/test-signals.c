/* SPDX-License-Identifier: Apache-2.0 */
/* What a signal does to RUN_VP, and who waits for whom. Threads tell each other by atomics; a
 * signal is sent again until it has had its effect, where the interface makes that necessary. */
#include "client.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    (void)signal;
    handled++;
}

static void take(int signal, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    assert_int_equal(sigaction(signal, &action, NULL), 0);
    handled = 0;
}

struct runner {
    struct machine m;
    pthread_t thread;
    bool ready, done;
    uint32_t type;
    int error;
};

static void *run_thread(void *argument)
{
    struct runner *r = argument;

    __atomic_store_n(&r->ready, true, __ATOMIC_SEQ_CST);
    errno = 0;
    r->type = client_run(&r->m);
    r->error = errno;
    __atomic_store_n(&r->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void start(struct runner *r)
{
    r->ready = r->done = false;
    assert_int_equal(pthread_create(&r->thread, NULL, run_thread, r), 0);
    while (!__atomic_load_n(&r->ready, __ATOMIC_SEQ_CST))
        sched_yield();
}

/* Is the guest running? It counts in its memory, at DATA_AT. */
#define COUNT 0xff, 0x03, 0xeb, 0xfc /* incl (%rbx); jmp back */

static void wait_for_guest(struct runner *r)
{
    volatile uint32_t *counter = (volatile uint32_t *)(void *)(r->m.ram + DATA_AT);
    uint32_t first = *counter;

    while (*counter == first)
        sched_yield();
}

static void stop(struct runner *r)
{
    while (!__atomic_load_n(&r->done, __ATOMIC_SEQ_CST)) {
        pthread_kill(r->thread, SIGUSR1);
        usleep(100); /* the next signal; nothing is expected of the time */
    }
    pthread_join(r->thread, NULL);
}

static void new_counter(struct runner *r)
{
    memset(r, 0, sizeof *r);
    machine_new(&r->m, CODE(COUNT));
    client_set(&r->m, RBX, DATA_AT);
}

static void test_signal_ends_the_run_with_eintr(void **state)
{
    struct runner r;

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
    pthread_kill(r.thread, SIGUSR1);
    pthread_join(r.thread, NULL);

    assert_int_equal(r.type, 0);
    assert_int_equal(r.error, EINTR);
    assert_int_equal(handled, 1);
    machine_free(&r.m);
}

static void test_sa_restart_does_not_restart_it(void **state)
{
    struct runner r;

    (void)state;
    take(SIGUSR1, SA_RESTART);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
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
    take(SIGUSR1, 0);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
    stop(&r);
    assert_int_equal(client_get(&r.m, 0), 1); /* EXPLICIT_SUSPEND */
    assert_int_equal(client_get(&r.m, 1), 0); /* INTERCEPT_SUSPEND */
    memcpy(&before, r.m.ram + DATA_AT, sizeof before);

    start(&r);
    wait_for_guest(&r);
    stop(&r);
    assert_true(*(volatile uint32_t *)(void *)(r.m.ram + DATA_AT) > before);
    machine_free(&r.m);
}

static void test_register_page_is_not_valid_after_eintr(void **state)
{
    struct runner r;
    volatile uint8_t *page;

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r.m.vp, 0);
    start(&r);
    wait_for_guest(&r);
    stop(&r);
    assert_int_equal(page[2], 0);
    machine_free(&r.m);
}

static void test_signal_handled_before_the_run_is_lost(void **state)
{
    struct runner r;

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    raise(SIGUSR1);
    assert_int_equal(handled, 1);

    /* The run does not know of it: the guest goes on and on. */
    start(&r);
    wait_for_guest(&r);
    wait_for_guest(&r);
    assert_false(__atomic_load_n(&r.done, __ATOMIC_SEQ_CST));
    stop(&r);
    machine_free(&r.m);
}

static void test_blocked_signal_that_is_pending_does_not_end_it(void **state)
{
    struct machine m;
    sigset_t set, old;

    (void)state;
    take(SIGUSR1, 0);
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(handled, 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(handled, 1);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_ignored_signal_changes_nothing(void **state)
{
    struct runner r;

    (void)state;
    take(SIGUSR1, 0);
    signal(SIGUSR2, SIG_IGN);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
    pthread_kill(r.thread, SIGUSR2);
    wait_for_guest(&r);
    wait_for_guest(&r);
    assert_false(__atomic_load_n(&r.done, __ATOMIC_SEQ_CST));
    stop(&r);
    machine_free(&r.m);
}

/* ---- Who waits ------------------------------------------------------------------------------ */

struct asker {
    struct machine *m;
    bool started, done;
};

static void *ask(void *argument)
{
    struct asker *a = argument;

    __atomic_store_n(&a->started, true, __ATOMIC_SEQ_CST);
    client_get(a->m, RIP);
    __atomic_store_n(&a->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void test_vp_calls_of_other_threads_wait_for_the_run(void **state)
{
    struct runner r;
    struct asker a = {.m = &r.m};
    pthread_t thread;

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
    assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
    while (!__atomic_load_n(&a.started, __ATOMIC_SEQ_CST))
        sched_yield();
    for (int i = 0; i < 20; i++)
        wait_for_guest(&r);
    assert_false(__atomic_load_n(&a.done, __ATOMIC_SEQ_CST));

    stop(&r);
    pthread_join(thread, NULL);
    assert_true(a.done);
    machine_free(&r.m);
}

static int through_partition(struct machine *m, uint16_t code, uint32_t name, uint16_t *ret_status)
{
    struct {
        uint64_t partition;
        uint32_t vp, vtl;
        struct pair pair;
    } in = {.pair = {.name = name}};
    struct value out;
    struct call call = {code,      1,
                        sizeof in, code == 0x50 ? sizeof out : 0,
                        .in = &in, .out = code == 0x50 ? &out : NULL};
    int r = client_call(m->pt, &call);

    *ret_status = call.status;
    return r;
}

static void test_partition_calls_do_not_wait_for_the_run(void **state)
{
    struct runner r;
    uint16_t status;
    uint64_t value;

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);

    assert_int_equal(through_partition(&r.m, 0x50, RIP, &status), 0);
    assert_int_equal(client_get_property(r.m.pt, 0x50017, &value, NULL), 0);
    /* A VP that runs is changed by nobody. */
    assert_int_equal(through_partition(&r.m, 0x51, RIP, &status), -1);
    assert_int_equal(status, 0x15);
    assert_false(__atomic_load_n(&r.done, __ATOMIC_SEQ_CST));
    stop(&r);
    machine_free(&r.m);
}

static void test_memory_can_be_added_while_the_guest_runs(void **state)
{
    struct runner r;
    int file;
    void *page = client_memory(4096, &file);

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
    assert_int_equal(client_map(r.m.pt, page, 4096, NOWHERE, WRITABLE), 0);
    wait_for_guest(&r);
    assert_int_equal(client_map(r.m.pt, page, 4096, NOWHERE, UNMAP), 0);
    wait_for_guest(&r);
    stop(&r);
    machine_free(&r.m);
}

static void test_vp_closed_by_another_thread_runs_to_its_end(void **state)
{
    struct runner r;

    (void)state;
    take(SIGUSR1, 0);
    new_counter(&r);
    start(&r);
    wait_for_guest(&r);
    close(r.m.vp);
    wait_for_guest(&r);
    stop(&r);
    assert_int_equal(r.error, EINTR);
    r.m.vp = -1;
    machine_free(&r.m);
}

static void test_vp_moves_between_threads(void **state)
{
    struct runner r = {0};

    (void)state;
    machine_new(&r.m, CODE(0xe6, 0x42, 0xe6, 0x43, 0xf4));
    assert_int_equal(client_run(&r.m), IO_PORT);
    client_skip(&r.m);
    start(&r);
    pthread_join(r.thread, NULL);
    assert_int_equal(r.type, IO_PORT);
    client_skip(&r.m);
    assert_int_equal(client_run(&r.m), HALT);
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
        cmocka_unit_test(test_vp_calls_of_other_threads_wait_for_the_run),
        cmocka_unit_test(test_partition_calls_do_not_wait_for_the_run),
        cmocka_unit_test(test_memory_can_be_added_while_the_guest_runs),
        cmocka_unit_test(test_vp_closed_by_another_thread_runs_to_its_end),
        cmocka_unit_test(test_vp_moves_between_threads),
    };

    return CLIENT_MAIN(tests);
}
