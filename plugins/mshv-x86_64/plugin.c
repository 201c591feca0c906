/* SPDX-License-Identifier: Apache-2.0 */
/* The backend mshv-x86_64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/x86_64/table.h"
#include "plugins/mshv-x86_64/mshv-x86_64.h"

static const struct sconce_plugin_setting settings[] = {
    {"device", SCONCE_MSHV_DEVICE, "absolute path of the hypervisor's device node"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = mshv_x86_configure,
    .probe = mshv_x86_probe,
    .vm_create = mshv_x86_vm_create,
    .vm_destroy = mshv_x86_vm_destroy,
    .mem_map = mshv_x86_mem_map,
    .mem_unmap = mshv_x86_mem_unmap,
    .vcpu_reset = mshv_x86_vcpu_reset,
    .vcpu_enter = mshv_x86_vcpu_enter,
    .vcpu_run = mshv_x86_vcpu_run,
    .vcpu_complete = mshv_x86_vcpu_complete,
    .vcpu_set_tls = mshv_x86_vcpu_set_tls,
    .vcpu_kick_local = mshv_x86_vcpu_kick_local,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_x86_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &mshv_x86_regs;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return &mshv_x86_fault;
    return NULL;
}

SCONCE_PLUGIN_DEFINE("mshv-x86_64", SCONCE_VERSION, "x86_64", 62, "mshv", "vm", "double",
                     "/dev/mshv", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
