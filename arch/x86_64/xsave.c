/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and unpacking floating-point and SIMD state. */
#include "arch/x86_64/xsave.h"

#include <string.h>

#include "arch/x86_64/control.h"

/* The legacy region is FXSAVE's: SDM vol 1 table 10-2. */
#define FCW_OFFSET 0u
#define MXCSR_OFFSET 24u
#define LEGACY_BYTES 512u
#define SOFTWARE_OFFSET 464u /* bytes that the processor leaves to software */
#define XSTATE_BV_OFFSET 512u
#define XCOMP_BV_OFFSET 520u
#define XCOMP_BV_COMPACTED (1ull << 63)
#define ST_OFFSET 32u
#define XMM_OFFSET 160u
#define XMM_END 416u

/* SDM vol 1 10.2.3; and AMD's MM, bit 17 (APM vol 1 4.2.2), which others' hypervisors refuse. */
#define MXCSR_ALLOWED 0x2ffffu

/* Where each component is in struct sconce_x86_float. 0 and 1 are the legacy region. */
static const struct {
    uint32_t bytes;
    size_t at;
} components[SCONCE_X86_XSAVE_COMPONENTS] = {
    [2] = {sizeof(((struct sconce_x86_float *)0)->ymm_hi),
           offsetof(struct sconce_x86_float, ymm_hi)},
    [5] = {sizeof(((struct sconce_x86_float *)0)->opmask),
           offsetof(struct sconce_x86_float, opmask)},
    [6] = {sizeof(((struct sconce_x86_float *)0)->zmm_hi),
           offsetof(struct sconce_x86_float, zmm_hi)},
    [7] = {sizeof(((struct sconce_x86_float *)0)->hi16_zmm),
           offsetof(struct sconce_x86_float, hi16_zmm)},
};

static uint32_t get_u32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return value;
}

static bool all_zero(const uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (from[i])
            return false;
    return true;
}

bool sconce_x86_xsave_layout(const struct sconce_x86_cpuid *entries, size_t count, size_t bytes,
                             struct sconce_x86_xsave_layout *ret_layout)
{
    struct sconce_x86_xsave_layout layout = {.components = sconce_x86_components(entries, count)};

    if (bytes < SCONCE_X86_XSAVE_HEAD)
        return false;
    for (uint32_t i = 2; i < SCONCE_X86_XSAVE_COMPONENTS; i++) {
        const struct sconce_x86_cpuid *e;

        if (!(layout.components >> i & 1))
            continue;
        e = sconce_x86_cpuid_find(entries, count, 0xd, i);
        if (!e || e->eax != components[i].bytes || e->ebx < SCONCE_X86_XSAVE_HEAD ||
            e->ebx > bytes || bytes - e->ebx < e->eax)
            return false;
        layout.offset[i] = e->ebx;
    }
    *ret_layout = layout;
    return true;
}

/* Components 3 and 4 are MPX's, which no policy shows; an area may have room for them all the same.
 * All sizes are multiples of 64, so that alignment (leaf 0xd ECX bit 1) changes nothing. */
bool sconce_x86_xsave_compacted(const struct sconce_x86_cpuid *entries, size_t count,
                                uint64_t xcomp_bv, size_t bytes,
                                struct sconce_x86_xsave_layout *ret_layout)
{
    struct sconce_x86_xsave_layout layout = {.components = sconce_x86_components(entries, count)};
    uint32_t at = SCONCE_X86_XSAVE_HEAD;

    if (!(xcomp_bv & XCOMP_BV_COMPACTED) || (layout.components & ~xcomp_bv))
        return false;
    for (uint32_t i = 2; i < SCONCE_X86_XSAVE_COMPONENTS; i++) {
        if (!(xcomp_bv >> i & 1))
            continue;
        if (layout.components >> i & 1)
            layout.offset[i] = at;
        at += components[i].bytes ? components[i].bytes : 64;
    }
    if (at > bytes)
        return false;
    *ret_layout = layout;
    return true;
}

uint64_t sconce_x86_xsave_xcomp_bv(const void *area)
{
    uint64_t value;

    memcpy(&value, (const uint8_t *)area + XCOMP_BV_OFFSET, sizeof value);
    return value;
}

