/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this backend share: the facts about the machine, and the VM.
 *
 * The guest runs in ring 3 from its first instruction, under the shim and the page tables of
 * arch/x86_64, as on every hypervisor: its doorbell and the shim's reports are OUTs. The hypervisor
 * tells of one before it is over, so PC is moved on here. General registers come and go in the
 * register page where there is one, else by hypercall; an exit is then one RUN_VP, or two ioctls.
 */
#ifndef SCONCE_PLUGINS_MSHV_X86_64_H
#define SCONCE_PLUGINS_MSHV_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/cpuid.h"
#include "arch/x86_64/supervisor.h"
#include "plugins/mshv-x86_64/hv.h"
#include "plugins/shared/mshv/settings.h"
#include "plugins/shared/mshv/state.h"
#include "plugins/shared/mshv/vm.h"
#include "plugins/shared/x86_64/trial.h"
#include "plugins/shared/x86_64/vcpu.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"
#include "sconce-regs-x86_64.h"

/* How many leaves are asked for: more than the policy knows, as the others are to be hidden. */
#define MSHV_X86_MAX_CPUID 96u

/* Names of MSRs that are put back at a reset, arch/x86_64's among them. */
#define MSHV_X86_MAX_MSRS 64u

/* What of the machine does not change while the process lives. */
struct mshv_x86_facts {
    char device[SCONCE_DEVICE_BYTES];
    struct sconce_x86_findings found;
    bool has_masks;         /* the kernel takes features that a partition is to be without */
    bool has_register_page; /* the hypervisor gives one */
    bool has_overrides;     /* the hypervisor takes what CPUID is to say */
    bool is_overridden;     /* and says so afterwards */
    struct sconce_x86_control control;
    uint32_t cpuid_count;
    struct sconce_x86_cpuid cpuid[MSHV_X86_MAX_CPUID]; /* what guests are to see */
    uint32_t override_count;
    struct sconce_x86_cpuid overrides[MSHV_X86_MAX_CPUID]; /* what they would see else, put right */
    uint32_t msr_count;
    uint32_t msrs[MSHV_X86_MAX_MSRS]; /* names that can be read and written here */
};

/* General registers, RIP and RFLAGS, by the register page's order. */
#define MSHV_X86_GENERAL 16u

struct mshv_x86_general {
    uint64_t gp[MSHV_X86_GENERAL];
    uint64_t rip;
    uint64_t rflags;
};

enum { MSHV_RAX, MSHV_RCX, MSHV_RDX, MSHV_RBX, MSHV_RSP, MSHV_RBP, MSHV_RSI, MSHV_RDI, MSHV_R8 };

struct sconce_plugin_vm {
    struct sconce_mshv_vm mshv; /* own memory: supervisor's pages, page tables, from gpa_max on */
    struct sconce_x86_vcpu x86;

    struct mshv_x86_general general; /* the VP's, as far as they are known */
    bool general_known;              /* all of them */
    uint32_t dirty;                  /* HV_DIRTY_*: what of them the VP has not yet */
    bool page_fresh;                 /* the last run ended with a message, which filled the page */

    uint64_t xcomp_bv; /* which components the XSAVE area has */
    struct sconce_mshv_state xsave;
    uint32_t msr_count;
    struct mshv_register msrs[MSHV_X86_MAX_MSRS]; /* what a reset writes */
};

/* probe.c */
int32_t mshv_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err);
int32_t mshv_x86_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);
/* [any-thread] */
int32_t mshv_x86_facts(struct mshv_x86_facts *ret_facts, struct sconce_plugin_error *err);

/* cpuid.c */
/* Which of the host's features the policy hides. */
extern const struct sconce_mshv_features mshv_x86_features;
/* What guests of a VP see, and what they are to see. */
int32_t mshv_x86_cpuid_read(int vp_fd, struct mshv_x86_facts *facts,
                            struct sconce_plugin_error *err);
int32_t mshv_x86_cpuid_set(int vp_fd, const struct mshv_x86_facts *facts,
                           struct sconce_plugin_error *err);
