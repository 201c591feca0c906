/* SPDX-License-Identifier: Apache-2.0 */
/* The vCPU's ops: their order, their arguments, kicks and threads. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/plugin.h"

#define NON_CANONICAL 0x8000000000000000ull

/* A plugin and a VM that is ready to be entered; cleaned up with its vm. */
struct ready {
    struct check_plugin plugin;
    struct check_vm vm;
};

static enum check_outcome get_ready(struct check *check, struct ready *ready)
{
    CHECK_STEP(check_plugin_open(check, &ready->plugin));
    return check_vm_open(check, &ready->plugin, &ready->vm);
}

static void end_ready(struct ready *ready)
{
    check_vm_close(&ready->vm);
}

#define READY_EMPTY                                                                                \
    {                                                                                              \
        .vm = CHECK_VM_EMPTY                                                                       \
    }

static enum check_outcome needs_code(struct check *check)
{
    return check_has_code(check)
               ? CHECK_OK
               : check_skip(check, "no code for machine %u is at hand", check->setup->machine);
}

/* ---- order ---- */

static enum check_outcome check_run_before_enter(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;

    CHECK_STEP(get_ready(check, &ready));
    CHECK_STEP(
        check_refused(check, &ready.plugin, check_run_op(&ready.vm), "vcpu_run before enter"));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run");
}

static enum check_outcome check_enter_twice(struct check *check)
{
    const struct sconce_entry entry = check_vm_entry(CHECK_CODE_DOORBELL);
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    int32_t status;

    CHECK_STEP(get_ready(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    status = ready.plugin.ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "vcpu_enter without vcpu_reset"));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

static enum check_outcome check_enter_addresses(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    struct sconce_entry entry = check_vm_entry(CHECK_CODE_DOORBELL);
    const struct sconce_plugin_ops *ops;
    int32_t status;

    CHECK_STEP(get_ready(check, &ready));
    ops = ready.plugin.ops;
    entry.pc = NON_CANONICAL;
    status = ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "an impossible PC"));
    entry = check_vm_entry(CHECK_CODE_DOORBELL);
    entry.tls = NON_CANONICAL;
    status = ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "an impossible TLS base"));
    entry = check_vm_entry(CHECK_CODE_DOORBELL);
    entry.reserved0 = 1;
    status = ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "an entry with reserved0 set"));
    entry = check_vm_entry(CHECK_CODE_DOORBELL);
    entry.size = 16;
    status = ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "an entry of 16 bytes"));

    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL)); /* nothing had changed */
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run");
}

/* SP is special: some machines cannot hold such a value, others fault when it is used. Either is
 * right, as long as the VM can be reset and used. */
