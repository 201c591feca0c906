/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register page: valid once a message has filled it. What the client marks dirty is taken by
 * the next RUN_VP and wins over what was set by hypercall; what is not marked is ignored, and so is
 * a page that is not valid.
 */
#include <string.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define XMM_COUNT 6u

static void take_xmm(struct double_vp *vp)
{
    for (uint32_t i = 0; i < XMM_COUNT; i++) {
        struct hv_value value;

        memcpy(&value, vp->page->xmm[i], sizeof value);
        double_regs_set(vp, HV_REG_XMM0 + i, &value);
    }
}

void double_regpage_take(struct double_vp *vp)
{
    struct hv_register_page *page = vp->page;
    uint32_t dirty = page->is_valid ? page->dirty : 0;

    if (dirty & HV_DIRTY_GENERAL)
        for (unsigned i = 0; i < 16; i++)
            *double_regs_gp(&vp->regs, i) = page->gp[i];
    if (dirty & HV_DIRTY_IP)
        vp->regs.rip = page->rip;
    if (dirty & HV_DIRTY_FLAGS)
        vp->regs.rflags = page->rflags;
    if (dirty & (HV_DIRTY_GENERAL | HV_DIRTY_IP | HV_DIRTY_FLAGS))
        vp->regs_dirty = true;
    if (dirty & HV_DIRTY_XMM)
        take_xmm(vp);
    if (dirty & HV_DIRTY_SEGMENT) {
        for (unsigned i = 0; i < 6; i++)
            *double_regs_segment_at(&vp->sregs, i) = double_regs_kvm_segment(&page->segments[i]);
        vp->sregs_dirty = true;
    }
    page->dirty = 0;
    page->is_valid = 0;
}

void double_regpage_fill(struct double_vp *vp)
{
    struct hv_register_page *page = vp->page;
    struct hv_value value;

    for (unsigned i = 0; i < 16; i++)
        page->gp[i] = *double_regs_gp(&vp->regs, i);
    page->rip = vp->regs.rip;
    page->rflags = vp->regs.rflags;
    double_regs_xmm(vp, page->xmm, XMM_COUNT);
    for (unsigned i = 0; i < 6; i++)
        page->segments[i] = double_regs_segment(double_regs_segment_at(&vp->sregs, i));
    page->cr0 = vp->sregs.cr0;
    page->cr3 = vp->sregs.cr3;
    page->cr4 = vp->sregs.cr4;
    page->cr8 = vp->sregs.cr8;
    page->efer = vp->sregs.efer;
    if (double_regs_get(vp, HV_REG_DR7, &value) == HV_OK)
        page->dr7 = value.low;
    if (double_regs_get(vp, HV_REG_PENDING_INTERRUPTION, &value) == HV_OK)
        page->pending_interruption = value.low;
    if (double_regs_get(vp, HV_REG_INTERRUPT_STATE, &value) == HV_OK)
        page->interrupt_state = value.low;
    if (double_regs_get(vp, HV_REG_XFEM, &value) == HV_OK)
        page->xfem = value.low;
    page->dirty = 0;
    page->is_valid = 1;
}
