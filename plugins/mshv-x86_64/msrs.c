/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSRs. The hypervisor has no filter for them, so a reset writes back each that a VP has a name
 * for. None of them can be written in ring 3: this is the second wall.
 */
#include <inttypes.h>

#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"

/* From @first on @count names. Not here: counters, what is read-only on every processor, and MSRs
 * of features that the CPUID policy never shows, which come and go with the processor and the masks
 * of a partition (CET, MPX, XSAVES, XFD, TSX, WAITPKG, the adjusted and the deadline TSC). */
static const struct {
    uint32_t first;
    uint32_t count;
} names[] = {
    {HV_KERNEL_GS_BASE, 1},  {HV_PAT, 1},
    {HV_SYSENTER_CS, 3},     {HV_STAR, 4}, /* to SFMASK */
    {HV_MTRR_DEF_TYPE, 1},   {HV_MTRR_PHYS_BASE0, 8},
    {HV_MTRR_PHYS_MASK0, 8}, {HV_MTRR_FIX64K, 11},
    {HV_TSC_AUX, 1},         {HV_DEBUG_CTL, 1},
    {HV_SPEC_CTRL, 1},       {HV_MISC_ENABLE, 1},
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

/* Only what the hypervisor itself says of a name tells whether there is one. */
static bool is_refusal(const struct sconce_plugin_error *why)
{
    return why->domain == SCONCE_DOMAIN_HV_STATUS && why->code != MSHV_HV_INSUFFICIENT_MEMORY;
}

static int32_t look_at(int vp_fd, uint32_t name, struct mshv_x86_facts *facts,
                       struct sconce_plugin_error *err)
{
    struct mshv_register same = mshv_x86_register(name, 0);
    struct sconce_plugin_error why = {.size = sizeof why};
    int32_t r = sconce_mshv_get_registers(vp_fd, &name, &same.value, 1, "read an MSR", &why);

    if (r != SCONCE_PLUGIN_OK && is_refusal(&why))
        return SCONCE_PLUGIN_OK; /* not there */
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_mshv_set_registers(vp_fd, &same, 1, "set an MSR", &why);
    if (r != SCONCE_PLUGIN_OK && is_refusal(&why))
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN, name,
            "please report it, with kernel, processor and this message",
            "the hypervisor shows an MSR that cannot be put back (register 0x%" PRIx32 ")", name);
    if (r != SCONCE_PLUGIN_OK) {
        if (err && err->size >= sizeof why)
            *err = why;
        return r;
    }
    facts->msrs[facts->msr_count++] = name;
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_x86_msrs_find(int vp_fd, struct mshv_x86_facts *facts, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    facts->msr_count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (uint32_t n = 0; r == SCONCE_PLUGIN_OK && n < names[i].count; n++)
            r = look_at(vp_fd, names[i].first + n, facts, err);
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
            return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0, NULL,
                                      "the hypervisor has no MSR 0x%" PRIx32 " for its guests",
                                      vm->x86.msrs[i].index);
        at->value = (struct mshv_value){.low = vm->x86.msrs[i].value};
    }
    return SCONCE_PLUGIN_OK;
}
