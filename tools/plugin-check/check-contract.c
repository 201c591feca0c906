/* SPDX-License-Identifier: Apache-2.0 */
/* The vCPU's ops: their order, their arguments and threads. */
#include <pthread.h>

#include "common/cleanup.h"
#include "tools/plugin-check/plugin.h"

#define NON_CANONICAL 0x8000000000000000ull

/* ---- order ---- */

static enum check_outcome check_run_before_enter(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(
        check_refused(check, &ready.plugin, check_run_op(&ready.vm), "vcpu_run before enter"));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run");
}

static enum check_outcome check_enter_twice(struct check *check)
{
    const struct sconce_entry entry = check_vm_entry(CHECK_CODE_DOORBELL);
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    int32_t status;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    status = ready.plugin.ops->vcpu_enter(ready.vm.vm, &entry, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "vcpu_enter without vcpu_reset"));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

static enum check_outcome check_enter_addresses(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    struct sconce_entry entry = check_vm_entry(CHECK_CODE_DOORBELL);
    const struct sconce_plugin_ops *ops;
    int32_t status;

    CHECK_STEP(check_ready_open(check, &ready));
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
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    struct sconce_entry entry = check_vm_entry(CHECK_CODE_DOORBELL);
    int32_t status;

    CHECK_STEP(check_ready_open(check, &ready));
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
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    const struct sconce_plugin_ops *ops;
    int32_t status;

    CHECK_STEP(check_ready_open(check, &ready));
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
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    int32_t status;

    CHECK_STEP(check_ready_open(check, &ready));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    status = ready.plugin.ops->vcpu_complete(ready.vm.vm, 0, check_err(&ready.plugin));
    CHECK_STEP(check_refused(check, &ready.plugin, status, "vcpu_complete without a SYSCALL exit"));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that");
}

static enum check_outcome check_reset_anytime(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;

    CHECK_STEP(check_ready_open(check, &ready));
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
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    struct other_thread other = {.check = check, .vm = &ready.vm, .outcome = CHECK_FAIL};

    CHECK_STEP(check_ready_open(check, &ready));
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
    {"threads.move", "a VM may move from thread to thread", CHECK_NEEDS_PROBE, check_threads},
    {"vm.many", "50 VMs live at once", CHECK_NEEDS_PROBE, check_many},
    {NULL, NULL, 0, NULL},
};
