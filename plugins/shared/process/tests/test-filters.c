/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins/shared/process/make-filters.c writes, asked as the kernel asks it: an interpreter of
 * classic BPF runs both filters on system calls, and the stricter answer counts. Nothing here knows
 * libseccomp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cmocka.h>

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/stub-head.h"

#define ALTSTACK (SCONCE_STUB_AT + offsetof(struct sconce_stub_head, altstack))
#define INSIDE (SCONCE_STUB_AT + 0x200)
#define X32 0x40000000
#define HIGHEST 500

#define EXTERN(arch)                                                                               \
    extern const uint8_t arch##_page[];                                                            \
    extern const struct sock_fprog arch##_listener, arch##_wall
EXTERN(x86_64);
EXTERN(x86_64_prctl);
EXTERN(aarch64);

/* One architecture's filters and what it calls the three calls. */
static const struct target {
    const char *name;
    const uint8_t *page;
    const struct sock_fprog *listener, *wall;
    uint32_t arch, other_arch;
    int report, sigreturn, altstack; /* sched_yield, rt_sigreturn, sigaltstack */
    int bases;                       /* arch_prctl; 0 where it is not let through */
} targets[] = {
    {"x86_64", x86_64_page, &x86_64_listener, &x86_64_wall, AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, 24,
     15, 131, 0},
    {"x86_64 prctl", x86_64_prctl_page, &x86_64_prctl_listener, &x86_64_prctl_wall,
     AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, 24, 15, 131, 158},
    {"aarch64", aarch64_page, &aarch64_listener, &aarch64_wall, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,
     124, 139, 132, 0},
};
#define TARGETS (sizeof targets / sizeof targets[0])

/* ---- The interpreter: Documentation/networking/filter.rst, what seccomp allows of it --------- */

static uint32_t jump(const struct sock_filter *at, uint32_t a)
{
    bool taken = false;

    switch (BPF_OP(at->code)) {
    case BPF_JA:
        return at->k;
    case BPF_JEQ:
        taken = a == at->k;
        break;
    case BPF_JGT:
        taken = a > at->k;
        break;
    case BPF_JGE:
        taken = a >= at->k;
        break;
    case BPF_JSET:
        taken = (a & at->k) != 0;
        break;
    default:
        fail_msg("jump 0x%x", at->code);
    }
    return taken ? at->jt : at->jf;
}

static uint32_t interpret(const struct sock_filter *code, size_t count,
                          const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t at = 0; at < count; at++) {
        const struct sock_filter *insn = &code[at];

        switch (BPF_CLASS(insn->code)) {
        case BPF_LD:
            assert_int_equal(insn->code, BPF_LD | BPF_W | BPF_ABS);
            assert_true(insn->k % 4 == 0 && insn->k < sizeof *data);
            memcpy(&a, (const uint8_t *)data + insn->k, sizeof a);
            break;
        case BPF_ALU:
            assert_int_equal(insn->code, BPF_ALU | BPF_AND | BPF_K);
            a &= insn->k;
            break;
        case BPF_JMP:
            at += jump(insn, a);
            break;
        case BPF_RET:
            assert_int_equal(insn->code, BPF_RET | BPF_K);
            return insn->k;
        default:
            fail_msg("instruction 0x%x", insn->code);
        }
    }
    fail_msg("ran off the end");
    return 0;
}

/* ---- Asking -------------------------------------------------------------------------------- */

static uint32_t ask(const struct target *target, const struct sock_fprog *program,
                    const struct seccomp_data *data)
{
    const uint8_t *code = (const uint8_t *)program + sizeof *program;

    /* Where the table says that it is: at its place in the child, right behind its head. */
    assert_int_equal((uintptr_t)program->filter - SCONCE_STUB_AT, code - target->page);
    assert_in_range(program->len, 2, 64);
    return interpret((const struct sock_filter *)(const void *)code, program->len, data);
}

