/* SPDX-License-Identifier: Apache-2.0 */
/* The backend process-aarch64 as the core sees it: descriptor, ops, settings, extensions. */
#include <string.h>

#include "arch/aarch64/regs.h"
#include "arch/aarch64/table.h"
#include "plugins/process-aarch64/control.h"
#include "plugins/process-aarch64/process-aarch64.h"

const struct sconce_process_backend sconce_process_backend = {
    .vm_bytes = sizeof(struct process_a64_vm),
    .tls_at = SCONCE_CONTROL_TPIDR,
    .trial_code = process_a64_trial_code,
    .trial_bytes = sizeof process_a64_trial_code,
    .suits = process_a64_suits,
    .learn = process_a64_learn,
    .equip = process_a64_equip,
    .describe = process_a64_describe,
    .begin = process_a64_begin,
    .entry_problem = sconce_a64_entry_problem,
    .enter = process_a64_enter,
    .resume = process_a64_resume,
    .copy_frame = process_a64_copy_frame,
    .decode = process_a64_decode,
    .answer = process_a64_answer,
};

static const struct sconce_plugin_ops ops = {
    SCONCE_PROCESS_OPS,
    .mem_sync_code = process_a64_mem_sync_code,
};

static const void *get_extension(const char *id)
{
    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &sconce_a64_arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &process_a64_regs;
    if (strcmp(id, SCONCE_EXT_FAULT) == 0)
        return &process_a64_fault;
    return sconce_process_get_extension(id);
}

SCONCE_PLUGIN_DEFINE("process-aarch64", SCONCE_VERSION, "aarch64", 183, "process", "process",
                     "verified", "seccomp", SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
