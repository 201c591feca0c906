/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who dies with whom, where guests are processes: all of them with their host; none of their host's
 * other sandboxes when somebody kills one, or the zygote, from outside.
 */
#include "e2e.h"
#include "processes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SANDBOXES 4u

static const struct sconce_sandbox_options no_deadline = {.limits.deadline_ns = UINT64_MAX};

struct busy {
    struct sconce_sandbox *sandbox;
    struct sconce_error err;
    int result;
};

static void *spin(void *arg)
{
    struct busy *busy = arg;

    busy->result = sconce_sandbox_call(busy->sandbox, "spin", NULL, 0, NULL, &busy->err);
    return NULL;
}

static void start_spinning(struct busy *busy, pthread_t *thread)
{
    pthread_create(thread, NULL, spin, busy);
    while (sconce_sandbox_state(busy->sandbox) != SCONCE_STATE_RUNNING)
        sched_yield();
}

static int works(struct sconce_sandbox *sandbox)
{
    const struct sconce_value rounds = sconce_u64(10);
    struct sconce_value result = {0};
    struct sconce_error err;

    return sconce_sandbox_call(sandbox, "work", &rounds, 1, &result, &err) == 0 &&
           result.as.u64 == 10;
}

/* A host with sandboxes, one of them for each state that they can be in. */
struct world {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *idle[SANDBOXES];
    struct sconce_snapshot *snapshot;
    struct busy busy;
    pthread_t thread;
};

static void make_world(struct world *world)
{
    struct sconce_error err = {0};

    world->runtime = e2e_runtime();
    world->guest = e2e_guest(world->runtime, "hang");
    for (unsigned i = 0; i < SANDBOXES; i++)
        world->idle[i] = e2e_sandbox(world->guest, &no_deadline);
    e2e_ok(sconce_sandbox_snapshot(world->idle[0], &world->snapshot, &err), &err);
    world->busy = (struct busy){.sandbox = e2e_sandbox(world->guest, &no_deadline)};
    start_spinning(&world->busy, &world->thread);
}

static void free_world(struct world *world)
{
    for (unsigned i = 0; i < SANDBOXES; i++)
        sconce_sandbox_free(world->idle[i]);
    sconce_sandbox_free(world->busy.sandbox);
    sconce_snapshot_free(world->snapshot);
    sconce_guest_free(world->guest);
    sconce_runtime_free(world->runtime);
}

/* ---- The host ------------------------------------------------------------------------------ */

/* A child of the host that it did not exec, which lives on and then ends by itself: when nothing
 * holds the other end of @until any more. */
