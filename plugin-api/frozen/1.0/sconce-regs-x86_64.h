/* SPDX-License-Identifier: Apache-2.0 */
/* The register files of "sconce.regs/1" on x86_64. */
#ifndef SCONCE_REGS_X86_64_H
#define SCONCE_REGS_X86_64_H

#include <stddef.h>
#include <stdint.h>

/* SCONCE_REGS_STANDARD */
struct sconce_x86_standard {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};

/* SCONCE_REGS_SPECIAL: what the vCPU has, host-owned control registers included (read-only: set
 * takes fs_base and gs_base and refuses a change of the others). Selectors are in the low 16 bits.
 */
struct sconce_x86_special {
    uint64_t fs_base, gs_base, kernel_gs_base;
    uint64_t cr0, cr2, cr3, cr4, efer, xcr0;
    uint64_t cs, ss, ds, es, fs, gs;
};

/* SCONCE_REGS_FLOAT: a component that xfeatures lacks is all zero. Bits as in XCR0: SDM vol 1,
 * 13.1 "XSAVE-supported features and state-component bitmaps". */
struct sconce_x86_float {
    uint64_t xfeatures;
    uint64_t reserved0;
    uint8_t fxsave[512];      /* legacy region: FCW, FSW, MXCSR, x87, XMM0-15 */
    uint8_t ymm_hi[16][16];   /* bits 255:128 of YMM0-15 */
    uint8_t opmask[8][8];     /* k0-k7 */
    uint8_t zmm_hi[16][32];   /* bits 511:256 of ZMM0-15 */
    uint8_t hi16_zmm[16][64]; /* ZMM16-31 */
};

/* SCONCE_REGS_DEBUG */
struct sconce_x86_debug {
    uint64_t dr[4];
    uint64_t dr6, dr7;
};

#endif
