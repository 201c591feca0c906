/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit loop: the guest runs, and what it asks for is answered, until its innermost call has an
 * outcome. What it says is checked; what poisons a sandbox is decided here. Frames of calls and
 * their results are call.c's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "core/guest-text.h"
#include "core/sandbox.h"

static int limit_reached(struct sconce_error *err, uint32_t limit, const char *key,
                         const char *what, uint64_t most)
{
    sconce_fail(err, SCONCE_E_LIMIT, "the guest reached its limit of %" PRIu64 " %s", most, what);
    if (err) {
        err->limit = limit;
        snprintf(err->hint, sizeof err->hint, "raise limits.%s if the guest is to be trusted", key);
    }
    return SCONCE_E_LIMIT;
}

static int deadline_passed(const struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    sconce_fail_hint(err, SCONCE_E_LIMIT, "raise limits.deadline_ms if the guest is to be trusted",
                     "the guest reached its deadline of %g milliseconds",
                     (double)sandbox->limits.deadline_ns / 1e6);
    if (err)
        err->limit = SCONCE_LIMIT_DEADLINE;
    return SCONCE_E_LIMIT;
}

SCONCE_HOT static int check_stop(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    switch (sconce_run_stop_reason(&sandbox->run)) {
    case SCONCE_STOP_NONE:
        return 0;
    case SCONCE_STOP_DEADLINE:
        return deadline_passed(sandbox, err);
    default:
        return sconce_fail(err, SCONCE_E_KICKED, "the call was ended by a kick");
    }
}

/* @where_in: " in ...", or "". */
static int report_fault(const struct sconce_sandbox *sandbox, const struct sconce_exit_fault *fault,
                        const char *where_in, struct sconce_error *err)
{
    static const char *const access[] = {"", " (read)", " (write)", " (execute)"};
    const struct sconce_ext_arch *arch = &sandbox->guest->backend->arch;
    const struct sconce_image *image = sandbox->guest->image;
    char where[64] = "", machine[96] = "";

    if (fault->kind == SCONCE_FAULT_MEMORY)
        snprintf(where, sizeof where, " at 0x%" PRIx64 "%s", fault->address,
                 fault->access <= SCONCE_ACCESS_EXEC ? access[fault->access] : "");
    arch->describe_fault(fault, machine, sizeof machine);
    machine[sizeof machine - 1] = '\0';
    sconce_fail(err, SCONCE_E_GUEST_FAULT,
                "the guest faulted%s: %s fault%s, pc 0x%" PRIx64 "%s%s%s", where_in,
                sconce_fault_name(fault->kind), where, fault->pc, machine[0] ? " (" : "", machine,
                machine[0] ? ")" : "");
    if (err && fault->pc >= image->start && fault->pc < image->end)
        snprintf(err->hint, sizeof err->hint,
                 "addr2line -fe %.200s 0x%" PRIx64 " tells where that is", image->name,
                 fault->pc - image->base);
    if (err)
        err->fault = (struct sconce_fault){.kind = fault->kind,
                                           .access = fault->access,
                                           .address = fault->address,
                                           .pc = fault->pc,
                                           .detail = fault->detail};
    return SCONCE_E_GUEST_FAULT;
}

static int count_trap(struct sconce_sandbox *sandbox, struct sconce_spent *spent,
                      struct sconce_error *err)
{
    sandbox->stats.traps++;
    if (++spent->traps > sandbox->limits.traps)
        return limit_reached(err, SCONCE_LIMIT_TRAPS, "traps",
                             "trapped system calls and handled faults in one call",
                             sandbox->limits.traps);
    return 0;
}

static int check_output(const struct sconce_sandbox *sandbox, const struct sconce_spent *spent,
                        struct sconce_error *err)
{
    if (spent->printed > sandbox->limits.output_bytes)
        return limit_reached(err, SCONCE_LIMIT_OUTPUT, "output_bytes", "bytes printed in one call",
                             sandbox->limits.output_bytes);
    return 0;
}

/* The guest's handler gets it, or the call ends. What is delivered is a trap. */
static int handle_fault(struct sconce_sandbox *sandbox, const struct sconce_exit_fault *fault,
                        struct sconce_spent *spent, struct sconce_error *err)
{
    bool in_handler;
    int r = sconce_fault_handler_deliver(sandbox, fault, &in_handler, err);

    if (r < 0)
        return r;
    if (!r)
        return report_fault(sandbox, fault, in_handler ? " in its fault handler" : "", err);
    return count_trap(sandbox, spent, err);
}

/* An abort has the guest's words, or the C library's, which do not tell where it was. */
static void tell_handler(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    size_t used = err ? strlen(err->text) : 0;

    if (err && sconce_fault_handler_runs(sandbox))
        snprintf(err->text + used, sizeof err->text - used, ", in its fault handler");
}

static int serve_syscall(struct sconce_sandbox *sandbox, const struct sconce_exit_syscall *syscall,
                         struct sconce_error *err)
{
    int r = sconce_trap_serve(sandbox, syscall, err);

    if (r == SCONCE_E_GUEST_ABORT)
        tell_handler(sandbox, err);
    return r;
}

