/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU whose ring-3 guest runs under the shim of arch/x86_64/supervisor.h, whatever hypervisor it
 * is of: where it stands, and what the shim's reports mean. The shim's only act is an OUT, so an
 * exception arrives as one; how registers are read is the backend's.
 *
 * @memory is the guest's, with the supervisor's pages from its gpa_max on; @own is the host's view
 * of them.
 */
#ifndef SCONCE_PLUGINS_SHARED_X86_64_VCPU_H
#define SCONCE_PLUGINS_SHARED_X86_64_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/fault.h"
#include "arch/x86_64/supervisor.h"
#include "arch/x86_64/xsave.h"
#include "plugins/shared/mappings.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-plugin.h"
#include "sconce-regs-x86_64.h"

/*
 * How a machine shows a guest's SYSCALL while EFER.SCE is clear. Found out once, by trying; the
 * other one is a plain fault, as a guest could imitate it with a jump.
 */
enum sconce_x86_route {
    SCONCE_X86_ROUTE_UNKNOWN,
    SCONCE_X86_ROUTE_UD, /* #UD at the instruction: what the SDM says (vol 2B, SYSCALL) */
    SCONCE_X86_ROUTE_PF, /* #PF on the fetch from LSTAR, return address in RCX: KVM-PVM */
};

/* Where the vCPU stands after an exit, and hence where the guest's PC, SP and flags are. */
enum sconce_x86_place {
    SCONCE_X86_IN_GUEST, /* in its registers */
    SCONCE_X86_AT_IO,    /* the same, once the hypervisor has finished the guest's own I/O */
    SCONCE_X86_IN_SHIM,  /* in the frame of trap_vector */
    SCONCE_X86_ANYWHERE, /* a kick stopped it: look first */
};

/* What a VM keeps of its vCPU. */
struct sconce_x86_vcpu {
    enum sconce_x86_place place;
    uint8_t trap_vector;
    bool trap_untold;        /* IN_SHIM, and a kick came before its OUT */
    uint64_t syscall_resume; /* state SYSCALL: where the guest goes on */

    enum sconce_x86_route route;
    struct sconce_x86_control control;
    struct sconce_x86_xsave_layout xsave;
    uint32_t msr_count;
    struct sconce_x86_msr msrs[SCONCE_X86_MSR_COUNT];
};

/** sconce_x86_vcpu_init - from the CPUID @entries that the guest is shown; xsave is the backend's.
 */
void sconce_x86_vcpu_init(struct sconce_x86_vcpu *vcpu, enum sconce_x86_route route,
                          const struct sconce_x86_control *control,
                          const struct sconce_x86_cpuid *entries, size_t count, uint64_t gpa_max);

/* ---- Own memory ----------------------------------------------------------------------------- */

/** sconce_x86_own_bytes - the supervisor's pages and the page tables take that much at most. */
uint64_t sconce_x86_own_bytes(const struct sconce_plugin_mappings *memory);

/**
 * sconce_x86_own_build - write them into @own: @bytes as sconce_x86_own_bytes() said.
 * @ret_used: how many are used.
 */
int32_t sconce_x86_own_build(const struct sconce_plugin_mappings *memory, uint8_t *own,
                             uint64_t bytes, uint64_t *ret_used, struct sconce_plugin_error *err);

/* ---- What the shim tells --------------------------------------------------------------------- */

enum sconce_x86_trap {
    SCONCE_X86_TRAP_OVER,    /* exit and state are filled */
    SCONCE_X86_TRAP_FAULT,   /* of the exception; CR2 of a #PF is the backend's to read */
    SCONCE_X86_TRAP_SYSCALL, /* syscall_resume is set; the registers are the backend's to read */
};

/**
 * sconce_x86_trap - the shim's port was written.
 * @rip, @rcx: of the vCPU, at the OUT or behind it.
 */
enum sconce_x86_trap sconce_x86_trap(struct sconce_x86_vcpu *vcpu,
                                     const struct sconce_plugin_mappings *memory,
                                     const uint8_t *own, uint64_t rip, uint64_t rcx,
                                     struct sconce_x86_exception *ret_exception,
                                     enum sconce_vcpu_state *state, struct sconce_exit *ret_exit);

/** sconce_x86_fault_exit - the guest faulted. */
void sconce_x86_fault_exit(const struct sconce_x86_exception *exception,
                           enum sconce_vcpu_state *state, struct sconce_exit *ret_exit);

/**
 * sconce_x86_syscall_exit - by the registers that Linux's convention names.
 * @regs: the general ones; PC, SP and flags are not looked at.
 */
void sconce_x86_syscall_exit(const struct sconce_x86_standard *regs, enum sconce_vcpu_state *state,
                             struct sconce_exit *ret_exit);

/**
 * sconce_x86_answer - have the shim return behind the guest's SYSCALL.
 * @ret_frame: what the guest will have; its RIP goes into RCX, its flags into R11.
 */
void sconce_x86_answer(const struct sconce_x86_vcpu *vcpu, uint8_t *own,
                       struct sconce_x86_frame *ret_frame);

/* ---- The guest's registers of a vCPU that may stand in the shim ------------------------------ */

/**
 * sconce_x86_look - a kick stopped the vCPU: where?
 * @user: it runs in ring 3. Returns false when it is where no vCPU may be.
 */
bool sconce_x86_look(struct sconce_x86_vcpu *vcpu, uint64_t gpa_max, bool user, uint64_t rip);

/** sconce_x86_show_standard - the vCPU's registers become the guest's. */
void sconce_x86_show_standard(const struct sconce_x86_vcpu *vcpu, const uint8_t *own,
                              struct sconce_x86_standard *regs);

/**
 * sconce_x86_put_standard - the guest's registers become the vCPU's.
 * @now: what the vCPU has. @regs: the guest's, valid; on return what to give to the vCPU.
 */
void sconce_x86_put_standard(struct sconce_x86_vcpu *vcpu, uint8_t *own, uint64_t gpa_max,
                             const struct sconce_x86_standard *now,
                             struct sconce_x86_standard *regs);

/** sconce_x86_show_special - CS and SS become the guest's. */
void sconce_x86_show_special(const struct sconce_x86_vcpu *vcpu, const uint8_t *own,
                             struct sconce_x86_special *regs);

/** sconce_x86_special_problem - what of @wanted cannot be had from @now, or NULL. */
const char *sconce_x86_special_problem(const struct sconce_x86_special *now,
                                       const struct sconce_x86_special *wanted);

#endif
