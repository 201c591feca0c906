/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/kvm/regs.h"

#include <errno.h>

#include "plugins/shared/plugin-error.h"

int32_t sconce_kvm_regs_invalid(struct sconce_plugin_error *err, const char *why)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot use the guest's registers: %s", why);
}

int32_t sconce_kvm_regs_check(const struct sconce_kvm_vm *vm, uint32_t file, uint64_t file_bytes,
                              uint64_t bytes, struct sconce_plugin_error *err)
{
    if (vm->state == SCONCE_VCPU_DEAD)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot use the guest's registers: the VM has failed");
    if (file_bytes == 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "there is no register file %u", file);
    if (bytes != file_bytes)
        return sconce_kvm_regs_invalid(err, "the buffer has not the file's size");
    if (!vm->sealed)
        return sconce_kvm_regs_invalid(err, "it has not been entered yet");
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_kvm_regs_ioctl(struct sconce_kvm_vm *vm, unsigned long request, const void *argument,
                              const char *what, struct sconce_plugin_error *err)
{
    if (sconce_kvm_ioctl(vm->machine.vcpu_fd, request, argument) >= 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err,
                              errno == EINVAL ? SCONCE_PLUGIN_E_INVALID : SCONCE_PLUGIN_E_SYSTEM,
                              SCONCE_DOMAIN_ERRNO, errno, NULL, "cannot %s", what);
}
