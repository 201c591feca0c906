/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUID policy, as far as the hypervisor can be told. Creation masks switch features off for
 * good, where the kernel takes them; then each leaf that still says something else than the policy
 * is given its answer.
 */
#include <errno.h>
#include <string.h>

#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"

#define BIT(n) (1ull << (n))

#define HINT_KERNEL "use the interface of upstream Linux, 6.15 or later"

#define OSXSAVE (1u << 27) /* of leaf 1 ECX */

/*
 * Bits of hv_partition_processor_features. Bank 0: XOP 6, CR8 by LOCK MOV 9, 3DNow 13 and 14, pages
 * of 1 GiB 15, PCID 18, FMA4 19, TSX 27, 28, 36 and 37, INVPCID 43, TSX_CTRL 62. Bank 1: counters
 * of clock cycles 0, CLZERO 2, RDPRU 3, LA57 4, nested virtualization 6, CET 8 and 9, ENQCMD 11,
 * UMWAIT 12, MOVDIRI 13, MOVDIR64B 14, CLDEMOTE 15, SERIALIZE 16, TSC deadline and adjust 17 and
 * 18. Of hv_partition_processor_xsave_features: MPX 5, XSAVES 12, VP2INTERSECT 24, XFD 26, AMX 27
 * to 29.
 */
const struct sconce_mshv_features mshv_x86_features = {
    .cpu_disabled =
        {
            BIT(6) | BIT(9) | BIT(13) | BIT(14) | BIT(15) | BIT(18) | BIT(19) | BIT(27) | BIT(28) |
                BIT(36) | BIT(37) | BIT(43) | BIT(62),
            BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(9) | BIT(11) | BIT(12) |
                BIT(13) | BIT(14) | BIT(15) | BIT(16) | BIT(17) | BIT(18),
        },
    .has_msrs = true,
    .has_register_page = true,
    .xsave_disabled = BIT(5) | BIT(12) | BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29),
};

/* What is asked for: all that the policy knows, and what else processors and hypervisors say. */
static const struct {
    uint32_t leaf;
    uint32_t last;   /* of leaves */
    uint32_t nested; /* the last subleaf */
} asked[] = {
    {0x0, 0x3, 0},
    {0x4, 0x4, 3},
    {0x5, 0x6, 0},
    {0x7, 0x7, 2},
    {0x8, 0xc, 0},
    {0xd, 0xd, 18},
    {0xf, 0x10, 0},
    {0x12, 0x12, 0},
    {0x14, 0x24, 0},
    {SCONCE_X86_CPUID_HYPERVISOR, 0x4000000a, 0},
    {0x80000000, 0x80000008, 0},
    {0x8000000a, 0x8000000a, 0},
    {0x80000019, 0x80000022, 0},
    {0x80000026, 0x80000026, 0},
};

/* Without these there is no saying what guests have: whatever comes in their place is an error. */
static bool is_needed(uint32_t leaf, uint32_t subleaf)
{
    return subleaf == 0 &&
           (leaf == 0 || leaf == 1 || leaf == 7 || leaf == 0xd || leaf == 0x80000001u);
}

static int32_t ask(int vp_fd, uint32_t flags, uint32_t leaf, uint32_t subleaf,
                   struct sconce_x86_cpuid *ret_entry, struct sconce_plugin_error *err)
{
    const struct hv_cpuid_head head = {.vp_index = 0, .flags = flags};
    const struct hv_cpuid_leaf in = {.eax = leaf, .ecx = subleaf};
    struct hv_cpuid_values out = {0};
    const struct sconce_mshv_call call = {
        .code = MSHV_HVCALL_GET_VP_CPUID_VALUES,
        .reps = 1,
        .head = &head,
        .head_bytes = sizeof head,
        .in = &in,
        .in_bytes = sizeof in,
        .out = &out,
        .out_bytes = sizeof out,
    };
    uint16_t status;
    int r = sconce_mshv_call(vp_fd, &call, &status, NULL);

    if (r < 0)
        return sconce_mshv_call_failed(err, r, status, "read a guest's CPUID");
    *ret_entry = (struct sconce_x86_cpuid){leaf, subleaf, out.eax, out.ebx, out.ecx, out.edx};
    return SCONCE_PLUGIN_OK;
}

/* A driver that does not let the hypercall through at all. */
static bool is_kernels_refusal(const struct sconce_plugin_error *why)
{
    return why->domain == SCONCE_DOMAIN_ERRNO && why->code == EINVAL;
}

/* A leaf is left out where the hypervisor itself says so, and for no other reason. */
static int32_t offer(int vp_fd, uint32_t leaf, uint32_t subleaf, struct sconce_x86_cpuid *offered,
                     uint32_t *count, struct sconce_plugin_error *err)
{
    struct sconce_plugin_error why = {.size = sizeof why};
    int32_t r = ask(vp_fd, HV_CPUID_VP_XFEM, leaf, subleaf, &offered[*count], &why);

    if (r == SCONCE_PLUGIN_OK)
        ++*count;
    else if (is_needed(leaf, subleaf) && (sconce_mshv_is_refusal(&why) || is_kernels_refusal(&why)))
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_UNAVAILABLE, why.domain, why.code, HINT_KERNEL,
            "the hypervisor does not tell which CPU features its guests have");
    else if (!sconce_mshv_is_refusal(&why))
        return sconce_plugin_pass(err, r, &why);
    return SCONCE_PLUGIN_OK;
}

