/* SPDX-License-Identifier: Apache-2.0 */
/* The backend process-x86_64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/x86_64/table.h"
#include "plugins/process-x86_64/process-x86_64.h"
#include "plugins/shared/process/zygote-host.h"
#include "sconce-ext-lifecycle.h"

static const struct sconce_plugin_setting settings[] = {
    {"namespaces", "yes", "put guests into namespaces of their own where the system lets them"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = process_x86_configure,
    .probe = process_x86_probe,
    .vm_create = process_x86_vm_create,
    .vm_destroy = process_x86_vm_destroy,
    .mem_map = process_x86_mem_map,
    .mem_unmap = process_x86_mem_unmap,
    .vcpu_reset = process_x86_vcpu_reset,
    .vcpu_enter = process_x86_vcpu_enter,
    .vcpu_run = process_x86_vcpu_run,
    .vcpu_complete = process_x86_vcpu_complete,
    .vcpu_set_tls = process_x86_vcpu_set_tls,
    .vcpu_kick_local = process_x86_vcpu_kick_local,
};

static const struct sconce_ext_lifecycle lifecycle = {
    .size = sizeof lifecycle,
    .release = sconce_zygote_release,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_x86_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &process_x86_regs;
    if (strcmp(id, SCONCE_EXT_LIFECYCLE) == 0)
        return &lifecycle;
    return NULL;
}

SCONCE_PLUGIN_DEFINE("process-x86_64", SCONCE_VERSION, "x86_64", 62, "process", "process",
                     "verified", "seccomp", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
