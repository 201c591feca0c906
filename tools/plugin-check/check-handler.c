/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that handle their own faults: going on, leaving, and what ends them all the same. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "sconce-ext-fault.h"
#include "tools/plugin-check/arch.h"

#define MS 1000000ull
#define FILE_NAME "handler.elf"
#define TREASURE 0x1122334455667788u

static enum check_outcome open_box(struct check *check, struct check_box *box,
                                   const struct sconce_limits *limits)
{
    CHECK_STEP(check_box_open(check, box, FILE_NAME, limits));
    return check_box_keep_start(check, box);
}

static enum check_outcome gives(struct check *check, struct check_box *box, const char *function,
                                uint64_t wanted)
{
    uint64_t value;

    CHECK_STEP(check_call_done(check, box, function, WITHOUT));
    value = box->result.type == SCONCE_TYPE_U32 ? box->result.as.u32 : box->result.as.u64;
    CHECK(check, value == wanted, "%s gave %llx, not %llx", function, (unsigned long long)value,
          (unsigned long long)wanted);
    return CHECK_OK;
}

static enum check_outcome handled(struct check *check, struct check_box *box, uint64_t wanted)
{
    return gives(check, box, "faults", wanted);
}

/* ---- The plugin's part ----------------------------------------------------------------------- */

static enum check_outcome refused(struct check *check, struct check_ready *ready,
                                  const struct sconce_ext_fault *fault, const char *when)
{
    char what[64];

    snprintf(what, sizeof what, "resume %s", when);
    return check_refused(check, &ready->plugin,
                         fault->resume(ready->vm.vm, check_err(&ready->plugin)), what);
}

static enum check_outcome check_contract(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    const struct sconce_ext_fault *fault;
    uint8_t regs[SCONCE_FAULT_REGS_MOST];
    const struct sconce_ext_regs *files;

    CHECK_STEP(check_needs_code(check));
    CHECK_STEP(check_ready_open(check, &ready));
    fault = ready.plugin.descriptor->get_extension(SCONCE_EXT_FAULT);
    files = ready.plugin.descriptor->get_extension(SCONCE_EXT_REGS);
    CHECK(check, files, SCONCE_EXT_FAULT " comes without " SCONCE_EXT_REGS);
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(refused(check, &ready, fault, "before a run"));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the first run"));
    CHECK_STEP(refused(check, &ready, fault, "after a doorbell"));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after that"));

    CHECK_STEP(check_vm_reset(check, &ready.vm));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_ILLEGAL));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_FAULT, "an undefined instruction"));
    CHECK_STEP(check_refused(check, &ready.plugin, check_run_op(&ready.vm), "a run after a fault"));
    CHECK_STEP(check_done(check, &ready.plugin,
                          files->get(ready.vm.vm, SCONCE_REGS_STANDARD, regs, fault->regs_bytes,
                                     check_err(&ready.plugin)),
                          "regs.get of regs_bytes"));
    CHECK_STEP(check_done(check, &ready.plugin,
                          fault->resume(ready.vm.vm, check_err(&ready.plugin)), "resume"));
    CHECK_STEP(refused(check, &ready, fault, "again"));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_FAULT, "the instruction once more"));

    /* Setting registers alone leaves a fault what it is. */
    CHECK_STEP(check_done(check, &ready.plugin,
                          files->set(ready.vm.vm, SCONCE_REGS_STANDARD, regs, fault->regs_bytes,
                                     check_err(&ready.plugin)),
                          "regs.set after a fault"));
    CHECK_STEP(check_refused(check, &ready.plugin, check_run_op(&ready.vm), "a run after that"));
    CHECK_STEP(check_vm_reset(check, &ready.vm));
    CHECK_STEP(refused(check, &ready, fault, "after a reset"));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the guest behind it");
}

/* ---- Going on and leaving -------------------------------------------------------------------- */

