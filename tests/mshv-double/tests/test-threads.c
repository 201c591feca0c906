/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for a VP that runs, and who does not. */
#include "runner.h"

#include <sched.h>
#include <unistd.h>

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
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
    while (!__atomic_load_n(&a.started, __ATOMIC_SEQ_CST))
        sched_yield();
    for (int i = 0; i < 20; i++)
        runner_wait(&r);
    assert_false(__atomic_load_n(&a.done, __ATOMIC_SEQ_CST));

    runner_stop(&r);
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
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);

    assert_int_equal(through_partition(&r.m, 0x50, RIP, &status), 0);
    assert_int_equal(client_get_property(r.m.pt, 0x50017, &value, NULL), 0);
    /* A VP that runs is changed by nobody. */
    assert_int_equal(through_partition(&r.m, 0x51, RIP, &status), -1);
    assert_int_equal(status, 0x15);
    assert_false(__atomic_load_n(&r.done, __ATOMIC_SEQ_CST));
    runner_stop(&r);
    machine_free(&r.m);
}

static void test_memory_can_be_added_while_the_guest_runs(void **state)
{
    struct runner r;
    int file;
    void *page = client_memory(4096, &file);

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    assert_int_equal(client_map(r.m.pt, page, 4096, NOWHERE, WRITABLE), 0);
    runner_wait(&r);
    assert_int_equal(client_map(r.m.pt, page, 4096, NOWHERE, UNMAP), 0);
    runner_wait(&r);
    runner_stop(&r);
    machine_free(&r.m);
}

static void test_vp_closed_by_another_thread_runs_to_its_end(void **state)
{
    struct runner r;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    close(r.m.vp);
    runner_wait(&r);
    runner_stop(&r);
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
    runner_start(&r);
    pthread_join(r.thread, NULL);
    assert_int_equal(r.type, IO_PORT);
    client_skip(&r.m);
    assert_int_equal(client_run(&r.m), HALT);
    machine_free(&r.m);
}

struct pair_asker {
    int fd;
    uint32_t other;
    bool failed;
};

static void *ask_for_the_other(void *argument)
{
    struct pair_asker *a = argument;

    for (int i = 0; i < 20000; i++) {
        const struct {
            uint64_t partition;
            uint32_t vp, vtl, name;
        } in = {.vp = a->other, .name = XFEM};
        struct value out;
        struct call call = {0x50, 1, 20, sizeof out, .in = &in, .out = &out};

        a->failed |= client_call(a->fd, &call) != 0;
    }
    return NULL;
}

static void test_vps_can_ask_for_each_other(void **state)
{
    const uint32_t one = 1;
    struct pair_asker askers[2] = {{.other = 1}, {.other = 0}};
    pthread_t threads[2];
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    askers[0].fd = m.vp;
    askers[1].fd = ioctl(m.pt, CREATE_VP, &one);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_the_other, &askers[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_false(askers[i].failed);
    }
    close(askers[1].fd);
    machine_free(&m);
}

static void test_vp_that_runs_is_asked_for_by_another_vp(void **state)
{
    const uint32_t one = 1;
    struct pair_asker a = {.other = 0};
    struct runner r;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    a.fd = ioctl(r.m.pt, CREATE_VP, &one);
    runner_start(&r);
    runner_wait(&r);
    ask_for_the_other(&a);
    assert_true(a.failed); /* XFEM is not to be had now */
    runner_wait(&r);
    runner_stop(&r);
    a.failed = false;
    ask_for_the_other(&a);
    assert_false(a.failed);
    close(a.fd);
    machine_free(&r.m);
}

static void *work_on_a_small_stack(void *argument)
{
    static _Alignas(4096) uint8_t buffer[3 * 4096];
    struct state xsave = {.type = 1, .bytes = sizeof buffer, .buffer = buffer};
    struct machine *m = argument;

    client_set_wide(m, XMM0, client_get_wide(m, XMM0));
    ioctl(m->vp, GET_STATE, &xsave);
    xsave.bytes = sizeof buffer;
    ioctl(m->vp, SET_STATE, &xsave);
    client_run(m);
    return NULL;
}

static void test_calls_need_no_more_stack_than_system_calls(void **state)
{
    pthread_attr_t attributes;
    struct machine m;
    pthread_t thread;

    (void)state;
    machine_new(&m, CODE(0x8a, 0x03, 0xf4)); /* a load from nowhere: the most that is done */
    client_set(&m, RBX, NOWHERE);
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 0x4000), 0);
    assert_int_equal(pthread_create(&thread, &attributes, work_on_a_small_stack, &m), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_int_equal(TYPE(&m.message), UNMAPPED_GPA);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp_calls_of_other_threads_wait_for_the_run),
        cmocka_unit_test(test_partition_calls_do_not_wait_for_the_run),
        cmocka_unit_test(test_memory_can_be_added_while_the_guest_runs),
        cmocka_unit_test(test_vp_closed_by_another_thread_runs_to_its_end),
        cmocka_unit_test(test_vp_moves_between_threads),
        cmocka_unit_test(test_vps_can_ask_for_each_other),
        cmocka_unit_test(test_calls_need_no_more_stack_than_system_calls),
        cmocka_unit_test(test_vp_that_runs_is_asked_for_by_another_vp),
    };

    return CLIENT_MAIN(tests);
}
