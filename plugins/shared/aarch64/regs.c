/* SPDX-License-Identifier: Apache-2.0 */
/* Register files of a stopped vCPU, and where in it the guest's registers are. */
#include "plugins/shared/regs.h"

#include <string.h>

#include "arch/aarch64/regs.h"
#include "plugins/shared/aarch64/vcpu.h"
#include "sconce-ext-regs.h"

static int32_t get_reg(struct sconce_a64_vcpu *vcpu, uint16_t id, uint64_t *to,
                       struct sconce_plugin_error *err)
{
    struct sconce_a64_reg reg = {.id = id};
    int32_t r = vcpu->access->get(vcpu->vm, &reg, 1, err);

    if (r == SCONCE_PLUGIN_OK)
        *to = reg.value;
    return r;
}

static int32_t set_reg(struct sconce_a64_vcpu *vcpu, uint16_t id, uint64_t value,
                       struct sconce_plugin_error *err)
{
    const struct sconce_a64_reg reg = {id, value};

    return vcpu->access->set(vcpu->vm, &reg, 1, err);
}

/* ---- Where the registers are ----------------------------------------------------------------- */

static int32_t restore_saved(struct sconce_a64_vcpu *vcpu, struct sconce_plugin_error *err)
{
    /* The vCPU stands still, nobody else can write. */
    const struct sconce_a64_save *save = sconce_a64_save(vcpu);
    const struct sconce_a64_reg regs[] = {
        {SCONCE_A64_X(0), save->x[0]},
        {SCONCE_A64_X(1), save->x[1]},
    };

    return vcpu->access->set(vcpu->vm, regs, 2, err);
}

