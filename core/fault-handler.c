/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivering faults to guests. The host knows the handler's stack, and hence where a report is: it
 * takes no address from the guest after the registration, and reads a report's registers once.
 */
#include "core/fault-handler.h"

#include <inttypes.h>
#include <string.h>

#include "common/error.h"
#include "common/untrusted.h"
#include "core/sandbox.h"

#define STACK_ALIGN 16u
#define REPLY_ALIGN 16u /* as of host calls */

/* ---- Registering ----------------------------------------------------------------------------- */

static int read_registration(const struct sconce_sandbox *sandbox, struct sconce_message *message,
                             struct sconce_error *err)
{
    int r = sconce_frame_read(&sandbox->out, message, err);

    if (r < 0)
        return r;
    if (message->frame.kind != SCONCE_FRAME_ON_FAULT || message->frame.slot_count != 3)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang ON_FAULT with a frame of kind %u and %u slots",
                           message->frame.kind, message->frame.slot_count);
    for (uint32_t i = 0; i < 3; i++)
        if (message->slots[i].type != SCONCE_TYPE_U64)
            return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                               "the guest rang ON_FAULT with another type than u64 in slot %u", i);
    if (message->frame.reply_at % REPLY_ALIGN || message->frame.reply_at >= sandbox->in.bytes)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest wants a reply at offset %" PRIu64, message->frame.reply_at);
    return 0;
}

int sconce_fault_handler_check(const struct sconce_layout *layout,
                               const struct sconce_fault_handler *wanted, struct sconce_error *err)
{
    if (!sconce_layout_allows(layout, wanted->pc, SCONCE_PROT_EXEC))
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest wants a fault handler at 0x%" PRIx64
                           ", which is no code of its own",
                           wanted->pc);
    if (wanted->stack % STACK_ALIGN || wanted->stack_bytes < SCONCE_FAULT_STACK_LEAST)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest wants a fault handler with a stack of %" PRIu64
                           " bytes at 0x%" PRIx64 ": %u at a multiple of %u are the least",
                           wanted->stack_bytes, wanted->stack, SCONCE_FAULT_STACK_LEAST,
                           STACK_ALIGN);
    if (!sconce_layout_state(layout, wanted->stack, wanted->stack_bytes))
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest wants a fault handler with a stack of %" PRIu64
                           " bytes at 0x%" PRIx64 ", which is no memory that it can write",
                           wanted->stack_bytes, wanted->stack);
    return 0;
}

static int answer(struct sconce_sandbox *sandbox, uint64_t at, struct sconce_error *err)
{
    const struct sconce_backend *backend = sandbox->guest->backend;
    struct sconce_frame frame = {.kind = SCONCE_FRAME_HOST_RETURN};
    struct sconce_value value = {.type = SCONCE_TYPE_NONE};

    if (!backend->fault.size) {
        frame.kind = SCONCE_FRAME_HOST_FAILED;
        frame.code = SCONCE_E_NO_BACKEND;
        value = sconce_string("this backend cannot go on after a fault");
    }
    if (!sconce_frame_write(&sandbox->in, at, &frame, &value, 1, NULL))
        return 0;
    return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                       "the guest left no room for a reply at offset %" PRIu64, at);
}

int sconce_fault_handler_register(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    struct sconce_fault_handler wanted;
    struct sconce_message message;
    int r = read_registration(sandbox, &message, err);

    if (r < 0)
        return r;
    wanted = (struct sconce_fault_handler){message.slots[0].value, message.slots[1].value,
                                           message.slots[2].value};
    if (wanted.pc)
        r = sconce_fault_handler_check(&sandbox->layout, &wanted, err);
    else
        wanted = (struct sconce_fault_handler){0};
    if (!r)
        r = answer(sandbox, message.frame.reply_at, err);
    if (r < 0)
        return r;
    sandbox->in_fault = false;
    if (sandbox->guest->backend->fault.size)
        sandbox->fault_handler = wanted;
    return 0;
}

/* ---- Delivering ------------------------------------------------------------------------------ */

/* What is written at the top of the handler's stack. */
struct report {
    struct sconce_fault_report head;
    uint8_t regs[SCONCE_FAULT_REGS_MOST];
};
_Static_assert(sizeof(struct report) + STACK_ALIGN < SCONCE_FAULT_STACK_LEAST, "a report fits");

static uint64_t get_u64(const uint8_t *regs, uint32_t at)
{
    uint64_t value;

    memcpy(&value, regs + at, sizeof value);
    return value;
}

static void put_u64(uint8_t *regs, uint32_t at, uint64_t value)
{
    memcpy(regs + at, &value, sizeof value);
}

/* The guest address of the report, and of the end of what the handler's frames may use. */
static uint64_t report_gpa(const struct sconce_sandbox *sandbox)
{
    const struct sconce_fault_handler *handler = &sandbox->fault_handler;
    uint64_t bytes = sizeof(struct sconce_fault_report) + sandbox->guest->backend->fault.regs_bytes;

    return (handler->stack + handler->stack_bytes - bytes) & ~(uint64_t)(STACK_ALIGN - 1);
}

