/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which registers there are: their names, the list that a reset writes, and the features that
 * guests are to be without. The hypervisor has no reset of a VP, so the list is all that a guest,
 * or a host by sconce.regs/1, could have written.
 */
#include <inttypes.h>

#include "arch/aarch64/regs.h"
#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"
#include "sconce-guest-abi.h"

#define BIT(n) (1ull << (n))
#define BITS(first, last) (BIT((last) + 1) - BIT(first))

/*
 * Bits of hv_partition_processor_features (include/hyperv/hvhdk.h). Bank 0: AArch32 at EL0 8, PMU
 * 16 to 19. Bank 1: SVE's formats 0, 1 and 3, MTPMU 6, AMU 19 and 20, nested virtualization 27, PMU
 * 29, SPE 32 to 34, SVE 37 to 39 and 41 to 44, SME 53 to 59. The system registers close all of that
 * to EL0, too. The interrupt controller, bank 0's bit 13, is not for our guests, who can reach
 * nothing of it; but a partition is not made without it.
 *
 * Not known: whether a VP runs whose partition was told no address for that controller
 * (MSHV_PROPERTY 0x50028 and after). Other monitors tell one, as their guests have interrupts.
 */
const struct sconce_mshv_features mshv_a64_features = {
    .cpu_disabled =
        {
            BIT(8) | BITS(16, 19),
            BITS(0, 1) | BIT(3) | BIT(6) | BITS(19, 20) | BIT(27) | BIT(29) | BITS(32, 34) |
                BITS(37, 39) | BITS(41, 44) | BITS(53, 59),
        },
};

/* ---- Names ----------------------------------------------------------------------------------- */

static const struct {
    uint16_t id;
    uint32_t name;
} names[] = {
    {SCONCE_A64_SP_EL0, HV_SP_EL0},
    {SCONCE_A64_PC, HV_PC},
    {SCONCE_A64_PSTATE, HV_PSTATE},
    {SCONCE_A64_SP_EL1, HV_SP_EL1},
    {SCONCE_A64_ELR_EL1, HV_ELR_EL1},
    {SCONCE_A64_SPSR_EL1, HV_SPSR_EL1},
    {SCONCE_A64_SCTLR_EL1, HV_SCTLR_EL1},
    {SCONCE_A64_CPACR_EL1, HV_CPACR_EL1},
    {SCONCE_A64_TTBR0_EL1, HV_TTBR0_EL1},
    {SCONCE_A64_TTBR1_EL1, HV_TTBR1_EL1},
    {SCONCE_A64_TCR_EL1, HV_TCR_EL1},
    {SCONCE_A64_ESR_EL1, HV_ESR_EL1},
    {SCONCE_A64_FAR_EL1, HV_FAR_EL1},
    {SCONCE_A64_MAIR_EL1, HV_MAIR_EL1},
    {SCONCE_A64_AMAIR_EL1, HV_AMAIR_EL1},
    {SCONCE_A64_VBAR_EL1, HV_VBAR_EL1},
    {SCONCE_A64_CONTEXTIDR_EL1, HV_CONTEXTIDR_EL1},
    {SCONCE_A64_TPIDR_EL1, HV_TPIDR_EL1},
    {SCONCE_A64_TPIDR_EL0, HV_TPIDR_EL0},
    {SCONCE_A64_TPIDRRO_EL0, HV_TPIDRRO_EL0},
    {SCONCE_A64_CNTKCTL_EL1, HV_CNTKCTL_EL1},
    {SCONCE_A64_MDSCR_EL1, HV_MDSCR_EL1},
    {SCONCE_A64_MDCCINT_EL1, HV_MDCCINT_EL1},
    {SCONCE_A64_ID_AA64DFR0_EL1, HV_ID_AA64DFR0_EL1},
    {SCONCE_A64_ID_AA64MMFR0_EL1, HV_ID_AA64MMFR0_EL1},
    {SCONCE_A64_ID_AA64MMFR1_EL1, HV_ID_AA64MMFR1_EL1},
};

#define CRM(id) ((uint32_t)(id) >> 3 & 15)
#define WITHOUT_CRM(id) ((id) & ~(15 << 3))

uint32_t mshv_a64_name(uint16_t id)
{
    if (id < SCONCE_A64_X_COUNT)
        return HV_X(id);
    switch (WITHOUT_CRM(id)) {
    case SCONCE_A64_DBGBVR_EL1(0):
        return HV_DBGBVR_EL1(CRM(id));
    case SCONCE_A64_DBGBCR_EL1(0):
        return HV_DBGBCR_EL1(CRM(id));
    case SCONCE_A64_DBGWVR_EL1(0):
        return HV_DBGWVR_EL1(CRM(id));
    case SCONCE_A64_DBGWCR_EL1(0):
        return HV_DBGWCR_EL1(CRM(id));
    default:
        break;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].id == id)
            return names[i].name;
    return 0;
}

int32_t mshv_a64_features_read(int vp_fd, struct sconce_a64_features *ret_features,
                               struct sconce_plugin_error *err)
{
    static const uint32_t ids[] = {HV_ID_AA64DFR0_EL1, HV_ID_AA64MMFR0_EL1, HV_ID_AA64MMFR1_EL1};
    struct mshv_value values[3];
    int32_t r =
        sconce_mshv_get_registers(vp_fd, ids, values, 3, "read what the processor has", err);

