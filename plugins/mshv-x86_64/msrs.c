/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSRs. The hypervisor has no filter for them, so a reset writes back each that a VP has a name
 * for. None of them can be written in ring 3: this is the second wall.
 */
#include <inttypes.h>

#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"

#define HINT_REPORT "please report it, with kernel, processor and this message"

/*
 * From @first on @count names. Not here: counters, what is read-only on every processor, and MSRs
 * of features that the CPUID policy never shows, which come and go with the processor and the masks
 * of a partition (CET, MPX, XSAVES, XFD, TSX, WAITPKG, the adjusted and the deadline TSC). Nor
 * MISC_ENABLE and DEBUG_CTL, which no other client of the hypervisor uses: what it does with them
 * is not known, and no guest of ours can write them.
 *
 * The @needed ones say how a guest's memory is cached, what its predictors may do, and where
 * SYSCALL goes: a hypervisor that shows one and does not take it back is not used. The others are
 * left as they are there.
 */
static const struct {
    uint32_t first;
    uint32_t count;
    bool needed;
} names[] = {
    {HV_KERNEL_GS_BASE, 1, true},   {HV_PAT, 1, true},
    {HV_SYSENTER_CS, 3, true},      {HV_STAR, 4, true}, /* to SFMASK */
    {HV_MTRR_DEF_TYPE, 1, false},   {HV_MTRR_PHYS_BASE0, 8, false},
    {HV_MTRR_PHYS_MASK0, 8, false}, {HV_MTRR_FIX64K, 11, false},
    {HV_TSC_AUX, 1, true},          {HV_SPEC_CTRL, 1, true},
};

/* Those that arch/x86_64 gives a value to, by number. */
static const struct {
    uint32_t index;
    uint32_t name;
} numbers[] = {
    {SCONCE_X86_MSR_KERNEL_GS_BASE, HV_KERNEL_GS_BASE},
    {SCONCE_X86_MSR_STAR, HV_STAR},
    {SCONCE_X86_MSR_LSTAR, HV_LSTAR},
    {SCONCE_X86_MSR_CSTAR, HV_CSTAR},
    {SCONCE_X86_MSR_SFMASK, HV_SFMASK},
    {SCONCE_X86_MSR_SYSENTER_CS, HV_SYSENTER_CS},
    {SCONCE_X86_MSR_SYSENTER_ESP, HV_SYSENTER_ESP},
    {SCONCE_X86_MSR_SYSENTER_EIP, HV_SYSENTER_EIP},
    {SCONCE_X86_MSR_TSC_AUX, HV_TSC_AUX},
};

/* A name that the hypervisor refuses to read is not there. */
static int32_t look_at(int vp_fd, uint32_t name, bool needed, struct mshv_x86_facts *facts,
                       struct sconce_plugin_error *err)
{
    struct mshv_register same = mshv_x86_register(name, 0);
    struct sconce_plugin_error why = {.size = sizeof why};
    int32_t r = sconce_mshv_get_registers(vp_fd, &name, &same.value, 1, "read an MSR", &why);
    bool is_there = r == SCONCE_PLUGIN_OK;

    if (is_there)
        r = sconce_mshv_set_registers(vp_fd, &same, 1, "set an MSR", &why);
    if (r == SCONCE_PLUGIN_OK) {
        facts->msrs[facts->msr_count++] = name;
        return SCONCE_PLUGIN_OK;
    }
    if (!sconce_mshv_is_refusal(&why))
        return sconce_plugin_pass(err, r, &why);
    if (!is_there || !needed)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(
        err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN, name, HINT_REPORT,
        "the hypervisor shows an MSR that cannot be put back (register 0x%" PRIx32 ")", name);
}

int32_t mshv_x86_msrs_find(int vp_fd, struct mshv_x86_facts *facts, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    facts->msr_count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (uint32_t n = 0; r == SCONCE_PLUGIN_OK && n < names[i].count; n++)
            r = look_at(vp_fd, names[i].first + n, names[i].needed, facts, err);
    return r;
}

static uint32_t name_of(uint32_t index)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].index == index)
            return numbers[i].name;
    return 0;
}

static struct mshv_register *find(struct sconce_plugin_vm *vm, uint32_t name)
{
    for (uint32_t i = 0; i < vm->msr_count; i++)
        if (vm->msrs[i].name == name)
            return &vm->msrs[i];
    return NULL;
}

int32_t mshv_x86_msrs_keep(struct sconce_plugin_vm *vm, const struct mshv_x86_facts *facts,
                           struct sconce_plugin_error *err)
{
    struct mshv_value values[MSHV_X86_MAX_MSRS];
    int32_t r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, facts->msrs, values,
                                          (uint16_t)facts->msr_count, "read MSRs", err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm->msr_count = facts->msr_count;
    for (uint32_t i = 0; i < facts->msr_count; i++)
        vm->msrs[i] = (struct mshv_register){.name = facts->msrs[i], .value = values[i]};
    for (uint32_t i = 0; i < vm->x86.msr_count; i++) {
        struct mshv_register *at = find(vm, name_of(vm->x86.msrs[i].index));

        if (!at)
            return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN,
                                      vm->x86.msrs[i].index, HINT_REPORT,
                                      "the hypervisor has no MSR 0x%" PRIx32 " for its guests",
                                      vm->x86.msrs[i].index);
        at->value = (struct mshv_value){.low = vm->x86.msrs[i].value};
    }
    return SCONCE_PLUGIN_OK;
}
