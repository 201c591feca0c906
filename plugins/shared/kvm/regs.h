/* SPDX-License-Identifier: Apache-2.0 */
/* sconce.regs/1 of a KVM backend: what is refused before a register is touched. */
#ifndef SCONCE_PLUGINS_SHARED_KVM_REGS_H
#define SCONCE_PLUGINS_SHARED_KVM_REGS_H

#include "plugins/shared/kvm/vm.h"
#include "sconce-plugin.h"

/** sconce_kvm_regs_check - can the file be had now? @file_bytes: its size, 0 when there is none. */
int32_t sconce_kvm_regs_check(const struct sconce_kvm_vm *vm, uint32_t file, uint64_t file_bytes,
                              uint64_t bytes, struct sconce_plugin_error *err);

/** sconce_kvm_regs_invalid - registers cannot be used: @why. INVALID. */
int32_t sconce_kvm_regs_invalid(struct sconce_plugin_error *err, const char *why);

/** sconce_kvm_regs_ioctl - an ioctl on the vCPU; @what: "read debug registers". SYSTEM, INVALID. */
int32_t sconce_kvm_regs_ioctl(struct sconce_kvm_vm *vm, unsigned long request, const void *argument,
                              const char *what, struct sconce_plugin_error *err);

/* One file, by callbacks of the backend's. */
struct sconce_kvm_regs_file {
    int32_t (*get)(struct sconce_plugin_vm *vm, void *to, struct sconce_plugin_error *err);
    int32_t (*set)(struct sconce_plugin_vm *vm, const void *from, struct sconce_plugin_error *err);
};

#endif