static void live_on(int until)
{
    char byte;

    while (read(until, &byte, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static void be_host(bool forks, int ready, int until) __attribute__((noreturn));
static void be_host(bool forks, int ready, int until)
{
    static struct world world;
    pid_t child = 0;

    make_world(&world);
    if (forks) {
        child = fork();
        if (!child)
            live_on(until);
    }
    if (write(ready, &child, sizeof child) != sizeof child)
        abort();
    for (;;)
        pause();
}

static void die_as_host(bool forks)
{
    pid_t host, child = 0, zygote, guests[SANDBOXES + 2];
    int ready[2], until[2], pidfds[SANDBOXES + 1], zygote_fd, child_fd = -1;

    assert_int_equal(pipe(ready) | pipe(until), 0);
    host = fork();
    if (!host) {
        close(until[1]);
        be_host(forks, ready[1], until[0]);
    }
    assert_int_equal(read(ready[0], &child, sizeof child), sizeof child);
    zygote = processes_zygote(host);
    assert_int_not_equal(zygote, 0);
    assert_int_equal(processes_children(zygote, guests, SANDBOXES + 2), SANDBOXES + 1);
    zygote_fd = processes_open(zygote);
    assert_true(zygote_fd >= 0);
    for (unsigned i = 0; i <= SANDBOXES; i++) {
        pidfds[i] = processes_open(guests[i]);
        assert_true(pidfds[i] >= 0);
    }
    if (forks) {
        child_fd = processes_open(child);
        assert_true(child_fd >= 0);
    }

    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    processes_await_end(zygote_fd);
    for (unsigned i = 0; i <= SANDBOXES; i++)
        processes_await_end(pidfds[i]);
    if (forks) {
        struct pollfd alive = {.fd = child_fd, .events = POLLIN};

        assert_int_equal(poll(&alive, 1, 0), 0);
    }
    close(until[1]);
    processes_await_end(child_fd);
    close(until[0]);
    close(ready[0]);
    close(ready[1]);
}

static void test_deaths_killed_host_leaves_no_process(void **state)
{
    (void)state;
    die_as_host(false);
}

/* That child has copies of all the host's descriptors. */
static void test_deaths_killed_host_leaves_no_process_though_its_fork_lives(void **state)
{
    (void)state;
    die_as_host(true);
}

/* ---- The zygote, and a guest --------------------------------------------------------------- */

static void expect_fault(const struct busy *busy)
{
    assert_int_equal(busy->result, SCONCE_E_GUEST_FAULT);
    assert_true(busy->err.text[0] != '\0');
    assert_int_equal(sconce_sandbox_state(busy->sandbox), SCONCE_STATE_POISONED);
}

static void test_deaths_killed_guest_is_a_fault_of_its_sandbox_alone(void **state)
{
    struct world world;
    struct sconce_error err = {0};
    pid_t guests[SANDBOXES + 1];
    pid_t zygote;

    (void)state;
    make_world(&world);
    zygote = processes_zygote(getpid());
    sconce_sandbox_kick(world.busy.sandbox);
    pthread_join(world.thread, NULL);
    e2e_ok(sconce_sandbox_restore(world.busy.sandbox, world.snapshot, &err), &err);
    /* All of them, so that the right one is among them; those between calls find out later. */
    assert_int_equal(processes_children(zygote, guests, SANDBOXES + 1), SANDBOXES + 1);
    start_spinning(&world.busy, &world.thread);
    for (unsigned i = 0; i <= SANDBOXES; i++) {
        int pidfd = processes_open(guests[i]);

        kill(guests[i], SIGKILL);
        processes_await_end(pidfd);
    }
    pthread_join(world.thread, NULL);
    expect_fault(&world.busy);
    assert_int_equal(processes_zygote(getpid()), zygote);
    for (unsigned i = 0; i < SANDBOXES; i++) {
        assert_int_equal(
            sconce_sandbox_call(world.idle[i], "call_host_forever", NULL, 0, NULL, &err),
            SCONCE_E_GUEST_FAULT);
        e2e_ok(sconce_sandbox_restore(world.idle[i], world.snapshot, &err), &err);
        assert_true(works(world.idle[i]));
    }
    free_world(&world);
}

/* @at_once: the host goes on while the zygote is dying. */
static void lose_zygote(bool at_once)
{
    struct world world;
    struct sconce_sandbox *fresh;
    struct sconce_error err = {0};
    pid_t zygote;
    int pidfd;

    make_world(&world);
    zygote = processes_zygote(getpid());
    pidfd = processes_open(zygote);
    kill(zygote, SIGKILL);
    if (!at_once) {
        pthread_join(world.thread, NULL);
        processes_await_end(pidfd);
    }
    fresh = e2e_sandbox(world.guest, &no_deadline);
    assert_true(works(fresh));
    assert_int_not_equal(processes_zygote(getpid()), zygote);
    if (at_once) {
        pthread_join(world.thread, NULL);
        processes_await_end(pidfd);
    }
    expect_fault(&world.busy);
    e2e_ok(sconce_sandbox_restore(world.busy.sandbox, world.snapshot, &err), &err);
    assert_true(works(world.busy.sandbox));
    for (unsigned i = 0; i < SANDBOXES; i++) {
        if (i % 2) {
            assert_int_equal(sconce_sandbox_call(world.idle[i], "spin", NULL, 0, NULL, &err),
                             SCONCE_E_GUEST_FAULT);
        }
        e2e_ok(sconce_sandbox_restore(world.idle[i], world.snapshot, &err), &err);
        assert_true(works(world.idle[i]));
    }
    sconce_sandbox_free(fresh);
    free_world(&world);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_deaths_killed_zygote_is_replaced(void **state)
{
    (void)state;
    lose_zygote(false);
}

static void test_deaths_zygote_that_is_dying_is_replaced(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        lose_zygote(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deaths_killed_host_leaves_no_process),
        cmocka_unit_test(test_deaths_killed_host_leaves_no_process_though_its_fork_lives),
        cmocka_unit_test(test_deaths_killed_guest_is_a_fault_of_its_sandbox_alone),
        cmocka_unit_test(test_deaths_killed_zygote_is_replaced),
        cmocka_unit_test(test_deaths_zygote_that_is_dying_is_replaced),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
