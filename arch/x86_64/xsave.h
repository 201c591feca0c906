/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between an XSAVE area (SDM vol 1 13.4) and the register file of sconce.regs/1. Where a component
 * lies in the area is what CPUID leaf 0xd says, or, in compacted format, the area's own XCOMP_BV.
 */
#ifndef SCONCE_ARCH_X86_64_XSAVE_H
#define SCONCE_ARCH_X86_64_XSAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/x86_64/cpuid.h"
#include "sconce-regs-x86_64.h"

#define SCONCE_X86_XSAVE_HEAD 576u /* legacy region and header; components follow */
#define SCONCE_X86_XSAVE_COMPONENTS 8u

struct sconce_x86_xsave_layout {
    uint64_t components;
    uint32_t offset[SCONCE_X86_XSAVE_COMPONENTS]; /* 0: the component is not there */
};

/**
 * sconce_x86_xsave_layout - from the entries that the guest is shown.
 * Returns false when a component's size is not the architecture's or it does not fit into @bytes.
 */
bool sconce_x86_xsave_layout(const struct sconce_x86_cpuid *entries, size_t count, size_t bytes,
                             struct sconce_x86_xsave_layout *ret_layout);

/**
 * sconce_x86_xsave_compacted - from the entries that the guest is shown, and an area's XCOMP_BV.
 * Returns false when the area is not in compacted format, lacks a component that the guest has, or
 * has no room for it in @bytes.
 */
bool sconce_x86_xsave_compacted(const struct sconce_x86_cpuid *entries, size_t count,
                                uint64_t xcomp_bv, size_t bytes,
                                struct sconce_x86_xsave_layout *ret_layout);

/** sconce_x86_xsave_xcomp_bv - of an area; 0 is standard format. */
uint64_t sconce_x86_xsave_xcomp_bv(const void *area);

/** sconce_x86_xsave_set_xcomp_bv - after init or pack: the area is in this format. */
void sconce_x86_xsave_set_xcomp_bv(void *area, uint64_t xcomp_bv);

/**
 * sconce_x86_xsave_complete - write the initial x87 and SSE state where an area in compacted format
 * says that it is so, and hence leaves it out (SDM vol 1 13.10), before unpack. MXCSR goes with SSE
 * alone there, and with AVX in standard format only (13.8.2, 13.7).
 */
void sconce_x86_xsave_complete(void *area);

/** sconce_x86_xsave_init - an area that holds the initial state of every component. */
void sconce_x86_xsave_init(void *area, size_t bytes);

/** sconce_x86_xsave_unpack - @area has the bytes that the layout was made for. */
void sconce_x86_xsave_unpack(const struct sconce_x86_xsave_layout *layout, const void *area,
                             struct sconce_x86_float *ret_regs);

/**
 * sconce_x86_xsave_pack - the other way; @bytes are all written.
 * Returns false when the registers are none that a guest could hold: a component that it does not
 * have is not zero, or a reserved bit of MXCSR is set.
 */
bool sconce_x86_xsave_pack(const struct sconce_x86_xsave_layout *layout,
                           const struct sconce_x86_float *regs, void *area, size_t bytes);

#endif
