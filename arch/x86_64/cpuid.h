/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID is to show to a guest: one named policy for every backend of this architecture,
 * applied to what the machine offers. It is a list of what is allowed; all else reads as zero. Not
 * every hypervisor enforces it: where CPUID does not trap in ring 3 (KVM-PVM), a guest sees the
 * machine's own. So the policy hides features for compatibility; no wall stands on it.
 */
#ifndef SCONCE_ARCH_X86_64_CPUID_H
#define SCONCE_ARCH_X86_64_CPUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name of the policy. Its contents never change under one name: guests choose code by CPUID at
 * start-up, and a snapshot keeps the choice. */
#define SCONCE_X86_CPUID_POLICY "sconce-x86-1"

/* Physical addresses that the guest is told of; guests' memory ends here. */
#define SCONCE_X86_PHYSICAL_BITS 36u

struct sconce_x86_cpuid {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
};

/* Bits that other code asks for: SDM vol 2A, CPUID, tables 3-8 to 3-20. */
#define SCONCE_X86_CPUID1_ECX_XSAVE (1u << 26)
#define SCONCE_X86_CPUID7_EBX_FSGSBASE (1u << 0)
#define SCONCE_X86_CPUID7_EBX_SMEP (1u << 7)
#define SCONCE_X86_CPUID7_EBX_SMAP (1u << 20)
#define SCONCE_X86_CPUID7_ECX_UMIP (1u << 2)
#define SCONCE_X86_CPUID_EXT1_EDX_NX (1u << 20)
#define SCONCE_X86_CPUID_EXT1_EDX_RDTSCP (1u << 27)

/** sconce_x86_cpuid_has_subleaf - does ECX choose among several answers for this leaf? */
bool sconce_x86_cpuid_has_subleaf(uint32_t leaf);

/** sconce_x86_cpuid_find - the entry, or NULL. */
const struct sconce_x86_cpuid *sconce_x86_cpuid_find(const struct sconce_x86_cpuid *entries,
                                                     size_t count, uint32_t leaf, uint32_t subleaf);

/**
 * sconce_x86_cpuid_apply - turn what the machine offers into what the policy shows, in place.
 * Entries that the policy does not know are dropped, order is kept.
 * Returns how many entries are left.
 *
 * Features that depend on another one that is missing (AVX on XSAVE, AVX-512 on its state) go with
 * it.
 */
size_t sconce_x86_cpuid_apply(struct sconce_x86_cpuid *entries, size_t count);

/* A leaf that no policy shows: a hypervisor's name. */
#define SCONCE_X86_CPUID_HYPERVISOR 0x40000000u

/**
 * sconce_x86_cpuid_obeyed - did a guest see the policy's @entries?
 * @basic: what leaf 0 told it.
 * @hidden: what leaf SCONCE_X86_CPUID_HYPERVISOR told it, with subleaf 0.
 */
bool sconce_x86_cpuid_obeyed(const struct sconce_x86_cpuid *entries, size_t count,
                             const struct sconce_x86_cpuid *basic,
                             const struct sconce_x86_cpuid *hidden);

#endif
