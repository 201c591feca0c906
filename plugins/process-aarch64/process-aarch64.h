/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this backend share: what its VM has beside that of every process backend
 * (plugins/shared/process/backend.h). */
#ifndef SCONCE_PLUGINS_PROCESS_AARCH64_H
#define SCONCE_PLUGINS_PROCESS_AARCH64_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/process-aarch64/frame.h"
#include "plugins/shared/process/backend.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

struct process_a64_vm {
    struct sconce_plugin_vm base;
    /* Of the last stop: copies. The records are those of the last one that may be a fault. */
    struct process_a64_frame frame;
    uint8_t records[PROCESS_A64_RECORDS_BYTES];
    uint64_t mask; /* of signals, with which guests run */
    bool moved;    /* frame.pc is not the child's: see exits.c */
    uint64_t esr;  /* of the last fault, as is */
    uint64_t far;  /* this */
};

static inline struct process_a64_vm *process_a64(struct sconce_plugin_vm *vm)
{
    return (struct process_a64_vm *)(void *)vm;
}

/* probe.c: as struct sconce_process_backend has them */
#define PROCESS_A64_TRIAL_BYTES 12u
extern const uint8_t process_a64_trial_code[PROCESS_A64_TRIAL_BYTES];
int32_t process_a64_suits(struct sconce_plugin_error *err);
int32_t process_a64_learn(const struct sconce_plugin_vm *trial, struct sconce_plugin_error *err);
void process_a64_equip(struct sconce_plugin_vm *vm);
void process_a64_describe(char *ret_text, size_t bytes);

/* vcpu.c: as struct sconce_process_backend has them */
bool process_a64_begin(struct sconce_plugin_vm *base, uint8_t *frame, uint64_t room);
void process_a64_enter(struct sconce_plugin_vm *base, const struct sconce_entry *entry);
void process_a64_resume(struct sconce_plugin_vm *base);
void process_a64_copy_frame(struct sconce_plugin_vm *base, int number);
void process_a64_answer(struct sconce_plugin_vm *base, int64_t result);
/* The op of that name. */
int32_t process_a64_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                                  struct sconce_plugin_error *err);
/* vm->frame and the child's agree. */
void process_a64_settle(struct process_a64_vm *vm);

/* regs.c */
extern const struct sconce_ext_regs process_a64_regs;
extern const struct sconce_ext_fault process_a64_fault;

/* exits.c: sets the VM's state, and frame.pc with moved */
bool process_a64_decode(struct sconce_plugin_vm *base, int number, struct sconce_exit *ret_exit);

#endif
