/* SPDX-License-Identifier: Apache-2.0 */
/* VMs in many threads at once, each thread with its own: made, run, reset and destroyed. */
#include "plugins/shared/tests/arch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 6, ROUNDS = 12, BELLS = 20 };

/* cmocka's assertions and the tests' one error are for one thread; here a step fails or not. */
struct worker {
    pthread_t thread;
    struct fake_guest guest; /* its memory; the VM is made anew each round */
    uint64_t number;
    atomic_uint failures;
};

static bool runs_to(struct worker *worker, uint32_t kind)
{
    struct sconce_exit exit = {.size = sizeof exit};

    return ops->vcpu_run(worker->guest.vm, &exit, NULL) == SCONCE_PLUGIN_OK && exit.kind == kind;
}

static bool enters(struct worker *worker, const uint8_t *code, const uint8_t *end)
{
    const struct sconce_entry entry = {
        .size = sizeof entry, .pc = CODE_GPA, .sp = STACK_TOP, .args = {worker->number}};

    memcpy(worker->guest.host, code, (size_t)(end - code));
    return guest_sync_code(&worker->guest, NULL) == SCONCE_PLUGIN_OK &&
           ops->vcpu_enter(worker->guest.vm, &entry, NULL) == SCONCE_PLUGIN_OK;
}

static bool does_a_round(struct worker *worker)
{
    uint64_t *data = guest_data(&worker->guest);
    uint64_t before = data[0];
    bool good = enters(worker, guest_add, guest_add_end);

    for (int i = 0; i < BELLS; i++)
        good = good && runs_to(worker, SCONCE_EXIT_DOORBELL);
    good = good && data[0] == before + BELLS * worker->number;
    good = good && ops->vcpu_reset(worker->guest.vm, NULL) == SCONCE_PLUGIN_OK;
    good = good && enters(worker, guest_fault, guest_fault_end);
    good = good && runs_to(worker, SCONCE_EXIT_FAULT);
    return good && data[1] == worker->number;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < ROUNDS; i++) {
        if (i && guest_make_vm(&worker->guest, NULL) != SCONCE_PLUGIN_OK) {
            atomic_fetch_add(&worker->failures, 1);
            return NULL;
        }
        if (!does_a_round(worker))
            atomic_fetch_add(&worker->failures, 1);
        ops->vm_destroy(worker->guest.vm);
        worker->guest.vm = NULL;
    }
    return NULL;
}

static void test_run_many_vms_in_many_threads(void **state)
{
    struct worker workers[THREADS] = {0};

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        guest_new(&workers[i].guest, guest_add, guest_add_end);
        workers[i].number = (uint64_t)i + 1;
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(atomic_load(&workers[i].failures), 0);
        guest_free(&workers[i].guest);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_many_vms_in_many_threads),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
