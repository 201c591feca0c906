/* SPDX-License-Identifier: Apache-2.0 */
/* The policy "sconce-x86-1". Bits are as in the SDM vol 2A, CPUID, and the AMD APM vol 3 app. E. */
#include "arch/x86_64/cpuid.h"

#include "arch/x86_64/control.h"

#define BIT(n) (1u << (n))

#define MAX_BASIC 0x0du
#define MAX_EXTENDED 0x80000008u

/*
 * Leaf 1 ECX: SSE3 0, PCLMULQDQ 1, SSSE3 9, FMA 12, CMPXCHG16B 13, SSE4.1 19, SSE4.2 20, MOVBE 22,
 * POPCNT 23, AES 25, XSAVE 26, OSXSAVE 27, AVX 28, F16C 29, RDRAND 30.
 * Not: DTES64, MONITOR 3, DS-CPL, VMX 5, SMX 6, EIST, TM2, PDCM, PCID, DCA, x2APIC 21, TSC-deadline
 * 24, hypervisor 31.
 */
#define L1_ECX_AVX (BIT(12) | BIT(28) | BIT(29))
#define L1_ECX                                                                                     \
    (BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) |        \
     BIT(26) | BIT(27) | BIT(30) | L1_ECX_AVX)

/*
 * Leaf 1 EDX: FPU 0, PSE 3, TSC 4, PAE 6, CX8 8, PGE 13, CMOV 15, CLFSH 19, MMX 23, FXSR 24, SSE
 * 25, SSE2 26. Not: MSR, MCE, APIC, SEP, MTRR, MCA, DS, ACPI, HTT.
 */
#define L1_EDX                                                                                     \
    (BIT(0) | BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(13) | BIT(15) | BIT(19) | BIT(23) |          \
     BIT(24) | BIT(25) | BIT(26))

/*
 * Leaf 7.0 EBX: FSGSBASE 0, BMI1 3, AVX2 5, FDP_EXCPTN_ONLY 6, SMEP 7, BMI2 8, ERMS 9,
 * ZERO_FCS_FDS 13, AVX512F 16, AVX512DQ 17, RDSEED 18, ADX 19, SMAP 20, AVX512_IFMA 21, CLFLUSHOPT
 * 23, CLWB 24, AVX512CD 28, SHA 29, AVX512BW 30, AVX512VL 31.
 * Not: TSC_ADJUST, SGX, HLE, INVPCID, RTM, RDT, MPX, PT.
 */
#define L7_EBX_AVX BIT(5)
#define L7_EBX_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))
#define L7_EBX                                                                                     \
    (BIT(0) | BIT(3) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(13) | BIT(18) | BIT(19) | BIT(20) | \
     BIT(23) | BIT(24) | BIT(29) | L7_EBX_AVX | L7_EBX_AVX512)

/*
 * Leaf 7.0 ECX: AVX512_VBMI 1, UMIP 2, AVX512_VBMI2 6, GFNI 8, VAES 9, VPCLMULQDQ 10, AVX512_VNNI
 * 11, AVX512_BITALG 12, AVX512_VPOPCNTDQ 14, RDPID 22.
 * Not: PKU 3, OSPKE 4, WAITPKG 5, CET_SS 7, TME, LA57 16, MAWAU, KL, BUS_LOCK_DETECT, ENQCMD,
 * SGX_LC, PKS.
 */
#define L7_ECX_AVX (BIT(9) | BIT(10))
#define L7_ECX_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define L7_ECX (BIT(2) | BIT(8) | BIT(22) | L7_ECX_AVX | L7_ECX_AVX512)

/* Leaf 7.0 EDX: FSRM 4, AVX512_FP16 23. Not: UINTR 5, PCONFIG, CET_IBT 20, AMX 22, 24 and 25,
 * speculation controls 26 to 31 (their MSRs are denied). */
#define L7_EDX_AVX512 BIT(23)
#define L7_EDX (BIT(4) | L7_EDX_AVX512)

/* Leaf 7.1 EAX: AVX_VNNI 4, AVX512_BF16 5. */
#define L7_1_EAX_AVX BIT(4)
#define L7_1_EAX_AVX512 BIT(5)

/* Leaf 0xd.1 EAX: XSAVEOPT 0, XSAVEC 1, XGETBV with ECX=1 2. Not: XSAVES 3, XFD 4. */
#define LD_1_EAX (BIT(0) | BIT(1) | BIT(2))

/* Leaf 0x80000001 ECX: LAHF64 0, LZCNT 5, SSE4A 6, MISALIGNSSE 7, PREFETCHW 8. Not: CMP_LEGACY,
 * SVM 2, EXTAPIC, CR8_LEGACY, IBS, XOP, SKINIT, WDT, LWP, FMA4, TOPOEXT, performance counters,
 * MWAITX 29. */
