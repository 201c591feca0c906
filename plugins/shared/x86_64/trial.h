/* SPDX-License-Identifier: Apache-2.0 */
/* The trial guest of x86_64: how does a SYSCALL arrive, and does CPUID show the policy? */
#ifndef SCONCE_PLUGINS_SHARED_X86_64_TRIAL_H
#define SCONCE_PLUGINS_SHARED_X86_64_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "arch/x86_64/cpuid.h"
#include "plugins/shared/trial.h"
#include "plugins/shared/x86_64/vcpu.h"
#include "sconce-plugin.h"
#include "sconce-regs-x86_64.h"

/* What the trial found. */
struct sconce_x86_findings {
    enum sconce_x86_route route;
    bool cpuid_unfiltered; /* guests see the machine's CPUID, not the table's */
};

/* The ops that a trial takes, and how the backend reads the vCPU's general registers. */
struct sconce_x86_trial_ops {
    int32_t (*mem_map)(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                       const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
    int32_t (*enter)(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                     struct sconce_plugin_error *err);
    int32_t (*run)(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                   struct sconce_plugin_error *err);
    int32_t (*read)(struct sconce_plugin_vm *vm, struct sconce_x86_standard *ret_regs,
                    struct sconce_plugin_error *err);
};

/** sconce_x86_trial_init - as sconce_trial_init(), with the trial's code. */
int32_t sconce_x86_trial_init(struct sconce_trial *trial, struct sconce_plugin_error *err);

/**
 * sconce_x86_trial_run - in @vm, which was made by the trial's configuration and is good for
 * nothing else. It does end: code without a loop, and exceptions that do not arrive come to a third
 * one, which is a shutdown (SDM vol 3A 6.15, interrupt 8).
 * @entries: what the guest is to see of CPUID.
 * @mechanism: "KVM". UNAVAILABLE when it ends as no SYSCALL does.
 */
int32_t sconce_x86_trial_run(const struct sconce_trial *trial, struct sconce_plugin_vm *vm,
                             const struct sconce_x86_trial_ops *ops,
                             const struct sconce_x86_cpuid *entries, size_t count,
                             const char *mechanism, struct sconce_x86_findings *ret_findings,
                             struct sconce_plugin_error *err);

/** sconce_x86_simd_name - the widest registers that a guest has. */
const char *sconce_x86_simd_name(uint64_t xcr0);

#endif