static int32_t ask_all(int vp_fd, struct sconce_x86_cpuid offered[MSHV_X86_MAX_CPUID],
                       uint32_t *ret_count, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    *ret_count = 0;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        for (uint32_t leaf = asked[i].leaf; leaf <= asked[i].last; leaf++)
            for (uint32_t sub = 0;
                 r == SCONCE_PLUGIN_OK && sub <= asked[i].nested && *ret_count < MSHV_X86_MAX_CPUID;
                 sub++)
                r = offer(vp_fd, leaf, sub, offered, ret_count, err);
    return r;
}

/* What the policy has a guest see there. OSXSAVE tells of CR4, which is ours. */
static struct sconce_x86_cpuid wanted(const struct mshv_x86_facts *facts,
                                      const struct sconce_x86_cpuid *offered)
{
    const struct sconce_x86_cpuid *entry =
        sconce_x86_cpuid_find(facts->cpuid, facts->cpuid_count, offered->leaf, offered->subleaf);
    struct sconce_x86_cpuid to = {.leaf = offered->leaf, .subleaf = offered->subleaf};

    if (entry)
        to = *entry;
    if (entry && to.leaf == 0x1 && facts->control.xcr0)
        to.ecx |= OSXSAVE;
    return to;
}

int32_t mshv_x86_cpuid_read(int vp_fd, struct mshv_x86_facts *facts,
                            struct sconce_plugin_error *err)
{
    struct sconce_x86_cpuid offered[MSHV_X86_MAX_CPUID];
    uint32_t count;
    int32_t r = ask_all(vp_fd, offered, &count, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    memcpy(facts->cpuid, offered, count * sizeof offered[0]);
    facts->cpuid_count = (uint32_t)sconce_x86_cpuid_apply(facts->cpuid, count);
    sconce_x86_control(facts->cpuid, facts->cpuid_count, &facts->control);
    facts->override_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct sconce_x86_cpuid to = wanted(facts, &offered[i]);

        if (memcmp(&to, &offered[i], sizeof to) != 0)
            facts->overrides[facts->override_count++] = to;
    }
    return SCONCE_PLUGIN_OK;
}

static int32_t set_override(int vp_fd, const struct sconce_x86_cpuid *to,
                            struct sconce_plugin_error *err)
{
    const struct hv_cpuid_override in = {
        .intercept = HV_INTERCEPT_CPUID,
        .leaf = to->leaf,
        .subleaf = to->subleaf,
        .subleaf_specific = sconce_x86_cpuid_has_subleaf(to->leaf),
        .always_override = 1,
        .eax = to->eax,
        .eax_mask = ~0u,
        .ebx = to->ebx,
        .ebx_mask = ~0u,
        .ecx = to->ecx,
        .ecx_mask = ~0u,
        .edx = to->edx,
        .edx_mask = ~0u,
    };
    const struct sconce_mshv_call call = {
        .code = MSHV_HVCALL_REGISTER_INTERCEPT_RESULT,
        .head = &in,
        .head_bytes = HV_CPUID_OVERRIDE_BYTES,
    };
    uint16_t status;
    int r = sconce_mshv_call(vp_fd, &call, &status, NULL);

    return r == 0 ? SCONCE_PLUGIN_OK
                  : sconce_mshv_call_failed(
                        err, r, status, "set the CPU features of policy " SCONCE_X86_CPUID_POLICY);
}

int32_t mshv_x86_cpuid_set(int vp_fd, const struct mshv_x86_facts *facts,
                           struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < facts->override_count; i++)
        r = set_override(vp_fd, &facts->overrides[i], err);
    return r;
}

/* OSXSAVE follows CR4, and leaf 0xd's EBX follows XCR0 (SDM vol 2A, CPUID): a hypervisor may show
 * what they are now, whatever it was told. */
static bool is_obeyed(const struct sconce_x86_cpuid *seen, const struct sconce_x86_cpuid *told)
{
    uint32_t ecx_free = told->leaf == 0x1 ? OSXSAVE : 0;

    return seen->eax == told->eax && (seen->ebx == told->ebx || told->leaf == 0xd) &&
           ((seen->ecx ^ told->ecx) & ~ecx_free) == 0 && seen->edx == told->edx;
}

/* One that cannot be read back counts as one that is not obeyed: it decides on what the probe says
 * and on nothing else, so a hypervisor without the flag is not lost for it. */
static int32_t verify(int vp_fd, struct mshv_x86_facts *facts, struct sconce_plugin_error *err)
{
    for (uint32_t i = 0; i < facts->override_count; i++) {
        const struct sconce_x86_cpuid *told = &facts->overrides[i];
        struct sconce_plugin_error why = {.size = sizeof why};
        struct sconce_x86_cpuid seen;
        int32_t r = ask(vp_fd, HV_CPUID_VP_XFEM | HV_CPUID_OVERRIDDEN, told->leaf, told->subleaf,
                        &seen, &why);

        if (r != SCONCE_PLUGIN_OK && !sconce_mshv_is_refusal(&why))
            return sconce_plugin_pass(err, r, &why);
        if (r != SCONCE_PLUGIN_OK || !is_obeyed(&seen, told))
            facts->is_overridden = false;
    }
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_x86_cpuid_try(int vp_fd, struct mshv_x86_facts *facts, struct sconce_plugin_error *err)
{
    struct sconce_plugin_error why = {.size = sizeof why};
    int32_t r = mshv_x86_cpuid_set(vp_fd, facts, &why);

    facts->has_overrides = facts->is_overridden = r == SCONCE_PLUGIN_OK;
    if (facts->has_overrides)
        return verify(vp_fd, facts, err);
    if (sconce_mshv_is_refusal(&why) || is_kernels_refusal(&why))
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_pass(err, r, &why);
}
