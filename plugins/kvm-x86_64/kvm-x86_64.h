/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this backend share: the facts about the machine, and the VM.
 *
 * The guest runs in ring 3 from its first instruction. Exceptions go to the shim of
 * arch/x86_64/supervisor.h, whose only act is an OUT; the doorbell is an OUT of the guest's own. So
 * an exit is one KVM_RUN, and registers come and go in the page that is shared with the kernel.
 */
#ifndef SCONCE_PLUGINS_KVM_X86_64_H
#define SCONCE_PLUGINS_KVM_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/cpuid.h"
#include "arch/x86_64/supervisor.h"
#include "arch/x86_64/xsave.h"
#include "plugins/shared/kvm/settings.h"
#include "plugins/shared/kvm/vm.h"
#include "plugins/shared/x86_64/trial.h"
#include "plugins/shared/x86_64/vcpu.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

/* More than KVM lists on any processor so far. */
#define KVM_X86_MAX_CPUID 256u

/* What of the machine does not change while the process lives. */
struct kvm_x86_facts {
    char device[SCONCE_DEVICE_BYTES];
    struct sconce_x86_findings found;
    bool read_only_slots; /* KVM has them */
    bool tss_available;   /* set: TR's type is "available", where a processor's is "busy" */
    bool dirty_bitmap;    /* set: written pages are told by KVM's log, even if it has the ring */
    struct sconce_x86_control control;
    struct sconce_x86_xsave_layout xsave;
    uint32_t cpuid_count;
    struct sconce_x86_cpuid cpuid[KVM_X86_MAX_CPUID]; /* what KVM is told to show guests */
};

struct sconce_plugin_vm {
    struct sconce_kvm_vm kvm; /* own memory: supervisor's pages, page tables, from gpa_max on */
    struct sconce_x86_vcpu x86;
    bool tss_available;
    struct kvm_sregs sregs; /* at reset */

    /* Since the last scrub every exit was a doorbell, and nobody set registers that ring 3 cannot:
     * general registers, bases and XSAVE state are all that is not initial. */
    bool only_rang;
    uint64_t rung_at; /* where a reset left a doorbell unfinished; 0: nowhere */
};
_Static_assert(offsetof(struct sconce_plugin_vm, kvm) == 0,
               "plugins/shared/kvm looks for it there");

/* probe.c */
int32_t kvm_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err);
int32_t kvm_x86_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);
/* [any-thread] */
int32_t kvm_x86_facts(struct kvm_x86_facts *ret_facts, struct sconce_plugin_error *err);
int32_t kvm_x86_open(const char *device, int *ret_fd, struct sconce_plugin_error *err);

/* cpuid.c */
int32_t kvm_x86_cpuid_read(int device_fd, struct kvm_x86_facts *facts,
                           struct sconce_plugin_error *err);
int32_t kvm_x86_cpuid_set(int vcpu_fd, const struct kvm_x86_facts *facts,
                          struct sconce_plugin_error *err);

/* vm.c */
int32_t kvm_x86_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                          struct sconce_plugin_error *err);
int32_t kvm_x86_vm_create_with(const struct kvm_x86_facts *facts,
                               const struct sconce_vm_config *given,
                               struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
void kvm_x86_vm_destroy(struct sconce_plugin_vm *vm);
int32_t kvm_x86_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                        const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
int32_t kvm_x86_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                          struct sconce_plugin_error *err);
/* Build what the guest's memory needs, before the first entry. Failure leaves the VM dead. */
int32_t kvm_x86_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* vcpu.c */
int32_t kvm_x86_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t kvm_x86_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                           struct sconce_plugin_error *err);
int32_t kvm_x86_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                         struct sconce_plugin_error *err);
int32_t kvm_x86_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                              struct sconce_plugin_error *err);
int32_t kvm_x86_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                             struct sconce_plugin_error *err);
void kvm_x86_vcpu_kick_local(struct sconce_plugin_vm *vm);
/* Every register class to its initial state; the next KVM_RUN loads what is in the shared page. */
int32_t kvm_x86_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
/* The guest is to go on at @pc. Where that is the very doorbell that a reset left unfinished, it is
 * finished first, at another RIP. Failure leaves the VM dead. */
int32_t kvm_x86_leave_doorbell(struct sconce_plugin_vm *vm, uint64_t pc,
                               struct sconce_plugin_error *err);

/* regs.c */
extern const struct sconce_ext_regs kvm_x86_regs;
extern const struct sconce_ext_fault kvm_x86_fault;
/* The special registers into the shared page, unless the newest are there already. */
int32_t kvm_x86_fetch_sregs(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
/* What the shared page has, in the file's order. */
int32_t kvm_x86_read_standard(struct sconce_plugin_vm *vm, struct sconce_x86_standard *ret_regs,
                              struct sconce_plugin_error *err);

/* exits.c */
/* Decode what stopped KVM_RUN; sets state and place. */
void kvm_x86_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit);

static inline struct kvm_sync_regs *kvm_x86_sync(struct sconce_plugin_vm *vm)
{
    return &vm->kvm.machine.run->s.regs;
}

#endif
