/* SPDX-License-Identifier: Apache-2.0 */
/* The backend mshv-aarch64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/aarch64/table.h"
#include "plugins/mshv-aarch64/mshv-aarch64.h"

static const struct sconce_plugin_setting settings[] = {
    {"device", SCONCE_MSHV_DEVICE, "absolute path of the hypervisor's device node"},
    {"unverified", "no", "yes: use this backend although nobody has run it on the hypervisor"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = mshv_a64_configure,
    .probe = mshv_a64_probe,
    .vm_create = mshv_a64_vm_create,
    .vm_destroy = mshv_a64_vm_destroy,
    .mem_map = mshv_a64_mem_map,
    .mem_unmap = mshv_a64_mem_unmap,
    .mem_sync_code = mshv_a64_mem_sync_code,
    .vcpu_reset = mshv_a64_vcpu_reset,
    .vcpu_enter = mshv_a64_vcpu_enter,
    .vcpu_run = mshv_a64_vcpu_run,
    .vcpu_complete = mshv_a64_vcpu_complete,
    .vcpu_set_tls = mshv_a64_vcpu_set_tls,
    .vcpu_kick_local = mshv_a64_vcpu_kick_local,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_a64_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &mshv_a64_regs;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return &mshv_a64_fault;
    return NULL;
}

SCONCE_PLUGIN_DEFINE("mshv-aarch64", SCONCE_VERSION, "aarch64", 183, "mshv", "vm", "experimental",
                     "/dev/mshv", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
