/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that are hostile to their stub, and are killed, stopped or kicked by somebody else before,
 * while or after they attack it: a named error, and a restore that works.
 */
#include "plugins/shared/process/tests/attacks.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/guests/hostile.h"

#define NEVER UINT64_MAX
#define ROUNDS 20u /* of the attacks that can be caught at any moment */

/* ---- Killed --------------------------------------------------------------------------------- */

static int open_process(pid_t pid)
{
    int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

    assert_in_range(fd, 0, INT32_MAX);
    return fd;
}

static void kill_process(int pidfd)
{
    assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
}

static void kill_and_wait(struct target *target)
{
    int pidfd = open_process(target_process(target));
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    kill_process(pidfd);
    while (poll(&wait, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
    close(pidfd);
}

static void try_killed_before(void *ctx, const struct attack *attack)
{
    struct target *target = ctx;
    struct attack killed = *attack;
    struct sconce_error err;
    int result;

    target->at_attack = kill_and_wait;
    result = target_attack(target, attack, &err);
    killed.outcomes = OUTCOME_FAULT;
    killed.kinds = KIND_SHUTDOWN;
    assert_true(target->begun);
    target_expect(target, &killed, result, &err);
    target_recover(target, attack);
}

static void test_killed_guest_while_the_host_works_shuts_down(void **state)
{
    struct target target;

    (void)state;
    target_open(&target, NEVER);
    attacks_each(false, try_killed_before, &target);
    attacks_each(true, try_killed_before, &target);
    target_close(&target);
}

/* Another thread, which does something to the guest that is attacking. */
struct other {
    pthread_t thread;
    struct target *target;
    const struct attack *attack;
    int pidfd;
    pid_t process;
    unsigned pauses; /* before it does it */
};

static void pause_for(unsigned pauses)
{
    for (unsigned i = 0; i < pauses; i++)
        attack_pause();
}

static void *kill_meanwhile(void *arg)
{
    struct other *other = arg;

    pause_for(other->pauses);
    /* It may be dead already. */
    syscall(SYS_pidfd_send_signal, other->pidfd, SIGKILL, NULL, 0);
    return NULL;
}

static void start_killing(struct target *target)
{
    struct other *other = target->ctx;

    other->pidfd = open_process(target_process(target));
    assert_int_equal(pthread_create(&other->thread, NULL, kill_meanwhile, other), 0);
}

static void try_killed_meanwhile(void *ctx, const struct attack *attack)
{
    struct target *target = ctx;
    struct other *other = target->ctx;
    struct attack killed = *attack;
    struct sconce_error err;
    int result;

    target->at_attack = start_killing;
    result = target_attack(target, attack, &err);
    assert_true(target->begun);
    pthread_join(other->thread, NULL);
    close(other->pidfd);
    other->pauses = (other->pauses * 5 + 1) % 4096; /* at another moment each time */
    killed.outcomes |= OUTCOME_FAULT;
    killed.outcomes &= ~OUTCOME_LIMIT;
    killed.kinds |= KIND_SHUTDOWN;
    target_expect(target, &killed, result, &err);
    target_recover(target, attack);
}

static void test_killed_guest_in_its_attack_shuts_down(void **state)
{
    struct other other = {0};
    struct target target;

    (void)state;
    target_open(&target, NEVER);
    target.ctx = &other;
    attacks_each(false, try_killed_meanwhile, &target);
    for (unsigned i = 0; i < ROUNDS; i++)
        attacks_each(true, try_killed_meanwhile, &target);
    target_close(&target);
}

static void test_killed_guest_between_calls_shuts_down_in_the_next(void **state)
{
    static const struct attack attack = {"write_word", {0, 0}, OUTCOME_FAULT, KIND_SHUTDOWN};
    struct sconce_error err;
    struct target target;
    int result;

    (void)state;
    target_open(&target, NEVER);
    kill_and_wait(&target);
    result = target_attack(&target, &attack, &err);
    assert_false(target.begun);
    target_expect(&target, &attack, result, &err);
    target_recover(&target, &attack);
    target_close(&target);
}

/* ---- Stopped -------------------------------------------------------------------------------- */

static void *stop_meanwhile(void *arg)
{
    struct other *other = arg;

    pause_for(other->pauses);
    syscall(SYS_pidfd_send_signal, other->pidfd, SIGSTOP, NULL, 0);
    syscall(SYS_pidfd_send_signal, other->pidfd, SIGCONT, NULL, 0);
    return NULL;
}

static void start_stopping(struct target *target)
{
    struct other *other = target->ctx;

    other->pidfd = open_process(target_process(target));
    assert_int_equal(pthread_create(&other->thread, NULL, stop_meanwhile, other), 0);
}

/* What the freezer does to it, too: the kernel makes the report of a stop anew. */
static void try_stopped_meanwhile(void *ctx, const struct attack *attack)
{
    struct target *target = ctx;
    struct other *other = target->ctx;
    struct sconce_error err;
    int result;

    target->at_attack = start_stopping;
    result = target_attack(target, attack, &err);
    pthread_join(other->thread, NULL);
    close(other->pidfd);
    other->pauses = (other->pauses * 5 + 1) % 4096;
    target_expect(target, attack, result, &err);
    target_recover(target, attack);
}

static void test_killed_guest_stopped_and_continued_ends_as_without(void **state)
{
    struct other other = {0};
    struct target target;

    (void)state;
    target_open(&target, NEVER);
    target.ctx = &other;
    attacks_each(false, try_stopped_meanwhile, &target);
    target_close(&target);
}

/* ---- Kicked --------------------------------------------------------------------------------- */

/* Some have no end only where the machine has what they use; else they are a fault at once. */
static uint32_t own_faults(const struct attack *attack)
{
    return attack->outcomes & OUTCOME_FAULT ? attack->kinds & ~KIND_SHUTDOWN : 0;
}

static void *kick_meanwhile(void *arg)
{
    struct other *other = arg;
    int there;

    pause_for(other->pauses);
    there = sconce_sandbox_kick(other->target->sandbox);
    assert_true(there == 1 || (there == 0 && own_faults(other->attack)));
    return NULL;
}

static void start_kicking(struct target *target)
{
    struct other *other = target->ctx;

    assert_int_equal(pthread_create(&other->thread, NULL, kick_meanwhile, other), 0);
}

static void try_kicked(void *ctx, const struct attack *attack)
{
    struct target *target = ctx;
    struct other *other = target->ctx;
    struct attack kicked = *attack;
    struct sconce_error err;
    int result;

    other->target = target;
    other->attack = attack;
    target->at_attack = start_kicking;
    result = target_attack(target, attack, &err);
    pthread_join(other->thread, NULL);
    other->pauses = (other->pauses * 5 + 1) % 4096;
    kicked.kinds = own_faults(attack);
    kicked.outcomes = OUTCOME_KICKED | (kicked.kinds ? OUTCOME_FAULT : 0);
    target_expect(target, &kicked, result, &err);
    target_recover(target, attack);
}

static void test_killed_endless_attack_can_be_kicked_at_any_moment(void **state)
{
    struct other other = {0};
    struct target target;

    (void)state;
    target_open(&target, NEVER);
    target.ctx = &other;
    for (unsigned i = 0; i < ROUNDS; i++)
        attacks_each(true, try_kicked, &target);
    target_close(&target);
}

/* Field SigBlk of proc(5): the signals that the process blocks. */
static uint64_t blocked_signals(pid_t process)
{
    char path[64], line[256];
    unsigned long long mask = 0;
    FILE *status;

    snprintf(path, sizeof path, "/proc/%d/status", process);
    status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "SigBlk: %llx", &mask) == 1)
            break;
    fclose(status);
    return mask;
}

