/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID shows: KVM's list, without KVM's own leaves, less what the partition was made without,
 * with the hypervisor's leaves while it is to be seen, and with the client's overrides at last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_HYPERVISOR_END 0x50000000u
#define LEAF_INTERFACE 0x40000001u
#define ECX_HYPERVISOR (1u << 31) /* of leaf 1 */

enum { EAX, EBX, ECX, EDX };

/* Banks 0 and 1: hv_partition_processor_features; 2: hv_partition_processor_xsave_features. */
#define BANK_XSAVE 2u

static const struct {
    uint8_t bank, bit;
    uint32_t leaf, subleaf;
    uint8_t reg, cpuid_bit;
} features[] = {
    {0, 0, 1, 0, ECX, 0},            /* SSE3 */
    {0, 1, 0x80000001, 0, ECX, 0},   /* LAHF */
    {0, 2, 1, 0, ECX, 9},            /* SSSE3 */
    {0, 3, 1, 0, ECX, 19},           /* SSE4.1 */
    {0, 4, 1, 0, ECX, 20},           /* SSE4.2 */
    {0, 5, 0x80000001, 0, ECX, 6},   /* SSE4A */
    {0, 6, 0x80000001, 0, ECX, 11},  /* XOP */
    {0, 7, 1, 0, ECX, 23},           /* POPCNT */
    {0, 8, 1, 0, ECX, 13},           /* CMPXCHG16B */
    {0, 9, 0x80000001, 0, ECX, 4},   /* CR8 by LOCK MOV */
    {0, 10, 0x80000001, 0, ECX, 5},  /* LZCNT */
    {0, 11, 0x80000001, 0, ECX, 7},  /* misaligned SSE */
    {0, 12, 0x80000001, 0, EDX, 22}, /* MMX extensions */
    {0, 15, 0x80000001, 0, EDX, 26}, /* 1 GiB pages */
    {0, 16, 1, 0, ECX, 25},          /* AES */
    {0, 17, 1, 0, ECX, 1},           /* PCLMULQDQ */
    {0, 18, 1, 0, ECX, 17},          /* PCID */
    {0, 19, 0x80000001, 0, ECX, 16}, /* FMA4 */
    {0, 20, 1, 0, ECX, 29},          /* F16C */
    {0, 21, 1, 0, ECX, 30},          /* RDRAND */
    {0, 22, 7, 0, EBX, 0},           /* FSGSBASE */
    {0, 23, 7, 0, EBX, 7},           /* SMEP */
    {0, 24, 7, 0, EBX, 9},           /* fast strings */
    {0, 25, 7, 0, EBX, 3},           /* BMI1 */
    {0, 26, 7, 0, EBX, 8},           /* BMI2 */
    {0, 29, 1, 0, ECX, 22},          /* MOVBE */
    {0, 32, 7, 0, EBX, 18},          /* RDSEED */
    {0, 33, 7, 0, EBX, 19},          /* ADX */
    {0, 35, 7, 0, EBX, 20},          /* SMAP */
    {0, 36, 7, 0, EBX, 4},           /* HLE */
    {0, 37, 7, 0, EBX, 11},          /* RTM */
    {0, 38, 0x80000001, 0, EDX, 27}, /* RDTSCP */
    {0, 39, 7, 0, EBX, 23},          /* CLFLUSHOPT */
    {0, 40, 7, 0, EBX, 24},          /* CLWB */
    {0, 41, 7, 0, EBX, 29},          /* SHA */
    {0, 43, 7, 0, EBX, 10},          /* INVPCID */
    {1, 4, 7, 0, ECX, 16},           /* LA57 */
    {1, 8, 7, 0, ECX, 7},            /* CET shadow stacks */
    {1, 9, 7, 0, EDX, 20},           /* CET indirect branches */
    {1, 11, 7, 0, ECX, 29},          /* ENQCMD */
    {1, 12, 7, 0, ECX, 5},           /* UMWAIT */
    {1, 13, 7, 0, ECX, 27},          /* MOVDIRI */
    {1, 14, 7, 0, ECX, 28},          /* MOVDIR64B */
    {1, 16, 7, 0, EDX, 14},          /* SERIALIZE */
    {2, 0, 1, 0, ECX, 26},           /* XSAVE */
    {2, 1, 0xd, 1, EAX, 0},          /* XSAVEOPT */
    {2, 2, 1, 0, ECX, 28},           /* AVX */
    {2, 3, 7, 0, EBX, 5},            /* AVX2 */
    {2, 4, 1, 0, ECX, 12},           /* FMA */
    {2, 5, 7, 0, EBX, 14},           /* MPX */
    {2, 6, 7, 0, EBX, 16},           /* AVX-512 F */
    {2, 7, 7, 0, EBX, 17},           /* DQ */
    {2, 8, 7, 0, EBX, 28},           /* CD */
    {2, 9, 7, 0, EBX, 30},           /* BW */
    {2, 10, 7, 0, EBX, 31},          /* VL */
    {2, 11, 0xd, 1, EAX, 1},         /* XSAVEC */
    {2, 12, 0xd, 1, EAX, 3},         /* XSAVES */
    {2, 14, 7, 0, ECX, 12},          /* AVX-512 BITALG */
    {2, 15, 7, 0, EBX, 21},          /* IFMA */
    {2, 16, 7, 0, ECX, 1},           /* VBMI */
    {2, 17, 7, 0, ECX, 6},           /* VBMI2 */
    {2, 18, 7, 0, ECX, 11},          /* VNNI */
    {2, 19, 7, 0, ECX, 8},           /* GFNI */
    {2, 20, 7, 0, ECX, 9},           /* VAES */
    {2, 21, 7, 0, ECX, 14},          /* VPOPCNTDQ */
    {2, 22, 7, 0, ECX, 10},          /* VPCLMULQDQ */
    {2, 23, 7, 1, EAX, 5},           /* BF16 */
    {2, 24, 7, 0, EDX, 8},           /* VP2INTERSECT */
    {2, 25, 7, 0, EDX, 23},          /* FP16 */
    {2, 26, 0xd, 1, EAX, 4},         /* XFD */
    {2, 27, 7, 0, EDX, 24},          /* AMX TILE */
    {2, 28, 7, 0, EDX, 22},          /* AMX BF16 */
    {2, 29, 7, 0, EDX, 25},          /* AMX INT8 */
};

