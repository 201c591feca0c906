/* SPDX-License-Identifier: Apache-2.0 */
/* sconce.regs/1 of a backend whose vCPU has registers: what is refused before one is touched. */
#ifndef SCONCE_PLUGINS_SHARED_REGS_H
#define SCONCE_PLUGINS_SHARED_REGS_H

#include <stdbool.h>

#include "plugins/shared/vcpu-state.h"
#include "sconce-plugin.h"

/**
 * sconce_regs_check - can the file be had now?
 * @entered: the guest has been, so that there are registers.
 * @file_bytes: its size, 0 when there is none.
 */
int32_t sconce_regs_check(enum sconce_vcpu_state state, bool entered, uint32_t file,
                          uint64_t file_bytes, uint64_t bytes, struct sconce_plugin_error *err);

/** sconce_regs_invalid - registers cannot be used: @why. INVALID. */
int32_t sconce_regs_invalid(struct sconce_plugin_error *err, const char *why);

/* One file, by callbacks of the backend's. */
struct sconce_regs_file {
    int32_t (*get)(struct sconce_plugin_vm *vm, void *to, struct sconce_plugin_error *err);
    int32_t (*set)(struct sconce_plugin_vm *vm, const void *from, struct sconce_plugin_error *err);
};

#endif