static enum check_outcome check_go_on(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(open_box(check, &box, NULL));
    CHECK_STEP(check_call_done(check, &box, "repair", WITH(check_u64(8))));
    CHECK(check, box.result.as.u64 == TREASURE, "repair gave %llx",
          (unsigned long long)box.result.as.u64);
    CHECK_STEP(check_call_done(check, &box, "last_fault", WITHOUT));
    CHECK(check, check_is_text(&box.result, "1 1 8 1"), "the report told \"%s\"",
          (const char *)box.result.as.span.data);
    CHECK_STEP(gives(check, &box, "skip", 42));
    CHECK_STEP(gives(check, &box, "skip_instruction", 7));
    CHECK_STEP(handled(check, &box, 3));
    return check_run_good(check, &box, arch->handled);
}

static enum check_outcome check_registers(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(check_call_done(check, &box, "keep_registers", WITHOUT));
        CHECK(check, box.result.as.span.length == 0, "%s", (const char *)box.result.as.span.data);
    }
    return handled(check, &box, 3);
}

static enum check_outcome check_many(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_stats stats = {.size = sizeof stats};

    CHECK_STEP(open_box(check, &box, NULL));
    for (uint32_t i = 1; i <= 3; i++) {
        CHECK_STEP(check_call_done(check, &box, "many", WITH(check_u32(200))));
        CHECK(check, box.result.as.u64 == 200, "%llu of 200 reads were mended",
              (unsigned long long)box.result.as.u64);
        CHECK_STEP(handled(check, &box, 200u * i));
    }
    CHECK(check, sconce_sandbox_stats(box.sandbox, &stats) == 0 && stats.traps == 600,
          "%llu traps were counted", (unsigned long long)stats.traps);
    return CHECK_OK;
}

static enum check_outcome check_jump(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK_STEP(gives(check, &box, "jump_out", 3));
        CHECK_STEP(gives(check, &box, "jump_out_of_call", 5));
        CHECK_STEP(gives(check, &box, "skip", 42));
    }
    return CHECK_OK;
}

static enum check_outcome check_stack(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    for (int i = 0; i < 3; i++)
        CHECK_STEP(gives(check, &box, "use_up_stack", 4));
    return handled(check, &box, 3);
}

static enum check_outcome check_host(struct check *check)
{
    static const char *const within[] = {"talk_in_call", "talk_in_call_again",
                                         "talk_in_call_after_jump"};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    CHECK_STEP(gives(check, &box, "talk_in_handler", TREASURE));
    CHECK(check, strcmp(box.printed, "fault 1\n") == 0 && box.served == 1,
          "the handler printed \"%s\", and %llu host functions ran", box.printed,
          (unsigned long long)box.served);
    for (size_t i = 0; i < sizeof within / sizeof within[0]; i++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED,
                                   within[i], WITHOUT));
        CHECK(check, strstr(box.err.text, "fault handler"), "%s", box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    for (int i = 0; i < 2; i++) {
        CHECK_STEP(gives(check, &box, "talk_after_jump", TREASURE));
        CHECK_STEP(gives(check, &box, "talk_after_sending", TREASURE));
    }
    return gives(check, &box, "talk_in_handler", TREASURE);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

static enum check_outcome check_own_fault(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    for (int i = 0; i < 2; i++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED,
                                   "fault_in_handler", WITH(check_u64(0x10))));
        CHECK(check,
              box.err.fault.kind == SCONCE_FAULT_MEMORY && box.err.fault.address == 0x10 &&
                  strstr(box.err.text, "in its fault handler"),
              "%s", box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    return gives(check, &box, "skip", 42);
}

static enum check_outcome check_abort(struct check *check)
{
    static const char *const functions[] = {"abort_in_handler", "abort_behind_handler"};
    static const char *const ends[] = {": fault 1, in its fault handler", ": fault 0"};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    for (int i = 0; i < 4; i++) {
        const char *end;

        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, SCONCE_STATE_POISONED,
                                   functions[i % 2], WITHOUT));
        end = strstr(box.err.text, ": ");
        CHECK(check, end && !strcmp(end, ends[i % 2]), "it ended by \"%s\"", box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    return gives(check, &box, "skip", 42);
}

static enum check_outcome check_dropped(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    CHECK_STEP(gives(check, &box, "skip", 42));
    CHECK_STEP(check_call_done(check, &box, "drop_handler", WITHOUT));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, "read_at",
                               WITH(check_u64(8))));
    CHECK(check, !strstr(box.err.text, "handler"), "%s", box.err.text);
    return check_box_recover(check, &box);
}

