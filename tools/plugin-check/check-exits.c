/* SPDX-License-Identifier: Apache-2.0 */
/* What vcpu_run comes back with: exits, and the kicks that make it. */
#include <signal.h>
#include <sys/time.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/plugin.h"

/* ---- exits ---- */

static enum check_outcome check_doorbell(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    const uint8_t *raw = ready.vm.exit.u.raw;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    for (int i = 0; i < 100; i++) {
        CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "a run"));
        CHECK(check, ready.vm.exit.u.doorbell.number == SCONCE_DOORBELL_READY,
              "the doorbell's number is %u, not %u", ready.vm.exit.u.doorbell.number,
              SCONCE_DOORBELL_READY);
        for (size_t b = sizeof ready.vm.exit.u.doorbell; b < sizeof ready.vm.exit.u.raw; b++)
            CHECK(check, raw[b] == 0, "byte %zu of the exit's union is 0x%02x, not zero", b,
                  raw[b]);
        if (check->setup->probe.caps & SCONCE_CAP_SCRIPTED)
            break; /* what comes next is the script's affair */
    }
    return CHECK_OK;
}

static enum check_outcome check_exit_sizes(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    struct {
        struct sconce_exit exit;
        uint64_t later;
    } larger = {.exit = {.size = sizeof larger}, .later = UINT64_MAX};
    struct sconce_exit shorter = {.size = 8};
    int32_t status;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    status = ready.plugin.ops->vcpu_run(ready.vm.vm, &shorter, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "an exit of 8 bytes"));
    status = ready.plugin.ops->vcpu_run(ready.vm.vm, &larger.exit, check_err(&ready.plugin));
    CHECK_STEP(check_done(check, &ready.plugin, status, "vcpu_run by a newer core"));
    CHECK(check, larger.exit.kind == SCONCE_EXIT_DOORBELL, "exit %u, not DOORBELL",
          larger.exit.kind);
    CHECK(check, larger.later == 0, "what a newer core has behind the exit is not zeroed");
    return CHECK_OK;
}

static enum check_outcome check_terminal(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    const struct sconce_exit_fault *fault = &ready.vm.exit.u.fault;

    CHECK_STEP(check_needs_code(check));
    CHECK_STEP(check_ready_open(check, &ready));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_ILLEGAL));
        CHECK_STEP(
            check_vm_run_to(check, &ready.vm, SCONCE_EXIT_FAULT, "an undefined instruction"));
        CHECK(check, fault->kind == SCONCE_FAULT_ILLEGAL, "fault kind %u, not ILLEGAL",
              fault->kind);
        CHECK(check, fault->pc == check_vm_entry(CHECK_CODE_ILLEGAL).pc,
              "the fault's PC is 0x%llx, not 0x%llx", (unsigned long long)fault->pc,
              (unsigned long long)check_vm_entry(CHECK_CODE_ILLEGAL).pc);
        CHECK_STEP(
            check_refused(check, &ready.plugin, check_run_op(&ready.vm), "vcpu_run after a fault"));
        CHECK_STEP(check_vm_reset(check, &ready.vm));
    }
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after all that");
}

static enum check_outcome check_syscall(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    const struct sconce_exit_syscall *syscall = &ready.vm.exit.u.syscall;
    int32_t status;

    CHECK_STEP(check_needs_code(check));
    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_SYSCALL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_SYSCALL, "a system call"));
    CHECK(check, syscall->raw_nr == 39, "its number is %llu, not 39",
          (unsigned long long)syscall->raw_nr);
    CHECK_STEP(check_refused(check, &ready.plugin, check_run_op(&ready.vm),
                             "vcpu_run before vcpu_complete"));
    status = ready.plugin.ops->vcpu_complete(ready.vm.vm, -38, check_err(&ready.plugin));
    CHECK_STEP(check_done(check, &ready.plugin, status, "vcpu_complete"));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL,
                           "the guest that should see the result -38");
}

/* ---- kicks ---- */

static enum check_outcome check_kick_pending(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    for (int i = 0; i < 20; i++) {
        ready.plugin.ops->vcpu_kick_local(ready.vm.vm);
        ready.plugin.ops->vcpu_kick_local(ready.vm.vm); /* two before one run are one */
        CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_CANCELLED, "a run after a kick"));
        CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that"));
    }
    return CHECK_OK;
}

static enum check_outcome check_kick_reset(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    ready.plugin.ops->vcpu_kick_local(ready.vm.vm);
    CHECK_STEP(check_vm_reset(check, &ready.vm));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after the reset");
}

static struct check_vm *running;

static void on_alarm(int signal)
{
    (void)signal;
    running->plugin->ops->vcpu_kick_local(running->vm);
}

/* The signal comes again until the run is over: right for every kick style. */
static enum check_outcome check_kick_running(struct check *check)
{
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval soon = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};
    const struct itimerval never = {.it_value.tv_usec = 0};
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;

    CHECK_STEP(check_needs_code(check));
    CHECK_STEP(check_ready_open(check, &ready));
    running = &ready.vm;
    sigaction(SIGALRM, &action, NULL);
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_SPIN));
    for (int i = 0; i < 20; i++) {
        enum check_outcome outcome;

        setitimer(ITIMER_REAL, &soon, NULL);
        outcome = check_vm_run_to(check, &ready.vm, SCONCE_EXIT_CANCELLED, "an endless loop");
        setitimer(ITIMER_REAL, &never, NULL);
        if (outcome != CHECK_OK)
            return outcome;
    }
    CHECK_STEP(check_vm_reset(check, &ready.vm));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

const struct check_row check_exits_rows[] = {
    {"exit.doorbell", "doorbells carry their number, and running goes on behind them",
     CHECK_NEEDS_PROBE, check_doorbell},
    {"exit.sizes", "a larger sconce_exit is zeroed whole, a truncated one refused",
     CHECK_NEEDS_PROBE, check_exit_sizes},
    {"exit.terminal", "after a fault only vcpu_reset helps", CHECK_NEEDS_PROBE | CHECK_NEEDS_CODE,
     check_terminal},
    {"exit.syscall", "a system call is an exit, and gets its result",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_CODE, check_syscall},
    {"kick.pending", "a kick before a run cancels that run, once", CHECK_NEEDS_PROBE,
     check_kick_pending},
    {"kick.reset", "vcpu_reset drops a kick", CHECK_NEEDS_PROBE, check_kick_reset},
    {"kick.running", "a kick from a signal handler ends an endless loop",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_CODE, check_kick_running},
    {NULL, NULL, 0, NULL},
};
