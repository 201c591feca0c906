/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks that come of tables: one kind each, tried with every value of a list. All end by
 * themselves. What each does is told where it is exported: tests/guests/. */
#include "plugins/shared/process/tests/attack-rows.h"

#include <sys/syscall.h>

/* System calls that the stub makes, and some that it does not. */
static const uint64_t stub_numbers[] = {SYS_sched_yield, SYS_rt_sigreturn, SYS_sigaltstack};
static const uint64_t other_numbers[] = {
    SYS_read,
    SYS_write,
    SYS_close,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_brk,
    SYS_ioctl,
    SYS_getpid,
    SYS_socket,
    SYS_clone,
    SYS_execve,
    SYS_exit,
    SYS_kill,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_ptrace,
    SYS_prctl,
    SYS_futex,
    SYS_exit_group,
    SYS_tgkill,
    SYS_openat,
    SYS_seccomp,
    SYS_process_vm_writev,
    SYS_mremap,
    SYS_memfd_create,
    SYS_bpf,
    SYS_userfaultfd,
    425 /* io_uring_setup */,
    435 /* clone3 */,
    438 /* pidfd_getfd */,
    1u << 20,
    UINT32_MAX,
};

static const struct attack_stack stacks[] = {
    {SCONCE_STUB_AT, false},
    {SCONCE_STUB_AT + 100, false},
    {SCONCE_STUB_AT + 4096, false},
    {CONTROL, false},
    {CONTROL + 4096, false},
    {CONTROL_END - 8, false},
    {CONTROL_END, false},
    {CONTROL_END + 128, false},
    {0, true},
    {8, true},
    {512, true},
    {UINT64_MAX - 4095, true},
    {0, false},
    {8, false},
};

static const struct attack_tables *const tables = &attack_tables;

static void each_other_number(const uint64_t *numbers, size_t count, attack_fn *fn, void *ctx)
{
    struct attack attack = {"call_site", {0}, OUTCOME_FAULT, KIND(MEMORY)};

    for (uint32_t site = 0; site < SITES; site++) {
        attack.args[0] = site;
        for (size_t i = 0; i < count; i++) {
            attack.args[2] = numbers[i];
            fn(ctx, &attack);
        }
    }
}

static void each_stub_number(attack_fn *fn, void *ctx)
{
    struct attack attack = {"call_site", {0}, OUTCOME_OK | OUTCOME_FAULT, KIND_ANY};

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

/* Every byte of its code, and some of its data. From the middle of an instruction on, the bytes are
 * another one, which may change memory of the guest's own that its registers lead to: its frame may
 * then be no frame. */
static void each_offset(attack_fn *fn, void *ctx)
{
    struct attack attack = {
        "jump_into", {0}, OUTCOME_OK | OUTCOME_FAULT | OUTCOME_PROTOCOL, KIND_ANY};

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
    attack = (struct attack){"forged", {FIELD_MASK, UINT64_MAX, 0}, OUTCOME_FAULT, KIND_SHUTDOWN};
    for (uint32_t then = THEN_DOORBELL; then < THENS; then++) {
        attack.args[2] = then;
        attack.kinds = then == THEN_REPORT_FRAME ? tables->made_up_kinds : KIND_SHUTDOWN;
        if (then != THEN_LOOP)
            fn(ctx, &attack);
    }
}

static void each_stack(const struct attack_stack *list, size_t count, attack_fn *fn, void *ctx)
{
    struct attack attack = {"with_sp", {0}, OUTCOME_OK | OUTCOME_FAULT, KIND_ANY};

    for (size_t i = 0; i < count; i++) {
        for (uint32_t then = THEN_DOORBELL; then < THENS; then++) {
            attack.args[0] = list[i].sp;
            attack.args[1] = list[i].of_frame;
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

void attacks_each_made(attack_fn *fn, void *ctx)
{
    each_other_number(other_numbers, COUNT(other_numbers), fn, ctx);
    each_other_number(tables->other_numbers, tables->other_number_count, fn, ctx);
    each_stub_number(fn, ctx);
    each_offset(fn, ctx);
    each_field(fn, ctx);
    each_stack(stacks, COUNT(stacks), fn, ctx);
    each_stack(tables->stacks, tables->stack_count, fn, ctx);
    each_scribble(fn, ctx);
}
