/* SPDX-License-Identifier: Apache-2.0 */
/* The vCPU's registers for what all backends of aarch64 do with them, and sconce.regs/1 and
 * sconce.fault/1. */
#include "plugins/shared/kvm/regs.h"

#include "arch/aarch64/regs.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/kvm/run.h"

static uint64_t number_of(uint16_t id)
{
    static const uint64_t numbers[] = {
        [SCONCE_A64_SP_EL0] = KVM_A64_SP_EL0,   [SCONCE_A64_PC] = KVM_A64_PC,
        [SCONCE_A64_PSTATE] = KVM_A64_PSTATE,   [SCONCE_A64_SP_EL1] = KVM_A64_SP_EL1,
        [SCONCE_A64_ELR_EL1] = KVM_A64_ELR_EL1, [SCONCE_A64_SPSR_EL1] = KVM_A64_SPSR_EL1,
    };

    if (id < SCONCE_A64_X_COUNT)
        return KVM_A64_X(id);
    return id < SCONCE_A64_CORE_COUNT ? numbers[id] : KVM_A64_SYSREG(id);
}

static int32_t get_regs(struct sconce_plugin_vm *vm, struct sconce_a64_reg *regs, unsigned count,
                        struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < count; i++)
        r = kvm_a64_get(vm->kvm.machine.vcpu_fd, number_of(regs[i].id), &regs[i].value, err);
    return r;
}

static int32_t set_regs(struct sconce_plugin_vm *vm, const struct sconce_a64_reg *regs,
                        unsigned count, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < count; i++)
        r = kvm_a64_set_u64(vm->kvm.machine.vcpu_fd, number_of(regs[i].id), regs[i].value, err);
    return r;
}

static int32_t get_float(struct sconce_plugin_vm *vm, struct sconce_a64_float *to,
                         struct sconce_plugin_error *err)
{
    int fd = vm->kvm.machine.vcpu_fd;
    uint32_t fpsr = 0, fpcr = 0;
    int32_t r = kvm_a64_get(fd, KVM_A64_FPSR, &fpsr, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_get(fd, KVM_A64_FPCR, &fpcr, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_V_COUNT; i++)
        r = kvm_a64_get(fd, KVM_A64_V(i), to->v[i], err);
    to->fpsr = fpsr;
    to->fpcr = fpcr;
    return r;
}

static int32_t set_float(struct sconce_plugin_vm *vm, const struct sconce_a64_float *from,
                         struct sconce_plugin_error *err)
{
    uint32_t fpsr = (uint32_t)from->fpsr, fpcr = (uint32_t)from->fpcr;
    int fd = vm->kvm.machine.vcpu_fd;
    int32_t r = kvm_a64_set(fd, KVM_A64_FPSR, &fpsr, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set(fd, KVM_A64_FPCR, &fpcr, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_V_COUNT; i++)
        r = kvm_a64_set(fd, KVM_A64_V(i), from->v[i], err);
    return r;
}

/* KVM does it at the next run. */
static int32_t finish(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_kvm_drain(&vm->kvm.machine, err);
}

const struct sconce_a64_access kvm_a64_access = {
    .get = get_regs,
    .set = set_regs,
    .get_float = get_float,
    .set_float = set_float,
    .finish = finish,
};

/* ---- The extension ------------------------------------------------------------------------- */

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    return sconce_a64_regs_get(&vm->a64, file, buf, bytes, err);
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    return sconce_a64_regs_set(&vm->a64, file, buf, bytes, err);
}

const struct sconce_ext_regs kvm_a64_regs = {
    .size = sizeof kvm_a64_regs,
    .get = get,
    .set = set,
};

static int32_t resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_vcpu_resume(&vm->kvm.state, err);
}

const struct sconce_ext_fault kvm_a64_fault = {
    .size = sizeof kvm_a64_fault,
    SCONCE_A64_FAULT_PLACES,
    .resume = resume,
};
