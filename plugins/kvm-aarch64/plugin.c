/* SPDX-License-Identifier: Apache-2.0 */
/* The backend kvm-aarch64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/aarch64/table.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"

static const struct sconce_plugin_setting settings[] = {
    {"device", SCONCE_KVM_DEVICE, "absolute path of KVM's device node"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = kvm_a64_configure,
    .probe = kvm_a64_probe,
    .vm_create = kvm_a64_vm_create,
    .vm_destroy = kvm_a64_vm_destroy,
    .mem_map = kvm_a64_mem_map,
    .mem_unmap = kvm_a64_mem_unmap,
    .mem_sync_code = kvm_a64_mem_sync_code,
    .vcpu_reset = kvm_a64_vcpu_reset,
    .vcpu_enter = kvm_a64_vcpu_enter,
    .vcpu_run = kvm_a64_vcpu_run,
    .vcpu_complete = kvm_a64_vcpu_complete,
    .vcpu_set_tls = kvm_a64_vcpu_set_tls,
    .vcpu_kick_local = kvm_a64_vcpu_kick_local,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_a64_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &kvm_a64_regs;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return &kvm_a64_fault;
    return sconce_kvm_get_extension(id);
}

SCONCE_PLUGIN_DEFINE("kvm-aarch64", SCONCE_VERSION, "aarch64", 183, "kvm", "vm", "verified",
                     "/dev/kvm", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
