/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between KVM's XSAVE area, in standard format, and the hypervisor's, in compacted format (SDM vol
 * 1 13.4). Where components are is what CPUID leaf 0xd says.
 */
#include <errno.h>
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define LARGE_BYTES 0x2b00u /* with TILEDATA: 8 KiB of it */
#define HEAD_BYTES 576u
#define LEGACY_BYTES 512u
#define XSTATE_BV 512u
#define XCOMP_BV 520u
#define RESERVED 528u
#define COMPACTED (1ull << 63)
#define LEGACY_STATES 3u
#define ALIGNED (1u << 1) /* ECX of a component: to 64 bytes, in compacted format */

int double_xsave_raw(struct double_vp *vp, uint8_t *area, bool set)
{
    int r;

    if (set)
        return double_sys_ioctl(vp->object.fd, KVM_SET_XSAVE, area);
    memset(area, 0, DOUBLE_XSAVE_BYTES);
    r = double_sys_ioctl(vp->object.fd, KVM_GET_XSAVE2, area);
    return r < 0 ? double_sys_ioctl(vp->object.fd, KVM_GET_XSAVE, area) : r;
}

/* Where component @i is in the area whose components before it are @states. */
static uint32_t place(const struct kvm_cpuid_entry2 *e, uint32_t at)
{
    return e->ecx & ALIGNED ? (at + 63) & ~63u : at;
}

/* Of the compacted format with all components of @states. */
static uint32_t bytes_of(struct kvm_cpuid2 *cpuid, uint64_t states)
{
    uint32_t at = HEAD_BYTES;

    for (uint32_t i = 2; i < 63; i++) {
        const struct kvm_cpuid_entry2 *e = double_features_leaf(cpuid, 0xd, i);

        if ((states >> i & 1) && e)
            at = place(e, at) + e->eax;
    }
    return at;
}

uint32_t double_xsave_told(struct kvm_cpuid2 *cpuid, uint64_t states)
{
    uint32_t bytes = bytes_of(cpuid, states);

    return double_plan.large_xsave && bytes < LARGE_BYTES ? LARGE_BYTES : bytes;
}

static void put(uint8_t *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}

static uint64_t get(const uint8_t *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return value;
}

int double_xsave_get(struct double_vp *vp, uint8_t *to, uint32_t bytes)
{
    uint8_t *area = vp->xsave;
    uint64_t states = vp->xsave_states | LEGACY_STATES;
    uint32_t at = HEAD_BYTES;
    int r = double_xsave_raw(vp, area, false);

    if (r < 0)
        return r;
    memset(to, 0, bytes);
    memcpy(to, area, LEGACY_BYTES);
    put(to + XSTATE_BV, get(area + XSTATE_BV) & states);
    put(to + XCOMP_BV, COMPACTED | states);
    for (uint32_t i = 2; i < 63; i++) {
        const struct kvm_cpuid_entry2 *e = double_features_leaf(vp->cpuid, 0xd, i);

        if (!(states >> i & 1) || !e)
            continue;
        at = place(e, at);
        if (at + e->eax <= bytes && e->ebx + e->eax <= DOUBLE_XSAVE_BYTES)
            memcpy(to + at, area + e->ebx, e->eax);
        at += e->eax;
    }
    return 0;
}

/* A processor's XRSTOR refuses the same: SDM vol 1 13.8.1. */
static bool is_valid(const struct double_vp *vp, const uint8_t *from, uint32_t bytes)
{
    uint64_t format = get(from + XCOMP_BV), allowed = vp->xsave_states | LEGACY_STATES;

    if (bytes < HEAD_BYTES || !(format & COMPACTED) || (format & ~COMPACTED & ~allowed) ||
        (get(from + XSTATE_BV) & ~format))
        return false;
    for (uint32_t at = RESERVED; at < HEAD_BYTES; at++)
        if (from[at])
            return false;
    return bytes_of(vp->cpuid, format & ~COMPACTED) <= bytes;
}

int double_xsave_set(struct double_vp *vp, const uint8_t *from, uint32_t bytes)
{
    uint8_t *area = vp->xsave;
    uint32_t at = HEAD_BYTES;
    uint64_t states;

    if (!is_valid(vp, from, bytes))
        return -EINVAL;
    states = get(from + XCOMP_BV) & ~COMPACTED;
    memset(area, 0, DOUBLE_XSAVE_BYTES);
    memcpy(area, from, LEGACY_BYTES);
    put(area + XSTATE_BV, get(from + XSTATE_BV));
    for (uint32_t i = 2; i < 63; i++) {
        const struct kvm_cpuid_entry2 *e = double_features_leaf(vp->cpuid, 0xd, i);

        if (!(states >> i & 1) || !e)
            continue;
        at = place(e, at);
        if (e->ebx + e->eax <= DOUBLE_XSAVE_BYTES)
            memcpy(area + e->ebx, from + at, e->eax);
        at += e->eax;
    }
    return double_xsave_raw(vp, area, true) < 0 ? -EINVAL : 0;
}
