/* SPDX-License-Identifier: Apache-2.0 */
/* Entering, running, answering, kicking and scrubbing the vCPU. */
#include <errno.h>

#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/kvm/run.h"
#include "plugins/shared/plugin-error.h"

/* ---- Scrubbing ---------------------------------------------------------------------------- */

/* Resets what the architecture resets, the debug registers among it, and general registers to
 * zero; also what KVM keeps of injected exceptions. Needed once before anything else, too. */
static int32_t init_vcpu(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    if (sconce_kvm_ioctl(vm->kvm.machine.vcpu_fd, KVM_ARM_VCPU_INIT, &vm->init) == 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno,
                              errno == EINVAL ? KVM_A64_HINT_KINDS : NULL, "cannot reset the vCPU");
}

/* To the architecture all of these are unknown after a reset. KVM clears them, which the trial has
 * seen where init_clears_all says so. */
static int32_t scrub_general(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_X_COUNT; i++)
        r = kvm_a64_set_u64(vm->kvm.machine.vcpu_fd, KVM_A64_X(i), 0, err);
    return r;
}

static int32_t scrub_float(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    static const uint8_t zero[16];
    int fd = vm->kvm.machine.vcpu_fd;
    int32_t r = kvm_a64_set(fd, KVM_A64_FPSR, zero, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set(fd, KVM_A64_FPCR, zero, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_V_COUNT; i++)
        r = kvm_a64_set(fd, KVM_A64_V(i), zero, err);
    return r;
}

int32_t kvm_a64_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int fd = vm->kvm.machine.vcpu_fd;
    uint64_t save_gpa = vm->kvm.memory.gpa_max + SCONCE_A64_SAVE_OFFSET;
    int32_t r = init_vcpu(vm, err);

    if (r == SCONCE_PLUGIN_OK && !vm->init_clears_all)
        r = scrub_general(vm, err);
    if (r == SCONCE_PLUGIN_OK && !vm->init_clears_all)
        r = scrub_float(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_sysregs_set(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set_u64(fd, KVM_A64_SP_EL1, save_gpa, err);
    /* KVM leaves these two as they were; nobody reads them before the next exception. */
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set_u64(fd, KVM_A64_ELR_EL1, 0, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set_u64(fd, KVM_A64_SPSR_EL1, 0, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set_u64(fd, KVM_A64_PSTATE, SCONCE_A64_PSTATE_RUN, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_a64_save_clear(vm->kvm.own);
    sconce_kvm_forget_kick(&vm->kvm.machine);
    vm->a64.place = SCONCE_A64_IN_GUEST;
    vm->kvm.state = SCONCE_VCPU_FRESH;
    return SCONCE_PLUGIN_OK;
}

static int32_t is_clear(struct sconce_plugin_vm *vm, uint64_t number, bool *ret_clear,
                        struct sconce_plugin_error *err)
{
    uint64_t value[2] = {0, 0}; /* as wide as the widest */
    int32_t r = kvm_a64_get(vm->kvm.machine.vcpu_fd, number, value, err);

    if (value[0] | value[1])
        *ret_clear = false;
    return r;
}

int32_t kvm_a64_try_init(struct sconce_plugin_vm *vm, bool *ret_clears_all,
                         struct sconce_plugin_error *err)
{
    bool clear = true;
    int32_t r = init_vcpu(vm, err);

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_X_COUNT; i++)
        r = is_clear(vm, KVM_A64_X(i), &clear, err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_V_COUNT; i++)
        r = is_clear(vm, KVM_A64_V(i), &clear, err);
    if (r == SCONCE_PLUGIN_OK)
        r = is_clear(vm, KVM_A64_FPSR, &clear, err);
    if (r == SCONCE_PLUGIN_OK)
        r = is_clear(vm, KVM_A64_FPCR, &clear, err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_clears_all = clear;
    return r;
}

int32_t kvm_a64_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = sconce_kvm_vcpu_reset(&vm->kvm, true, err);

    if (r != SCONCE_PLUGIN_OK || !vm->kvm.sealed)
        return r;
    r = kvm_a64_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->kvm.state = SCONCE_VCPU_DEAD;
    return r;
}

/* ---- Entering and answering ------------------------------------------------------------------ */

int32_t kvm_a64_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                           struct sconce_plugin_error *err)
{
    return sconce_a64_vcpu_enter(&vm->a64, given, kvm_a64_seal, err);
}

int32_t kvm_a64_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                             struct sconce_plugin_error *err)
{
    return sconce_a64_vcpu_set_tls(&vm->a64, tls, err);
}

int32_t kvm_a64_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                              struct sconce_plugin_error *err)
{
    return sconce_a64_vcpu_complete(&vm->a64, result, err);
}

/* ---- Running ------------------------------------------------------------------------------- */

int32_t kvm_a64_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                         struct sconce_plugin_error *err)
{
    int outcome;
    int32_t r;

    do {
        r = sconce_kvm_vcpu_run(&vm->kvm, ret_exit, &outcome, err);
    } while (r == SCONCE_PLUGIN_OK && outcome == SCONCE_KVM_EXITED &&
             !kvm_a64_decode(vm, ret_exit));
    if (r == SCONCE_PLUGIN_OK && outcome == SCONCE_KVM_CANCELLED)
        vm->a64.place = SCONCE_A64_ANYWHERE;
    return r;
}

void kvm_a64_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    sconce_kvm_kick(&vm->kvm.machine);
}