/* Guest memory that was checked when the handler was registered; the layout never changes. */
static uint8_t *host_of(const struct sconce_sandbox *sandbox, uint64_t gpa)
{
    const struct sconce_region *region = sconce_layout_state(&sandbox->layout, gpa, 1);

    return sandbox->arena.host + region->offset + (gpa - region->gpa);
}

/* @regs: the guest's; on return those that it enters the handler with. */
static void enter_handler(struct sconce_sandbox *sandbox, uint8_t *regs)
{
    const struct sconce_ext_fault *fault = &sandbox->guest->backend->fault;
    uint64_t report = report_gpa(sandbox);

    put_u64(regs, fault->pc_at, sandbox->fault_handler.pc);
    put_u64(regs, fault->sp_at, report - fault->stack_skew);
    put_u64(regs, fault->argument_at, report);
    if (fault->stack_skew) { /* the return address: nowhere to return to */
        memset(host_of(sandbox, report - fault->stack_skew), 0, fault->stack_skew);
        sconce_sandbox_wrote(sandbox, report - fault->stack_skew, fault->stack_skew);
    }
    put_u64(regs, fault->flags_at, get_u64(regs, fault->flags_at) & ~fault->flags_clear);
}

static void write_report(struct sconce_sandbox *sandbox, const struct sconce_exit_fault *fault,
                         const uint8_t *regs)
{
    const uint32_t regs_bytes = sandbox->guest->backend->fault.regs_bytes;
    const struct sconce_fault_report head = {
        .kind = fault->kind,
        .access = fault->access,
        .address = fault->address,
        .pc = fault->pc,
        .detail = fault->detail,
        .regs_bytes = regs_bytes,
    };
    uint8_t *to = host_of(sandbox, report_gpa(sandbox));

    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, regs, regs_bytes);
    sconce_sandbox_wrote(sandbox, report_gpa(sandbox), sizeof head + regs_bytes);
}

/* @regs: the guest's. */
static bool on_handler_stack(const struct sconce_sandbox *sandbox, const uint8_t *regs)
{
    const struct sconce_fault_handler *handler = &sandbox->fault_handler;
    uint64_t sp = get_u64(regs, sandbox->guest->backend->fault.sp_at);

    return sp - handler->stack < handler->stack_bytes;
}

int sconce_fault_handler_deliver(struct sconce_sandbox *sandbox,
                                 const struct sconce_exit_fault *fault, bool *ret_in_handler,
                                 struct sconce_error *err)
{
    uint8_t regs[SCONCE_FAULT_REGS_MOST] = {0}; /* the guest sees all of it */
    int r;

    *ret_in_handler = false;
    if (!sandbox->fault_handler.pc)
        return 0;
    r = sconce_vm_standard_get(&sandbox->vm, regs, err);
    if (r < 0)
        return sconce_vm_failed(r, err);
    if (on_handler_stack(sandbox, regs)) {
        *ret_in_handler = true;
        return 0;
    }
    r = sconce_vm_fault_resume(&sandbox->vm, err);
    if (r <= 0)
        return sconce_vm_failed(r, err);
    write_report(sandbox, fault, regs);
    enter_handler(sandbox, regs);
    r = sconce_vm_standard_set(&sandbox->vm, regs, err);
    if (r == SCONCE_E_GUEST_PROTOCOL)
        return sconce_error_prefix(err, "the guest's fault handler cannot be entered");
    if (r < 0)
        return sconce_vm_failed(r, err);
    sandbox->in_fault = true;
    return 1;
}

bool sconce_fault_handler_runs(struct sconce_sandbox *sandbox)
{
    uint8_t regs[SCONCE_FAULT_REGS_MOST];

    return sandbox->in_fault && sandbox->fault_handler.pc &&
           sconce_vm_standard_get(&sandbox->vm, regs, NULL) == 0 && on_handler_stack(sandbox, regs);
}

/* ---- Going on -------------------------------------------------------------------------------- */

int sconce_fault_handler_done(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    uint8_t regs[SCONCE_FAULT_REGS_MOST];
    int r;

    if (!sandbox->in_fault)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang FAULT_DONE without a fault to go on from");
    sandbox->in_fault = false;
    sconce_copy_untrusted(
        regs, host_of(sandbox, report_gpa(sandbox)) + sizeof(struct sconce_fault_report),
        sandbox->guest->backend->fault.regs_bytes);
    r = sconce_vm_standard_set(&sandbox->vm, regs, err);
    if (r == SCONCE_E_GUEST_PROTOCOL)
        return sconce_error_prefix(err, "the guest's fault handler left registers that no guest "
                                        "can have");
    return sconce_vm_failed(r, err);
}
