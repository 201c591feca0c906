/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of a vCPU by KVM's numbers: one ioctl each. */
#include <errno.h>
#include <inttypes.h>

#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/plugin-error.h"

int32_t kvm_a64_get(int vcpu_fd, uint64_t number, void *to, struct sconce_plugin_error *err)
{
    const struct kvm_one_reg reg = {.id = number, .addr = (uint64_t)(uintptr_t)to};

    if (sconce_kvm_ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg) == 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                              "cannot read the vCPU's register 0x%" PRIx64, number);
}

static int32_t cannot_set(uint64_t number, struct sconce_plugin_error *err)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                              "cannot set the vCPU's register 0x%" PRIx64, number);
}

int32_t kvm_a64_set(int vcpu_fd, uint64_t number, const void *from, struct sconce_plugin_error *err)
{
    const struct kvm_one_reg reg = {.id = number, .addr = (uint64_t)(uintptr_t)from};

    if (sconce_kvm_ioctl(vcpu_fd, KVM_SET_ONE_REG, &reg) == 0)
        return SCONCE_PLUGIN_OK;
    return cannot_set(number, err);
}

int32_t kvm_a64_set_u64(int vcpu_fd, uint64_t number, uint64_t value,
                        struct sconce_plugin_error *err)
{
    return kvm_a64_set(vcpu_fd, number, &value, err);
}

int32_t kvm_a64_features_read(int vcpu_fd, struct sconce_a64_features *ret_features,
                              struct sconce_plugin_error *err)
{
    struct sconce_a64_features found;
    int32_t r = kvm_a64_get(vcpu_fd, KVM_A64_SYSREG(SCONCE_A64_ID_AA64DFR0_EL1), &found.dfr0, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_get(vcpu_fd, KVM_A64_SYSREG(SCONCE_A64_ID_AA64MMFR0_EL1), &found.mmfr0, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_get(vcpu_fd, KVM_A64_SYSREG(SCONCE_A64_ID_AA64MMFR1_EL1), &found.mmfr1, err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_features = found;
    return r;
}

/* ENOENT: there is no such register (Documentation/virt/kvm/api.rst 4.68). */
static int32_t set_if_there(int vcpu_fd, uint64_t number, uint64_t value,
                            struct sconce_plugin_error *err)
{
    const struct kvm_one_reg reg = {.id = number, .addr = (uint64_t)(uintptr_t)&value};

    if (sconce_kvm_ioctl(vcpu_fd, KVM_SET_ONE_REG, &reg) == 0 || errno == ENOENT)
        return SCONCE_PLUGIN_OK;
    return cannot_set(number, err);
}

int32_t kvm_a64_sysregs_set(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int fd = vm->kvm.machine.vcpu_fd;
    int32_t r = SCONCE_PLUGIN_OK;

    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < SCONCE_A64_SYSREG_COUNT; i++) {
        const struct sconce_a64_sysreg *reg = &vm->a64.sysregs[i];
        uint64_t number = KVM_A64_SYSREG(reg->id);

        r = reg->needed ? kvm_a64_set_u64(fd, number, reg->value, err)
                        : set_if_there(fd, number, reg->value, err);
    }
    return r;
}
