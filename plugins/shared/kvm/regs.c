/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/kvm/regs.h"

#include <errno.h>

#include "plugins/shared/plugin-error.h"

int32_t sconce_kvm_regs_ioctl(struct sconce_kvm_vm *vm, unsigned long request, const void *argument,
                              const char *what, struct sconce_plugin_error *err)
{
    if (sconce_kvm_ioctl(vm->machine.vcpu_fd, request, argument) >= 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err,
                              errno == EINVAL ? SCONCE_PLUGIN_E_INVALID : SCONCE_PLUGIN_E_SYSTEM,
                              SCONCE_DOMAIN_ERRNO, errno, NULL, "cannot %s", what);
}
