/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits: what a vcpu_run reports is what the script says next. Where other backends decode what
 * their hypervisor tells them, this one follows steps; the state that each exit leaves behind is
 * the same everywhere.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/stub/stub.h"

/* More steps than this without an exit are a loop in the script that would never end. */
#define MAX_STEPS_PER_RUN 100000u

static void doorbell(struct sconce_exit *ret_exit, uint32_t number)
{
    ret_exit->kind = SCONCE_EXIT_DOORBELL;
    ret_exit->u.doorbell.number = number;
}

/* The mechanism failed: the VM is dead. */
static void fail_exit(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit, int64_t code,
                      const char *text, uint32_t length)
{
    ret_exit->kind = SCONCE_EXIT_FAIL;
    ret_exit->u.fail.domain = SCONCE_DOMAIN_PLUGIN;
    ret_exit->u.fail.code = code;
    snprintf(ret_exit->u.fail.text, sizeof ret_exit->u.fail.text, "%.*s", (int)length, text);
    vm->state = STUB_DEAD;
}

/* Reports the exit of a step that is one. */
static void report(struct sconce_plugin_vm *vm, const struct stub_step *step,
                   struct sconce_exit *ret_exit)
{
    switch (step->verb) {
    case STUB_FRAME:
    case STUB_DOORBELL:
        doorbell(ret_exit, step->doorbell);
        break;
    case STUB_SYSCALL:
        ret_exit->kind = SCONCE_EXIT_SYSCALL;
        ret_exit->u.syscall = step->exit.syscall;
        vm->state = STUB_TRAPPED;
        vm->has_result = false;
        break;
    case STUB_FAULT:
        ret_exit->kind = SCONCE_EXIT_FAULT;
        ret_exit->u.fault = step->exit.fault;
        vm->state = STUB_STOPPED;
        break;
    case STUB_DEBUG:
        ret_exit->kind = SCONCE_EXIT_DEBUG;
        break;
    case STUB_WAIT_KICK:
        stub_wait_kick(vm);
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
        break;
    case STUB_CANCELLED:
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
        break;
    case STUB_SHUTDOWN:
        ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
        vm->state = STUB_STOPPED;
        break;
    case STUB_SYSTEM_FAILURE:
        fail_exit(vm, ret_exit, step->number, step->text.data, step->text.length);
        break;
    default:
        ret_exit->kind = (uint32_t)step->number; /* STUB_EXIT: whatever the script wants */
        break;
    }
}

/* Where a jump leads. A repeat that has gone back often enough falls through, and counts anew when
 * it is reached again. */
static uint32_t next_of(struct sconce_plugin_vm *vm, const struct stub_step *step)
{
    uint32_t *done = &vm->repeats[vm->at];

    if (step->verb == STUB_GOTO)
        return step->target;
    if (*done < step->times) {
        ++*done;
        return step->target;
    }
    *done = 0;
    return vm->at + 1;
}

static int32_t expect_result(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                             struct sconce_plugin_error *err)
{
    if (!vm->has_result)
        return stub_fail_at(vm, step, err, "no system call was completed");
    if (vm->result != step->number)
        return stub_fail_at(vm, step, err, "the result was %" PRId64 "; expected %" PRId64,
                            vm->result, step->number);
    return SCONCE_PLUGIN_OK;
}

static int32_t script_error(struct sconce_plugin_vm *vm, const struct stub_step *step,
                            struct sconce_plugin_error *err)
{
    if (step->number == SCONCE_PLUGIN_E_DEAD)
        vm->state = STUB_DEAD;
    return stub_fail(err, (int32_t)step->number, "%.*s", (int)step->text.length, step->text.data);
}

/* A step that is no jump: sets *ret_is_exit when it is an exit, which report() then fills in. */
static int32_t do_step(struct sconce_plugin_vm *vm, const struct stub_step *step, bool *ret_is_exit,
                       struct sconce_plugin_error *err)
{
    *ret_is_exit = false;
    switch (step->verb) {
    case STUB_FRAME:
        *ret_is_exit = !step->silent;
        return stub_write_frame(vm, step, err);
    case STUB_OUT:
        return stub_write_out(vm, step, err);
    case STUB_EXPECT_FRAME:
        return stub_expect_frame(vm, step, err);
    case STUB_EXPECT_IN:
        return stub_expect_in(vm, step, err);
    case STUB_EXPECT_RESULT:
        return expect_result(vm, step, err);
    case STUB_ERROR:
        return script_error(vm, step, err);
    default:
        *ret_is_exit = true;
        return SCONCE_PLUGIN_OK;
    }
}

int32_t stub_play(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                  struct sconce_plugin_error *err)
{
    static const char over[] = "the script has ended";
    static const char endless[] = "the script loops without an exit";

    for (uint32_t steps = 0; steps < MAX_STEPS_PER_RUN; steps++) {
        const struct stub_step *step;
        bool is_exit;
        int32_t status;

        if (vm->at >= vm->script->step_count) {
            fail_exit(vm, ret_exit, 0, over, sizeof over - 1);
            return SCONCE_PLUGIN_OK;
        }
        step = &vm->script->steps[vm->at];
        if (step->verb == STUB_GOTO || step->verb == STUB_REPEAT) {
            vm->at = next_of(vm, step);
            continue;
        }
        vm->at++; /* an error too is behind us: the core may reset and go on */
        status = do_step(vm, step, &is_exit, err);
        if (status != SCONCE_PLUGIN_OK)
            return status;
        if (is_exit) {
            report(vm, step, ret_exit);
            return SCONCE_PLUGIN_OK;
        }
    }
    fail_exit(vm, ret_exit, 0, endless, sizeof endless - 1);
    return SCONCE_PLUGIN_OK;
}