static int report_abort(struct sconce_sandbox *sandbox, struct sconce_error *err)
{
    struct sconce_message message;
    char text[SCONCE_GUEST_TEXT_BYTES];
    int r = sconce_frame_read(&sandbox->out, &message, err);

    if (r < 0)
        return r;
    if (message.frame.kind != SCONCE_FRAME_ABORT)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang ABORT with a frame of kind %u", message.frame.kind);
    sconce_guest_text(&sandbox->out, &message, text);
    sconce_fail(err, SCONCE_E_GUEST_ABORT, "the guest aborted: %s", text);
    tell_handler(sandbox, err);
    if (err)
        err->guest_code = message.frame.code;
    return SCONCE_E_GUEST_ABORT;
}

SCONCE_HOT int sconce_resume_check(const struct sconce_layout *layout, uint64_t pc,
                                   struct sconce_error *err)
{
    if (sconce_layout_allows(layout, pc, SCONCE_PROT_EXEC))
        return 0;
    return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                       "the guest wants to resume at 0x%" PRIx64 ", which is no code of its own",
                       pc);
}

/* The frame behind a READY doorbell, with where the guest wants to be resumed. */
SCONCE_HOT static int take_ready(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                                 struct sconce_error *err)
{
    const struct sconce_frame *frame = &ret_message->frame;
    int r = sconce_frame_read(&sandbox->out, ret_message, err);

    if (r < 0)
        return r;
    if (frame->kind != SCONCE_FRAME_READY && frame->kind != SCONCE_FRAME_RETURN &&
        frame->kind != SCONCE_FRAME_FAILED)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang READY with a frame of kind %u", frame->kind);
    if (frame->resume_pc) {
        r = sconce_resume_check(&sandbox->layout, frame->resume_pc, err);
        if (r < 0)
            return r;
    }
    sandbox->resume = (struct sconce_resume){frame->resume_pc, frame->resume_sp, frame->resume_tls};
    return 0;
}

/* The frame behind a RETURN doorbell: the outcome of the innermost call, which is nested. */
static int take_return(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                       struct sconce_error *err)
{
    int r;

    if (!sandbox->depth)
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                           "the guest rang RETURN, but no nested call runs");
    r = sconce_frame_read(&sandbox->out, ret_message, err);
    if (!r && ret_message->frame.kind != SCONCE_FRAME_RETURN &&
        ret_message->frame.kind != SCONCE_FRAME_FAILED)
        r = sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                        "the guest rang RETURN with a frame of kind %u", ret_message->frame.kind);
    return r;
}

/* Answers one exit. Returns 1 when the innermost call has its outcome, 0 to run on. */
SCONCE_HOT static int handle_doorbell(struct sconce_sandbox *sandbox, uint32_t number,
                                      struct sconce_spent *spent,
                                      struct sconce_message *ret_message, struct sconce_error *err)
{
    int r;

    sconce_boot_end_rewind(sandbox);
    switch (number) {
    case SCONCE_DOORBELL_READY:
        if (sandbox->depth)
            return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL,
                               "the guest rang READY in a nested call");
        r = take_ready(sandbox, ret_message, err);
        /* The guest has read its last call: have the line back for the next. */
        __builtin_prefetch(sandbox->in.host, 1);
        return r < 0 ? r : 1;
    case SCONCE_DOORBELL_RETURN:
        r = take_return(sandbox, ret_message, err);
        return r < 0 ? r : 1;
    case SCONCE_DOORBELL_HOST_CALL:
        if (++spent->host_calls > sandbox->limits.host_calls)
            return limit_reached(err, SCONCE_LIMIT_HOST_CALLS, "host_calls",
                                 "host calls in one call", sandbox->limits.host_calls);
        sandbox->stats.host_calls++;
        return sconce_host_call_serve(sandbox, err);
    case SCONCE_DOORBELL_PRINT:
        r = sconce_print_serve(sandbox, &spent->printed, err);
        return r < 0 ? r : check_output(sandbox, spent, err);
    case SCONCE_DOORBELL_ABORT:
        return report_abort(sandbox, err);
    case SCONCE_DOORBELL_ON_FAULT:
        return sconce_fault_handler_register(sandbox, err);
    case SCONCE_DOORBELL_FAULT_DONE:
        return sconce_fault_handler_done(sandbox, err);
    default:
        return sconce_fail(err, SCONCE_E_GUEST_PROTOCOL, "the guest rang unknown doorbell %u",
                           number);
    }
}

/* The contract: what has no meaning yet is zero, so that it can be given one. */
SCONCE_HOT static bool reserved_is_zero(const struct sconce_exit *exit)
{
    switch (exit->kind) {
    case SCONCE_EXIT_DOORBELL:
        return !exit->u.doorbell.reserved0;
    case SCONCE_EXIT_SYSCALL:
        return !exit->u.syscall.reserved0;
    case SCONCE_EXIT_FAIL:
        return !exit->u.fail.reserved0;
    default:
        return true;
    }
}

