/* SPDX-License-Identifier: Apache-2.0 */
/* MSRs have names of their own; there is no access by number. What KVM or this processor does not
 * have is an unknown register. */
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

static const struct {
    uint32_t name, msr, count;
} names[] = {
    {0x80000, 0x10, 1},       /* TSC */
    {0x80002, 0xc0000102, 1}, /* KERNEL_GS_BASE */
    {0x80004, 0x277, 1},      /* PAT */
    {0x80005, 0x174, 1},      /* SYSENTER_CS */
    {0x80006, 0x176, 1},      /* SYSENTER_EIP */
    {0x80007, 0x175, 1},      /* SYSENTER_ESP */
    {0x80008, 0xc0000081, 4}, /* STAR LSTAR CSTAR SFMASK */
    {0x8000d, 0xfe, 1},       /* MTRR_CAP */
    {0x8000e, 0x2ff, 1},      /* MTRR_DEF_TYPE */
    {0x80070, 0x250, 1},      /* MTRR_FIX64K */
    {0x80071, 0x258, 2},      /* MTRR_FIX16K */
    {0x80073, 0x268, 8},      /* MTRR_FIX4K */
    {0x8007b, 0xc0000103, 1}, /* TSC_AUX */
    {0x8007c, 0xd90, 1},      /* BNDCFGS */
    {0x8007d, 0x1d9, 1},      /* DEBUG_CTL */
    {0x8007e, 0xe7, 1},       /* MPERF */
    {0x8007f, 0xe8, 1},       /* APERF */
    {0x80084, 0x48, 1},       /* SPEC_CTRL */
    {0x80086, 0xc001011f, 1}, /* VIRT_SPEC_CTRL */
    {0x80088, 0x122, 1},      /* TSX_CTRL */
    {0x8008b, 0xda0, 1},      /* U_XSS */
    {0x8008c, 0x6a0, 1},      /* U_CET */
    {0x8008d, 0x6a2, 1},      /* S_CET */
    {0x8008f, 0x6a4, 4},      /* PL0 to PL3_SSP */
    {0x80095, 0x6e0, 1},      /* TSC_DEADLINE */
    {0x80096, 0x3b, 1},       /* TSC_ADJUST */
    {0x80098, 0xe1, 1},       /* UMWAIT_CONTROL */
    {0x80099, 0x1c4, 2},      /* XFD XFD_ERR */
    {0x800a0, 0x1a0, 1},      /* MISC_ENABLE */
};

#define INITIAL_APIC_ID 0x8000cu
#define MTRR_PHYS_BASE0 0x80010u /* 0x200, and every second one */
#define MTRR_PHYS_MASK0 0x80040u
#define MTRR_VARIABLE 8u /* as many as KVM has */

static bool msr_of(uint32_t name, uint32_t *ret_msr)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (name >= names[i].name && name - names[i].name < names[i].count) {
            *ret_msr = names[i].msr + (name - names[i].name);
            return true;
        }
    if (name >= MTRR_PHYS_BASE0 && name < MTRR_PHYS_BASE0 + MTRR_VARIABLE)
        *ret_msr = 0x200 + 2 * (name - MTRR_PHYS_BASE0);
    else if (name >= MTRR_PHYS_MASK0 && name < MTRR_PHYS_MASK0 + MTRR_VARIABLE)
        *ret_msr = 0x201 + 2 * (name - MTRR_PHYS_MASK0);
    else
        return false;
    return true;
}

static bool access_msr(struct double_vp *vp, uint32_t msr, uint64_t *value, unsigned long request)
{
    _Alignas(struct kvm_msrs)
        uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = {0};
    struct kvm_msrs *list = (struct kvm_msrs *)(void *)room;

    list->nmsrs = 1;
    list->entries[0].index = msr;
    list->entries[0].data = *value;
    if (double_sys_ioctl(vp->object.fd, request, list) != 1)
        return false;
    *value = list->entries[0].data;
    return true;
}

uint16_t double_msrs_get(struct double_vp *vp, uint32_t name, uint64_t *ret_value)
{
    uint32_t msr;

    *ret_value = vp->index;
    if (name == INITIAL_APIC_ID)
        return HV_OK;
    return msr_of(name, &msr) && access_msr(vp, msr, ret_value, KVM_GET_MSRS)
               ? HV_OK
               : HV_INVALID_PARAMETER;
}

uint16_t double_msrs_set(struct double_vp *vp, uint32_t name, uint64_t value)
{
    uint32_t msr;
    uint64_t now = 0;

    if (!msr_of(name, &msr))
        return HV_INVALID_PARAMETER;
    /* KVM takes writes to some that it does not have, with a line in the kernel's log for each. */
    if (access_msr(vp, msr, &now, KVM_GET_MSRS) && now == value)
        return HV_OK;
    return access_msr(vp, msr, &value, KVM_SET_MSRS) ? HV_OK : HV_INVALID_PARAMETER;
}