static void *kick_when_masked(void *arg)
{
    /* SIGKILL and SIGSTOP cannot be blocked. */
    const uint64_t mask = MASK_MARK & ~(1ull << (SIGKILL - 1)) & ~(1ull << (SIGSTOP - 1));
    struct other *other = arg;

    while (blocked_signals(other->process) != mask)
        sched_yield();
    assert_int_equal(sconce_sandbox_kick(other->target->sandbox), 1);
    return NULL;
}

static void start_kicking_when_masked(struct target *target)
{
    struct other *other = target->ctx;

    other->process = target_process(target);
    assert_int_equal(pthread_create(&other->thread, NULL, kick_when_masked, other), 0);
}

static void test_killed_kick_ends_a_guest_that_has_masked_it(void **state)
{
    const struct attack attack = {"forged", {FIELD_MASK, MASK_MARK, THEN_LOOP}, OUTCOME_KICKED, 0};
    struct other other = {0};
    struct target target;
    struct sconce_error err;
    int result;

    (void)state;
    target_open(&target, NEVER);
    target.ctx = &other;
    other.target = &target;
    target.at_attack = start_kicking_when_masked;
    result = target_attack(&target, &attack, &err);
    pthread_join(other.thread, NULL);
    target_expect(&target, &attack, result, &err);
    target_recover(&target, &attack);
    target_close(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_guest_while_the_host_works_shuts_down),
        cmocka_unit_test(test_killed_guest_in_its_attack_shuts_down),
        cmocka_unit_test(test_killed_guest_between_calls_shuts_down_in_the_next),
        cmocka_unit_test(test_killed_guest_stopped_and_continued_ends_as_without),
        cmocka_unit_test(test_killed_endless_attack_can_be_kicked_at_any_moment),
        cmocka_unit_test(test_killed_kick_ends_a_guest_that_has_masked_it),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
