/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.regs/1: register files of a stopped vCPU, as the guest sees them. While the vCPU stands in
 * the shim, some of the guest's registers are elsewhere; they are brought home first, and what the
 * shim has begun it begins again.
 */
#include "plugins/shared/kvm/regs.h"

#include <string.h>

#include "arch/aarch64/regs.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/kvm/run.h"
#include "plugins/shared/regs.h"
#include "sconce-regs-aarch64.h"

static int32_t get_u64(struct sconce_plugin_vm *vm, uint64_t number, uint64_t *to,
                       struct sconce_plugin_error *err)
{
    return kvm_a64_get(vm->kvm.machine.vcpu_fd, number, to, err);
}

static int32_t set_u64(struct sconce_plugin_vm *vm, uint64_t number, uint64_t value,
                       struct sconce_plugin_error *err)
{
    return kvm_a64_set_u64(vm->kvm.machine.vcpu_fd, number, value, err);
}

/* ---- Where the registers are ----------------------------------------------------------------- */

static int32_t restore_saved(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    /* The vCPU stands still, nobody else can write. */
    const struct sconce_a64_save *save = kvm_a64_save(vm);
    int32_t r = set_u64(vm, KVM_A64_X(0), save->x[0], err);

    return r == SCONCE_PLUGIN_OK ? set_u64(vm, KVM_A64_X(1), save->x[1], err) : r;
}

/* What ERET would do. */
static int32_t leave_shim(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t pc, pstate;
    int32_t r = get_u64(vm, KVM_A64_ELR_EL1, &pc, err);

    if (r == SCONCE_PLUGIN_OK)
        r = get_u64(vm, KVM_A64_SPSR_EL1, &pstate, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, KVM_A64_PC, pc, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, KVM_A64_PSTATE, sconce_a64_user_pstate(pstate) | KVM_A64_PSTATE_RUN, err);
    if (r == SCONCE_PLUGIN_OK)
        vm->place = KVM_A64_IN_GUEST;
    return r;
}

