/* SPDX-License-Identifier: Apache-2.0 */
/* Entering, running, answering, kicking and scrubbing. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/backend.h"

static const struct sconce_process_backend *const backend = &sconce_process_backend;

/* ---- Scrubbing ---------------------------------------------------------------------------- */

/* A process whose next release starts the guest with every register at its initial value. What it
 * had in them until now came from the host's thread. */
static int32_t make_process(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r =
        sconce_child_spawn(&vm->child, &vm->memory, backend->stub ? backend->stub() : 0, err);
    uint8_t *frame;

    if (r != SCONCE_PLUGIN_OK)
        return r;
    /* The frame's start, with whatever of the stack is behind it. */
    frame = sconce_child_frame(&vm->child, 0);
    if (!frame ||
        !backend->begin(vm, frame, SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - vm->child.frame)) {
        sconce_child_end(&vm->child);
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "this kernel lays out signal frames in an unknown way");
    }
    memset(vm->child.control, 0, SCONCE_ALTSTACK_OFFSET);
    return SCONCE_PLUGIN_OK;
}

/* The old process is gone before this returns, and with it every register, selector, base, signal
 * mask and stack that its guest had. Until the next run nothing runs in the new one. */
int32_t sconce_process_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    if (vm->state == SCONCE_VCPU_DEAD)
        return sconce_vcpu_refuse(vm->state, "reset the vCPU", err);
    sconce_child_end(&vm->child);
    atomic_store_explicit(&vm->kicked, false, memory_order_relaxed);
    vm->gone = false;
    vm->state = SCONCE_VCPU_FRESH;
    if (vm->memory.fixed)
        r = make_process(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->state = SCONCE_VCPU_DEAD;
    return r;
}

/* ---- Entering ------------------------------------------------------------------------------ */

static int32_t check_entry(const struct sconce_entry *entry, struct sconce_plugin_error *err)
{
    uint64_t value;
    const char *problem = backend->entry_problem(entry, &value);

    return sconce_given_entry_holds(problem, value, err);
}

static void put_tls(struct sconce_plugin_vm *vm, uint64_t tls)
{
    memcpy(vm->child.control + backend->tls_at, &tls, sizeof tls);
}

int32_t sconce_process_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                                  struct sconce_plugin_error *err)
{
    struct sconce_entry entry;
    int32_t r;

    if (vm->state != SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(vm->state, "enter the guest", err);
    r = sconce_given_entry(given, &entry, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_entry(&entry, err);
    if (r == SCONCE_PLUGIN_OK && !vm->child.control)
        r = make_process(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    backend->enter(vm, &entry);
    put_tls(vm, entry.tls);
    vm->memory.fixed = true;
    vm->state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_process_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                                    struct sconce_plugin_error *err)
{
    const struct sconce_entry entry = {.size = sizeof entry, .tls = tls};
    uint64_t value;

    if (vm->state == SCONCE_VCPU_DEAD || vm->state == SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(vm->state, "set the thread pointer", err);
    if (backend->entry_problem(&entry, &value))
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
            "give it an address of the guest's",
            "cannot set the thread pointer: 0x%" PRIx64 " is none that a guest can hold", tls);
    if (!vm->gone)
        put_tls(vm, tls);
    return SCONCE_PLUGIN_OK;
}

/* ---- Running ------------------------------------------------------------------------------- */

static void exit_clear(struct sconce_exit *exit)
{
    uint32_t size = exit->size;

    memset(exit, 0, size);
    exit->size = size;
}

static void exit_failed(struct sconce_plugin_vm *vm, int error, struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAIL;
    ret_exit->u.fail.domain = SCONCE_DOMAIN_ERRNO;
    ret_exit->u.fail.code = error;
    snprintf(ret_exit->u.fail.text, sizeof ret_exit->u.fail.text,
             "cannot wait for the guest's process (errno %d)", error);
    vm->state = SCONCE_VCPU_DEAD;
}

/* Something in the child broke what holds it together; or it was killed. Only the guest can be the
 * reason, or who may signal this process anyway. */
static void exit_gone(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    sconce_child_signal(&vm->child, SIGKILL);
    ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
    vm->gone = true;
    vm->state = SCONCE_VCPU_STOPPED;
}

static bool take_kick(struct sconce_plugin_vm *vm)
{
    return atomic_exchange_explicit(&vm->kicked, false, memory_order_relaxed);
}

/* One turn: the guest runs until it stops. Returns false when it is to go on at once. */
static bool turn(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    int number = 0, r;

    backend->resume(vm);
    r = sconce_child_release(&vm->child);
    if (r == 0)
        r = sconce_child_wait(&vm->child, &number);
    /* A kick that comes now finds it stopped, however late this thread is: there is nothing to be
     * killed for. */
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&vm->running, false, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (r == SCONCE_CHILD_AGAIN)
        return false;
    if (r < 0) {
        exit_failed(vm, -r, ret_exit);
    } else if (r == SCONCE_CHILD_GONE && take_kick(vm)) {
        /* Killed, as it did not listen. */
        vm->gone = true;
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
    } else if (r != SCONCE_CHILD_STOPPED) {
        exit_gone(vm, ret_exit);
    } else {
        backend->copy_frame(vm, number);
        if (number != SIGUSR1)
            return backend->decode(vm, number, ret_exit);
        if (!take_kick(vm))
            return false; /* came too late for the run that it was meant for */
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
    }
    return true;
}

int32_t sconce_process_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                                struct sconce_plugin_error *err)
{
    bool ended = false;

    if (vm->state != SCONCE_VCPU_RUNNABLE)
        return sconce_vcpu_refuse(vm->state, "run the guest", err);
    if (!SCONCE_HAS(sconce_exit, ret_exit, u))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot run the guest: no room for the exit");
    exit_clear(ret_exit);
    if (vm->gone) {
        exit_gone(vm, ret_exit);
        return SCONCE_PLUGIN_OK;
    }
    while (!ended) {
        /* Running is told only to kicks that come from here on: an old one's time is no measure. */
        ended = take_kick(vm);
        if (!ended) {
            atomic_store_explicit(&vm->running, true, memory_order_relaxed);
            atomic_signal_fence(memory_order_seq_cst);
            ended = take_kick(vm);
        }
        if (ended)
            ret_exit->kind = SCONCE_EXIT_CANCELLED;
        else
            ended = turn(vm, ret_exit);
        atomic_signal_fence(memory_order_seq_cst);
        atomic_store_explicit(&vm->running, false, memory_order_relaxed);
    }
    return SCONCE_PLUGIN_OK;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Stops the child, not the wait for it: a guest that still runs would not be cancelled. */
void sconce_process_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    bool again = atomic_exchange_explicit(&vm->kicked, true, memory_order_relaxed), deaf = false;
    int saved_errno = errno;
    uint64_t now = now_ns(), cpu = sconce_child_cpu_ns(&vm->child);

    if (again)
        deaf = sconce_patience_is_over(&vm->patience, now, cpu);
    else
        sconce_patience_begin(&vm->patience, now, cpu);
    if (atomic_load_explicit(&vm->running, memory_order_relaxed))
        sconce_child_signal(&vm->child, deaf ? SIGKILL : SIGUSR1);
    errno = saved_errno;
}

int32_t sconce_process_fault_resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_vcpu_resume(&vm->state, err);
}

int32_t sconce_process_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                                     struct sconce_plugin_error *err)
{
    if (vm->state != SCONCE_VCPU_SYSCALL)
        return sconce_vcpu_refuse(vm->state, "answer a system call", err);
    backend->answer(vm, result);
    vm->state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}