/* What ERET would do. */
static int32_t leave_shim(struct sconce_a64_vcpu *vcpu, struct sconce_plugin_error *err)
{
    struct sconce_a64_reg regs[] = {{.id = SCONCE_A64_ELR_EL1}, {.id = SCONCE_A64_SPSR_EL1}};
    int32_t r = vcpu->access->get(vcpu->vm, regs, 2, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    regs[0].id = SCONCE_A64_PC;
    regs[1].id = SCONCE_A64_PSTATE;
    regs[1].value = sconce_a64_user_pstate(regs[1].value) | SCONCE_A64_PSTATE_RUN;
    r = vcpu->access->set(vcpu->vm, regs, 2, err);
    if (r == SCONCE_PLUGIN_OK)
        vcpu->place = SCONCE_A64_IN_GUEST;
    return r;
}

/* The vCPU stands at EL1. */
static int32_t settle_in_shim(struct sconce_a64_vcpu *vcpu, struct sconce_plugin_error *err)
{
    enum sconce_a64_progress progress;
    unsigned vector;
    uint64_t pc;
    int32_t r = get_reg(vcpu, SCONCE_A64_PC, &pc, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (!sconce_a64_shim_at(vcpu->memory->gpa_max, pc, &vector, &progress))
        return sconce_regs_invalid(err, "the vCPU stopped where it has none");
    if (progress != SCONCE_A64_SHIM_ENTERED)
        r = restore_saved(vcpu, err);
    if (r == SCONCE_PLUGIN_OK && progress == SCONCE_A64_SHIM_REPORTED)
        return leave_shim(vcpu, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_reg(vcpu, SCONCE_A64_PC, sconce_a64_vector_gpa(vcpu->memory->gpa_max, vector), err);
    if (r == SCONCE_PLUGIN_OK)
        vcpu->place = SCONCE_A64_AT_VECTOR;
    return r;
}

/* After this the vCPU is at one of two known places: IN_GUEST or AT_VECTOR. */
static int32_t settle(struct sconce_a64_vcpu *vcpu, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;
    uint64_t pstate;

    if (vcpu->place == SCONCE_A64_AT_REPORT) {
        if (vcpu->access->finish)
            r = vcpu->access->finish(vcpu->vm, err);
        if (r == SCONCE_PLUGIN_OK)
            vcpu->place = SCONCE_A64_ANYWHERE;
    }
    if (r != SCONCE_PLUGIN_OK || vcpu->place != SCONCE_A64_ANYWHERE)
        return r;
    r = get_reg(vcpu, SCONCE_A64_PSTATE, &pstate, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    if ((pstate & SCONCE_A64_PSTATE_MODE) != SCONCE_A64_PSTATE_EL0T)
        return settle_in_shim(vcpu, err);
    vcpu->place = SCONCE_A64_IN_GUEST;
    return SCONCE_PLUGIN_OK;
}

/* ---- Standard ------------------------------------------------------------------------------ */

#define STANDARD (SCONCE_A64_X_COUNT + 3u) /* SP, X0 to X30, PC, PSTATE */

static void list_standard(const struct sconce_a64_vcpu *vcpu, struct sconce_a64_reg regs[STANDARD])
{
    bool in_shim = vcpu->place == SCONCE_A64_AT_VECTOR;

    regs[0].id = SCONCE_A64_SP_EL0;
    for (unsigned i = 0; i < SCONCE_A64_X_COUNT; i++)
        regs[1 + i].id = SCONCE_A64_X(i);
    regs[STANDARD - 2].id = in_shim ? SCONCE_A64_ELR_EL1 : SCONCE_A64_PC;
    regs[STANDARD - 1].id = in_shim ? SCONCE_A64_SPSR_EL1 : SCONCE_A64_PSTATE;
}

static int32_t get_standard(struct sconce_a64_vcpu *vcpu, void *buf,
                            struct sconce_plugin_error *err)
{
    struct sconce_a64_standard *to = buf;
    struct sconce_a64_reg regs[STANDARD];
    int32_t r;

    list_standard(vcpu, regs);
    r = vcpu->access->get(vcpu->vm, regs, STANDARD, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    to->sp = regs[0].value;
    for (unsigned i = 0; i < SCONCE_A64_X_COUNT; i++)
        to->x[i] = regs[1 + i].value;
    to->pc = regs[STANDARD - 2].value;
    to->pstate = sconce_a64_user_pstate(regs[STANDARD - 1].value);
    return r;
}

/* An exception that is still to be told goes with the PC that it was taken at. A guest that is sent
 * elsewhere has left it behind: told later, it would be the old syndrome with the new registers. */
static int32_t drop_exception_elsewhere(struct sconce_a64_vcpu *vcpu, uint64_t pc,
                                        struct sconce_plugin_error *err)
{
    uint64_t now;
    int32_t r;

    if (vcpu->place != SCONCE_A64_AT_VECTOR)
        return SCONCE_PLUGIN_OK;
    r = get_reg(vcpu, SCONCE_A64_ELR_EL1, &now, err);
    if (r != SCONCE_PLUGIN_OK || now == pc)
        return r;
    sconce_a64_save(vcpu)->taken = SCONCE_A64_SAVE_TAKEN;
    return leave_shim(vcpu, err);
}

static int32_t set_standard(struct sconce_a64_vcpu *vcpu, const void *buf,
                            struct sconce_plugin_error *err)
{
    const struct sconce_a64_standard *from = buf;
    struct sconce_a64_reg regs[STANDARD];
    int32_t r;

    if (!sconce_a64_standard_valid(from))
        return sconce_regs_invalid(err, "PC or PSTATE are none that a guest could have");
    r = drop_exception_elsewhere(vcpu, from->pc, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    list_standard(vcpu, regs);
    regs[0].value = from->sp;
    for (unsigned i = 0; i < SCONCE_A64_X_COUNT; i++)
        regs[1 + i].value = from->x[i];
    regs[STANDARD - 2].value = from->pc;
    regs[STANDARD - 1].value = from->pstate | SCONCE_A64_PSTATE_RUN;
    return vcpu->access->set(vcpu->vm, regs, STANDARD, err);
}

/* ---- Special ------------------------------------------------------------------------------- */

#define SPECIAL(field, id)                                                                         \
    {                                                                                              \
        offsetof(struct sconce_a64_special, field), SCONCE_A64_##id                                \
    }

static const struct {
    size_t offset;
    uint16_t id;
} special[] = {
    SPECIAL(tpidr_el0, TPIDR_EL0),     SPECIAL(tpidrro_el0, TPIDRRO_EL0),
    SPECIAL(tpidr_el1, TPIDR_EL1),     SPECIAL(sctlr_el1, SCTLR_EL1),
    SPECIAL(cpacr_el1, CPACR_EL1),     SPECIAL(tcr_el1, TCR_EL1),
    SPECIAL(ttbr0_el1, TTBR0_EL1),     SPECIAL(mair_el1, MAIR_EL1),
    SPECIAL(vbar_el1, VBAR_EL1),       SPECIAL(esr_el1, ESR_EL1),
    SPECIAL(far_el1, FAR_EL1),         SPECIAL(contextidr_el1, CONTEXTIDR_EL1),
    SPECIAL(cntkctl_el1, CNTKCTL_EL1),
};
#define SPECIALS (sizeof special / sizeof special[0])
_Static_assert(sizeof(struct sconce_a64_special) == 8 * SPECIALS, "every one is read");

static int32_t get_special(struct sconce_a64_vcpu *vcpu, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_a64_reg regs[SPECIALS];
    int32_t r;

    for (size_t i = 0; i < SPECIALS; i++)
        regs[i].id = special[i].id;
    r = vcpu->access->get(vcpu->vm, regs, SPECIALS, err);
    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < SPECIALS; i++)
        memcpy((uint8_t *)buf + special[i].offset, &regs[i].value, sizeof regs[i].value);
    return r;
}

static int32_t set_special(struct sconce_a64_vcpu *vcpu, const void *buf,
                           struct sconce_plugin_error *err)
{
    const struct sconce_a64_special *from = buf;
    struct sconce_a64_special now;
    int32_t r = get_special(vcpu, &now, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    /* The guest may hold anything there; the host gives it addresses. */
    if (from->tpidr_el0 != now.tpidr_el0 && !sconce_a64_untagged(from->tpidr_el0))
        return sconce_regs_invalid(err, "TPIDR_EL0 is an address of neither half");
    now.tpidr_el0 = from->tpidr_el0;
    if (memcmp(&now, from, sizeof now) != 0)
        return sconce_regs_invalid(err, "of the special ones only TPIDR_EL0 can be set");
    return set_reg(vcpu, SCONCE_A64_TPIDR_EL0, from->tpidr_el0, err);
}

/* ---- Float --------------------------------------------------------------------------------- */

static int32_t get_float(struct sconce_a64_vcpu *vcpu, void *buf, struct sconce_plugin_error *err)
{
    return vcpu->access->get_float(vcpu->vm, buf, err);
}

static int32_t set_float(struct sconce_a64_vcpu *vcpu, const void *buf,
                         struct sconce_plugin_error *err)
{
    if (!sconce_a64_float_valid(buf))
        return sconce_regs_invalid(err, "FPSR or FPCR are none that a guest could have");
    return vcpu->access->set_float(vcpu->vm, buf, err);
}

/* ---- Debug --------------------------------------------------------------------------------- */

#define PAIRS 16u

/* The numbers of breakpoint or watchpoint @i, and where the file has them. */
struct debug_pair {
    uint16_t value_id, control_id;
    size_t value_offset, control_offset;
};

static struct debug_pair debug_pair(bool watch, unsigned i)
{
    if (watch)
        return (struct debug_pair){SCONCE_A64_DBGWVR_EL1(i), SCONCE_A64_DBGWCR_EL1(i),
                                   offsetof(struct sconce_a64_debug, wvr[i]),
                                   offsetof(struct sconce_a64_debug, wcr[i])};
    return (struct debug_pair){SCONCE_A64_DBGBVR_EL1(i), SCONCE_A64_DBGBCR_EL1(i),
                               offsetof(struct sconce_a64_debug, bvr[i]),
                               offsetof(struct sconce_a64_debug, bcr[i])};
}

/* Of the pairs that the processor has: numbers, and where the file has each. */
static unsigned list_debug(const struct sconce_a64_features *features,
                           struct sconce_a64_reg regs[SCONCE_A64_DEBUG_MOST],
                           size_t offsets[SCONCE_A64_DEBUG_MOST])
{
    const unsigned counts[] = {SCONCE_A64_DFR0_BREAKPOINTS(features->dfr0),
                               SCONCE_A64_DFR0_WATCHPOINTS(features->dfr0)};
    unsigned n = 0;

    for (unsigned watch = 0; watch < 2; watch++)
        for (unsigned i = 0; i < counts[watch]; i++) {
            struct debug_pair pair = debug_pair(watch, i);

            offsets[n] = pair.value_offset;
            regs[n++] = (struct sconce_a64_reg){.id = pair.value_id};
            offsets[n] = pair.control_offset;
            regs[n++] = (struct sconce_a64_reg){.id = pair.control_id};
        }
    return n;
}

unsigned sconce_a64_debug_list(const struct sconce_a64_features *features,
                               struct sconce_a64_reg regs[SCONCE_A64_DEBUG_MOST])
{
    size_t offsets[SCONCE_A64_DEBUG_MOST];

    return list_debug(features, regs, offsets);
}

static int32_t get_debug(struct sconce_a64_vcpu *vcpu, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_a64_debug *to = buf;
    struct sconce_a64_reg regs[SCONCE_A64_DEBUG_MOST];
    size_t offsets[SCONCE_A64_DEBUG_MOST];
    unsigned count = list_debug(&vcpu->features, regs, offsets);
    int32_t r = vcpu->access->get(vcpu->vm, regs, count, err);

    memset(to, 0, sizeof *to);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < count; i++)
        memcpy((uint8_t *)buf + offsets[i], &regs[i].value, sizeof regs[i].value);
    return r == SCONCE_PLUGIN_OK ? get_reg(vcpu, SCONCE_A64_MDSCR_EL1, &to->mdscr_el1, err) : r;
}

/* Nothing is asked of pairs that the processor has not. */
static bool pairs_exist(const struct sconce_a64_debug *file, unsigned breakpoints,
                        unsigned watchpoints)
{
    uint64_t asked = 0;

    for (unsigned i = breakpoints; i < PAIRS; i++)
        asked |= file->bvr[i] | file->bcr[i];
    for (unsigned i = watchpoints; i < PAIRS; i++)
        asked |= file->wvr[i] | file->wcr[i];
    return asked == 0;
}

static int32_t set_debug(struct sconce_a64_vcpu *vcpu, const void *buf,
                         struct sconce_plugin_error *err)
{
    const struct sconce_a64_debug *from = buf;
    struct sconce_a64_reg regs[SCONCE_A64_DEBUG_MOST];
    size_t offsets[SCONCE_A64_DEBUG_MOST];
    unsigned count = list_debug(&vcpu->features, regs, offsets);
    int32_t r;

    if (!sconce_a64_debug_valid(from))
        return sconce_regs_invalid(
            err, "the debug ones have reserved bits, or an address beyond the guest");
    if (!pairs_exist(from, SCONCE_A64_DFR0_BREAKPOINTS(vcpu->features.dfr0),
                     SCONCE_A64_DFR0_WATCHPOINTS(vcpu->features.dfr0)))
        return sconce_regs_invalid(err, "the processor has not so many debug ones");
    for (unsigned i = 0; i < count; i++)
        memcpy(&regs[i].value, (const uint8_t *)buf + offsets[i], sizeof regs[i].value);
    r = vcpu->access->set(vcpu->vm, regs, count, err);
    return r == SCONCE_PLUGIN_OK ? set_reg(vcpu, SCONCE_A64_MDSCR_EL1, from->mdscr_el1, err) : r;
}

/* ---- The extension ------------------------------------------------------------------------- */

static const struct {
    int32_t (*get)(struct sconce_a64_vcpu *vcpu, void *to, struct sconce_plugin_error *err);
    int32_t (*set)(struct sconce_a64_vcpu *vcpu, const void *from, struct sconce_plugin_error *err);
} files[] = {
    [SCONCE_REGS_STANDARD] = {get_standard, set_standard},
    [SCONCE_REGS_SPECIAL] = {get_special, set_special},
    [SCONCE_REGS_FLOAT] = {get_float, set_float},
    [SCONCE_REGS_DEBUG] = {get_debug, set_debug},
};

static int32_t prepare(struct sconce_a64_vcpu *vcpu, uint32_t file, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t r = sconce_regs_check(*vcpu->state, vcpu->own != NULL, file,
                                  sconce_a64_file_bytes(file), bytes, err);

    return r == SCONCE_PLUGIN_OK ? settle(vcpu, err) : r;
}

int32_t sconce_a64_regs_get(struct sconce_a64_vcpu *vcpu, uint32_t file, void *buf, uint64_t bytes,
                            struct sconce_plugin_error *err)
{
    int32_t r = prepare(vcpu, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].get(vcpu, buf, err) : r;
}

int32_t sconce_a64_regs_set(struct sconce_a64_vcpu *vcpu, uint32_t file, const void *buf,
                            uint64_t bytes, struct sconce_plugin_error *err)
{
    int32_t r = prepare(vcpu, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].set(vcpu, buf, err) : r;
}
