/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INSTALL_INTERCEPT. Ports exit without one. KVM can be told of MSRs that it does not know, and of
 * #DB and #BP by way of guest debugging; the rest is taken, logged, and never comes by itself: the
 * fault plan has messages for tests that want it. On KVM-PVM guest debugging works in ring 0 alone.
 */
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define VECTOR_DB 1u
#define VECTOR_BP 3u
#define RFLAGS_TF (1u << 8)
#define DR7_ENABLES 0xffu

static uint16_t exceptions(struct double_partition *p, const struct hv_intercept_input *in)
{
    if (in->parameter > 31)
        return HV_INVALID_PARAMETER;
    if (in->access)
        p->exceptions |= 1ull << in->parameter;
    else
        p->exceptions &= ~(1ull << in->parameter);
    if (in->access && in->parameter != VECTOR_DB && in->parameter != VECTOR_BP)
        double_log("not-modelled intercept of vector %lu", in->parameter);
    return HV_OK;
}

/* What of a thing can be intercepted at all; 0 for an unknown thing. */
static uint32_t possible(uint32_t type)
{
    switch (type) {
    case HV_INTERCEPT_IO_PORT:
    case HV_INTERCEPT_MSR:
    case HV_INTERCEPT_MSR_INDEX:
        return HV_ACCESS_BIT_READ | HV_ACCESS_BIT_WRITE;
    case HV_INTERCEPT_MMIO:
        return HV_ACCESS_BIT_READ | HV_ACCESS_BIT_WRITE | HV_ACCESS_BIT_EXECUTE;
    case HV_INTERCEPT_CPUID:
    case HV_INTERCEPT_EXCEPTION:
    case HV_INTERCEPT_HYPERCALL:
        return HV_ACCESS_BIT_EXECUTE;
    default:
        return 0;
    }
}

uint16_t double_intercept_install(struct double_partition *p, const struct hv_intercept_input *in)
{
    if (!possible(in->type) || (in->access & ~possible(in->type)))
        return HV_INVALID_PARAMETER;
    switch (in->type) {
    case HV_INTERCEPT_IO_PORT:
        return HV_OK;
    case HV_INTERCEPT_MSR:
        p->msrs = in->access;
        return HV_OK;
    case HV_INTERCEPT_EXCEPTION:
        return exceptions(p, in);
    default:
        double_log("not-modelled intercept type %u", in->type);
        return HV_OK;
    }
}

static void tell_msrs(struct double_partition *p)
{
    const bool wanted = p->msrs || p->msr_action;
    const struct kvm_enable_cap cap = {
        .cap = KVM_CAP_X86_USER_SPACE_MSR,
        .args = {wanted ? KVM_MSR_EXIT_REASON_UNKNOWN : 0},
    };

    if (wanted == p->msrs_told)
        return;
    if (double_sys_ioctl(p->object.fd, KVM_ENABLE_CAP, &cap) < 0)
        double_log("not-modelled intercept of MSRs: this KVM has none");
    p->msrs_told = wanted;
}

static void tell_debug(struct double_vp *vp)
{
    uint64_t wanted = vp->partition->exceptions & (1u << VECTOR_DB | 1u << VECTOR_BP);
    struct kvm_guest_debug debug = {0};
    struct kvm_debugregs regs = {0};

    vp->breaks = wanted & 1u << VECTOR_BP;
    vp->single_step = false;
    if (!wanted && !vp->debugged)
        return;
    vp->debugged = wanted != 0;
    debug.control = wanted ? KVM_GUESTDBG_ENABLE : 0;
    if (wanted & 1u << VECTOR_BP)
        debug.control |= KVM_GUESTDBG_USE_SW_BP;
    if (wanted & 1u << VECTOR_DB) {
        double_sys_ioctl(vp->object.fd, KVM_GET_DEBUGREGS, &regs);
        if (regs.dr7 & DR7_ENABLES)
            debug.control |= KVM_GUESTDBG_USE_HW_BP;
        for (unsigned i = 0; i < 4; i++)
            debug.arch.debugreg[i] = regs.db[i];
        debug.arch.debugreg[7] = regs.dr7;
        vp->single_step = (vp->regs.rflags & RFLAGS_TF) != 0;
        if (vp->single_step)
            debug.control |= KVM_GUESTDBG_SINGLESTEP;
    }
    double_sys_ioctl(vp->object.fd, KVM_SET_GUEST_DEBUG, &debug);
}

void double_intercept_apply(struct double_vp *vp)
{
    tell_msrs(vp->partition);
    vp->msrs = vp->partition->msrs;
    vp->faults_msrs = vp->partition->msr_action == 0;
    tell_debug(vp);
}
