/* SPDX-License-Identifier: Apache-2.0 */
/* A kick ends what runs or will run next, once; other signals do nothing. */
#include "plugins/shared/tests/arch.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static struct sconce_plugin_vm *volatile kicked_vm;

static void on_kick(int signal)
{
    (void)signal;
    ops->vcpu_kick_local(kicked_vm);
}

static void on_noise(int signal)
{
    (void)signal;
}

struct kicker {
    pthread_t target;
    struct fake_guest *guest;
    int signal;
    bool then_let_go;
    unsigned rounds;
    atomic_uint seen; /* cancellations that the target has counted */
};

static uint64_t counter(const struct fake_guest *guest)
{
    return *(volatile uint64_t *)guest_data((struct fake_guest *)(uintptr_t)guest);
}

static void wait_for_progress(const struct fake_guest *guest)
{
    uint64_t from = counter(guest);

    while (counter(guest) == from)
        sched_yield();
}

/* Signals that are no kick come all the while. They do nothing, but for ThreadSanitizer, which runs
 * a handler no sooner than its thread's next call. */
static void wait_until_seen(struct kicker *kicker, unsigned count)
{
    while (atomic_load(&kicker->seen) < count) {
        pthread_kill(kicker->target, SIGUSR2);
        sched_yield();
    }
}

static void *kick_while_it_runs(void *argument)
{
    struct kicker *kicker = argument;

    for (unsigned i = 0; i < kicker->rounds; i++) {
        wait_for_progress(kicker->guest);
        pthread_kill(kicker->target, kicker->signal);
        if (!kicker->then_let_go)
            wait_until_seen(kicker, i + 1);
    }
    if (kicker->then_let_go) {
        wait_for_progress(kicker->guest);
        ((volatile uint64_t *)guest_data(kicker->guest))[1] = 1;
    }
    return NULL;
}

static void install(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigaction(signal, &action, NULL);
}

static void test_kick_ends_an_endless_loop(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    struct kicker kicker = {pthread_self(), &guest, SIGUSR1, false, 300, 0};
    pthread_t thread;

    (void)state;
    install(SIGUSR1, on_kick);
    install(SIGUSR2, on_noise);
    guest_new(&guest, guest_count, guest_count_end);
    kicked_vm = guest.vm;
    guest_enter(&guest);
    pthread_create(&thread, NULL, kick_while_it_runs, &kicker);

    while (atomic_load(&kicker.seen) < kicker.rounds) {
        guest_run(&guest, &exit);
        assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
        atomic_fetch_add(&kicker.seen, 1);
    }

    pthread_join(thread, NULL);
    guest_data(&guest)[1] = 1;
    guest_expect_bell(&guest, 8); /* and no kick is left over */
    assert_int_equal(guest_data(&guest)[2], guest_data(&guest)[0]);
    guest_free(&guest);
}

/* Wherever the kick meets a guest that comes and goes: one cancellation each, and no bell lost. */
static void test_kick_amid_many_exits_cancels_once(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    struct kicker kicker = {pthread_self(), &guest, SIGUSR1, false, 300, 0};
    pthread_t thread;
    uint64_t bells = 0;

    (void)state;
    install(SIGUSR1, on_kick);
    install(SIGUSR2, on_noise);
    guest_new(&guest, guest_ring, guest_ring_end);
    kicked_vm = guest.vm;
    guest_enter(&guest);
    pthread_create(&thread, NULL, kick_while_it_runs, &kicker);

    while (atomic_load(&kicker.seen) < kicker.rounds) {
        guest_run(&guest, &exit);
        if (exit.kind == SCONCE_EXIT_CANCELLED) {
            atomic_fetch_add(&kicker.seen, 1);
        } else {
            assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
            bells++;
        }
    }

    pthread_join(thread, NULL);
    for (int i = 0; i < 100; i++, bells++)
        guest_expect_bell(&guest, 1);
    assert_int_equal(guest_data(&guest)[0], bells);
    guest_free(&guest);
}

static void test_kick_before_the_run_stops_it(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    guest_expect_bell(&guest, 200);
    guest_free(&guest);
}

static void test_kick_before_a_reset_is_dropped(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);

    guest_reset(&guest);

    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

static void test_kick_outlives_a_look_at_the_registers(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);

    show_registers(&guest);

    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    guest_free(&guest);
}

static void test_run_signals_of_others_do_not_end_it(void **state)
{
    struct fake_guest guest;
    struct kicker kicker = {pthread_self(), &guest, SIGUSR2, true, 100, 0};
    pthread_t thread;

    (void)state;
    install(SIGUSR2, on_noise);
    guest_new(&guest, guest_count, guest_count_end);
    guest_enter(&guest);
    pthread_create(&thread, NULL, kick_while_it_runs, &kicker);

    guest_expect_bell(&guest, 8);

    pthread_join(thread, NULL);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kick_ends_an_endless_loop),
        cmocka_unit_test(test_kick_amid_many_exits_cancels_once),
        cmocka_unit_test(test_kick_before_the_run_stops_it),
        cmocka_unit_test(test_kick_before_a_reset_is_dropped),
        cmocka_unit_test(test_kick_outlives_a_look_at_the_registers),
        cmocka_unit_test(test_run_signals_of_others_do_not_end_it),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
