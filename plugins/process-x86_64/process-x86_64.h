/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this backend share: the facts about the machine, and the VM, which is a locked
 * process.
 *
 * The guest runs as an unprivileged process that can make no system call. Whatever stops it is a
 * signal, whose frame the kernel writes on the alternate stack; the stub then reports, and the
 * kernel holds the process until the host answers. So an exit is one notification, and the guest's
 * registers are in that frame, which the host reads and writes.
 */
#ifndef SCONCE_PLUGINS_PROCESS_X86_64_H
#define SCONCE_PLUGINS_PROCESS_X86_64_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/x86_64/xsave.h"
#include "plugins/process-x86_64/frame.h"
#include "plugins/shared/mappings.h"
#include "plugins/shared/process/child.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

/* What of the machine does not change while the process lives. */
struct process_x86_facts {
    struct sconce_x86_xsave_layout xsave;
    uint32_t xstate_bytes; /* that the layout was made for */
    uint64_t xcr0;
    uint32_t layers; /* SCONCE_LAYER_* */
};

struct sconce_plugin_vm {
    struct sconce_plugin_mappings memory;
    struct sconce_child child; /* none before the first entry; stopped between calls, or gone */
    enum sconce_vcpu_state state;
    bool gone; /* the child is dead: the next run says so */
    struct process_x86_shape shape;
    struct process_x86_frame frame; /* of the last stop: a copy */
    uint8_t skip; /* bytes of the doorbell's instruction that the next run steps over */
    struct process_x86_facts facts;

    /* vcpu_kick_local's, which interrupts the thread that uses the rest. */
    atomic_bool kicked;
    atomic_bool running;            /* the child may be in the guest */
    _Atomic uint64_t kicked_at_ns;  /* by the clock, */
    _Atomic uint64_t kicked_cpu_ns; /* and by the child's processor time */
};

/* probe.c */
int32_t process_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err);
int32_t process_x86_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);
/* [any-thread] */
int32_t process_x86_facts(struct process_x86_facts *ret_facts, struct sconce_plugin_error *err);

/* cpuid.c */
/* Where @facts->xstate_bytes of an XSAVE area have what; and which of it guests may use. */
int32_t process_x86_cpuid_read(struct process_x86_facts *facts, struct sconce_plugin_error *err);

/* vm.c */
int32_t process_x86_vm_create(const struct sconce_vm_config *config,
                              struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
int32_t process_x86_vm_create_with(const struct process_x86_facts *facts,
                                   const struct sconce_vm_config *given,
                                   struct sconce_plugin_vm **ret_vm,
                                   struct sconce_plugin_error *err);
void process_x86_vm_destroy(struct sconce_plugin_vm *vm);
int32_t process_x86_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                            const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
int32_t process_x86_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                              struct sconce_plugin_error *err);

/* vcpu.c */
int32_t process_x86_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t process_x86_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                               struct sconce_plugin_error *err);
int32_t process_x86_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                             struct sconce_plugin_error *err);
int32_t process_x86_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                                  struct sconce_plugin_error *err);
int32_t process_x86_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                                 struct sconce_plugin_error *err);
void process_x86_vcpu_kick_local(struct sconce_plugin_vm *vm);
/* Step over the doorbell that stopped the guest, if one did: vm->frame and the child's agree. */
void process_x86_settle(struct sconce_plugin_vm *vm);

/* regs.c */
extern const struct sconce_ext_regs process_x86_regs;

/* exits.c */
/*
 * What a stop with signal @number and vm->frame means; sets state and skip. Returns false when it
 * means nothing: the guest is to go on.
 */
bool process_x86_decode(struct sconce_plugin_vm *vm, int number, struct sconce_exit *ret_exit);

#endif
