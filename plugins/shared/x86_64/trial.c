/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/x86_64/trial.h"

#include "arch/x86_64/control.h"
#include "sconce-guest-abi.h"

/* Leaves its findings where neither SYSCALL nor the shim writes. */
static const uint8_t trial_code[] = {
    0x31, 0xc0,                   /* xor %eax, %eax */
    0x31, 0xc9,                   /* xor %ecx, %ecx */
    0x0f, 0xa2,                   /* cpuid: leaf 0 */
    0x41, 0x89, 0xc0,             /* mov %eax, %r8d */
    0x41, 0x89, 0xca,             /* mov %ecx, %r10d */
    0x41, 0x89, 0xd4,             /* mov %edx, %r12d */
    0xb8, 0x00, 0x00, 0x00, 0x40, /* mov $0x40000000, %eax */
    0x31, 0xc9,                   /* xor %ecx, %ecx */
    0x0f, 0xa2,                   /* cpuid: leaf SCONCE_X86_CPUID_HYPERVISOR */
    0x41, 0x89, 0xce,             /* mov %ecx, %r14d */
    0x0f, 0x05,                   /* syscall */
};
#define TRIAL_SYSCALL_GPA (SCONCE_GPA_MIN + sizeof trial_code - 2)

int32_t sconce_x86_trial_init(struct sconce_trial *trial, struct sconce_plugin_error *err)
{
    return sconce_trial_init(trial, trial_code, sizeof trial_code, err);
}

/* How did the trial's SYSCALL arrive? It can only end as a fault. */
static enum sconce_x86_route route_of(const struct sconce_exit *exit)
{
    const struct sconce_exit_fault *fault = &exit->u.fault;

    if (exit->kind != SCONCE_EXIT_FAULT)
        return SCONCE_X86_ROUTE_UNKNOWN;
    if (fault->kind == SCONCE_FAULT_ILLEGAL && fault->pc == TRIAL_SYSCALL_GPA)
        return SCONCE_X86_ROUTE_UD;
    if (fault->kind == SCONCE_FAULT_MEMORY && fault->pc == SCONCE_GPA_MAX + SCONCE_X86_LSTAR_OFFSET)
        return SCONCE_X86_ROUTE_PF;
    return SCONCE_X86_ROUTE_UNKNOWN;
}

/* Did the trial see another CPUID than the policy's? */
static bool is_unfiltered(const struct sconce_x86_cpuid *entries, size_t count,
                          const struct sconce_x86_standard *regs)
{
    const struct sconce_x86_cpuid basic = {
        .eax = (uint32_t)regs->r8,
        .ecx = (uint32_t)regs->r10,
        .edx = (uint32_t)regs->r12,
    };
    const struct sconce_x86_cpuid hidden = {
        .leaf = SCONCE_X86_CPUID_HYPERVISOR,
        .eax = (uint32_t)regs->rax,
        .ecx = (uint32_t)regs->r14,
        .edx = (uint32_t)regs->rdx,
    };

    return !sconce_x86_cpuid_obeyed(entries, count, &basic, &hidden);
}

int32_t sconce_x86_trial_run(const struct sconce_trial *trial, struct sconce_plugin_vm *vm,
                             const struct sconce_x86_trial_ops *ops,
                             const struct sconce_x86_cpuid *entries, size_t count,
                             const char *mechanism, struct sconce_x86_findings *ret_findings,
                             struct sconce_plugin_error *err)
{
    struct sconce_exit exit = {.size = sizeof exit};
    struct sconce_x86_standard regs;
    int32_t r = ops->mem_map(vm, &trial->memory, &trial->mapping, err);

    if (r == SCONCE_PLUGIN_OK)
        r = ops->enter(vm, &trial->entry, err);
    if (r == SCONCE_PLUGIN_OK)
        r = ops->run(vm, &exit, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    ret_findings->route = route_of(&exit);
    if (ret_findings->route == SCONCE_X86_ROUTE_UNKNOWN)
        return sconce_trial_failed(&exit, mechanism,
                                   "a guest's system call arrives in no known way", err);
    r = ops->read(vm, &regs, err);
    if (r == SCONCE_PLUGIN_OK)
        ret_findings->cpuid_unfiltered = is_unfiltered(entries, count, &regs);
    return r;
}

const char *sconce_x86_simd_name(uint64_t xcr0)
{
    if (xcr0 & SCONCE_X86_XCR0_AVX512)
        return "AVX-512";
    return xcr0 & SCONCE_X86_XCR0_AVX ? "AVX" : "SSE";
}
