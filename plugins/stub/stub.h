/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub backend, inside: a VM that runs no code. It holds the core to the contract of
 * sconce-plugin.h, call by call, and reports the exits that a script tells. sconce-backend-stub(7)
 * describes the script; the files here have the names that they have in every backend.
 */
#ifndef SCONCE_STUB_H
#define SCONCE_STUB_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/stub/script.h"
#include "sconce-plugin.h"
#include "sconce-regs-x86_64.h"

#define STUB_MAX_MAPPINGS 64u

/* Where a VM is in its life; vm.c has the table of what is allowed when. */
enum stub_state {
    STUB_FRESH,   /* created or reset: vcpu_enter comes next */
    STUB_ENTERED, /* vcpu_run may come */
    STUB_TRAPPED, /* a SYSCALL exit waits for vcpu_complete */
    STUB_STOPPED, /* after a terminal exit: vcpu_reset or vm_destroy */
    STUB_DEAD,    /* vm_destroy only */
    STUB_STATES
};

enum stub_op {
    STUB_OP_MAP,
    STUB_OP_RESET,
    STUB_OP_ENTER,
    STUB_OP_RUN,
    STUB_OP_COMPLETE,
    STUB_OP_SET_TLS,
    STUB_OPS
};

struct stub_mapping {
    struct sconce_mapping at;
    uint32_t role;
    uint8_t *host; /* of the first byte at at.gpa; borrowed from the core */
};

struct stub_regs {
    struct sconce_x86_standard standard;
    struct sconce_x86_special special;
    struct sconce_x86_float floats;
    struct sconce_x86_debug debug;
};

struct sconce_plugin_vm {
    enum stub_state state;
    bool was_entered; /* mappings are fixed from then on */
    struct sconce_vm_config config;
    struct stub_mapping mappings[STUB_MAX_MAPPINGS];
    uint32_t mapping_count;
    struct stub_regs regs;
    struct sconce_entry entry; /* of the last vcpu_enter: what READY offers to resume at */

    struct stub_script *script; /* a reference */
    uint32_t at;                /* the step that runs next */
    uint32_t *repeats;          /* how often each repeat has gone back, by step */
    uint64_t reply_at;          /* offset in IN that the last host-call asked for */
    int64_t result;             /* of the last vcpu_complete */
    bool has_result;
    int kick_fd; /* eventfd: readable while a kick is pending */
};

/* vm.c */
int32_t stub_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                       struct sconce_plugin_error *err);
void stub_vm_destroy(struct sconce_plugin_vm *vm);
int32_t stub_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                     const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
int32_t stub_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                       struct sconce_plugin_error *err);
int32_t stub_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                           struct sconce_plugin_error *err);

/** stub_allowed - may @op be called in the VM's state? Says which rule forbids it. */
int32_t stub_allowed(const struct sconce_plugin_vm *vm, enum stub_op op,
                     struct sconce_plugin_error *err);

/** stub_host - the host's view of guest memory, when one mapping that has all of @prot holds the
 * whole range; else NULL. */
uint8_t *stub_host(const struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes, uint32_t prot);

/** stub_mapping_of - the first mapping with @role, or NULL. */
const struct stub_mapping *stub_mapping_of(const struct sconce_plugin_vm *vm, uint32_t role);

/* vcpu.c */
int32_t stub_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t stub_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                        struct sconce_plugin_error *err);
int32_t stub_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                      struct sconce_plugin_error *err);
int32_t stub_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                           struct sconce_plugin_error *err);
int32_t stub_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                          struct sconce_plugin_error *err);
void stub_vcpu_kick_local(struct sconce_plugin_vm *vm);

/** stub_take_kick - is a kick pending? Consumes it. */
bool stub_take_kick(struct sconce_plugin_vm *vm);

/** stub_wait_kick - block until a kick is pending. Consumes it. */
void stub_wait_kick(struct sconce_plugin_vm *vm);

/* exits.c */

/** stub_play - follow the script up to its next exit. */
int32_t stub_play(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                  struct sconce_plugin_error *err);

/* frames.c: the guest's side of the guest ABI */

/** stub_fail_at - E_INVALID with the script's FILE:LINE before the text. */
int32_t stub_fail_at(const struct sconce_plugin_vm *vm, const struct stub_step *step,
                     struct sconce_plugin_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** stub_write_frame - put the frame of a READY, RETURN, ... step into OUT. */
int32_t stub_write_frame(struct sconce_plugin_vm *vm, const struct stub_step *step,
                         struct sconce_plugin_error *err);

/** stub_write_out - put raw bytes into OUT. */
int32_t stub_write_out(struct sconce_plugin_vm *vm, const struct stub_step *step,
                       struct sconce_plugin_error *err);

/** stub_expect_frame - hold what IN has against an `expect` step. */
int32_t stub_expect_frame(struct sconce_plugin_vm *vm, const struct stub_step *step,
                          struct sconce_plugin_error *err);

/** stub_expect_in - hold raw bytes of IN against an `expect in` step. */
int32_t stub_expect_in(struct sconce_plugin_vm *vm, const struct stub_step *step,
                       struct sconce_plugin_error *err);

/* regs.c */

/** stub_regs_reset - the state that a guest finds after vcpu_reset. */
void stub_regs_reset(struct stub_regs *regs);

/** stub_regs_enter - what vcpu_enter sets. */
void stub_regs_enter(struct stub_regs *regs, const struct sconce_entry *entry);

extern const struct sconce_ext_regs stub_ext_regs;

#endif