SCONCE_HOT static int handle_exit(struct sconce_sandbox *sandbox, const struct sconce_exit *exit,
                                  struct sconce_spent *spent, struct sconce_message *ret_message,
                                  struct sconce_error *err)
{
    int r;

    if (!reserved_is_zero(exit))
        return sconce_fail(err, SCONCE_E_BACKEND,
                           "%s reported an exit whose reserved field is not 0",
                           sandbox->guest->backend->name);
    switch (exit->kind) {
    case SCONCE_EXIT_DOORBELL:
        return handle_doorbell(sandbox, exit->u.doorbell.number, spent, ret_message, err);
    case SCONCE_EXIT_SYSCALL:
        r = count_trap(sandbox, spent, err);
        if (!r)
            r = serve_syscall(sandbox, &exit->u.syscall, err);
        return r < 0 ? r : check_output(sandbox, spent, err);
    case SCONCE_EXIT_FAULT:
        return handle_fault(sandbox, &exit->u.fault, spent, err);
    case SCONCE_EXIT_CANCELLED:
        sandbox->stats.cancelled_exits++;
        return 0;
    case SCONCE_EXIT_SHUTDOWN:
        sconce_fail(err, SCONCE_E_GUEST_FAULT, "the guest shut its machine down");
        if (err)
            err->fault.kind = SCONCE_FAULT_OTHER;
        return SCONCE_E_GUEST_FAULT;
    case SCONCE_EXIT_FAIL:
        return sconce_fail(err, SCONCE_E_BACKEND,
                           "%s failed while the guest ran: %.*s (code %" PRId64 ")",
                           sandbox->guest->backend->name, (int)sizeof exit->u.fail.text - 1,
                           exit->u.fail.text, exit->u.fail.code);
    default:
        return sconce_fail(err, SCONCE_E_BACKEND, "%s reported an exit of unknown kind %u",
                           sandbox->guest->backend->name, exit->kind);
    }
}

/* @ret_rung: there was none, but a doorbell that was rung by memory. */
SCONCE_HOT static int next_exit(struct sconce_sandbox *sandbox, struct sconce_exit *ret_exit,
                                bool *ret_rung, struct sconce_error *err)
{
    int r;

    *ret_rung = false;
    if (!sandbox->exitless) {
        sandbox->stats.exits++;
        r = sconce_vm_run(&sandbox->vm, ret_exit, err);
    } else {
        r = sconce_exitless_run(sandbox->exitless, ret_exit, ret_rung, err);
        if (r == SCONCE_E_GUEST_PROTOCOL)
            return r;
    }
    return sconce_vm_failed(r, err);
}

SCONCE_HOT static int exit_loop(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                                struct sconce_error *err)
{
    struct sconce_exit exit;

    for (;;) {
        bool rung;
        int r;

        sconce_run_guest_in(&sandbox->run);
        r = check_stop(sandbox, err);
        if (r < 0) {
            sconce_run_guest_out(&sandbox->run);
            return r;
        }
        r = next_exit(sandbox, &exit, &rung, err);
        sconce_run_guest_out(&sandbox->run);
        if (r < 0)
            return r;
        r = handle_exit(sandbox, &exit, &sandbox->spent, ret_message, err);
        if (r > 0 && rung)
            sandbox->stats.exitless_calls++;
        if (r)
            return r < 0 ? r : 0;
    }
}

SCONCE_HOT static uint32_t state_after(int result)
{
    switch (result) {
    case 0:
        return SCONCE_STATE_READY;
    case SCONCE_E_BACKEND:
        return SCONCE_STATE_DEAD;
    default:
        return SCONCE_STATE_POISONED;
    }
}

SCONCE_HOT int sconce_sandbox_run_to_ready(struct sconce_sandbox *sandbox,
                                           struct sconce_message *ret_message,
                                           struct sconce_error *err)
{
    int r = sconce_run_begin(&sandbox->run, sandbox->limits.deadline_ns, err);

    if (r < 0)
        return r;
    sconce_boot_seed(sandbox);
    sandbox->spent = (struct sconce_spent){0};
    sandbox->ended = 0;
    sconce_sandbox_set_state(sandbox, SCONCE_STATE_RUNNING);
    sandbox->in_fault = false;
    sconce_exitless_begin(sandbox->exitless);
    r = exit_loop(sandbox, ret_message, err);
    /* Whoever kicked was told that this call ends so. */
    if (sconce_run_end(&sandbox->run) && r != SCONCE_E_BACKEND)
        r = sconce_fail(err, SCONCE_E_KICKED, "the call was ended by a kick");
    sconce_exitless_end(sandbox->exitless, r == 0);
    sconce_sandbox_set_state(sandbox, state_after(r));
    return r;
}

/* The run, and with it kick and deadline, is the outermost call's. */
SCONCE_HOT int sconce_sandbox_run_call(struct sconce_sandbox *sandbox,
                                       struct sconce_message *ret_message, struct sconce_error *err)
{
    int r;

    if (!sandbox->depth)
        return sconce_sandbox_run_to_ready(sandbox, ret_message, err);
    r = exit_loop(sandbox, ret_message, err);
    if (r < 0)
        sconce_sandbox_set_state(sandbox, state_after(r));
    return r;
}
