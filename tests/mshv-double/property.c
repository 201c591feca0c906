/* SPDX-License-Identifier: Apache-2.0 */
/* Partition properties. What is not known here is unknown to the hypervisor. */
#include <stdlib.h>

#include "tests/mshv-double/vm.h"

/* What KVM's CPUID says where the hypervisor is asked about the machine. */
#define LEAF_ADDRESS_SIZES 0x80000008u
#define LEAF_XSAVE 0xdu

static uint64_t address_bits(struct kvm_cpuid2 *list)
{
    const struct kvm_cpuid_entry2 *e = double_features_leaf(list, LEAF_ADDRESS_SIZES, 0);

    return e ? e->eax & 0xff : 36; /* SDM vol 2A, CPUID: 36 without the leaf */
}

static uint64_t xsave_states(struct kvm_cpuid2 *list)
{
    const struct kvm_cpuid_entry2 *e = double_features_leaf(list, LEAF_XSAVE, 0);

    return e ? e->eax | (uint64_t)e->edx << 32 : 3;
}

/* Properties that follow from the CPUID of the host or of a guest. */
static uint16_t of_cpuid(struct kvm_cpuid2 *list, uint32_t code, uint64_t *ret_value)
{
    switch (code) {
    case HV_PROPERTY_IMPLEMENTED_PA_BITS:
    case HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH:
        *ret_value = address_bits(list);
        return HV_OK;
    case HV_PROPERTY_XSAVE_STATES:
        *ret_value = xsave_states(list);
        return HV_OK;
    case HV_PROPERTY_MAX_XSAVE_DATA_SIZE:
        *ret_value = double_xsave_told(list, xsave_states(list));
        return HV_OK;
    case HV_PROPERTY_PROC_FEATURES0:
    case HV_PROPERTY_PROC_FEATURES1:
        *ret_value = double_features_of(list, code - HV_PROPERTY_PROC_FEATURES0);
        return HV_OK;
    default:
        return HV_UNKNOWN_PROPERTY;
    }
}

/* The CPUID of the first VP stands for the partition's; before there is one, nothing is known. */
static uint16_t of_partition(struct double_partition *p, uint32_t code, uint64_t *ret_value)
{
    for (unsigned i = 0; i < MSHV_MAX_VPS; i++)
        if (p->vps[i])
            return of_cpuid(p->vps[i]->cpuid, code, ret_value);
    return of_cpuid(p->host_cpuid, code, ret_value);
}

uint16_t double_property_get(struct double_partition *p, uint32_t code, uint64_t *ret_value)
{
    switch (code) {
    case HV_PROPERTY_PRIVILEGE_FLAGS:
        *ret_value = p->privileges;
        return HV_OK;
    case HV_PROPERTY_SYNTHETIC_PROC_FEATURES:
        *ret_value = p->synthetic_features;
        return HV_OK;
    case HV_PROPERTY_TIME_FREEZE:
        *ret_value = p->time_freeze;
        return HV_OK;
    case HV_PROPERTY_ACCESS_TRACKING:
        *ret_value = p->access_tracking;
        return HV_OK;
    case HV_PROPERTY_UNIMPLEMENTED_MSR_ACTION:
        *ret_value = p->msr_action;
        return HV_OK;
    default:
        return of_partition(p, code, ret_value);
    }
}

uint16_t double_property_set(struct double_partition *p, uint32_t code, uint64_t value)
{
    switch (code) {
    case HV_PROPERTY_PRIVILEGE_FLAGS:
        p->privileges = value;
        return HV_OK;
    case HV_PROPERTY_SYNTHETIC_PROC_FEATURES: /* early: before the partition is initialized */
        if (p->initialized)
            return HV_INVALID_PARTITION_STATE;
        p->synthetic_features = value;
        return HV_OK;
    case HV_PROPERTY_TIME_FREEZE: /* kept: nothing here has a partition's time */
        p->time_freeze = value & 1;
        return HV_OK;
    case HV_PROPERTY_ACCESS_TRACKING:
        return double_dirty_track(p, value);
    case HV_PROPERTY_UNIMPLEMENTED_MSR_ACTION:
        if (value > 1)
            return HV_INVALID_PARAMETER;
        p->msr_action = value;
        return HV_OK;
    case HV_PROPERTY_IMPLEMENTED_PA_BITS:
    case HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH:
    case HV_PROPERTY_XSAVE_STATES:
    case HV_PROPERTY_MAX_XSAVE_DATA_SIZE:
    case HV_PROPERTY_CLOCK_FREQUENCY:
    case HV_PROPERTY_PROC_FEATURES0:
    case HV_PROPERTY_PROC_FEATURES1:
        return HV_ACCESS_DENIED;
    default:
        return HV_UNKNOWN_PROPERTY;
    }
}

uint16_t double_property_host(int device, uint32_t code, uint64_t *ret_value)
{
    struct kvm_cpuid2 *list;
    uint16_t status;

    *ret_value = 0;
    if (double_features_host(device, &list) < 0)
        return HV_OPERATION_DENIED;
    status = of_cpuid(list, code, ret_value);
    free(list);
    return status;
}
