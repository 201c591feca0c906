/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks that come of tables: one kind each, tried with every value of a list. All end by
 * themselves. What each does is told where it is exported: tests/guests/. */
#include "plugins/shared/process/tests/attacks.h"

#include <signal.h>
#include <sys/syscall.h>

#include "plugins/shared/process/layout.h"
#include "tests/guests/hostile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CONTROL SCONCE_CONTROL_AT

static const uint64_t stub_numbers[] = {SYS_sched_yield, SYS_rt_sigreturn, SYS_sigaltstack};

static const struct attack_tables *const tables = &attack_tables;

static void each_site(attack_fn *fn, void *ctx)
{
    struct attack attack = {"call_site", {0}, OUTCOME_FAULT, KIND(MEMORY)};

    for (uint32_t site = 0; site < SITES; site++) {
        attack.args[0] = site;
        for (size_t i = 0; i < tables->other_number_count; i++) {
            attack.args[2] = tables->other_numbers[i];
            fn(ctx, &attack);
        }
    }
    attack.outcomes |= OUTCOME_OK;
    attack.kinds = KIND_ANY;
    for (uint32_t site = 0; site < SITES; site++) {
        attack.args[0] = site;
        for (size_t i = 0; i < 4 * COUNT(stub_numbers); i++) {
            attack.args[2] = stub_numbers[i / 4];
            attack.args[3] = i & 1 ? CONTROL : 0;
            attack.args[4] = i & 2 ? CONTROL : 0;
            fn(ctx, &attack);
        }
    }
}

/* Every byte of its code, and some of its data. */
static void each_offset(attack_fn *fn, void *ctx)
{
    struct attack attack = {"jump_into", {0}, OUTCOME_OK | OUTCOME_FAULT, KIND_ANY};

    for (uint32_t offset = 0; offset < SCONCE_STUB_PAGE; offset += offset < 256 ? 1 : 97) {
        attack.args[0] = offset;
        attack.args[1] = offset & 1 ? SYS_mmap : SYS_sched_yield;
        fn(ctx, &attack);
    }
}

static void each_field(attack_fn *fn, void *ctx)
{
    static const uint32_t thens[] = {THEN_RETURN, THEN_DOORBELL, THEN_SYSCALL, THEN_REPORT_FRAME};
    struct attack attack = {"forged", {0}, OUTCOME_OK | OUTCOME_FAULT, KIND_ANY};

    for (size_t i = 0; i < tables->field_count; i++) {
        for (size_t t = 0; t < COUNT(thens); t++) {
            attack.args[0] = tables->fields[i].field;
            attack.args[1] = tables->fields[i].value;
            attack.args[2] = thens[t];
            fn(ctx, &attack);
        }
    }
    /* With every signal blocked whatever stops the guest ends it. */
    attack = (struct attack){
        "forged", {tables->field_mask, UINT64_MAX, 0}, OUTCOME_FAULT, KIND_SHUTDOWN};
    for (uint32_t then = THEN_DOORBELL; then < THENS; then++) {
        attack.args[2] = then;
        attack.kinds = then == THEN_REPORT_FRAME ? tables->made_up_kinds : KIND_SHUTDOWN;
        if (then != THEN_LOOP)
            fn(ctx, &attack);
    }
}

static void each_stack(attack_fn *fn, void *ctx)
{
    struct attack attack = {"with_sp", {0}, OUTCOME_OK | OUTCOME_FAULT, KIND_ANY};

    for (size_t i = 0; i < tables->stack_count; i++) {
        for (uint32_t then = THEN_DOORBELL; then < THENS; then++) {
            attack.args[0] = tables->stacks[i].sp;
            attack.args[1] = tables->stacks[i].of_frame;
            attack.args[2] = then;
            if (then != THEN_LOOP)
                fn(ctx, &attack);
        }
    }
}

static void each_scribble(attack_fn *fn, void *ctx)
{
    static const struct {
        uint32_t outcomes, kinds;
    } of_then[THENS] = {
        [THEN_RETURN] = {OUTCOME_OK, 0},
        [THEN_DOORBELL] = {OUTCOME_OK, 0},
        [THEN_UNDEFINED] = {OUTCOME_FAULT, KIND(ILLEGAL)},
        [THEN_PAGE_FAULT] = {OUTCOME_FAULT, KIND(MEMORY)},
        [THEN_SYSCALL] = {OUTCOME_OK, 0},
        [THEN_REPORT] = {OUTCOME_FAULT, KIND_SHUTDOWN},
        [THEN_REPORT_FRAME] = {OUTCOME_FAULT,
                               KIND_SHUTDOWN}, /* the guest does not know the address any more */
        [THEN_BREAKPOINT] = {OUTCOME_FAULT, KIND(BREAKPOINT)},
    };
    struct attack attack = {"scribble_then", {0}, OUTCOME_OK, 0};

    for (uint32_t then = THEN_DOORBELL; then < THENS; then++) {
        attack.outcomes = of_then[then].outcomes;
        attack.kinds = of_then[then].kinds;
        attack.args[1] = then;
        for (uint32_t byte = 0; byte < 256 && then != THEN_LOOP; byte += 255) {
            attack.args[0] = byte;
            fn(ctx, &attack);
        }
    }
}

void attacks_each(bool hanging, attack_fn *fn, void *ctx)
{
    const struct attack *list = hanging ? attacks_hanging : attacks_told;
    size_t count = hanging ? attacks_hanging_count : attacks_told_count;

    for (size_t i = 0; i < count; i++)
        fn(ctx, &list[i]);
    if (hanging)
        return;
    each_site(fn, ctx);
    each_offset(fn, ctx);
    each_field(fn, ctx);
    each_stack(fn, ctx);
    each_scribble(fn, ctx);
}