    if (r == SCONCE_PLUGIN_OK)
        *ret_features = (struct sconce_a64_features){values[0].low, values[1].low, values[2].low};
    return r;
}

/* ---- What a reset writes --------------------------------------------------------------------- */

static struct mshv_a64_reset entry(uint32_t name, uint64_t value, bool needed)
{
    return (struct mshv_a64_reset){mshv_a64_register(name, value), needed};
}

/* General, FP and SIMD registers. */
static uint16_t list_general(uint64_t gpa_max, struct mshv_a64_reset *to)
{
    uint16_t n = 0;

    for (unsigned i = 0; i < SCONCE_A64_X_COUNT; i++)
        to[n++] = entry(HV_X(i), 0, true);
    to[n++] = entry(HV_SP_EL0, 0, true);
    to[n++] = entry(HV_SP_EL1, gpa_max + SCONCE_A64_SAVE_OFFSET, true);
    to[n++] = entry(HV_PC, 0, true);
    to[n++] = entry(HV_PSTATE, SCONCE_A64_PSTATE_RUN, true);
    to[n++] = entry(HV_ELR_EL1, 0, true);
    to[n++] = entry(HV_SPSR_EL1, 0, true);
    for (unsigned i = 0; i < SCONCE_A64_V_COUNT; i++)
        to[n++] = entry(HV_Q(i), 0, true);
    to[n++] = entry(HV_FPSR, 0, true);
    to[n++] = entry(HV_FPCR, 0, true);
    return n;
}

/* What an event leaves, and registers that the system registers close to EL0 where the processor
 * has them. */
static const uint32_t extras[] = {
    HV_INTERNAL_ACTIVITY_STATE, HV_PENDING_INTERRUPTION, HV_INTERRUPT_STATE, HV_PENDING_EVENT0,
    HV_PENDING_EVENT1,          HV_PMUSERENR_EL0,        HV_SCXTNUM_EL0,     HV_TPIDR2_EL0,
};
_Static_assert(sizeof extras / sizeof extras[0] == MSHV_A64_EXTRAS, "room for each");

uint16_t mshv_a64_reset_list(const struct sconce_a64_features *features, uint64_t gpa_max,
                             struct mshv_a64_reset list[MSHV_A64_MAX_RESET])
{
    struct sconce_a64_sysreg system[SCONCE_A64_SYSREG_COUNT];
    struct sconce_a64_reg debug[SCONCE_A64_DEBUG_MOST];
    unsigned debug_count = sconce_a64_debug_list(features, debug);
    uint16_t n = list_general(gpa_max, list);

    sconce_a64_sysregs(features, gpa_max + SCONCE_A64_TABLES_OFFSET,
                       sconce_a64_vector_gpa(gpa_max, 0), system);
    for (unsigned i = 0; i < SCONCE_A64_SYSREG_COUNT; i++)
        list[n++] = entry(mshv_a64_name(system[i].id), system[i].value, system[i].needed);
    for (unsigned i = 0; i < debug_count; i++)
        list[n++] = entry(mshv_a64_name(debug[i].id), 0, true);
    for (unsigned i = 0; i < MSHV_A64_EXTRAS; i++)
        list[n++] = entry(extras[i], 0, false);
    return n;
}

int32_t mshv_a64_reset_try(int vp_fd, struct mshv_a64_facts *facts, struct sconce_plugin_error *err)
{
    struct mshv_a64_reset list[MSHV_A64_MAX_RESET];
    uint16_t count = mshv_a64_reset_list(&facts->features, SCONCE_GPA_MAX, list);

    facts->missing_count = 0;
    for (uint16_t i = 0; i < count; i++) {
        struct sconce_plugin_error why = {.size = sizeof why};
        int32_t r = sconce_mshv_set_registers(vp_fd, &list[i].reg, 1,
                                              "set one of the VP's registers", &why);

        if (r == SCONCE_PLUGIN_OK)
            continue;
        if (!sconce_mshv_is_refusal(&why))
            return sconce_plugin_pass(err, r, &why);
        if (list[i].needed)
            return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_HV_STATUS,
                                      why.code,
                                      "please report it, with kernel, processor and this message",
                                      "the hypervisor does not let a register be set (0x%" PRIx32
                                      ", status 0x%" PRIx64 ")",
                                      list[i].reg.name, (uint64_t)why.code);
        facts->missing[facts->missing_count++] = list[i].reg.name;
    }
    return SCONCE_PLUGIN_OK;
}

static bool is_missing(const struct mshv_a64_facts *facts, uint32_t name)
{
    for (uint32_t i = 0; i < facts->missing_count; i++)
        if (facts->missing[i] == name)
            return true;
    return false;
}

void mshv_a64_reset_keep(struct sconce_plugin_vm *vm, const struct mshv_a64_facts *facts)
{
    struct mshv_a64_reset list[MSHV_A64_MAX_RESET];
    uint16_t count = mshv_a64_reset_list(&facts->features, vm->mshv.memory.gpa_max, list);

    for (uint16_t i = 0; i < count; i++)
        if (!is_missing(facts, list[i].reg.name))
            vm->reset[vm->reset_count++] = list[i].reg;
}
