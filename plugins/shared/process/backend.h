/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM of a process backend, which is a locked process, and what all of them do with it whatever
 * the architecture: most of their ops are here.
 *
 * The guest runs as an unprivileged process that can make no system call. Whatever stops it is a
 * signal, whose frame the kernel writes on the alternate stack; the stub then reports, and the
 * kernel holds the process until the host answers. So an exit is one notification, and the guest's
 * registers are in that frame, which the host reads and writes.
 */
#ifndef SCONCE_PLUGINS_PROCESS_BACKEND_H
#define SCONCE_PLUGINS_PROCESS_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/mappings.h"
#include "plugins/shared/process/child.h"
#include "plugins/shared/process/patience.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-plugin.h"

/* The first member of each backend's own. */
struct sconce_plugin_vm {
    struct sconce_plugin_mappings memory;
    struct sconce_child child; /* none before the first entry; stopped between calls, or gone */
    enum sconce_vcpu_state state;
    bool gone; /* the child is dead: the next run says so */

    /* vcpu_kick_local's, which interrupts the thread that uses the rest. */
    atomic_bool kicked;
    atomic_bool running; /* the child may be in the guest */
    struct sconce_patience patience;
};

/**
 * struct sconce_process_backend - what a backend adds: its architecture.
 *
 * Functions that take a VM are called by the thread that uses it, while its child is stopped.
 */
struct sconce_process_backend {
    uint64_t vm_bytes; /* of its VM */
    uint64_t tls_at;   /* offset in the control area of the thread pointer, a u64 */
    /* Position-independent code: a doorbell, then a system call. */
    const uint8_t *trial_code;
    uint64_t trial_bytes;

    /* Can it be used at all? Asked before anything is made. NULL: it can. */
    int32_t (*suits)(struct sconce_plugin_error *err);
    uint32_t (*stub)(void); /* which of its stub's pages new children get. NULL: there is one */
    /* What @trial, a VM that has run the trial code, tells of all of them; kept by the backend for
     * the next two, which no other thread calls meanwhile. */
    int32_t (*learn)(const struct sconce_plugin_vm *trial, struct sconce_plugin_error *err);
    void (*equip)(struct sconce_plugin_vm *vm);     /* a VM that was just made, empty */
    void (*describe)(char *ret_text, size_t bytes); /* the end of the probe's description */

    /* @frame: that of a new child's first stop; it has @room bytes up to the stack's end. Makes it
     * one that starts a guest with every register at its initial value. False: of no known form. */
    bool (*begin)(struct sconce_plugin_vm *vm, uint8_t *frame, uint64_t room);
    const char *(*entry_problem)(const struct sconce_entry *entry, uint64_t *ret_value);
    void (*enter)(struct sconce_plugin_vm *vm, const struct sconce_entry *entry);
    void (*resume)(struct sconce_plugin_vm *vm); /* make the frame one to go on with: behind the
                                                  * doorbell, with the signals that stop a guest
                                                  * let through whatever the frame says */
    /* What @number, the signal that stopped the guest, needs of it; once. */
    void (*copy_frame)(struct sconce_plugin_vm *vm, int number);
    /* What the stop with signal @number and the copied frame means; sets vm->state. Returns false
     * when it means nothing: the guest is to go on. */
    bool (*decode)(struct sconce_plugin_vm *vm, int number, struct sconce_exit *ret_exit);
    void (*answer)(struct sconce_plugin_vm *vm, int64_t result); /* of a system call */
};

/* The backend's one, in its own file. */
extern const struct sconce_process_backend sconce_process_backend;

/* ---- Ops: probe.c, vm.c, vcpu.c ------------------------------------------------------------ */

int32_t sconce_process_configure(const char *key, const char *value,
                                 struct sconce_plugin_error *err);
int32_t sconce_process_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);

int32_t sconce_process_vm_create(const struct sconce_vm_config *config,
                                 struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
void sconce_process_vm_destroy(struct sconce_plugin_vm *vm);
int32_t sconce_process_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                               const struct sconce_mapping *mapping,
                               struct sconce_plugin_error *err);
int32_t sconce_process_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                                 struct sconce_plugin_error *err);

int32_t sconce_process_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t sconce_process_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                                  struct sconce_plugin_error *err);
int32_t sconce_process_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                                struct sconce_plugin_error *err);
int32_t sconce_process_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                                     struct sconce_plugin_error *err);
int32_t sconce_process_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                                    struct sconce_plugin_error *err);
void sconce_process_vcpu_kick_local(struct sconce_plugin_vm *vm);
/* sconce.fault/1's. */
int32_t sconce_process_fault_resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* These, in a table of a backend's (struct sconce_plugin_ops). */
#define SCONCE_PROCESS_OPS                                                                         \
    .size = sizeof(struct sconce_plugin_ops), .setting_count = SCONCE_PROCESS_SETTINGS,            \
    .settings = sconce_process_settings, .configure = sconce_process_configure,                    \
    .probe = sconce_process_probe, .vm_create = sconce_process_vm_create,                          \
    .vm_destroy = sconce_process_vm_destroy, .mem_map = sconce_process_mem_map,                    \
    .mem_unmap = sconce_process_mem_unmap, .vcpu_reset = sconce_process_vcpu_reset,                \
    .vcpu_enter = sconce_process_vcpu_enter, .vcpu_run = sconce_process_vcpu_run,                  \
    .vcpu_complete = sconce_process_vcpu_complete, .vcpu_set_tls = sconce_process_vcpu_set_tls,    \
    .vcpu_kick_local = sconce_process_vcpu_kick_local

/* Likewise: the settings, and the extensions that every process backend has. */
#define SCONCE_PROCESS_SETTINGS 1u
extern const struct sconce_plugin_setting sconce_process_settings[SCONCE_PROCESS_SETTINGS];
const void *sconce_process_get_extension(const char *id);

/* ---- Between these files, and for regs.c --------------------------------------------------- */

/** sconce_process_get_ready - probe once: can guests be made here, and what is to be known of them?
 * When they can, @vm (or NULL) is equipped. [any-thread] */
int32_t sconce_process_get_ready(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/** sconce_process_vm_make - a VM that is not equipped yet. */
int32_t sconce_process_vm_make(const struct sconce_vm_config *given,
                               struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);

/** sconce_process_regs_refuse - registers cannot be used: @why. Returns INVALID. */
int32_t sconce_process_regs_refuse(struct sconce_plugin_error *err, const char *why);

/** sconce_process_regs_check - may a register file of @file_bytes (0: there is none) be read or
 * written now, through a buffer of @bytes? Returns the status. */
int32_t sconce_process_regs_check(const struct sconce_plugin_vm *vm, uint32_t file,
                                  uint64_t file_bytes, uint64_t bytes,
                                  struct sconce_plugin_error *err);

#endif
