/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox that is attacked, and what must be right after each attack. */
#include "plugins/shared/process/tests/attacks.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/processes.h"
#include "tests/fsgsbase.h"

/* What an attack is called when a test fails. */
static const char *name_of(const struct attack *attack)
{
    static char name[256];
    int used = snprintf(name, sizeof name, "%s(", attack->function);

    for (unsigned i = 0; i < ATTACK_MAX_ARGS && used < (int)sizeof name; i++)
        used += snprintf(name + used, sizeof name - (size_t)used, "%s%#llx", i ? ", " : "",
                         (unsigned long long)attack->args[i]);
    if (used < (int)sizeof name)
        snprintf(name + used, sizeof name - (size_t)used, ")");
    return name;
}

/* ---- Processes ------------------------------------------------------------------------------ */

static bool is_alive(pid_t process)
{
    struct pollfd wait = {.fd = processes_open(process), .events = POLLIN};
    bool alive = wait.fd >= 0 && poll(&wait, 1, 0) == 0;

    if (wait.fd >= 0)
        close(wait.fd);
    return alive;
}

pid_t target_process(const struct target *target)
{
    pid_t found = 0, pids[8];
    size_t count = processes_children(target->zygote, pids, sizeof pids / sizeof pids[0]);

    assert_in_range(count, 0, sizeof pids / sizeof pids[0]);
    for (size_t i = 0; i < count; i++) {
        if (pids[i] == target->neighbour_process || !is_alive(pids[i]))
            continue;
        if (found)
            fail_msg("there are two processes of the target: %d and %d", found, pids[i]);
        found = pids[i];
    }
    return found;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

static int call(struct target *target, const char *function, const uint64_t *args,
                struct sconce_value *ret_result, struct sconce_error *err)
{
    struct sconce_value values[SCONCE_MAX_PARAMS];
    struct sconce_signature signature;
    uint32_t index;

    e2e_ok(sconce_guest_find(target->guest, function, &index, err), err);
    assert_true(sconce_guest_export(target->guest, index, &signature));
    for (uint32_t i = 0; i < signature.param_count; i++) {
        switch (signature.params[i]) {
        case SCONCE_TYPE_BOOL:
            values[i] = sconce_bool(args[i]);
            break;
        case SCONCE_TYPE_U32:
            values[i] = sconce_u32((uint32_t)args[i]);
            break;
        default:
            values[i] = sconce_u64(args[i]);
            break;
        }
    }
    return sconce_sandbox_call_index(target->sandbox, index, values, signature.param_count,
                                     ret_result, err);
}

static struct sconce_value call_well(struct target *target, const char *function, uint64_t arg)
{
    struct sconce_error err = {0};
    struct sconce_value result = {0};

    if (call(target, function, &arg, &result, &err) < 0)
        fail_msg("%s: %s", function, err.text);
    return result;
}

static void on_print(void *ctx, const char *text, size_t bytes)
{
    struct target *target = ctx;

    (void)text, (void)bytes;
    if (target->at_attack && !target->begun) {
        target->begun = true;
        target->at_attack(target);
    }
}

static void check_neighbour(struct target *target)
{
    struct sconce_value result;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(target->neighbour, "next", NULL, 0, &result, &err), &err);
    assert_int_equal(result.as.u64, 100 + ++target->neighbour_calls);
}

/* ---- The target ----------------------------------------------------------------------------- */

void target_open(struct target *target, uint64_t deadline_ns)
{
    const struct sconce_sandbox_options options = {
        .size = sizeof options,
        .print = on_print,
        .print_ctx = target,
        .limits = {.heap_bytes = 1 << 18,
                   .stack_bytes = 1 << 16,
                   .output_bytes = UINT64_MAX,
                   .deadline_ns = deadline_ns},
    };
    struct sconce_error err = {0};
    uint32_t classes;

    *target = (struct target){.runtime = e2e_runtime()};
    target->neighbour_guest = e2e_guest(target->runtime, "counter");
    target->neighbour = e2e_sandbox(target->neighbour_guest, NULL);
    target->zygote = processes_zygote(getpid());
    target->neighbour_process = target_process(target);
    assert_int_not_equal(target->neighbour_process, 0);

    target->guest = e2e_guest(target->runtime, "hostile");
    target->sandbox = e2e_sandbox(target->guest, &options);
    /* Behind this a restored guest looks at its registers first of all. */
    classes = call_well(target, "available", 0).as.u32;
    if (!kernel_has_fsgsbase())
        classes &= ~call_well(target, "withheld", 0).as.u32;
    call_well(target, "fill_and_ready", classes);
    e2e_ok(sconce_sandbox_snapshot(target->sandbox, &target->clean, &err), &err);
    e2e_ok(sconce_sandbox_restore(target->sandbox, target->clean, &err), &err);
    target->checksum = call_well(target, "checksum", 0).as.u64;
    assert_string_equal(call_well(target, "leaks", 0).as.span.data, "at resume:");
}

void target_close(struct target *target)
{
    sconce_snapshot_free(target->clean);
    sconce_sandbox_free(target->sandbox);
    sconce_guest_free(target->guest);
    sconce_sandbox_free(target->neighbour);
    sconce_guest_free(target->neighbour_guest);
    sconce_runtime_free(target->runtime);
}

int target_attack(struct target *target, const struct attack *attack, struct sconce_error *err)
{
    struct sconce_value result;

    *err = (struct sconce_error){0};
    target->begun = false;
    return call(target, attack->function, attack->args, &result, err);
}

static uint32_t outcome_of(int result, const struct sconce_error *err)
{
    switch (result) {
    case 0:
        return OUTCOME_OK;
    case SCONCE_E_GUEST_FAULT:
        return OUTCOME_FAULT;
    case SCONCE_E_LIMIT:
        return err->limit == SCONCE_LIMIT_DEADLINE ? OUTCOME_LIMIT : 0;
    case SCONCE_E_GUEST_EXIT:
        return OUTCOME_EXIT;
    case SCONCE_E_KICKED:
        return OUTCOME_KICKED;
    case SCONCE_E_GUEST_PROTOCOL:
        return OUTCOME_PROTOCOL;
    default:
        return 0;
    }
}

void target_expect(struct target *target, const struct attack *attack, int result,
                   const struct sconce_error *err)
{
    uint32_t outcome = outcome_of(result, err);
    uint32_t state = sconce_sandbox_state(target->sandbox);

    if (!(outcome & attack->outcomes) ||
        (outcome == OUTCOME_FAULT && !(attack->kinds >> err->fault.kind & 1)))
        fail_msg("%s: %s: %s", name_of(attack), result ? sconce_error_name(result) : "success",
                 err->text);
    if (state != (result ? SCONCE_STATE_POISONED : SCONCE_STATE_READY))
        fail_msg("%s: %s, and the sandbox is in state %u", name_of(attack), err->text, state);
}

void target_recover(struct target *target, const struct attack *attack)
{
    struct sconce_error err = {0};
    struct sconce_value left;

    check_neighbour(target);
    target->at_attack = NULL;
    if (sconce_sandbox_restore(target->sandbox, target->clean, &err) < 0)
        fail_msg("%s: restoring: %s", name_of(attack), err.text);
    if (call_well(target, "checksum", 0).as.u64 != target->checksum)
        fail_msg("%s left something in memory", name_of(attack));
    left = call_well(target, "leaks", 0);
    if (strcmp(left.as.span.data, "at resume:") != 0)
        fail_msg("%s left in registers: %s", name_of(attack), (const char *)left.as.span.data);
    check_neighbour(target);
}
