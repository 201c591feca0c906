/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this backend share: the facts about the machine, and what its VM has beside
 * that of every process backend (plugins/shared/process/backend.h). */
#ifndef SCONCE_PLUGINS_PROCESS_X86_64_H
#define SCONCE_PLUGINS_PROCESS_X86_64_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/x86_64/xsave.h"
#include "plugins/process-x86_64/frame.h"
#include "plugins/shared/process/backend.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

/* What of the machine does not change while the process lives. */
struct process_x86_facts {
    struct sconce_x86_xsave_layout xsave;
    uint32_t xstate_bytes; /* that the layout was made for */
    uint64_t xcr0;
};

struct process_x86_vm {
    struct sconce_plugin_vm base;
    struct process_x86_shape shape;
    struct process_x86_frame frame; /* of the last stop: a copy */
    uint64_t bases[2];              /* of FS and GS, as the guest stopped with them */
    bool has_stopped;               /* it did, and they are known */
    uint8_t skip; /* bytes of the doorbell's instruction that the next run steps over */
    struct process_x86_facts facts;
};

static inline struct process_x86_vm *process_x86(struct sconce_plugin_vm *vm)
{
    return (struct process_x86_vm *)(void *)vm;
}

static inline const struct process_x86_vm *process_x86_const(const struct sconce_plugin_vm *vm)
{
    return (const struct process_x86_vm *)(const void *)vm;
}

/* probe.c: as struct sconce_process_backend has them */
#define PROCESS_X86_TRIAL_BYTES 6u
extern const uint8_t process_x86_trial_code[PROCESS_X86_TRIAL_BYTES];
uint32_t process_x86_stub(void);
const char *process_x86_entry_problem(const struct sconce_entry *entry, uint64_t *ret_value);
int32_t process_x86_learn(const struct sconce_plugin_vm *trial, struct sconce_plugin_error *err);
void process_x86_equip(struct sconce_plugin_vm *vm);
void process_x86_describe(char *ret_text, size_t bytes);

/** process_x86_base_fits - can the stub load it as the base of FS or GS? Addresses of the kernel's
 * half only where there is FSGSBASE. */
bool process_x86_base_fits(uint64_t base);

/* cpuid.c */
/* Where @facts->xstate_bytes of an XSAVE area have what; and which of it guests may use. */
int32_t process_x86_cpuid_read(struct process_x86_facts *facts, struct sconce_plugin_error *err);

/* vcpu.c: as struct sconce_process_backend has them */
bool process_x86_begin(struct sconce_plugin_vm *base, uint8_t *frame, uint64_t room);
void process_x86_enter(struct sconce_plugin_vm *base, const struct sconce_entry *entry);
void process_x86_resume(struct sconce_plugin_vm *base);
void process_x86_copy_frame(struct sconce_plugin_vm *base, int number);
void process_x86_answer(struct sconce_plugin_vm *base, int64_t result);
/* Step over the doorbell that stopped the guest, if one did: vm->frame and the child's agree. */
void process_x86_settle(struct process_x86_vm *vm);

/* regs.c */
extern const struct sconce_ext_regs process_x86_regs;
extern const struct sconce_ext_fault process_x86_fault;

/* exits.c: sets the VM's state and skip */
bool process_x86_decode(struct sconce_plugin_vm *base, int number, struct sconce_exit *ret_exit);

#endif
