/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe (plugins/shared/process/probe.c) asks of this architecture: how the stub comes by
 * the bases of FS and GS here, and what all guests have in common. */
#include <stdio.h>
#include <sys/auxv.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/regs.h"
#include "plugins/process-x86_64/process-x86_64.h"
#include "plugins/shared/plugin-error.h"
#include "sconce-guest-abi.h"

/* Documentation/arch/x86/elf_auxvec.rst: RDFSBASE and its kin may be used. */
#define HWCAP2_FSGSBASE (1ul << 1)
/* What arch_prctl(2) takes lies below TASK_SIZE_MAX: arch/x86/include/asm/page_64_types.h. */
#define PRCTL_END ((1ull << 47) - 4096)

const uint8_t process_x86_trial_code[PROCESS_X86_TRIAL_BYTES] = {
    0xb0, SCONCE_DOORBELL_READY,       /* mov $1, %al */
    0xe6, SCONCE_DOORBELL_PORT_X86_64, /* out %al, $0x5c */
    0x0f, 0x05,                        /* syscall */
};

/* Under the lock of the probe's. */
static struct process_x86_facts facts;

/* The kernel's word, not CPUID's: where it does not know of them, it would lose what they set. */
static bool has_fsgsbase(void)
{
    return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}

/* In the order that zygote.ld lays them out in. */
uint32_t process_x86_stub(void)
{
    enum { STUB, STUB_PRCTL };

    return has_fsgsbase() ? STUB : STUB_PRCTL;
}

bool process_x86_base_fits(uint64_t base)
{
    return has_fsgsbase() ? sconce_x86_canonical(base) : base < PRCTL_END;
}

const char *process_x86_entry_problem(const struct sconce_entry *entry, uint64_t *ret_value)
{
    const char *problem = sconce_x86_entry_problem(entry, ret_value);

    if (problem || process_x86_base_fits(entry->tls))
        return problem;
    *ret_value = entry->tls;
    return "thread pointer";
}

int32_t process_x86_learn(const struct sconce_plugin_vm *trial, struct sconce_plugin_error *err)
{
    struct process_x86_facts fresh = {.xstate_bytes = process_x86_const(trial)->shape.xstate_bytes};
    int32_t r = process_x86_cpuid_read(&fresh, err);

    if (r == SCONCE_PLUGIN_OK)
        facts = fresh;
    return r;
}

void process_x86_equip(struct sconce_plugin_vm *vm)
{
    process_x86(vm)->facts = facts;
}

static const char *simd_name(uint64_t xcr0)
{
    if (xcr0 & SCONCE_X86_XCR0_AVX512)
        return "AVX-512";
    return xcr0 & SCONCE_X86_XCR0_AVX ? "AVX" : "SSE";
}

void process_x86_describe(char *ret_text, size_t bytes)
{
    snprintf(ret_text, bytes, "%s%s, CPUID unfiltered", simd_name(facts.xcr0),
             has_fsgsbase() ? "" : ", no FSGSBASE");
}
