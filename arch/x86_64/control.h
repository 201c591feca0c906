/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The special registers of a vCPU that runs a ring-3 guest: what is in them and why. Each value is
 * a function of the CPUID entries that the guest is shown.
 */
#ifndef SCONCE_ARCH_X86_64_CONTROL_H
#define SCONCE_ARCH_X86_64_CONTROL_H

#include <stdint.h>

#include "arch/x86_64/cpuid.h"

/* State components (SDM vol 1 13.1). */
#define SCONCE_X86_XCR0_X87 (1u << 0)
#define SCONCE_X86_XCR0_SSE (1u << 1)
#define SCONCE_X86_XCR0_AVX (1u << 2)
#define SCONCE_X86_XCR0_AVX512 (7u << 5) /* k0-k7, upper ZMM0-15, ZMM16-31: all or none */
#define SCONCE_X86_XCR0_POLICY                                                                     \
    (SCONCE_X86_XCR0_X87 | SCONCE_X86_XCR0_SSE | SCONCE_X86_XCR0_AVX | SCONCE_X86_XCR0_AVX512)

/* MSR numbers (SDM vol 4 table 2-2; AMD64's own at 0xc000008x). */
#define SCONCE_X86_MSR_SYSENTER_CS 0x174u
#define SCONCE_X86_MSR_SYSENTER_ESP 0x175u
#define SCONCE_X86_MSR_SYSENTER_EIP 0x176u
#define SCONCE_X86_MSR_STAR 0xc0000081u
#define SCONCE_X86_MSR_LSTAR 0xc0000082u
#define SCONCE_X86_MSR_CSTAR 0xc0000083u
#define SCONCE_X86_MSR_SFMASK 0xc0000084u
#define SCONCE_X86_MSR_KERNEL_GS_BASE 0xc0000102u
#define SCONCE_X86_MSR_TSC_AUX 0xc0000103u

struct sconce_x86_control {
    uint64_t cr0;
    uint64_t cr4;
    uint64_t efer;
    uint64_t xcr0; /* 0: no XSAVE, so no XCR0 to set */
};

struct sconce_x86_msr {
    uint32_t index;
    uint64_t value;
};

#define SCONCE_X86_MSR_COUNT 9u

/* Initial FPU and debug state: SDM vol 3A table 9-1, vol 1 13.6. */
#define SCONCE_X86_FCW_INIT 0x37fu
#define SCONCE_X86_MXCSR_INIT 0x1f80u
#define SCONCE_X86_DR6_INIT 0xffff0ff0u
#define SCONCE_X86_DR7_INIT 0x400u

/** sconce_x86_components - the state components that a vCPU has: the policy's, as far as offered.
 */
uint64_t sconce_x86_components(const struct sconce_x86_cpuid *entries, size_t count);

/** sconce_x86_xcr0 - the same, or 0 when the guest is not shown XSAVE. (Where its code runs on the
 * bare processor it can use them all the same; so state is kept and cleared by the components.) */
uint64_t sconce_x86_xcr0(const struct sconce_x86_cpuid *entries, size_t count);

void sconce_x86_control(const struct sconce_x86_cpuid *entries, size_t count,
                        struct sconce_x86_control *ret_control);

/**
 * sconce_x86_msrs - every MSR that is set at reset.
 * @lstar: where a SYSCALL goes on a machine that takes it although EFER.SCE is clear.
 * Writes up to SCONCE_X86_MSR_COUNT entries and returns how many: TSC_AUX only where the CPU has
 * it.
 */
uint32_t sconce_x86_msrs(const struct sconce_x86_cpuid *entries, size_t count, uint64_t lstar,
                         struct sconce_x86_msr msrs[SCONCE_X86_MSR_COUNT]);

#endif