static enum check_outcome check_registration(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    CHECK_STEP(check_call_done(check, &box, "bad_registration", WITH(check_u32(0))));
    for (uint32_t what = 1; what <= 20; what++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_PROTOCOL, SCONCE_STATE_POISONED,
                                   "bad_registration", WITH(check_u32(what))));
        CHECK_STEP(check_box_recover(check, &box));
    }
    return gives(check, &box, "skip", 42);
}

static enum check_outcome check_hostile(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(open_box(check, &box, NULL));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_PROTOCOL, SCONCE_STATE_POISONED,
                               "done_without_fault", WITHOUT));
    CHECK_STEP(check_box_recover(check, &box));
    for (const struct check_word *word = arch->unholdable; word->value; word++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_PROTOCOL, SCONCE_STATE_POISONED,
                                   "leave", WITH(check_u32(word->at), check_u64(word->value))));
        CHECK(check, strstr(box.err.text, "fault handler"), "%s", box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    for (uint64_t seed = 0; seed < 50; seed++) {
        int code = check_call(&box, "leave_all", WITH(check_u64(seed)));

        CHECK(check, code == SCONCE_E_GUEST_PROTOCOL || code == SCONCE_E_GUEST_FAULT,
              "noise %llu came to %s: %s", (unsigned long long)seed,
              code == 0 ? "success" : sconce_error_name(code), box.err.text);
        CHECK_STEP(check_box_recover(check, &box));
    }
    return gives(check, &box, "skip", 42);
}

static enum check_outcome check_budget(struct check *check)
{
    const struct sconce_limits limits = {.traps = 50};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, &limits));
    for (int i = 0; i < 2; i++) /* of one call, not of the sandbox */
        CHECK_STEP(check_call_done(check, &box, "many", WITH(check_u32(50))));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, "many",
                               WITH(check_u32(51))));
    CHECK(check, box.err.limit == SCONCE_LIMIT_TRAPS, "it ended at limit %u", box.err.limit);
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, "fault_forever",
                               WITHOUT));
    CHECK(check, box.err.limit == SCONCE_LIMIT_TRAPS, "it ended at limit %u", box.err.limit);
    return check_box_recover(check, &box);
}

/* What of the registration a snapshot holds: the handler or its absence, as it was then. */
static enum check_outcome check_snapshot(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_sandbox *other = NULL;
    struct sconce_value result = {0};
    int code;

    CHECK_STEP(check_box_open(check, &box, FILE_NAME, NULL));
    CHECK_STEP(check_call_done(check, &box, "keep_handler", WITHOUT));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_call_done(check, &box, "drop_handler", WITHOUT));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAULT, SCONCE_STATE_POISONED, "read_at",
                               WITH(check_u64(8))));
    for (int i = 0; i < 3; i++) {
        CHECK(check, sconce_sandbox_restore(box.sandbox, box.start, &box.err) == 0,
              "cannot restore: %s", box.err.text);
        CHECK_STEP(check_call_done(check, &box, "read_at", WITH(check_u64(8))));
        CHECK(check, box.result.as.u64 == TREASURE, "the handler mended another word");
    }
    CHECK(check, check_box_new(&box, NULL, &other) == 0, "no second sandbox: %s", box.err.text);
    code = sconce_sandbox_restore(other, box.start, &box.err);
    if (code == 0)
        code = sconce_sandbox_call(other, "read_at", WITH(check_u64(8)), &result, &box.err);
    sconce_sandbox_free(other);
    CHECK(check, code == 0 && result.as.u64 == TREASURE, "in another sandbox: %s", box.err.text);
    return CHECK_OK;
}

static struct sconce_sandbox *volatile alarmed;

