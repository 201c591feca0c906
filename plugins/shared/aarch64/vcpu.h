/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU whose EL0 guest runs under the shim of arch/aarch64/supervisor.h, whatever hypervisor it
 * is of: where it stands, what the shim's reports mean, and where the guest's registers are. The
 * shim's only act is a store to a page without memory; how that arrives, and how a register is read
 * or written, is the backend's.
 */
#ifndef SCONCE_PLUGINS_SHARED_AARCH64_VCPU_H
#define SCONCE_PLUGINS_SHARED_AARCH64_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/supervisor.h"
#include "arch/aarch64/sysregs.h"
#include "plugins/shared/mappings.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-plugin.h"
#include "sconce-regs-aarch64.h"

/* ---- Registers ------------------------------------------------------------------------------- */

/* One number for each of 64 bits: system registers have the architecture's (sysregs.h), whose op0
 * makes all of them larger than these. */
#define SCONCE_A64_X(n) ((uint16_t)(n)) /* X0 to X30 */
#define SCONCE_A64_X_COUNT 31u
#define SCONCE_A64_SP_EL0 ((uint16_t)31)
#define SCONCE_A64_PC ((uint16_t)32)
#define SCONCE_A64_PSTATE ((uint16_t)33)
#define SCONCE_A64_SP_EL1 ((uint16_t)34)
#define SCONCE_A64_ELR_EL1 ((uint16_t)35)
#define SCONCE_A64_SPSR_EL1 ((uint16_t)36)
#define SCONCE_A64_CORE_COUNT 37u

#define SCONCE_A64_V_COUNT 32u

/* Values and controls of 16 breakpoints and as many watchpoints. */
#define SCONCE_A64_DEBUG_MOST 64u

struct sconce_a64_reg {
    uint16_t id;
    uint64_t value;
};