/* The same for a probe: a hypervisor that takes no overrides is no error, and is noted. */
int32_t mshv_x86_cpuid_try(int vp_fd, struct mshv_x86_facts *facts,
                           struct sconce_plugin_error *err);

/* vm.c */
int32_t mshv_x86_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                           struct sconce_plugin_error *err);
/* @facts: what is known yet; without a list of CPUID the VP shows its own. */
int32_t mshv_x86_vm_create_with(const struct mshv_x86_facts *facts,
                                const struct sconce_vm_config *given,
                                struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
void mshv_x86_vm_destroy(struct sconce_plugin_vm *vm);
int32_t mshv_x86_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                         const struct sconce_mapping *mapping, struct sconce_plugin_error *err);
int32_t mshv_x86_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                           struct sconce_plugin_error *err);
/* Build what the guest's memory needs, before the first entry. Failure leaves the VM dead. */
int32_t mshv_x86_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* msrs.c */
/* Which names there are here; UNAVAILABLE when one that matters can be read and not written. */
int32_t mshv_x86_msrs_find(int vp_fd, struct mshv_x86_facts *facts,
                           struct sconce_plugin_error *err);
/* What they hold in a VP that has not run becomes what a reset writes, but for arch/x86_64's. */
int32_t mshv_x86_msrs_keep(struct sconce_plugin_vm *vm, const struct mshv_x86_facts *facts,
                           struct sconce_plugin_error *err);

/* vcpu.c */
int32_t mshv_x86_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
int32_t mshv_x86_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                            struct sconce_plugin_error *err);
int32_t mshv_x86_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                          struct sconce_plugin_error *err);
int32_t mshv_x86_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                               struct sconce_plugin_error *err);
int32_t mshv_x86_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                              struct sconce_plugin_error *err);
void mshv_x86_vcpu_kick_local(struct sconce_plugin_vm *vm);
/* Every register class to its initial state; general ones with the next run. */
int32_t mshv_x86_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

/* general.c */
/* All general registers, unless they are known already. */
int32_t mshv_x86_general_fetch(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
/* What is dirty goes to the VP; the next thing is RUN_VP. */
int32_t mshv_x86_general_flush(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
/* After a RUN_VP that ended with a message: the VP has taken it. */
void mshv_x86_general_taken(struct sconce_plugin_vm *vm);
/* After a RUN_VP that ended without a message: what the VP has not taken of it is dirty again. */
void mshv_x86_general_take_back(struct sconce_plugin_vm *vm);
/* RIP alone, whatever else is known. */
void mshv_x86_general_set_rip(struct sconce_plugin_vm *vm, uint64_t rip);
/* By the file's order; fetches. */
int32_t mshv_x86_read_standard(struct sconce_plugin_vm *vm, struct sconce_x86_standard *ret_regs,
                               struct sconce_plugin_error *err);
void mshv_x86_write_standard(struct sconce_plugin_vm *vm, const struct sconce_x86_standard *regs);

/* regs.c */
extern const struct sconce_ext_regs mshv_x86_regs;
extern const struct sconce_ext_fault mshv_x86_fault;
/* Where the VP's XSAVE area has what: UNAVAILABLE when it is not as a guest's must be. */
int32_t mshv_x86_float_prepare(struct sconce_plugin_vm *vm, const struct mshv_x86_facts *facts,
                               struct sconce_plugin_error *err);
/* x87, SSE, AVX, AVX-512, to their initial state. */
int32_t mshv_x86_float_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
/* FS with another base: the thread pointer. */
int32_t mshv_x86_set_fs_base(struct sconce_plugin_vm *vm, uint64_t base,
                             struct sconce_plugin_error *err);

/* exits.c */
/* Decode the message that ended RUN_VP; sets state and place. */
void mshv_x86_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit);

static inline struct mshv_register mshv_x86_register(uint32_t name, uint64_t value)
{
    return (struct mshv_register){.name = name, .value = {.low = value}};
}

#endif