/* State components that go with xsave features (SDM vol 1 13.1). */
static const struct {
    uint8_t bit;
    uint64_t components;
} components[] = {{2, 1u << 2}, {5, 3u << 3}, {6, 7u << 5}, {27, 3u << 17}};

static uint32_t *reg(struct kvm_cpuid_entry2 *e, unsigned number)
{
    __u32 *at[4] = {&e->eax, &e->ebx, &e->ecx, &e->edx};

    return (uint32_t *)at[number];
}

static bool has_subleaf(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd || leaf == 0xf || leaf == 0x10 ||
           leaf == 0x12 || leaf == 0x14 || (leaf >= 0x17 && leaf <= 0x1f) || leaf == 0x8000001d ||
           leaf == 0x80000020 || leaf == 0x80000026;
}

struct kvm_cpuid_entry2 *double_features_leaf(struct kvm_cpuid2 *list, uint32_t leaf,
                                              uint32_t subleaf)
{
    for (uint32_t i = 0; i < list->nent; i++)
        if (list->entries[i].function == leaf &&
            (list->entries[i].index == subleaf || !has_subleaf(leaf)))
            return &list->entries[i];
    return NULL;
}

uint64_t double_features_of(struct kvm_cpuid2 *list, unsigned bank)
{
    uint64_t value = 0;

    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        struct kvm_cpuid_entry2 *e =
            double_features_leaf(list, features[i].leaf, features[i].subleaf);

        if (e && features[i].bank == bank && *reg(e, features[i].reg) >> features[i].cpuid_bit & 1)
            value |= 1ull << features[i].bit;
    }
    return value;
}

/* ---- KVM's list ----------------------------------------------------------------------------- */

#define LIST_BYTES (sizeof(struct kvm_cpuid2) + DOUBLE_MAX_CPUID * sizeof(struct kvm_cpuid_entry2))