/* Of two answers the kernel takes the lower: seccomp(2). */
static uint32_t both(const struct target *target, const struct seccomp_data *data)
{
    const int32_t a = (int32_t)ask(target, target->listener, data);
    const int32_t b = (int32_t)ask(target, target->wall, data);

    return (uint32_t)(a < b ? a : b);
}

static uint32_t answer(const struct target *target, int nr, uint64_t at, uint64_t arg0,
                       uint64_t arg1)
{
    const struct seccomp_data data = {.nr = nr,
                                      .arch = target->arch,
                                      .instruction_pointer = at,
                                      .args = {arg0, arg1, 3, 4, 5, 6}};

    return both(target, &data);
}

static const uint64_t outside[] = {
    0,
    0x400000,
    SCONCE_STUB_AT - 1,
    SCONCE_STUB_AT + SCONCE_STUB_PAGE,
    SCONCE_CONTROL_AT,
    SCONCE_STUB_AT & 0xffffffff, /* the same lower half */
    (SCONCE_STUB_AT & 0xffffffff) + 0x80,
    SCONCE_STUB_AT + 0x100000000,
    SCONCE_STUB_AT | 1ull << 63,
    0xffffffffff600000,
    UINT64_MAX,
};

/* ---- The rows ------------------------------------------------------------------------------ */

static void test_report_from_the_stub_alone_is_a_notification(void **state)
{
    const struct target *target = *state;
    static const uint64_t inside[] = {SCONCE_STUB_AT, SCONCE_STUB_AT + 2, INSIDE,
                                      SCONCE_STUB_AT + SCONCE_STUB_PAGE - 1};

    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        assert_int_equal(answer(target, target->report, inside[i], 11, 0xfff81e000),
                         SECCOMP_RET_USER_NOTIF);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_int_equal(answer(target, target->report, outside[i], 11, 0xfff81e000),
                         SECCOMP_RET_TRAP);
}

