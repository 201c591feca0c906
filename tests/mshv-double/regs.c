/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers by name. General and special ones are kept here between runs, as KVM refuses special
 * registers that do not fit together, which they need not while a client writes them one by one.
 */
#include <errno.h>
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

/* Standard XSAVE area, legacy region: SDM vol 1 table 10-2. */
#define X87_CONTROL 0u
#define X87_OPERAND 16u /* data pointer, MXCSR, its mask */
#define X87_STACK 32u
#define XMM_OFFSET 160u
#define XSTATE_BV 512u
#define XSTATE_LEGACY 3u

/* Types of a task state segment: SDM vol 3A table 3-2. */
#define TSS_AVAILABLE 9u
#define TSS_BUSY 11u

#define CR0_ET (1u << 4)
#define EFER_LMA (1u << 10)

uint64_t *double_regs_gp(struct kvm_regs *regs, unsigned number)
{
    __u64 *at[16] = {&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx, &regs->rsp, &regs->rbp,
                     &regs->rsi, &regs->rdi, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                     &regs->r12, &regs->r13, &regs->r14, &regs->r15};

    return (uint64_t *)(void *)at[number & 15];
}

/* ---- Segments ------------------------------------------------------------------------------- */

struct hv_segment double_regs_segment(const struct kvm_segment *from)
{
    int attributes = from->type | from->s << 4 | from->dpl << 5 | from->present << 7 |
                     from->avl << 12 | from->l << 13 | from->db << 14 | from->g << 15;

    return (struct hv_segment){from->base, from->limit, from->selector, (uint16_t)attributes};
}

struct kvm_segment double_regs_kvm_segment(const struct hv_segment *from)
{
    unsigned attributes = from->attributes;

    return (struct kvm_segment){
        .base = from->base,
        .limit = from->limit,
        .selector = from->selector,
        .type = attributes & 15,
        .s = attributes >> 4 & 1,
        .dpl = attributes >> 5 & 3,
        .present = attributes >> 7 & 1,
        .avl = attributes >> 12 & 1,
        .l = attributes >> 13 & 1,
        .db = attributes >> 14 & 1,
        .g = attributes >> 15 & 1,
        .unusable = !(attributes >> 7 & 1),
    };
}

struct kvm_segment *double_regs_segment_at(struct kvm_sregs *sregs, unsigned number)
{
    struct kvm_segment *at[8] = {&sregs->es, &sregs->cs, &sregs->ss,  &sregs->ds,
                                 &sregs->fs, &sregs->gs, &sregs->ldt, &sregs->tr};

    return at[number & 7];
}

uint64_t double_regs_base(const struct double_vp *vp, const struct kvm_segment *segment)
{
    return (vp->sregs.efer & EFER_LMA) && vp->sregs.cs.l ? 0 : segment->base;
}

/* ---- To and from KVM ------------------------------------------------------------------------ */

void double_regs_fetch(struct double_vp *vp)
{
    double_sys_ioctl(vp->object.fd, KVM_GET_REGS, &vp->regs);
    double_sys_ioctl(vp->object.fd, KVM_GET_SREGS, &vp->sregs);
    vp->kvm_sregs = vp->sregs;
    if (vp->tr_set.present && memcmp(&vp->sregs.tr, &vp->tr_echo, sizeof vp->tr_echo) == 0)
        vp->sregs.tr = vp->tr_set;
    /* A processor has it set whatever is written; SDM vol 3A 2.5. */
    vp->sregs.cr0 |= CR0_ET;
    vp->regs_dirty = vp->sregs_dirty = false;
}

int double_regs_flush(struct double_vp *vp)
{
    struct kvm_sregs told, echo;

    if (vp->sregs_dirty) {
        memset(vp->sregs.interrupt_bitmap, 0, sizeof vp->sregs.interrupt_bitmap);
        told = vp->sregs;
        if (double_plan.tss_available && told.tr.type == TSS_BUSY)
            told.tr.type = TSS_AVAILABLE;
        if (double_sys_ioctl(vp->object.fd, KVM_SET_SREGS, &told) < 0 ||
            double_sys_ioctl(vp->object.fd, KVM_GET_SREGS, &echo) < 0)
            return -EINVAL;
        vp->tr_set = vp->sregs.tr;
        vp->tr_echo = echo.tr;
        vp->sregs_dirty = false;
    }
    if (vp->regs_dirty && double_sys_ioctl(vp->object.fd, KVM_SET_REGS, &vp->regs) < 0)
        return -EINVAL;
    vp->regs_dirty = false;
    return 0;
}

