/* SPDX-License-Identifier: Apache-2.0 */
/* The backend kvm-x86_64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/x86_64/table.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"

static const struct sconce_plugin_setting settings[] = {
    {"device", SCONCE_KVM_DEVICE, "absolute path of KVM's device node"},
    {"dirty_log", "ring", "how written pages are found: ring, or bitmap, which older KVMs have"},
    {"tss", "busy", "type of the guest's TSS: busy, or, under QEMU's emulation, available"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = kvm_x86_configure,
    .probe = kvm_x86_probe,
    .vm_create = kvm_x86_vm_create,
    .vm_destroy = kvm_x86_vm_destroy,
    .mem_map = kvm_x86_mem_map,
    .mem_unmap = kvm_x86_mem_unmap,
    .vcpu_reset = kvm_x86_vcpu_reset,
    .vcpu_enter = kvm_x86_vcpu_enter,
    .vcpu_run = kvm_x86_vcpu_run,
    .vcpu_complete = kvm_x86_vcpu_complete,
    .vcpu_set_tls = kvm_x86_vcpu_set_tls,
    .vcpu_kick_local = kvm_x86_vcpu_kick_local,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_x86_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &kvm_x86_regs;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return &kvm_x86_fault;
    return sconce_kvm_get_extension(id);
}

SCONCE_PLUGIN_DEFINE("kvm-x86_64", SCONCE_VERSION, "x86_64", 62, "kvm", "vm", "verified",
                     "/dev/kvm", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