/* Again when it came before the call: that never ends by itself. */
static void on_alarm(int signal)
{
    struct sconce_sandbox *sandbox = alarmed;

    (void)signal;
    if (sandbox && sconce_sandbox_kick(sandbox) == 0)
        ualarm(2000, 0);
}

static enum check_outcome check_stop(struct check *check)
{
    static const char *const functions[] = {"spin_in_handler", "fault_forever"};
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * MS,
                                         .traps = UINT64_MAX};
    const struct sconce_limits forever = {.deadline_ns = UINT64_MAX, .traps = UINT64_MAX};
    const struct sigaction action = {.sa_handler = on_alarm};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    SCONCE_CLEANUP(check_box_close) struct check_box kicked = {0};

    CHECK_STEP(open_box(check, &box, &limits));
    for (int i = 0; i < 2; i++) {
        CHECK_STEP(check_call_ends(check, &box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, functions[i],
                                   WITHOUT));
        CHECK(check, box.err.limit == SCONCE_LIMIT_DEADLINE, "it ended at limit %u", box.err.limit);
        CHECK_STEP(check_box_recover(check, &box));
        CHECK_STEP(gives(check, &box, "skip", 42));
    }
    CHECK_STEP(open_box(check, &kicked, &forever));
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 10; i++) {
        enum check_outcome outcome;

        alarmed = kicked.sandbox;
        ualarm(2000, 0);
        outcome = check_call_ends(check, &kicked, SCONCE_E_KICKED, SCONCE_STATE_POISONED,
                                  functions[i % 2], WITHOUT);
        alarmed = NULL;
        CHECK_STEP(outcome);
        CHECK_STEP(check_box_recover(check, &kicked));
    }
    return gives(check, &kicked, "skip", 42);
}

/* Told where there is none: in the guest, not by its end. */
static enum check_outcome check_told(struct check *check)
{
    int32_t wanted = check->setup->has_fault ? 0 : -4;
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_box(check, &box, NULL));
    CHECK_STEP(check_call_done(check, &box, "try", WITHOUT));
    CHECK(check, box.result.as.i32 == wanted, "sconce_on_fault gave %d, not %d", box.result.as.i32,
          wanted);
    return check_call_done(check, &box, "faults", WITHOUT);
}

#define NEEDS (CHECK_NEEDS_SANDBOX | CHECK_NEEDS_FAULT)

const struct check_row check_handler_rows[] = {
    {"handler.told", "a guest learns whether it can handle faults", CHECK_NEEDS_SANDBOX,
     check_told},
    {"handler.contract", "resume goes on after a fault, and after nothing else",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_CODE | CHECK_NEEDS_FAULT, check_contract},
    {"handler.go-on", "a handler mends a fault, or leaves the instruction out", NEEDS, check_go_on},
    {"handler.registers", "a handler loses no register of what it interrupts", NEEDS,
     check_registers},
    {"handler.many", "faults are handled one after the other", NEEDS, check_many},
    {"handler.jump", "a handler may leave for good", NEEDS, check_jump},
    {"handler.stack", "a handler runs when the stack is used up", NEEDS, check_stack},
    {"handler.host", "a handler uses the host, or ends where it must not", NEEDS, check_host},
    {"handler.own-fault", "a handler's own fault ends the guest", NEEDS, check_own_fault},
    {"handler.abort", "a handler that aborts ends the guest, and that is told", NEEDS, check_abort},
    {"handler.dropped", "a handler that was taken away is not called", NEEDS, check_dropped},
    {"handler.registration", "no handler outside the guest's code and memory", NEEDS,
     check_registration},
    {"handler.hostile", "no register behind a handler that a guest cannot have", NEEDS,
     check_hostile},
    {"handler.budget", "handled faults end at the limit of traps", NEEDS, check_budget},
    {"handler.snapshot", "a snapshot keeps the handler", NEEDS, check_snapshot},
    {"handler.stop", "deadline and kicks end a handler, and faults without end", NEEDS, check_stop},
    {NULL, NULL, 0, NULL},
};