/* ---- What is 64 bits of the two kept structs ------------------------------------------------ */

static uint64_t *plain(struct double_vp *vp, uint32_t name, bool *ret_special)
{
    struct kvm_sregs *s = &vp->sregs;

    *ret_special = true;
    switch (name) {
    case HV_REG_CR0:
    case HV_REG_INTERMEDIATE_CR0:
        return (uint64_t *)(void *)&s->cr0;
    case HV_REG_CR2:
        return (uint64_t *)(void *)&s->cr2;
    case HV_REG_CR3:
    case HV_REG_INTERMEDIATE_CR0 + 2:
        return (uint64_t *)(void *)&s->cr3;
    case HV_REG_CR4:
    case HV_REG_INTERMEDIATE_CR0 + 3:
        return (uint64_t *)(void *)&s->cr4;
    case HV_REG_CR8:
    case HV_REG_INTERMEDIATE_CR0 + 4:
        return (uint64_t *)(void *)&s->cr8;
    case HV_REG_EFER:
        return (uint64_t *)(void *)&s->efer;
    case HV_REG_APIC_BASE:
        return (uint64_t *)(void *)&s->apic_base;
    default:
        break;
    }
    *ret_special = false;
    if (name >= HV_REG_RAX && name < HV_REG_RAX + 16)
        return double_regs_gp(&vp->regs, name - HV_REG_RAX);
    if (name == HV_REG_RIP)
        return (uint64_t *)(void *)&vp->regs.rip;
    return name == HV_REG_RFLAGS ? (uint64_t *)(void *)&vp->regs.rflags : NULL;
}

/* ---- Segment and table registers ------------------------------------------------------------ */

static struct kvm_dtable *table(struct double_vp *vp, uint32_t name)
{
    if (name == HV_REG_IDTR)
        return &vp->sregs.idt;
    return name == HV_REG_GDTR ? &vp->sregs.gdt : NULL;
}

static bool is_segment(uint32_t name)
{
    return name >= HV_REG_ES && name <= HV_REG_TR;
}

/* Six bytes of padding, the limit, the base. */
static void get_table(const struct kvm_dtable *from, struct hv_value *ret_value)
{
    ret_value->low = (uint64_t)from->limit << 48;
    ret_value->high = from->base;
}

/* ---- Floating point ------------------------------------------------------------------------- */

static size_t float_offset(uint32_t name)
{
    if (name >= HV_REG_XMM0 && name < HV_REG_XMM0 + 16)
        return XMM_OFFSET + 16u * (name - HV_REG_XMM0);
    if (name >= HV_REG_FP_MMX0 && name < HV_REG_FP_MMX0 + 8)
        return X87_STACK + 16u * (name - HV_REG_FP_MMX0);
    return name == HV_REG_XMM_CONTROL ? X87_OPERAND : X87_CONTROL;
}

static uint16_t access_float(struct double_vp *vp, uint32_t name, struct hv_value *value, bool set)
{
    uint8_t *area = vp->xsave;
    uint64_t state;

    if (double_xsave_raw(vp, area, false) < 0)
        return HV_INVALID_VP_STATE;
    if (!set) {
        memcpy(value, area + float_offset(name), sizeof *value);
        return HV_OK;
    }
    memcpy(area + float_offset(name), value, sizeof *value);
    memcpy(&state, area + XSTATE_BV, sizeof state);
    state |= XSTATE_LEGACY;
    memcpy(area + XSTATE_BV, &state, sizeof state);
    return double_xsave_raw(vp, area, true) < 0 ? HV_INVALID_PARAMETER : HV_OK;
}

void double_regs_xmm(struct double_vp *vp, uint8_t (*to)[16], unsigned count)
{
    uint8_t *area = vp->xsave;

    double_xsave_raw(vp, area, false);
    memcpy(to, area + XMM_OFFSET, (size_t)count * 16);
}

/* ---- XCR0 and debug ------------------------------------------------------------------------- */

static uint16_t access_xfem(struct double_vp *vp, uint64_t *value, bool set)
{
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = *value}}};

    if (set)
        return double_sys_ioctl(vp->object.fd, KVM_SET_XCRS, &xcrs) < 0 ? HV_INVALID_PARAMETER
                                                                        : HV_OK;
    if (double_sys_ioctl(vp->object.fd, KVM_GET_XCRS, &xcrs) < 0)
        return HV_INVALID_VP_STATE;
    *value = xcrs.xcrs[0].value;
    return HV_OK;
}

