/* SPDX-License-Identifier: Apache-2.0 */
/* The trial guest of aarch64: do the shim's reports arrive? */
#ifndef SCONCE_PLUGINS_SHARED_AARCH64_TRIAL_H
#define SCONCE_PLUGINS_SHARED_AARCH64_TRIAL_H

#include "plugins/shared/trial.h"
#include "sconce-plugin.h"

/* The ops that a trial takes. */
struct sconce_a64_trial_ops {
    int32_t (*mem_map)(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                       const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
    int32_t (*enter)(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                     struct sconce_plugin_error *err);
    int32_t (*run)(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                   struct sconce_plugin_error *err);
    int32_t (*complete)(struct sconce_plugin_vm *vm, int64_t result,
                        struct sconce_plugin_error *err);
};

/** sconce_a64_trial_init - as sconce_trial_init(), with the trial's code. */
int32_t sconce_a64_trial_init(struct sconce_trial *trial, struct sconce_plugin_error *err);

/**
 * sconce_a64_trial_run - in @vm, which was made by the trial's configuration and is good for
 * nothing else but a reset; its FP and SIMD registers are filled then. Vectors that do not work are
 * an exception after the other, for ever: there is no third one that stops the processor, as there
 * is on x86_64. So @ops->run has to see to an end.
 * @mechanism: "KVM". UNAVAILABLE when a stop is not as it must be.
 */
int32_t sconce_a64_trial_run(const struct sconce_trial *trial, struct sconce_plugin_vm *vm,
                             const struct sconce_a64_trial_ops *ops, const char *mechanism,
                             struct sconce_plugin_error *err);

#endif