/* The vCPU stands at EL1. */
static int32_t settle_in_shim(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    enum sconce_a64_progress progress;
    unsigned vector;
    uint64_t pc;
    int32_t r = get_u64(vm, KVM_A64_PC, &pc, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (!sconce_a64_shim_at(vm->kvm.memory.gpa_max, pc, &vector, &progress))
        return sconce_regs_invalid(err, "the vCPU stopped where it has none");
    if (progress != SCONCE_A64_SHIM_ENTERED)
        r = restore_saved(vm, err);
    if (r == SCONCE_PLUGIN_OK && progress == SCONCE_A64_SHIM_REPORTED)
        return leave_shim(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, KVM_A64_PC, sconce_a64_vector_gpa(vm->kvm.memory.gpa_max, vector), err);
    if (r == SCONCE_PLUGIN_OK)
        vm->place = KVM_A64_AT_VECTOR;
    return r;
}

/* After this the vCPU is at one of two known places: IN_GUEST or AT_VECTOR. */
static int32_t settle(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;
    uint64_t pstate;

    if (vm->place == KVM_A64_AT_REPORT) {
        r = sconce_kvm_drain(&vm->kvm.machine, err);
        if (r == SCONCE_PLUGIN_OK)
            vm->place = KVM_A64_ANYWHERE;
    }
    if (r != SCONCE_PLUGIN_OK || vm->place != KVM_A64_ANYWHERE)
        return r;
    r = get_u64(vm, KVM_A64_PSTATE, &pstate, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    if ((pstate & SCONCE_A64_PSTATE_MODE) != SCONCE_A64_PSTATE_EL0T)
        return settle_in_shim(vm, err);
    vm->place = KVM_A64_IN_GUEST;
    return SCONCE_PLUGIN_OK;
}

/* ---- Standard ------------------------------------------------------------------------------ */

static uint64_t pc_number(const struct sconce_plugin_vm *vm)
{
    return vm->place == KVM_A64_AT_VECTOR ? KVM_A64_ELR_EL1 : KVM_A64_PC;
}

static uint64_t pstate_number(const struct sconce_plugin_vm *vm)
{
    return vm->place == KVM_A64_AT_VECTOR ? KVM_A64_SPSR_EL1 : KVM_A64_PSTATE;
}

static int32_t get_standard(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_a64_standard *to = buf;
    int32_t r = get_u64(vm, KVM_A64_SP_EL0, &to->sp, err);

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < 31; i++)
        r = get_u64(vm, KVM_A64_X(i), &to->x[i], err);
    if (r == SCONCE_PLUGIN_OK)
        r = get_u64(vm, pc_number(vm), &to->pc, err);
    if (r == SCONCE_PLUGIN_OK)
        r = get_u64(vm, pstate_number(vm), &to->pstate, err);
    if (r == SCONCE_PLUGIN_OK)
        to->pstate = sconce_a64_user_pstate(to->pstate);
    return r;
}

/* An exception that is still to be told goes with the PC that it was taken at. A guest that is sent
 * elsewhere has left it behind: told later, it would be the old syndrome with the new registers. */
static int32_t drop_exception_elsewhere(struct sconce_plugin_vm *vm, uint64_t pc,
                                        struct sconce_plugin_error *err)
{
    uint64_t now;
    int32_t r;

    if (vm->place != KVM_A64_AT_VECTOR)
        return SCONCE_PLUGIN_OK;
    r = get_u64(vm, KVM_A64_ELR_EL1, &now, err);
    if (r != SCONCE_PLUGIN_OK || now == pc)
        return r;
    kvm_a64_save(vm)->taken = SCONCE_A64_SAVE_TAKEN;
    return leave_shim(vm, err);
}

static int32_t set_standard(struct sconce_plugin_vm *vm, const void *buf,
                            struct sconce_plugin_error *err)
{
    const struct sconce_a64_standard *from = buf;
    int32_t r;

    if (!sconce_a64_standard_valid(from))
        return sconce_regs_invalid(err, "PC or PSTATE are none that a guest could have");
    r = drop_exception_elsewhere(vm, from->pc, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, KVM_A64_SP_EL0, from->sp, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < 31; i++)
        r = set_u64(vm, KVM_A64_X(i), from->x[i], err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, pc_number(vm), from->pc, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, pstate_number(vm), from->pstate | KVM_A64_PSTATE_RUN, err);
    return r;
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
_Static_assert(sizeof(struct sconce_a64_special) == 8 * (sizeof special / sizeof special[0]),
               "every one is read");

static int32_t get_special(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < sizeof special / sizeof special[0]; i++) {
        uint64_t value = 0;

        r = get_u64(vm, KVM_A64_SYSREG(special[i].id), &value, err);
        memcpy((uint8_t *)buf + special[i].offset, &value, sizeof value);
    }
    return r;
}

static int32_t set_special(struct sconce_plugin_vm *vm, const void *buf,
                           struct sconce_plugin_error *err)
{
    const struct sconce_a64_special *from = buf;
    struct sconce_a64_special now;
    int32_t r = get_special(vm, &now, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    /* The guest may hold anything there; the host gives it addresses. */
    if (from->tpidr_el0 != now.tpidr_el0 && !sconce_a64_untagged(from->tpidr_el0))
        return sconce_regs_invalid(err, "TPIDR_EL0 is an address of neither half");
    now.tpidr_el0 = from->tpidr_el0;
    if (memcmp(&now, from, sizeof now) != 0)
        return sconce_regs_invalid(err, "of the special ones only TPIDR_EL0 can be set");
    return set_u64(vm, KVM_A64_SYSREG(SCONCE_A64_TPIDR_EL0), from->tpidr_el0, err);
}

/* ---- Float and debug ----------------------------------------------------------------------- */

static int32_t get_float(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_a64_float *to = buf;
    int fd = vm->kvm.machine.vcpu_fd;
    uint32_t fpsr = 0, fpcr = 0;
    int32_t r = kvm_a64_get(fd, KVM_A64_FPSR, &fpsr, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_get(fd, KVM_A64_FPCR, &fpcr, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < 32; i++)
        r = kvm_a64_get(fd, KVM_A64_V(i), to->v[i], err);
    to->fpsr = fpsr;
    to->fpcr = fpcr;
    return r;
}

static int32_t set_float(struct sconce_plugin_vm *vm, const void *buf,
                         struct sconce_plugin_error *err)
{
    const struct sconce_a64_float *from = buf;
    uint32_t fpsr = (uint32_t)from->fpsr, fpcr = (uint32_t)from->fpcr;
    int fd = vm->kvm.machine.vcpu_fd;
    int32_t r;

    if (!sconce_a64_float_valid(from))
        return sconce_regs_invalid(err, "FPSR or FPCR are none that a guest could have");
    r = kvm_a64_set(fd, KVM_A64_FPSR, &fpsr, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set(fd, KVM_A64_FPCR, &fpcr, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < 32; i++)
        r = kvm_a64_set(fd, KVM_A64_V(i), from->v[i], err);
    return r;
}

/* The numbers of breakpoint or watchpoint @i, and where the file has them. */
struct debug_pair {
    uint16_t value_id, control_id;
    size_t value_offset, control_offset;
};

#define DEBUG_MOST 16u

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

static unsigned debug_count(const struct sconce_plugin_vm *vm, bool watch)
{
    return watch ? SCONCE_A64_DFR0_WATCHPOINTS(vm->features.dfr0)
                 : SCONCE_A64_DFR0_BREAKPOINTS(vm->features.dfr0);
}

static int32_t get_pairs(struct sconce_plugin_vm *vm, bool watch, uint8_t *file,
                         struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < debug_count(vm, watch); i++) {
        struct debug_pair pair = debug_pair(watch, i);
        uint64_t value = 0, control = 0;

        r = get_u64(vm, KVM_A64_SYSREG(pair.value_id), &value, err);
        if (r == SCONCE_PLUGIN_OK)
            r = get_u64(vm, KVM_A64_SYSREG(pair.control_id), &control, err);
        memcpy(file + pair.value_offset, &value, sizeof value);
        memcpy(file + pair.control_offset, &control, sizeof control);
    }
    return r;
}

/* Nothing is asked of pairs that the processor has not. */
static bool pairs_exist(const struct sconce_plugin_vm *vm, bool watch, const uint8_t *file)
{
    for (unsigned i = debug_count(vm, watch); i < DEBUG_MOST; i++) {
        struct debug_pair pair = debug_pair(watch, i);
        uint64_t value, control;

        memcpy(&value, file + pair.value_offset, sizeof value);
        memcpy(&control, file + pair.control_offset, sizeof control);
        if (value | control)
            return false;
    }
    return true;
}

static int32_t set_pairs(struct sconce_plugin_vm *vm, bool watch, const uint8_t *file,
                         struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < debug_count(vm, watch); i++) {
        struct debug_pair pair = debug_pair(watch, i);
        uint64_t value, control;

        memcpy(&value, file + pair.value_offset, sizeof value);
        memcpy(&control, file + pair.control_offset, sizeof control);
        r = set_u64(vm, KVM_A64_SYSREG(pair.value_id), value, err);
        if (r == SCONCE_PLUGIN_OK)
            r = set_u64(vm, KVM_A64_SYSREG(pair.control_id), control, err);
    }
    return r;
}

static int32_t get_debug(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_a64_debug *to = buf;
    int32_t r;

    memset(to, 0, sizeof *to);
    r = get_pairs(vm, false, buf, err);
    if (r == SCONCE_PLUGIN_OK)
        r = get_pairs(vm, true, buf, err);
    if (r == SCONCE_PLUGIN_OK)
        r = get_u64(vm, KVM_A64_SYSREG(SCONCE_A64_MDSCR_EL1), &to->mdscr_el1, err);
    return r;
}

static int32_t set_debug(struct sconce_plugin_vm *vm, const void *buf,
                         struct sconce_plugin_error *err)
{
    const struct sconce_a64_debug *from = buf;
    int32_t r;

    if (!sconce_a64_debug_valid(from))
        return sconce_regs_invalid(
            err, "the debug ones have reserved bits, or an address beyond the guest");
    if (!pairs_exist(vm, false, buf) || !pairs_exist(vm, true, buf))
        return sconce_regs_invalid(err, "the processor has not so many debug ones");
    r = set_pairs(vm, false, buf, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_pairs(vm, true, buf, err);
    if (r == SCONCE_PLUGIN_OK)
        r = set_u64(vm, KVM_A64_SYSREG(SCONCE_A64_MDSCR_EL1), from->mdscr_el1, err);
    return r;
}

/* ---- The extension ------------------------------------------------------------------------- */

static const struct sconce_regs_file files[] = {
    [SCONCE_REGS_STANDARD] = {get_standard, set_standard},
    [SCONCE_REGS_SPECIAL] = {get_special, set_special},
    [SCONCE_REGS_FLOAT] = {get_float, set_float},
    [SCONCE_REGS_DEBUG] = {get_debug, set_debug},
};

static int32_t prepare(struct sconce_plugin_vm *vm, uint32_t file, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t r = sconce_regs_check(vm->kvm.state, vm->kvm.sealed, file, sconce_a64_file_bytes(file),
                                  bytes, err);

    return r == SCONCE_PLUGIN_OK ? settle(vm, err) : r;
}

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    int32_t r = prepare(vm, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].get(vm, buf, err) : r;
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    int32_t r = prepare(vm, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].set(vm, buf, err) : r;
}

const struct sconce_ext_regs kvm_a64_regs = {
    .size = sizeof kvm_a64_regs,
    .get = get,
    .set = set,
};