static uint16_t access_debug(struct double_vp *vp, uint32_t name, uint64_t *value, bool set)
{
    struct kvm_debugregs d = {0};
    __u64 *at = name == HV_REG_DR6   ? &d.dr6
                : name == HV_REG_DR7 ? &d.dr7
                                     : &d.db[(name - HV_REG_DR0) & 3];

    if (double_sys_ioctl(vp->object.fd, KVM_GET_DEBUGREGS, &d) < 0)
        return HV_INVALID_VP_STATE;
    if (!set) {
        *value = *at;
        return HV_OK;
    }
    *at = *value;
    return double_sys_ioctl(vp->object.fd, KVM_SET_DEBUGREGS, &d) < 0 ? HV_INVALID_PARAMETER
                                                                      : HV_OK;
}

/* ---- The VP's own --------------------------------------------------------------------------- */

static bool *suspend(struct double_vp *vp, uint32_t name)
{
    switch (name) {
    case HV_REG_EXPLICIT_SUSPEND:
        return &vp->explicit_suspend;
    case HV_REG_INTERCEPT_SUSPEND:
        return &vp->intercept_suspend;
    case HV_REG_DISPATCH_SUSPEND:
        return &vp->dispatch_suspend;
    default:
        return NULL;
    }
}

static bool is_event(uint32_t name)
{
    return name >= HV_REG_PENDING_INTERRUPTION && name <= HV_REG_PENDING_EVENT1;
}

static bool is_float(uint32_t name)
{
    return name >= HV_REG_XMM0 && name <= HV_REG_XMM_CONTROL;
}

static bool is_debug(uint32_t name)
{
    return name >= HV_REG_DR0 && name <= HV_REG_DR7;
}

uint16_t double_regs_get(struct double_vp *vp, uint32_t name, struct hv_value *ret_value)
{
    struct hv_value value = {0, 0};
    uint16_t status = HV_OK;
    bool special, *flag = suspend(vp, name);
    uint64_t *at = plain(vp, name, &special);

    if (at) {
        value.low = *at;
    } else if (flag) {
        value.low = *flag;
    } else if (is_segment(name)) {
        struct hv_segment s =
            double_regs_segment(double_regs_segment_at(&vp->sregs, name - HV_REG_ES));

        memcpy(&value, &s, sizeof value);
    } else if (table(vp, name)) {
        get_table(table(vp, name), &value);
    } else if (is_float(name)) {
        status = access_float(vp, name, &value, false);
    } else if (is_debug(name)) {
        status = access_debug(vp, name, &value.low, false);
    } else if (is_event(name)) {
        status = double_events_get(vp, name, &value);
    } else if (name == HV_REG_XFEM) {
        status = access_xfem(vp, &value.low, false);
    } else if (name == HV_REG_VP_INDEX) {
        value.low = vp->index;
    } else if (name == HV_REG_INTERNAL_ACTIVITY) {
        value.low = vp->internal_activity;
    } else {
        status = double_msrs_get(vp, name, &value.low);
    }
    if (status == HV_OK)
        *ret_value = value;
    return status;
}

uint16_t double_regs_set(struct double_vp *vp, uint32_t name, const struct hv_value *given)
{
    struct hv_value value = *given;
    bool special, *flag = suspend(vp, name);
    uint64_t *at = plain(vp, name, &special);

    if (at) {
        *at = value.low;
        if (special)
            vp->sregs_dirty = true;
        else
            vp->regs_dirty = true;
    } else if (flag) {
        *flag = value.low & 1;
    } else if (is_segment(name)) {
        struct hv_segment s;

        memcpy(&s, &value, sizeof s);
        *double_regs_segment_at(&vp->sregs, name - HV_REG_ES) = double_regs_kvm_segment(&s);
        vp->sregs_dirty = true;
    } else if (table(vp, name)) {
        table(vp, name)->limit = (uint16_t)(value.low >> 48);
        table(vp, name)->base = value.high;
        vp->sregs_dirty = true;
    } else if (is_float(name)) {
        return access_float(vp, name, &value, true);
    } else if (is_debug(name)) {
        return access_debug(vp, name, &value.low, true);
    } else if (is_event(name)) {
        return double_events_set(vp, name, &value);
    } else if (name == HV_REG_XFEM) {
        return access_xfem(vp, &value.low, true);
    } else if (name == HV_REG_INTERNAL_ACTIVITY) {
        vp->internal_activity = value.low;
    } else if (name == HV_REG_VP_INDEX) {
        return HV_ACCESS_DENIED;
    } else {
        return double_msrs_set(vp, name, value.low);
    }
    return HV_OK;
}
