/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this backend share: the facts about the machine, and the VM.
 *
 * The guest runs at EL0 from its first instruction, under the shim and the page tables of
 * arch/aarch64, as on every hypervisor. The shim's report is a store to an address without memory:
 * a message, with PC still at the store, so PC is moved on here. There is no register page and no
 * VP state on this architecture: all registers go by hypercall. An exit is two ioctls.
 *
 * Written from the interface's documentation. Nobody has run it on the hypervisor, so a probe
 * refuses unless it is asked to try.
 */
#ifndef SCONCE_PLUGINS_MSHV_AARCH64_H
#define SCONCE_PLUGINS_MSHV_AARCH64_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/mshv-aarch64/hv.h"
#include "plugins/shared/aarch64/vcpu.h"
#include "plugins/shared/mshv/settings.h"
#include "plugins/shared/mshv/vm.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

/* What a reset writes, at most: core registers but PC, V0 to V31 with two controls, system
 * registers, debug registers, and what there may be besides. */
#define MSHV_A64_EXTRAS 8u
#define MSHV_A64_MAX_RESET                                                                         \
    (SCONCE_A64_CORE_COUNT + SCONCE_A64_V_COUNT + 2 + SCONCE_A64_SYSREG_COUNT +                    \
     SCONCE_A64_DEBUG_MOST + MSHV_A64_EXTRAS)

/* One register of a reset. */
struct mshv_a64_reset {
    struct mshv_register reg;
    bool needed; /* else a hypervisor that does not have it does no harm */
};

/* What of the machine does not change while the process lives. */
struct mshv_a64_facts {
    char device[SCONCE_DEVICE_BYTES];
    bool unverified; /* a setting: it is to be tried all the same */
    bool has_masks;  /* the kernel takes features that a partition is to be without */
    struct sconce_a64_features features;
    uint32_t missing_count;
    uint32_t missing[MSHV_A64_MAX_RESET]; /* names that no reset needs, and that are not here */
};

struct sconce_plugin_vm {
    struct sconce_mshv_vm mshv; /* own memory: from gpa_max + SCONCE_A64_OWN_OFFSET on */
    struct sconce_a64_vcpu a64;
    uint16_t reset_count;
    struct mshv_register reset[MSHV_A64_MAX_RESET];
};

/* probe.c */
int32_t mshv_a64_configure(const char *key, const char *value, struct sconce_plugin_error *err);
int32_t mshv_a64_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);
/* [any-thread] */
int32_t mshv_a64_facts(struct mshv_a64_facts *ret_facts, struct sconce_plugin_error *err);

/* sysregs.c */
/* Which of the host's features guests are to be without. */
extern const struct sconce_mshv_features mshv_a64_features;
/* The hypervisor's name of a register (SCONCE_A64_*); 0 for one that has none here. */
uint32_t mshv_a64_name(uint16_t id);
int32_t mshv_a64_features_read(int vp_fd, struct sconce_a64_features *ret_features,
                               struct sconce_plugin_error *err);
/* All that a reset writes, for a guest that ends at @gpa_max. Returns how many. */
uint16_t mshv_a64_reset_list(const struct sconce_a64_features *features, uint64_t gpa_max,
                             struct mshv_a64_reset list[MSHV_A64_MAX_RESET]);
/* Tries each of them on a VP that will not run: facts->missing. UNAVAILABLE when one is refused
 * that is needed. */
int32_t mshv_a64_reset_try(int vp_fd, struct mshv_a64_facts *facts,
                           struct sconce_plugin_error *err);
/* The list without what is missing becomes the VM's. */
void mshv_a64_reset_keep(struct sconce_plugin_vm *vm, const struct mshv_a64_facts *facts);

/* vm.c */
int32_t mshv_a64_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                           struct sconce_plugin_error *err);
int32_t mshv_a64_vm_create_with(const struct mshv_a64_facts *facts,
                                const struct sconce_vm_config *given,
                                struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
void mshv_a64_vm_destroy(struct sconce_plugin_vm *vm);
int32_t mshv_a64_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                         const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
int32_t mshv_a64_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                           struct sconce_plugin_error *err);
int32_t mshv_a64_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                               struct sconce_plugin_error *err);
/* Build what the guest's memory needs, before the first entry. Failure leaves the VM dead. */
int32_t mshv_a64_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* vcpu.c */
int32_t mshv_a64_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t mshv_a64_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                            struct sconce_plugin_error *err);
int32_t mshv_a64_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                          struct sconce_plugin_error *err);
int32_t mshv_a64_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                               struct sconce_plugin_error *err);
int32_t mshv_a64_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                              struct sconce_plugin_error *err);
void mshv_a64_vcpu_kick_local(struct sconce_plugin_vm *vm);
/* Every register class to its initial state. */
int32_t mshv_a64_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* regs.c */
extern const struct sconce_ext_regs mshv_a64_regs;
extern const struct sconce_ext_fault mshv_a64_fault;
extern const struct sconce_a64_access mshv_a64_access;

/* exits.c */
/* Decode the message that ended RUN_VP; sets state and place. */
void mshv_a64_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit);

/* watch.c: a guest's time is limited, where no kick comes. */
struct mshv_a64_watch {
    struct sconce_plugin_vm *vm;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    bool struck; /* its time was over before that */
    uint64_t ns;
};

/* After @ns all of the VM's memory is taken from its guest, which stops it at its next instruction;
 * the VM is good for nothing then but to be destroyed. */
int32_t mshv_a64_watch_start(struct mshv_a64_watch *watch, struct sconce_plugin_vm *vm, uint64_t ns,
                             struct sconce_plugin_error *err);
/* Was the memory taken? Then the run's exit tells of nothing but that. */
bool mshv_a64_watch_stop(struct mshv_a64_watch *watch);

static inline struct mshv_register mshv_a64_register(uint32_t name, uint64_t value)
{
    return (struct mshv_register){.name = name, .value = {.low = value}};
}

#endif
