/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this backend share: the facts about the machine, and the VM.
 *
 * The guest runs at EL0 from its first instruction. Exceptions go to the shim of
 * arch/aarch64/supervisor.h, the doorbell's SVC among them: it leaves the registers that matter in
 * a page that host and guest share, and stores to a page that has no memory. So an exit is one
 * KVM_RUN, and nothing has to be read from the vCPU.
 */
#ifndef SCONCE_PLUGINS_KVM_AARCH64_H
#define SCONCE_PLUGINS_KVM_AARCH64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "plugins/shared/aarch64/vcpu.h"
#include "plugins/shared/kvm/settings.h"
#include "plugins/shared/kvm/vm.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

/* What of the machine does not change while the process lives. */
struct kvm_a64_facts {
    char device[SCONCE_DEVICE_BYTES];
    unsigned long vm_type; /* for KVM_CREATE_VM: how many address bits */
    unsigned ipa_bits;     /* how many KVM can give */
    bool read_only_slots;  /* KVM has them */
    bool init_clears_all;  /* KVM_ARM_VCPU_INIT leaves no general, FP or SIMD register as it was */
    struct sconce_a64_features features;
};

struct sconce_plugin_vm {
    struct sconce_kvm_vm kvm; /* own memory: from gpa_max + SCONCE_A64_OWN_OFFSET on */
    struct sconce_a64_vcpu a64;
    struct kvm_vcpu_init init; /* the processor that this VM's vCPU is to be */
    bool init_clears_all;
};
_Static_assert(offsetof(struct sconce_plugin_vm, kvm) == 0,
               "plugins/shared/kvm looks for it there");

#define KVM_A64_HINT_OLD "use a newer kernel: this one does not know the processor"
#define KVM_A64_HINT_KINDS                                                                         \
    "this machine's processors are of several kinds; keep the process on those of one (taskset "   \
    "-c)"

/* probe.c */
int32_t kvm_a64_configure(const char *key, const char *value, struct sconce_plugin_error *err);
int32_t kvm_a64_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);
/* [any-thread] */
int32_t kvm_a64_facts(struct kvm_a64_facts *ret_facts, struct sconce_plugin_error *err);
int32_t kvm_a64_open(const char *device, int *ret_fd, struct sconce_plugin_error *err);

/* sysregs.c: registers by KVM's numbers */
#define KVM_A64_X(n) (KVM_A64_CORE_U64(regs.regs[0]) + 2ull * (n))
#define KVM_A64_SP_EL0 KVM_A64_CORE_U64(regs.sp)
#define KVM_A64_PC KVM_A64_CORE_U64(regs.pc)
#define KVM_A64_PSTATE KVM_A64_CORE_U64(regs.pstate)
#define KVM_A64_SP_EL1 KVM_A64_CORE_U64(sp_el1)
#define KVM_A64_ELR_EL1 KVM_A64_CORE_U64(elr_el1)
#define KVM_A64_SPSR_EL1 KVM_A64_CORE_U64(spsr[KVM_SPSR_EL1])
#define KVM_A64_V(n)                                                                               \
    (KVM_A64_CORE(fp_regs.vregs[0], KVM_REG_SIZE_U128) + 4ull * (n)) /* counted in 32 bits */
#define KVM_A64_FPSR KVM_A64_CORE(fp_regs.fpsr, KVM_REG_SIZE_U32)
#define KVM_A64_FPCR KVM_A64_CORE(fp_regs.fpcr, KVM_REG_SIZE_U32)
#define KVM_A64_SYSREG(id) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (id))
#define KVM_A64_CORE(field, width)                                                                 \
    (KVM_REG_ARM64 | (width) | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define KVM_A64_CORE_U64(field) KVM_A64_CORE(field, KVM_REG_SIZE_U64)
/* @to, @from: as wide as the number says. */
int32_t kvm_a64_get(int vcpu_fd, uint64_t number, void *to, struct sconce_plugin_error *err);
int32_t kvm_a64_set(int vcpu_fd, uint64_t number, const void *from,
                    struct sconce_plugin_error *err);
int32_t kvm_a64_set_u64(int vcpu_fd, uint64_t number, uint64_t value,
                        struct sconce_plugin_error *err);
int32_t kvm_a64_features_read(int vcpu_fd, struct sconce_a64_features *ret_features,
                              struct sconce_plugin_error *err);
/* All of the list; a register that is not needed may be missing. */
int32_t kvm_a64_sysregs_set(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* vm.c */
int32_t kvm_a64_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                          struct sconce_plugin_error *err);
int32_t kvm_a64_vm_create_with(const struct kvm_a64_facts *facts,
                               const struct sconce_vm_config *given,
                               struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
/* What a vCPU can be on the processor that runs this: those of one machine may be of several kinds,
 * and older KVMs take a vCPU for one of them alone. UNAVAILABLE. */
int32_t kvm_a64_target(int vm_fd, struct kvm_vcpu_init *ret_init, struct sconce_plugin_error *err);
void kvm_a64_vm_destroy(struct sconce_plugin_vm *vm);
int32_t kvm_a64_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                        const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
int32_t kvm_a64_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                          struct sconce_plugin_error *err);
int32_t kvm_a64_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                              struct sconce_plugin_error *err);
/* Build what the guest's memory needs, before the first entry. Failure leaves the VM dead. */
int32_t kvm_a64_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* vcpu.c */
int32_t kvm_a64_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t kvm_a64_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                           struct sconce_plugin_error *err);
int32_t kvm_a64_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                         struct sconce_plugin_error *err);
int32_t kvm_a64_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                              struct sconce_plugin_error *err);
int32_t kvm_a64_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                             struct sconce_plugin_error *err);
void kvm_a64_vcpu_kick_local(struct sconce_plugin_vm *vm);
/* Every register class to its initial state. */
int32_t kvm_a64_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
/* After a guest that filled them: does KVM_ARM_VCPU_INIT alone clear what init_clears_all says?
 * Only a reset may follow. */
int32_t kvm_a64_try_init(struct sconce_plugin_vm *vm, bool *ret_clears_all,
                         struct sconce_plugin_error *err);

/* regs.c */
extern const struct sconce_ext_regs kvm_a64_regs;
extern const struct sconce_ext_fault kvm_a64_fault;
extern const struct sconce_a64_access kvm_a64_access;

/* exits.c */
/* Decode what stopped KVM_RUN; sets state and place. Returns false when there is nothing to tell
 * and the guest is to go on. */
bool kvm_a64_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit);

#endif