static enum check_outcome check_enter_wild_stack(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    struct sconce_entry entry = check_vm_entry(CHECK_CODE_DOORBELL);
    int32_t status;

    CHECK_STEP(get_ready(check, &ready));
    entry.sp = NON_CANONICAL;
    status = ready.plugin.ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    if (status == SCONCE_PLUGIN_OK)
        CHECK_STEP(check_vm_run(check, &ready.vm));
    else
        CHECK_STEP(check_refused(check, &ready.plugin, status, "an impossible SP"));
    CHECK_STEP(check_vm_reset(check, &ready.vm));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

static enum check_outcome check_tls(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    const struct sconce_plugin_ops *ops;
    int32_t status;

    CHECK_STEP(get_ready(check, &ready));
    ops = ready.plugin.ops;
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    status = ops->vcpu_set_tls(ready.vm.vm, CHECK_STACK_GPA, check_err(&ready.plugin));
    CHECK_STEP(check_done(check, &ready.plugin, status, "vcpu_set_tls"));
    status = ops->vcpu_set_tls(ready.vm.vm, NON_CANONICAL, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "an impossible TLS base"));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

static enum check_outcome check_complete_alone(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    int32_t status;

    CHECK_STEP(get_ready(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    status = ready.plugin.ops->vcpu_complete(ready.vm.vm, 0, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "vcpu_complete without a SYSCALL exit"));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

static enum check_outcome check_reset_anytime(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;

    CHECK_STEP(get_ready(check, &ready));
    CHECK_STEP(check_vm_reset(check, &ready.vm)); /* before the first enter */
    CHECK_STEP(check_vm_reset(check, &ready.vm)); /* and again */
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_reset(check, &ready.vm)); /* before the first run */
    CHECK_STEP(
        check_refused(check, &ready.plugin, check_run_op(&ready.vm), "vcpu_run after a reset"));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
        CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
        CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the second run"));
        CHECK_STEP(check_vm_reset(check, &ready.vm));
    }
    return CHECK_OK;
}

/* ---- exits ---- */

static enum check_outcome check_doorbell(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    const uint8_t *raw = ready.vm.exit.u.raw;

    CHECK_STEP(get_ready(check, &ready));
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
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    struct {
        struct sconce_exit exit;
        uint64_t later;
    } larger = {.exit = {.size = sizeof larger}, .later = UINT64_MAX};
    struct sconce_exit shorter = {.size = 8};
    int32_t status;

    CHECK_STEP(get_ready(check, &ready));
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
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    const struct sconce_exit_fault *fault = &ready.vm.exit.u.fault;

    CHECK_STEP(needs_code(check));
    CHECK_STEP(get_ready(check, &ready));
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
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    const struct sconce_exit_syscall *syscall = &ready.vm.exit.u.syscall;
    int32_t status;

    CHECK_STEP(needs_code(check));
    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    CHECK_STEP(get_ready(check, &ready));
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
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;

    CHECK_STEP(get_ready(check, &ready));
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
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;

    CHECK_STEP(get_ready(check, &ready));
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
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;

    CHECK_STEP(needs_code(check));
    CHECK_STEP(get_ready(check, &ready));
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

/* ---- threads ---- */

struct other_thread {
    struct check *check;
    struct check_vm *vm;
    enum check_outcome outcome;
};

static enum check_outcome run_elsewhere(struct check *check, struct check_vm *vm)
{
    CHECK_STEP(check_vm_run_to(check, vm, SCONCE_EXIT_DOORBELL, "a run from another thread"));
    CHECK_STEP(check_vm_reset(check, vm));
    CHECK_STEP(check_vm_enter(check, vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, vm, SCONCE_EXIT_DOORBELL, "a run from another thread");
}

static void *other_thread(void *ctx)
{
    struct other_thread *other = ctx;

    other->outcome = run_elsewhere(other->check, other->vm);
    return NULL;
}

static enum check_outcome check_threads(struct check *check)
{
    SCONCE_CLEANUP(end_ready) struct ready ready = READY_EMPTY;
    struct other_thread other = {.check = check, .vm = &ready.vm, .outcome = CHECK_FAIL};

    CHECK_STEP(get_ready(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    for (int i = 0; i < 5; i++) {
        pthread_t thread;

        CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "a run from the first"));
        CHECK(check, pthread_create(&thread, NULL, other_thread, &other) == 0, "no thread");
        pthread_join(thread, NULL);
        if (other.outcome != CHECK_OK)
            return other.outcome;
    }
    return CHECK_OK;
}

/* ---- many ---- */

#define MANY 50u

static enum check_outcome create_many(struct check *check, struct check_plugin *plugin,
                                      struct check_vm *vms, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        CHECK_STEP(check_vm_open(check, plugin, &vms[i]));
        CHECK_STEP(check_vm_enter(check, &vms[i], CHECK_CODE_DOORBELL));
    }
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < count; i++)
            CHECK_STEP(check_vm_run_to(check, &vms[i], SCONCE_EXIT_DOORBELL, "one of many VMs"));
    }
    return CHECK_OK;
}

static enum check_outcome check_many(struct check *check)
{
    uint32_t max = check->setup->probe.max_vms;
    unsigned count = max && max < MANY ? max : MANY;
    struct check_vm vms[MANY];
    struct check_plugin plugin;
    enum check_outcome outcome;

    for (unsigned i = 0; i < MANY; i++)
        vms[i] = (struct check_vm)CHECK_VM_EMPTY;
    CHECK_STEP(check_plugin_open(check, &plugin));
    outcome = create_many(check, &plugin, vms, count);
    for (unsigned i = 0; i < count; i++)
        check_vm_close(&vms[i]);
    return outcome;
}

const struct check_row check_contract_rows[] = {
    {"run.before-enter", "vcpu_run before vcpu_enter is refused", CHECK_NEEDS_PROBE,
     check_run_before_enter},
    {"enter.twice", "vcpu_enter comes after vm_create or vcpu_reset only", CHECK_NEEDS_PROBE,
     check_enter_twice},
    {"enter.addresses", "impossible addresses are refused and change nothing", CHECK_NEEDS_PROBE,
     check_enter_addresses},
    {"enter.stack", "an impossible stack pointer does no harm", CHECK_NEEDS_PROBE,
     check_enter_wild_stack},
    {"tls.address", "vcpu_set_tls checks its address", CHECK_NEEDS_PROBE, check_tls},
    {"complete.order", "vcpu_complete comes after a SYSCALL exit only", CHECK_NEEDS_PROBE,
     check_complete_alone},
    {"reset.anytime", "vcpu_reset may come at any time; vcpu_enter follows", CHECK_NEEDS_PROBE,
     check_reset_anytime},
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
    {"threads.move", "a VM may move from thread to thread", CHECK_NEEDS_PROBE, check_threads},
    {"vm.many", "50 VMs live at once", CHECK_NEEDS_PROBE, check_many},
    {NULL, NULL, 0, NULL},
};