static void test_sigreturn_from_the_stub_alone_is_allowed(void **state)
{
    const struct target *target = *state;

    assert_int_equal(answer(target, target->sigreturn, INSIDE, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(answer(target, target->sigreturn, INSIDE, ~0ull, ~0ull), SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_int_equal(answer(target, target->sigreturn, outside[i], 0, 0), SECCOMP_RET_TRAP);
}

static void test_altstack_is_pinned_to_one(void **state)
{
    static const struct {
        uint64_t description, old;
    } rows[] = {
        {0, 0},
        {ALTSTACK, 1},
        {ALTSTACK, 1ull << 32},
        {ALTSTACK, ALTSTACK},
        {ALTSTACK + 1, 0},
        {ALTSTACK - 8, 0},
        {ALTSTACK & 0xffffffff, 0},
        {ALTSTACK | 1ull << 40, 0},
        {0, ALTSTACK},
        {SCONCE_CONTROL_AT, 0},
    };
    const struct target *target = *state;

    assert_int_equal(answer(target, target->altstack, INSIDE, ALTSTACK, 0), SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(answer(target, target->altstack, INSIDE, rows[i].description, rows[i].old),
                         SECCOMP_RET_TRAP);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_int_equal(answer(target, target->altstack, outside[i], ALTSTACK, 0),
                         SECCOMP_RET_TRAP);
}

/* Where each base goes, and to whatever the kernel takes. */
static void test_bases_are_pinned_to_their_places(void **state)
{
    enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS }; /* asm/prctl.h */
    static const uint64_t fs_at = SCONCE_CONTROL_AT + SCONCE_CONTROL_FS_BASE,
                          gs_at = SCONCE_CONTROL_AT + SCONCE_CONTROL_GS_BASE;
    const struct {
        uint64_t option, value;
        bool stubs;
    } rows[] = {
        {GET_FS, fs_at, true},
        {GET_GS, gs_at, true},
        {SET_FS, 0, true},
        {SET_GS, UINT64_MAX, true},
        {GET_FS, gs_at, false},
        {GET_GS, fs_at, false},
        {GET_FS, 0, false},
        {GET_FS, fs_at + 1, false},
        {GET_FS, fs_at & 0xffffffff, false},
        {GET_GS, gs_at | 1ull << 40, false},
        {GET_FS | 1ull << 32, fs_at, false},
        {SET_FS | 1ull << 32, 0, false},
        {0, fs_at, false},
        {SET_GS - 1, 0, false},
        {GET_GS + 1, gs_at, false},
        {0x1012, 0, false}, /* ARCH_CPUID_SET */
        {0x5001, 1, false}, /* ARCH_SHSTK_ENABLE */
    };
    const struct target *target = *state;
    const int nr = 158;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(answer(target, nr, INSIDE, rows[i].option, rows[i].value),
                         rows[i].stubs && target->bases == nr ? SECCOMP_RET_ALLOW
                                                              : SECCOMP_RET_TRAP);
        for (size_t k = 0; k < sizeof outside / sizeof outside[0]; k++)
            assert_int_equal(answer(target, nr, outside[k], rows[i].option, rows[i].value),
                             SECCOMP_RET_TRAP);
    }
}

static void test_every_other_call_traps(void **state)
{
    const struct target *target = *state;

    for (int nr = -2; nr <= HIGHEST; nr++) {
        if (nr == target->report || nr == target->sigreturn || nr == target->altstack)
            continue;
        assert_int_equal(answer(target, nr, INSIDE, ALTSTACK, 0), SECCOMP_RET_TRAP);
        assert_int_equal(answer(target, nr, 0x400000, ALTSTACK, 0), SECCOMP_RET_TRAP);
    }
    for (int nr = 0; nr <= HIGHEST; nr++)
        assert_int_equal(answer(target, nr | X32, INSIDE, ALTSTACK, 0), SECCOMP_RET_TRAP);
    assert_int_equal(answer(target, INT32_MAX, INSIDE, ALTSTACK, 0), SECCOMP_RET_TRAP);
    assert_int_equal(answer(target, INT32_MIN, INSIDE, ALTSTACK, 0), SECCOMP_RET_TRAP);
}

static void test_calls_of_other_architectures_trap(void **state)
{
    const struct target *target = *state;
    const uint32_t others[] = {
        target->other_arch,
        target->arch == AUDIT_ARCH_X86_64 ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64, 0, UINT32_MAX};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        for (int nr = 0; nr <= HIGHEST; nr++) {
            const struct seccomp_data data = {
                .nr = nr, .arch = others[i], .instruction_pointer = INSIDE, .args = {ALTSTACK}};

            assert_int_equal(both(target, &data), SECCOMP_RET_TRAP);
        }
}

/* Before the wall is there: a child builds itself under the first filter. */
static void test_listener_alone_lets_all_else_through(void **state)
{
    const struct target *target = *state;

    for (int nr = 0; nr <= HIGHEST; nr++) {
        const struct seccomp_data data = {
            .nr = nr, .arch = target->arch, .instruction_pointer = 0x7f0000000000};

        assert_int_equal(ask(target, target->listener, &data),
                         nr == target->report ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction run;
    } rows[] = {
        {"report_from_the_stub_alone_is_a_notification",
         test_report_from_the_stub_alone_is_a_notification},
        {"sigreturn_from_the_stub_alone_is_allowed", test_sigreturn_from_the_stub_alone_is_allowed},
        {"altstack_is_pinned_to_one", test_altstack_is_pinned_to_one},
        {"bases_are_pinned_to_their_places", test_bases_are_pinned_to_their_places},
        {"every_other_call_traps", test_every_other_call_traps},
        {"calls_of_other_architectures_trap", test_calls_of_other_architectures_trap},
        {"listener_alone_lets_all_else_through", test_listener_alone_lets_all_else_through},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[TARGETS * ROWS];
    static char names[TARGETS * ROWS][80];

    for (size_t i = 0; i < TARGETS * ROWS; i++) {
        snprintf(names[i], sizeof names[i], "%s: %s", targets[i / ROWS].name, rows[i % ROWS].name);
        tests[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = rows[i % ROWS].run,
                                       .initial_state = (void *)(uintptr_t)&targets[i / ROWS]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
