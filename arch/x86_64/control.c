/* SPDX-License-Identifier: Apache-2.0 */
/* Values of control registers, EFER, XCR0 and MSRs. */
#include "arch/x86_64/control.h"

#include "arch/x86_64/descriptors.h"

/* CR0: SDM vol 3A 2.5. */
#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_PG (1ull << 31)

/* CR4: SDM vol 3A 2.5. */
#define CR4_PAE (1ull << 5)
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP (1ull << 11)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_OSXSAVE (1ull << 18)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

/* EFER: SDM vol 3A 2.2.1. SCE stays clear: SYSCALL is to fault, and the fault to be reported. */
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)

/* Bases from which SYSCALL and SYSRET make their selectors: SDM vol 3A 5.8.8. Neither is used. */
#define STAR ((uint64_t)SCONCE_X86_KERNEL_CS << 32 | (uint64_t)(SCONCE_X86_USER_CS - 16) << 48)

uint64_t sconce_x86_components(const struct sconce_x86_cpuid *entries, size_t count)
{
    const struct sconce_x86_cpuid *state = sconce_x86_cpuid_find(entries, count, 0xd, 0);
    uint64_t offered = state ? state->eax : 0;
    uint64_t components = SCONCE_X86_XCR0_X87 | SCONCE_X86_XCR0_SSE;

    /* SDM vol 1 13.3: AVX-512 needs all three of its components, and AVX. */
    if (offered & SCONCE_X86_XCR0_AVX) {
        components |= SCONCE_X86_XCR0_AVX;
        if ((offered & SCONCE_X86_XCR0_AVX512) == SCONCE_X86_XCR0_AVX512)
            components |= SCONCE_X86_XCR0_AVX512;
    }
    return components;
}

uint64_t sconce_x86_xcr0(const struct sconce_x86_cpuid *entries, size_t count)
{
    const struct sconce_x86_cpuid *basic = sconce_x86_cpuid_find(entries, count, 0x1, 0);

    if (!basic || !(basic->ecx & SCONCE_X86_CPUID1_ECX_XSAVE))
        return 0;
    return sconce_x86_components(entries, count);
}

void sconce_x86_control(const struct sconce_x86_cpuid *entries, size_t count,
                        struct sconce_x86_control *ret_control)
{
    const struct sconce_x86_cpuid *extended = sconce_x86_cpuid_find(entries, count, 0x7, 0);
    uint64_t xcr0 = sconce_x86_xcr0(entries, count);
    uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (xcr0)
        cr4 |= CR4_OSXSAVE;
    if (extended && (extended->ebx & SCONCE_X86_CPUID7_EBX_FSGSBASE))
        cr4 |= CR4_FSGSBASE;
    /* The shim has no business on the guest's pages, the guest none with GDT and IDT. */
    if (extended && (extended->ebx & SCONCE_X86_CPUID7_EBX_SMEP))
        cr4 |= CR4_SMEP;
    if (extended && (extended->ebx & SCONCE_X86_CPUID7_EBX_SMAP))
        cr4 |= CR4_SMAP;
    if (extended && (extended->ecx & SCONCE_X86_CPUID7_ECX_UMIP))
        cr4 |= CR4_UMIP;

    ret_control->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    ret_control->cr4 = cr4;
    ret_control->efer = EFER_LME | EFER_LMA | EFER_NXE;
    ret_control->xcr0 = xcr0;
}

uint32_t sconce_x86_msrs(const struct sconce_x86_cpuid *entries, size_t count, uint64_t lstar,
                         struct sconce_x86_msr msrs[SCONCE_X86_MSR_COUNT])
{
    const struct sconce_x86_cpuid *features = sconce_x86_cpuid_find(entries, count, 0x80000001u, 0);
    const struct sconce_x86_msr all[SCONCE_X86_MSR_COUNT] = {
        {SCONCE_X86_MSR_KERNEL_GS_BASE, 0}, {SCONCE_X86_MSR_STAR, STAR},
        {SCONCE_X86_MSR_LSTAR, lstar},      {SCONCE_X86_MSR_CSTAR, lstar},
        {SCONCE_X86_MSR_SFMASK, 0},      /* the fault at LSTAR is to show the guest's flags */
        {SCONCE_X86_MSR_SYSENTER_CS, 0}, /* a null selector: SYSENTER is #GP, SDM vol 2B */
        {SCONCE_X86_MSR_SYSENTER_ESP, 0},   {SCONCE_X86_MSR_SYSENTER_EIP, 0},
        {SCONCE_X86_MSR_TSC_AUX, 0},
    };
    uint32_t used = SCONCE_X86_MSR_COUNT;

    if (!features || !(features->edx & SCONCE_X86_CPUID_EXT1_EDX_RDTSCP))
        used--;
    for (uint32_t i = 0; i < used; i++)
        msrs[i] = all[i];
    return used;
}