#define E1_ECX (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8))

/* Leaf 0x80000001 EDX: what AMD repeats of leaf 1 (bits 9:0, 17:12, 23, 24), SYSCALL 11, NX 20,
 * MMXEXT 22, FFXSR 25, RDTSCP 27, LM 29. */
#define E1_EDX_REPEATED 0x0183f3ffu
#define E1_EDX                                                                                     \
    ((L1_EDX & E1_EDX_REPEATED) | BIT(11) | BIT(20) | BIT(22) | BIT(25) | BIT(27) | BIT(29))

/* Leaf 0x80000007 EDX: invariant TSC 8. Leaf 0x80000008 EBX: error pointers always saved 2. */
#define E7_EDX BIT(8)
#define E8_EBX BIT(2)

struct rule {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t eax, ebx, ecx, edx; /* what may be shown */
};

/* Leaf 1: no brand, no APIC id, one logical processor; the size of CLFLUSH is EBX 15:8. Leaf 4: no
 * cores and no sharing (EAX 31:14). */
static const struct rule rules[] = {
    {0x0, 0, ~0u, ~0u, ~0u, ~0u}, /* highest leaf, vendor */
    {0x1, 0, ~0u, 0x0000ff00u, L1_ECX, L1_EDX},
    {0x2, 0, ~0u, ~0u, ~0u, ~0u}, /* cache descriptors */
    {0x4, 0, 0x3fffu, ~0u, ~0u, ~0u},
    {0x4, 1, 0x3fffu, ~0u, ~0u, ~0u},
    {0x4, 2, 0x3fffu, ~0u, ~0u, ~0u},
    {0x4, 3, 0x3fffu, ~0u, ~0u, ~0u},
    {0x7, 0, ~0u, L7_EBX, L7_ECX, L7_EDX},
    {0x7, 1, L7_1_EAX_AVX | L7_1_EAX_AVX512, 0, 0, 0},
    {0xd, 0, SCONCE_X86_XCR0_POLICY, ~0u, ~0u, 0},
    {0xd, 1, LD_1_EAX, 0, 0, 0},
    {0xd, 2, ~0u, ~0u, 0, 0}, /* AVX: size, offset */
    {0xd, 5, ~0u, ~0u, 0, 0}, /* AVX-512: k0-k7, upper ZMM0-15, ZMM16-31 */
    {0xd, 6, ~0u, ~0u, 0, 0},
    {0xd, 7, ~0u, ~0u, 0, 0},
    {0x80000000u, 0, ~0u, ~0u, ~0u, ~0u}, /* highest leaf, vendor */
    {0x80000001u, 0, ~0u, 0, E1_ECX, E1_EDX},
    {0x80000005u, 0, ~0u, ~0u, ~0u, ~0u}, /* L1 caches and TLBs */
    {0x80000006u, 0, ~0u, ~0u, ~0u, ~0u}, /* L2 and L3 */
    {0x80000007u, 0, 0, 0, 0, E7_EDX},
    {0x80000008u, 0, 0, E8_EBX, 0, 0},
};

bool sconce_x86_cpuid_has_subleaf(uint32_t leaf)
{
    return leaf == 0x4 || leaf == 0x7 || leaf == 0xd;
}

static const struct rule *find_rule(uint32_t leaf, uint32_t subleaf)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].leaf == leaf && rules[i].subleaf == subleaf)
            return &rules[i];
    return NULL;
}

/* The entry's place, or @count. */
static size_t place_of(const struct sconce_x86_cpuid *entries, size_t count, uint32_t leaf,
                       uint32_t subleaf)
{
    bool any_subleaf = !sconce_x86_cpuid_has_subleaf(leaf);
    size_t i;

    for (i = 0; i < count; i++)
        if (entries[i].leaf == leaf && (any_subleaf || entries[i].subleaf == subleaf))
            break;
    return i;
}

const struct sconce_x86_cpuid *sconce_x86_cpuid_find(const struct sconce_x86_cpuid *entries,
                                                     size_t count, uint32_t leaf, uint32_t subleaf)
{
    size_t place = place_of(entries, count, leaf, subleaf);

    return place < count ? &entries[place] : NULL;
}

static struct sconce_x86_cpuid *find(struct sconce_x86_cpuid *entries, size_t count, uint32_t leaf,
                                     uint32_t subleaf)
{
    size_t place = place_of(entries, count, leaf, subleaf);

    return place < count ? &entries[place] : NULL;
}

