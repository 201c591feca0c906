/* SPDX-License-Identifier: Apache-2.0 */
/* The backend process-x86_64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/x86_64/regs.h"
#include "arch/x86_64/table.h"
#include "plugins/process-x86_64/control.h"
#include "plugins/process-x86_64/process-x86_64.h"

const struct sconce_process_backend sconce_process_backend = {
    .vm_bytes = sizeof(struct process_x86_vm),
    .tls_at = SCONCE_CONTROL_FS_BASE,
    .trial_code = process_x86_trial_code,
    .trial_bytes = sizeof process_x86_trial_code,
    .stub = process_x86_stub,
    .learn = process_x86_learn,
    .equip = process_x86_equip,
    .describe = process_x86_describe,
    .begin = process_x86_begin,
    .entry_problem = process_x86_entry_problem,
    .enter = process_x86_enter,
    .resume = process_x86_resume,
    .copy_frame = process_x86_copy_frame,
    .decode = process_x86_decode,
    .answer = process_x86_answer,
};

static const struct sconce_plugin_ops ops = {SCONCE_PROCESS_OPS};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_x86_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &process_x86_regs;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return &process_x86_fault;
    return sconce_process_get_extension(id);
}

SCONCE_PLUGIN_DEFINE("process-x86_64", SCONCE_VERSION, "x86_64", 62, "process", "process",
                     "verified", "seccomp", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