int double_features_host(int device, struct kvm_cpuid2 **ret_list)
{
    struct kvm_cpuid2 *list = calloc(1, LIST_BYTES);
    uint32_t kept = 0;
    int r;

    if (!list)
        return -ENOMEM;
    list->nent = DOUBLE_MAX_CPUID;
    r = double_sys_ioctl(device, KVM_GET_SUPPORTED_CPUID, list);
    if (r < 0) {
        free(list);
        return r;
    }
    for (uint32_t i = 0; i < list->nent; i++)
        if (list->entries[i].function < LEAF_HYPERVISOR ||
            list->entries[i].function >= LEAF_HYPERVISOR_END)
            list->entries[kept++] = list->entries[i];
    list->nent = kept;
    *ret_list = list;
    return 0;
}

/* ---- The partition's ------------------------------------------------------------------------ */

static void disable(struct double_vp *vp)
{
    const struct double_partition *p = vp->partition;
    const uint64_t banks[3] = {p->cpu_disabled[0], p->cpu_disabled[1], p->xsave_disabled};
    struct kvm_cpuid_entry2 *state = double_features_leaf(vp->cpuid, 0xd, 0);

    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        struct kvm_cpuid_entry2 *e =
            double_features_leaf(vp->cpuid, features[i].leaf, features[i].subleaf);

        if (e && banks[features[i].bank] >> features[i].bit & 1)
            *reg(e, features[i].reg) &= ~(1u << features[i].cpuid_bit);
    }
    for (size_t i = 0; state && i < sizeof components / sizeof components[0]; i++)
        if (banks[BANK_XSAVE] >> components[i].bit & 1)
            state->eax &= (uint32_t)~components[i].components;
    vp->xsave_states = state ? state->eax | (uint64_t)state->edx << 32 : 3;
}

static void add(struct double_vp *vp, uint32_t leaf, uint32_t eax, const char *text)
{
    struct kvm_cpuid_entry2 *e = &vp->cpuid->entries[vp->cpuid->nent];

    if (vp->cpuid->nent == DOUBLE_MAX_CPUID)
        return;
    *e = (struct kvm_cpuid_entry2){.function = leaf, .eax = eax};
    memcpy(&e->ebx, text, 4);
    memcpy(&e->ecx, text + 4, 4);
    memcpy(&e->edx, text + 8, 4);
    vp->cpuid->nent++;
}

/* TLFS 2.4: who it is, and that its interface is the one of the specification. */
static void show_hypervisor(struct double_vp *vp)
{
    struct kvm_cpuid_entry2 *basic = double_features_leaf(vp->cpuid, 1, 0);
    uint64_t shown = vp->partition->synthetic_features;

    if (basic)
        basic->ecx &= ~ECX_HYPERVISOR;
    if (!(shown & HV_SYNTHETIC_PRESENT))
        return;
    if (basic)
        basic->ecx |= ECX_HYPERVISOR;
    add(vp, LEAF_HYPERVISOR, LEAF_INTERFACE, "Microsoft Hv");
    add(vp, LEAF_INTERFACE, 0x31237648, "\0\0\0\0\0\0\0\0\0\0\0\0"); /* "Hv#1" */
}

static void override(struct double_vp *vp, const struct hv_cpuid_result_input *o)
{
    for (uint32_t i = 0; i < vp->cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *e = &vp->cpuid->entries[i];

        if (e->function != o->eax || (o->subleaf_specific && e->index != o->ecx))
            continue;
        for (unsigned r = EAX; r <= EDX; r++)
            *reg(e, r) =
                (*reg(e, r) & ~o->result[2 * r + 1]) | (o->result[2 * r] & o->result[2 * r + 1]);
    }
}

uint16_t double_features_apply(struct double_vp *vp)
{
    const struct double_partition *p = vp->partition;

    if (!vp->cpuid)
        vp->cpuid = malloc(LIST_BYTES);
    if (!vp->native_cpuid)
        vp->native_cpuid = malloc(LIST_BYTES);
    if (!vp->cpuid || !vp->native_cpuid)
        return HV_INSUFFICIENT_MEMORY;
    memcpy(vp->cpuid, p->host_cpuid, LIST_BYTES);
    disable(vp);
    show_hypervisor(vp);
    memcpy(vp->native_cpuid, vp->cpuid, LIST_BYTES);
    for (uint32_t i = 0; i < p->override_count; i++)
        if (p->overrides[i].vp == vp->index)
            override(vp, &p->overrides[i]);
    return double_sys_ioctl(vp->object.fd, KVM_SET_CPUID2, vp->cpuid) < 0 ? HV_INVALID_VP_STATE
                                                                          : HV_OK;
}
