/* SPDX-License-Identifier: Apache-2.0 */
/* PENDING_INTERRUPTION, INTERRUPT_STATE and PENDING_EVENT0/1, over KVM's vcpu_events. */
#include <errno.h>
#include <string.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

/* PENDING_INTERRUPTION: pending 0, type 3:1, error code valid 4, instruction's length 8:5, vector
 * 31:16, error code 63:32. */
#define PENDING 1u
#define TYPE_SHIFT 1
#define TYPE_EXTERNAL 0u
#define TYPE_NMI 2u
#define TYPE_EXCEPTION 3u
#define ERROR_VALID (1u << 4)
#define VECTOR_SHIFT 16
#define ERROR_SHIFT 32

/* PENDING_EVENT0 for an exception: pending 0, type 3:1 (0), error code valid 8, the rest as above;
 * then its parameter. */
#define EVENT_ERROR_VALID (1u << 8)

/* INTERRUPT_STATE */
#define SHADOW 1u
#define NMI_MASKED 2u

static uint64_t interruption(const struct kvm_vcpu_events *e)
{
    if (e->exception.injected)
        return PENDING | TYPE_EXCEPTION << TYPE_SHIFT |
               (e->exception.has_error_code ? ERROR_VALID : 0) |
               (uint64_t)e->exception.nr << VECTOR_SHIFT |
               (uint64_t)e->exception.error_code << ERROR_SHIFT;
    if (e->interrupt.injected)
        return PENDING | TYPE_EXTERNAL << TYPE_SHIFT | (uint64_t)e->interrupt.nr << VECTOR_SHIFT;
    if (e->nmi.injected)
        return PENDING | TYPE_NMI << TYPE_SHIFT | 2ull << VECTOR_SHIFT;
    return 0;
}

static bool set_interruption(struct kvm_vcpu_events *e, uint64_t value)
{
    uint8_t vector = (uint8_t)(value >> VECTOR_SHIFT);

    e->exception.injected = e->interrupt.injected = e->nmi.injected = 0;
    if (!(value & PENDING))
        return true;
    switch (value >> TYPE_SHIFT & 7) {
    case TYPE_EXCEPTION:
        e->exception.injected = 1;
        e->exception.nr = vector;
        e->exception.has_error_code = (value & ERROR_VALID) != 0;
        e->exception.error_code = (uint32_t)(value >> ERROR_SHIFT);
        return true;
    case TYPE_EXTERNAL:
        e->interrupt.injected = 1;
        e->interrupt.nr = vector;
        return true;
    case TYPE_NMI:
        e->nmi.injected = 1;
        return true;
    default:
        return false;
    }
}

static bool set_event(struct kvm_vcpu_events *e, uint64_t value)
{
    if (!(value & PENDING)) {
        e->exception.injected = 0;
        return true;
    }
    if (value >> TYPE_SHIFT & 7)
        return false;
    e->exception.injected = 1;
    e->exception.nr = (uint8_t)(value >> VECTOR_SHIFT);
    e->exception.has_error_code = (value & EVENT_ERROR_VALID) != 0;
    e->exception.error_code = (uint32_t)(value >> ERROR_SHIFT);
    return true;
}

uint16_t double_events_get(struct double_vp *vp, uint32_t name, struct hv_value *ret_value)
{
    struct kvm_vcpu_events e = {0};

    if (double_sys_ioctl(vp->object.fd, KVM_GET_VCPU_EVENTS, &e) < 0)
        return HV_INVALID_VP_STATE;
    *ret_value = (struct hv_value){0, 0};
    if (name == HV_REG_PENDING_INTERRUPTION)
        ret_value->low = interruption(&e);
    else if (name == HV_REG_INTERRUPT_STATE)
        ret_value->low = (e.interrupt.shadow ? SHADOW : 0) | (e.nmi.masked ? NMI_MASKED : 0);
    return HV_OK;
}

uint16_t double_events_set(struct double_vp *vp, uint32_t name, const struct hv_value *value)
{
    struct kvm_vcpu_events e = {0};
    bool valid = true;

    if (double_sys_ioctl(vp->object.fd, KVM_GET_VCPU_EVENTS, &e) < 0)
        return HV_INVALID_VP_STATE;
    switch (name) {
    case HV_REG_PENDING_INTERRUPTION:
        valid = set_interruption(&e, value->low);
        break;
    case HV_REG_INTERRUPT_STATE:
        e.interrupt.shadow = value->low & SHADOW ? KVM_X86_SHADOW_INT_STI : 0;
        e.nmi.masked = (value->low & NMI_MASKED) != 0;
        break;
    case HV_REG_PENDING_EVENT0:
        valid = set_event(&e, value->low);
        break;
    default:
        valid = value->low == 0;
        break;
    }
    e.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
    if (!valid || double_sys_ioctl(vp->object.fd, KVM_SET_VCPU_EVENTS, &e) < 0)
        return HV_INVALID_PARAMETER;
    return HV_OK;
}
