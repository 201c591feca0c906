/* SPDX-License-Identifier: Apache-2.0 */
/* sconce.regs/1 of a KVM backend. */
#ifndef SCONCE_PLUGINS_SHARED_KVM_REGS_H
#define SCONCE_PLUGINS_SHARED_KVM_REGS_H

#include "plugins/shared/kvm/vm.h"
#include "sconce-plugin.h"

/** sconce_kvm_regs_ioctl - an ioctl on the vCPU; @what: "read debug registers". SYSTEM, INVALID. */
int32_t sconce_kvm_regs_ioctl(struct sconce_kvm_vm *vm, unsigned long request, const void *argument,
                              const char *what, struct sconce_plugin_error *err);

#endif