/* How the backend gets at them; in the order of the list, to the first that fails. */
struct sconce_a64_access {
    int32_t (*get)(struct sconce_plugin_vm *vm, struct sconce_a64_reg *regs, unsigned count,
                   struct sconce_plugin_error *err);
    int32_t (*set)(struct sconce_plugin_vm *vm, const struct sconce_a64_reg *regs, unsigned count,
                   struct sconce_plugin_error *err);
    int32_t (*get_float)(struct sconce_plugin_vm *vm, struct sconce_a64_float *to,
                         struct sconce_plugin_error *err);
    int32_t (*set_float)(struct sconce_plugin_vm *vm, const struct sconce_a64_float *from,
                         struct sconce_plugin_error *err);
    /* Finish the store that reported, so that PC is behind it; NULL where it always is. */
    int32_t (*finish)(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
};

/* The mode in which the guest runs: EL0, interrupts masked as there are none; SErrors are not, so
 * that one is told. */
#define SCONCE_A64_PSTATE_RUN 0x2c0ull /* D, I, F: Arm ARM C5.2.18 */

/* ---- The vCPU -------------------------------------------------------------------------------- */

/* Where it stands after an exit, and hence where the guest's PC, PSTATE, X0 and X1 are. All other
 * registers are where the guest left them, always. */
enum sconce_a64_place {
    SCONCE_A64_IN_GUEST,  /* in its registers */
    SCONCE_A64_AT_VECTOR, /* in ELR_EL1, SPSR_EL1 and its registers: the shim is to begin */
    SCONCE_A64_AT_REPORT, /* in the save area: the shim's store may not be finished */
    SCONCE_A64_ANYWHERE,  /* a kick stopped it: look first */
};

/* What a VM keeps of its vCPU. */
struct sconce_a64_vcpu {
    const struct sconce_a64_access *access;
    struct sconce_plugin_vm *vm;                 /* whose vCPU it is */
    const struct sconce_plugin_mappings *memory; /* the guest's; the supervisor's is behind it */
    enum sconce_vcpu_state *state;
    uint8_t *own; /* the host's view from SCONCE_A64_OWN_OFFSET on; NULL until it is built */
    enum sconce_a64_place place;
    struct sconce_a64_features features;
    struct sconce_a64_sysreg sysregs[SCONCE_A64_SYSREG_COUNT]; /* at reset; valid with own */
};

/** sconce_a64_vcpu_init - of a VM that does not move; the rest of @vcpu is zero. */
void sconce_a64_vcpu_init(struct sconce_a64_vcpu *vcpu, const struct sconce_a64_access *access,
                          struct sconce_plugin_vm *vm, const struct sconce_plugin_mappings *memory,
                          enum sconce_vcpu_state *state,
                          const struct sconce_a64_features *features);

static inline struct sconce_a64_save *sconce_a64_save(const struct sconce_a64_vcpu *vcpu)
{
    return (struct sconce_a64_save *)(void *)vcpu->own;
}

/* ---- Own memory ------------------------------------------------------------------------------ */

/** sconce_a64_own_bytes - the supervisor's pages and the page tables take that much at most: whole
 * granules. */
uint64_t sconce_a64_own_bytes(const struct sconce_a64_vcpu *vcpu);

/**
 * sconce_a64_own_build - write them into @own, @bytes as sconce_a64_own_bytes() said; from then on
 * it is the vCPU's.
 * @ret_used: how many are used, in whole granules.
 */
int32_t sconce_a64_own_build(struct sconce_a64_vcpu *vcpu, uint8_t *own, uint64_t bytes,
                             uint64_t *ret_used, struct sconce_plugin_error *err);

/* ---- Entering and answering ------------------------------------------------------------------ */

#define SCONCE_A64_HINT_PROCESS "use isolation = process: a weaker wall that needs no hypervisor"

/** sconce_a64_check_processor - has it what guests want? UNAVAILABLE. */
int32_t sconce_a64_check_processor(const struct sconce_a64_features *features,
                                   struct sconce_plugin_error *err);

/** sconce_a64_vcpu_enter - the op. @seal: called before the first entry, when own is NULL. */
int32_t sconce_a64_vcpu_enter(struct sconce_a64_vcpu *vcpu, const struct sconce_entry *given,
                              int32_t (*seal)(struct sconce_plugin_vm *,
                                              struct sconce_plugin_error *),
                              struct sconce_plugin_error *err);

/** sconce_a64_vcpu_set_tls - the op. */
int32_t sconce_a64_vcpu_set_tls(struct sconce_a64_vcpu *vcpu, uint64_t tls,
                                struct sconce_plugin_error *err);

/** sconce_a64_vcpu_complete - the op. The shim loads X0 from the save area; all else it returns
 * with is in ELR_EL1 and SPSR_EL1, as the processor left it. */
int32_t sconce_a64_vcpu_complete(struct sconce_a64_vcpu *vcpu, int64_t result,
                                 struct sconce_plugin_error *err);

/* ---- What a stop means: exit, state and place are filled ------------------------------------- */

/**
 * sconce_a64_memory_exit - an access to what has no memory, or not with that right: the shim's
 * report, or one that got past the page tables, which lead nowhere else.
 * @access: SCONCE_ACCESS_*. @bytes: how wide, where it is known; 0.
 */
void sconce_a64_memory_exit(struct sconce_a64_vcpu *vcpu, uint64_t address, uint32_t access,
                            uint32_t bytes, struct sconce_exit *ret_exit);

/** sconce_a64_shutdown_exit - the guest is lost. */
void sconce_a64_shutdown_exit(struct sconce_a64_vcpu *vcpu, struct sconce_exit *ret_exit);

/** sconce_a64_fail_exit - the VM is. */
void sconce_a64_fail_exit(struct sconce_a64_vcpu *vcpu, const char *text,
                          struct sconce_exit *ret_exit);

/* ---- sconce.regs/1 --------------------------------------------------------------------------- */

/**
 * sconce_a64_regs_get - a file of a stopped vCPU, as the guest sees it. While the vCPU stands in
 * the shim, some of the guest's registers are elsewhere; they are brought home first, and what the
 * shim has begun it begins again.
 */
int32_t sconce_a64_regs_get(struct sconce_a64_vcpu *vcpu, uint32_t file, void *buf, uint64_t bytes,
                            struct sconce_plugin_error *err);

/** sconce_a64_regs_set - the other way. */
int32_t sconce_a64_regs_set(struct sconce_a64_vcpu *vcpu, uint32_t file, const void *buf,
                            uint64_t bytes, struct sconce_plugin_error *err);

/** sconce_a64_debug_list - the numbers of all breakpoints and watchpoints that the processor has,
 * value and control of each. Returns how many numbers. */
unsigned sconce_a64_debug_list(const struct sconce_a64_features *features,
                               struct sconce_a64_reg regs[SCONCE_A64_DEBUG_MOST]);

#endif
