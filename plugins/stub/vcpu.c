/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU's ops: their order and their arguments are checked here; exits.c says what a run
 * reports.
 *
 * A kick may come at any moment, from a signal handler. The one thing that it touches is an
 * eventfd: write() is async-signal-safe, the count keeps a kick that comes before the run, and a
 * reader that is about to sleep sees it, so none is lost however the two meet.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "arch/x86_64/regs.h"
#include "plugins/stub/stub.h"

int32_t stub_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t status = stub_allowed(vm, STUB_OP_RESET, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    stub_regs_reset(&vm->regs);
    (void)stub_take_kick(vm); /* a cancellation does not outlive what it was meant for */
    vm->has_result = false;
    vm->reply_at = 0;
    if (vm->script->on_reset != STUB_NO_STEP)
        vm->at = vm->script->on_reset;
    vm->state = STUB_FRESH;
    return SCONCE_PLUGIN_OK;
}

static int32_t check_address(const char *what, uint64_t address, struct sconce_plugin_error *err)
{
    if (sconce_x86_user_address(address))
        return SCONCE_PLUGIN_OK;
    return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%s 0x%" PRIx64 " is no address of a guest's",
                     what, address);
}

int32_t stub_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                        struct sconce_plugin_error *err)
{
    struct sconce_entry own;
    int32_t status = stub_allowed(vm, STUB_OP_ENTER, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!sconce_plugin_copy_in(&own, sizeof own, entry, SCONCE_BYTES_TO(sconce_entry, args)))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "vcpu_enter without a whole sconce_entry");
    if (own.reserved0 != 0)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "reserved0 of sconce_entry is not zero");
    /* SP takes any value here: x86_64 can hold it, and it is its use that faults. */
    status = check_address("the entry's PC", own.pc, err);
    if (status == SCONCE_PLUGIN_OK)
        status = check_address("the entry's TLS base", own.tls, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    vm->entry = own;
    stub_regs_enter(&vm->regs, &own);
    vm->was_entered = true;
    vm->state = STUB_ENTERED;
    return SCONCE_PLUGIN_OK;
}

int32_t stub_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                      struct sconce_plugin_error *err)
{
    int32_t status = stub_allowed(vm, STUB_OP_RUN, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!ret_exit || !SCONCE_HAS(sconce_exit, ret_exit, u))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "vcpu_run without a whole sconce_exit");
    memset((uint8_t *)ret_exit + sizeof ret_exit->size, 0, ret_exit->size - sizeof ret_exit->size);
    if (stub_take_kick(vm)) {
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
        return SCONCE_PLUGIN_OK;
    }
    return stub_play(vm, ret_exit, err);
}

int32_t stub_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                           struct sconce_plugin_error *err)
{
    int32_t status = stub_allowed(vm, STUB_OP_COMPLETE, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    vm->result = result;
    vm->has_result = true;
    vm->regs.standard.rax = (uint64_t)result;
    vm->state = STUB_ENTERED;
    return SCONCE_PLUGIN_OK;
}

int32_t stub_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                          struct sconce_plugin_error *err)
{
    int32_t status = stub_allowed(vm, STUB_OP_SET_TLS, err);

    if (status == SCONCE_PLUGIN_OK)
        status = check_address("the TLS base", tls, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    vm->regs.special.fs_base = tls;
    return SCONCE_PLUGIN_OK;
}

void stub_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    const uint64_t one = 1;
    int saved = errno; /* the code that was interrupted may be about to look at it */

    /* It fails only when the count is full: then a kick is pending already. */
    if (write(vm->kick_fd, &one, sizeof one) < 0)
        errno = saved;
}

bool stub_take_kick(struct sconce_plugin_vm *vm)
{
    uint64_t kicks;

    return read(vm->kick_fd, &kicks, sizeof kicks) == (ssize_t)sizeof kicks;
}

void stub_wait_kick(struct sconce_plugin_vm *vm)
{
    struct pollfd wait = {.fd = vm->kick_fd, .events = POLLIN};

    /* The kick's own signal may interrupt poll; the eventfd then says that it came. */
    while (!stub_take_kick(vm))
        poll(&wait, 1, -1);
}