void sconce_x86_xsave_set_xcomp_bv(void *area, uint64_t xcomp_bv)
{
    memcpy((uint8_t *)area + XCOMP_BV_OFFSET, &xcomp_bv, sizeof xcomp_bv);
}

void sconce_x86_xsave_complete(void *area)
{
    const uint16_t fcw = SCONCE_X86_FCW_INIT;
    const uint32_t mxcsr = SCONCE_X86_MXCSR_INIT;
    uint8_t *at = area;
    uint64_t xstate_bv;

    memcpy(&xstate_bv, at + XSTATE_BV_OFFSET, sizeof xstate_bv);
    if (!(xstate_bv & SCONCE_X86_XCR0_X87)) {
        memset(at, 0, MXCSR_OFFSET);
        memcpy(at + FCW_OFFSET, &fcw, sizeof fcw);
        memset(at + ST_OFFSET, 0, XMM_OFFSET - ST_OFFSET);
    }
    if (!(xstate_bv & SCONCE_X86_XCR0_SSE)) {
        memset(at + XMM_OFFSET, 0, XMM_END - XMM_OFFSET);
        memcpy(at + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
    }
}

void sconce_x86_xsave_init(void *area, size_t bytes)
{
    const uint16_t fcw = SCONCE_X86_FCW_INIT;
    const uint32_t mxcsr = SCONCE_X86_MXCSR_INIT;
    const uint64_t xstate_bv = SCONCE_X86_XCR0_X87 | SCONCE_X86_XCR0_SSE;
    uint8_t *at = area;

    memset(area, 0, bytes);
    memcpy(at + FCW_OFFSET, &fcw, sizeof fcw);
    memcpy(at + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
    /* x87 and SSE are given, so that MXCSR is loaded in every format; a component whose bit is
     * clear becomes initial (SDM vol 1 13.8.1). */
    memcpy(at + XSTATE_BV_OFFSET, &xstate_bv, sizeof xstate_bv);
}

void sconce_x86_xsave_unpack(const struct sconce_x86_xsave_layout *layout, const void *area,
                             struct sconce_x86_float *ret_regs)
{
    const uint8_t *at = area;
    uint8_t *to = (uint8_t *)ret_regs;
    uint64_t xstate_bv;

    memset(ret_regs, 0, sizeof *ret_regs);
    ret_regs->xfeatures = layout->components;
    memcpy(&xstate_bv, at + XSTATE_BV_OFFSET, sizeof xstate_bv);
    memcpy(ret_regs->fxsave, at, SOFTWARE_OFFSET);
    for (uint32_t i = 2; i < SCONCE_X86_XSAVE_COMPONENTS; i++)
        if (layout->offset[i] && (xstate_bv >> i & 1))
            memcpy(to + components[i].at, at + layout->offset[i], components[i].bytes);
}

bool sconce_x86_xsave_pack(const struct sconce_x86_xsave_layout *layout,
                           const struct sconce_x86_float *regs, void *area, size_t bytes)
{
    const uint8_t *from = (const uint8_t *)regs;
    uint8_t *at = area;

    if (regs->xfeatures != layout->components || regs->reserved0 != 0 ||
        (get_u32(regs->fxsave + MXCSR_OFFSET) & ~MXCSR_ALLOWED) ||
        !all_zero(regs->fxsave + SOFTWARE_OFFSET, LEGACY_BYTES - SOFTWARE_OFFSET))
        return false;
    for (uint32_t i = 2; i < SCONCE_X86_XSAVE_COMPONENTS; i++)
        if (!layout->offset[i] && !all_zero(from + components[i].at, components[i].bytes))
            return false;

    memset(area, 0, bytes);
    memcpy(at, regs->fxsave, SOFTWARE_OFFSET);
    memcpy(at + XSTATE_BV_OFFSET, &layout->components, sizeof layout->components);
    for (uint32_t i = 2; i < SCONCE_X86_XSAVE_COMPONENTS; i++)
        if (layout->offset[i])
            memcpy(at + layout->offset[i], from + components[i].at, components[i].bytes);
    return true;
}
