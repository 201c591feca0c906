/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program's surroundings do to its guests: descriptors that run out, the end of the thread
 * that came first, a thread that may use one processor.
 */
#include "e2e.h"
#include "processes.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int call(struct sconce_sandbox *sandbox, const char *function)
{
    struct sconce_error err;

    return sconce_sandbox_call(sandbox, function, NULL, 0, NULL, &err);
}

/* With room for 0, 1, 2, ... descriptors more, until there is enough for a sandbox. */
static unsigned fill_descriptors(struct sconce_guest *guest)
{
    const struct sconce_sandbox_options options = {.size = sizeof options};
    unsigned fds = e2e_fds(), room = 0;
    struct rlimit before, few;
    int next = dup(STDIN_FILENO), r;

    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    do {
        struct sconce_sandbox *sandbox = NULL;
        struct sconce_error err = {0};

        few.rlim_cur = (rlim_t)next + room++;
        setrlimit(RLIMIT_NOFILE, &few);
        r = sconce_sandbox_new(guest, &options, &sandbox, &err);
        setrlimit(RLIMIT_NOFILE, &before);
        sconce_sandbox_free(sandbox);
        if (r < 0) {
            assert_int_equal(r, SCONCE_E_SYSTEM);
            e2e_says(&err, "open files");
            /* The zygote may have come to stay: two descriptors. */
            assert_in_range(e2e_fds(), fds, fds + 2);
        }
    } while (r < 0);
    if (processes_zygote(getpid()))
        processes_await_no_children(processes_zygote(getpid()));
    return room;
}

static void test_surroundings_without_descriptors_is_told_and_may_go_on(void **state)
{
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *sandbox;
    unsigned fds;

    (void)state;
    assert_in_range(fill_descriptors(guest), 3, 20);
    fds = e2e_fds();
    assert_in_range(fill_descriptors(guest), 3, 20);
    assert_int_equal(e2e_fds(), fds);
    sandbox = e2e_sandbox(guest, NULL);
    assert_int_equal(call(sandbox, "next"), 0);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
}

struct first {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandbox;
};

static void *come_first(void *arg)
{
    struct first *first = arg;

    first->runtime = e2e_runtime();
    first->guest = e2e_guest(first->runtime, "counter");
    first->sandbox = e2e_sandbox(first->guest, NULL);
    return NULL;
}

static struct first come_first_and_end(void)
{
    struct first first;
    pthread_t thread;

    pthread_create(&thread, NULL, come_first, &first);
    pthread_join(thread, NULL);
    return first;
}

static void free_first(struct first *first)
{
    sconce_sandbox_free(first->sandbox);
    sconce_guest_free(first->guest);
    sconce_runtime_free(first->runtime);
}

static void test_surroundings_thread_that_came_first_may_end(void **state)
{
    struct first first = come_first_and_end();
    struct sconce_sandbox *another = e2e_sandbox(first.guest, NULL);

    (void)state;
    assert_int_equal(call(first.sandbox, "next"), 0);
    assert_int_equal(call(another, "next"), 0);
    sconce_sandbox_free(another);
    free_first(&first);
}

/* A guest's process is for any processor, at an ordinary priority. */
static void test_surroundings_pinned_thread_pins_no_guest(void **state)
{
    const struct sched_param urgent = {.sched_priority = 1}, ordinary = {0};
    cpu_set_t before, one, guests;
    struct first first;
    pid_t guest;
    size_t cpu = (size_t)sched_getcpu();

    (void)state;
    if (strcmp(e2e_isolation(), "process") != 0)
        skip(); /* its guests run on the host's own threads */
    sched_getaffinity(0, sizeof before, &before);
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    sched_setscheduler(0, SCHED_FIFO, &urgent); /* where it is allowed */
    first = come_first_and_end();
    sched_setscheduler(0, SCHED_OTHER, &ordinary);
    sched_setaffinity(0, sizeof before, &before);

    assert_int_equal(processes_children(processes_zygote(getpid()), &guest, 1), 1);
    assert_int_equal(sched_getscheduler(guest), SCHED_OTHER);
    assert_int_equal(sched_getaffinity(guest, sizeof guests, &guests), 0);
    CPU_AND(&guests, &guests, &before);
    assert_true(CPU_EQUAL(&guests, &before));
    assert_int_equal(call(first.sandbox, "next"), 0);
    free_first(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surroundings_without_descriptors_is_told_and_may_go_on),
        cmocka_unit_test(test_surroundings_thread_that_came_first_may_end),
        cmocka_unit_test(test_surroundings_pinned_thread_pins_no_guest),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