/* Keep what has a rule, masked by it. */
static size_t mask_entries(struct sconce_x86_cpuid *entries, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct sconce_x86_cpuid entry = entries[i];
        const struct rule *rule;

        if (!sconce_x86_cpuid_has_subleaf(entry.leaf))
            entry.subleaf = 0;
        rule = find_rule(entry.leaf, entry.subleaf);
        if (!rule)
            continue;
        entry.eax &= rule->eax;
        entry.ebx &= rule->ebx;
        entry.ecx &= rule->ecx;
        entry.edx &= rule->edx;
        entries[kept++] = entry;
    }
    return kept;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

/* Without the state that it lives in, a feature cannot be used. */
static void drop_dependents(struct sconce_x86_cpuid *entries, size_t count, uint64_t xcr0)
{
    bool no_avx = !(xcr0 & SCONCE_X86_XCR0_AVX);
    bool no_avx512 = !(xcr0 & SCONCE_X86_XCR0_AVX512);
    struct sconce_x86_cpuid *basic = find(entries, count, 0x1, 0);
    struct sconce_x86_cpuid *extended = find(entries, count, 0x7, 0);
    struct sconce_x86_cpuid *more = find(entries, count, 0x7, 1);

    if (basic && no_avx)
        basic->ecx &= ~L1_ECX_AVX;
    if (basic && xcr0 == 0)
        basic->ecx &= ~(SCONCE_X86_CPUID1_ECX_XSAVE | BIT(27));
    if (extended && no_avx) {
        extended->ebx &= ~L7_EBX_AVX;
        extended->ecx &= ~L7_ECX_AVX;
    }
    if (extended && no_avx512) {
        extended->ebx &= ~L7_EBX_AVX512;
        extended->ecx &= ~L7_ECX_AVX512;
        extended->edx &= ~L7_EDX_AVX512;
    }
    if (more && no_avx)
        more->eax &= ~L7_1_EAX_AVX;
    if (more && no_avx512)
        more->eax &= ~L7_1_EAX_AVX512;
}

/* Leaf 0xd: the components that are left, and their size. */
static size_t fit_xsave(struct sconce_x86_cpuid *entries, size_t count, uint64_t components)
{
    struct sconce_x86_cpuid *head;
    uint32_t end = 512 + 64; /* legacy region and header: SDM vol 1 13.4 */
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const struct sconce_x86_cpuid *e = &entries[i];

        if (e->leaf == 0xd && e->subleaf >= 2 && !(components >> e->subleaf & 1))
            continue;
        if (e->leaf == 0xd && e->subleaf >= 2 && e->eax + e->ebx > end)
            end = e->eax + e->ebx;
        entries[kept++] = *e;
    }
    head = find(entries, kept, 0xd, 0);
    if (head) {
        head->eax = (uint32_t)components;
        head->ebx = end;
        head->ecx = end;
    }
    return kept;
}

size_t sconce_x86_cpuid_apply(struct sconce_x86_cpuid *entries, size_t count)
{
    struct sconce_x86_cpuid *e;

    count = mask_entries(entries, count);
    drop_dependents(entries, count, sconce_x86_xcr0(entries, count));
    count = fit_xsave(entries, count, sconce_x86_components(entries, count));

    e = find(entries, count, 0x0, 0);
    if (e)
        e->eax = at_most(e->eax, MAX_BASIC);
    e = find(entries, count, 0x7, 0);
    if (e)
        e->eax = at_most(e->eax, 1); /* highest subleaf */
    e = find(entries, count, 0x80000000u, 0);
    if (e)
        e->eax = at_most(e->eax, MAX_EXTENDED);
    e = find(entries, count, 0x80000008u, 0);
    if (e)
        e->eax = 48u << 8 | SCONCE_X86_PHYSICAL_BITS; /* linear and physical address bits */
    return count;
}

/* EBX is left out: of leaf 0xd it is not the table's, but what XCR0 needs at the time. */
static bool same(const struct sconce_x86_cpuid *a, const struct sconce_x86_cpuid *b)
{
    return a->eax == b->eax && a->ecx == b->ecx && a->edx == b->edx;
}

/* A leaf beyond the highest reads as zero (AMD) or as the highest basic one (SDM vol 2A, CPUID). */
bool sconce_x86_cpuid_obeyed(const struct sconce_x86_cpuid *entries, size_t count,
                             const struct sconce_x86_cpuid *basic,
                             const struct sconce_x86_cpuid *hidden)
{
    static const struct sconce_x86_cpuid zero;
    const struct sconce_x86_cpuid *first = sconce_x86_cpuid_find(entries, count, 0, 0);
    const struct sconce_x86_cpuid *highest;

    if (!same(basic, first ? first : &zero))
        return false;
    if (same(hidden, &zero))
        return true;
    highest = sconce_x86_cpuid_find(entries, count, basic->eax, 0);
    return highest && same(hidden, highest);
}
