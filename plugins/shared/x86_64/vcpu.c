/* SPDX-License-Identifier: Apache-2.0 */
/* Own memory, the shim's reports, and registers around them. What is read here may come from the
 * guest. */
#include "plugins/shared/x86_64/vcpu.h"

#include <string.h>

#include "arch/x86_64/paging.h"
#include "arch/x86_64/regs.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/plugin-error.h"

#define MAX_RANGES (SCONCE_PLUGIN_MAX_MAPPINGS + SCONCE_X86_SUPERVISOR_RANGES)

/* A fetch in ring 3 from a page that is there, but the supervisor's. */
#define PF_FETCH_FROM_SUPERVISOR (SCONCE_X86_PF_PRESENT | SCONCE_X86_PF_USER | SCONCE_X86_PF_FETCH)

static const uint8_t syscall_insn[2] = {0x0f, 0x05};

void sconce_x86_vcpu_init(struct sconce_x86_vcpu *vcpu, enum sconce_x86_route route,
                          const struct sconce_x86_control *control,
                          const struct sconce_x86_cpuid *entries, size_t count, uint64_t gpa_max)
{
    *vcpu = (struct sconce_x86_vcpu){.route = route, .control = *control};
    vcpu->msr_count =
        sconce_x86_msrs(entries, count, gpa_max + SCONCE_X86_LSTAR_OFFSET, vcpu->msrs);
}

/* ---- Own memory ----------------------------------------------------------------------------- */

/* The guest's mappings and the supervisor's pages; the tables themselves are mapped nowhere. */
static size_t list_ranges(const struct sconce_plugin_mappings *memory,
                          struct sconce_x86_range ranges[MAX_RANGES])
{
    size_t count = memory->count;

    for (size_t i = 0; i < count; i++) {
        const struct sconce_plugin_range *range = &memory->ranges[i];

        ranges[i] = (struct sconce_x86_range){range->gpa, range->bytes, range->prot, true};
    }
    sconce_x86_supervisor_ranges(memory->gpa_max, &ranges[count]);
    return count + SCONCE_X86_SUPERVISOR_RANGES;
}

uint64_t sconce_x86_own_bytes(const struct sconce_plugin_mappings *memory)
{
    struct sconce_x86_range ranges[MAX_RANGES];
    size_t count = list_ranges(memory, ranges);

    return SCONCE_X86_SUPERVISOR_BYTES + sconce_x86_paging_bytes(ranges, count);
}

int32_t sconce_x86_own_build(const struct sconce_plugin_mappings *memory, uint8_t *own,
                             uint64_t bytes, uint64_t *ret_used, struct sconce_plugin_error *err)
{
    struct sconce_x86_range ranges[MAX_RANGES];
    size_t count = list_ranges(memory, ranges);
    uint64_t used;
    int r;

    sconce_x86_supervisor_build(own, memory->gpa_max);
    r = sconce_x86_paging_build(ranges, count, own + SCONCE_X86_SUPERVISOR_BYTES,
                                bytes - SCONCE_X86_SUPERVISOR_BYTES,
                                memory->gpa_max + SCONCE_X86_SUPERVISOR_BYTES, &used);
    if (r != SCONCE_X86_PAGING_OK)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_PLUGIN, r, NULL,
                                  "cannot build the guest's page tables");
    *ret_used = SCONCE_X86_SUPERVISOR_BYTES + used;
    return SCONCE_PLUGIN_OK;
}

/* ---- What the shim tells --------------------------------------------------------------------- */

void sconce_x86_fault_exit(const struct sconce_x86_exception *exception,
                           enum sconce_vcpu_state *state, struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAULT;
    sconce_x86_fault(exception, &ret_exit->u.fault);
    *state = SCONCE_VCPU_FAULTED;
}

void sconce_x86_syscall_exit(const struct sconce_x86_standard *regs, enum sconce_vcpu_state *state,
                             struct sconce_exit *ret_exit)
{
    /* The Linux convention: x86-64 psABI A.2.1. */
    ret_exit->kind = SCONCE_EXIT_SYSCALL;
    ret_exit->u.syscall = (struct sconce_exit_syscall){
        .id = SCONCE_SYS_UNKNOWN,
        .raw_nr = regs->rax,
        .args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
    };
    *state = SCONCE_VCPU_SYSCALL;
}

/* Is the exception what a SYSCALL looks like here? Then @ret_resume is behind the instruction. */
static bool is_syscall(const struct sconce_x86_vcpu *vcpu,
                       const struct sconce_plugin_mappings *memory,
                       const struct sconce_x86_frame *frame, uint64_t rcx, uint64_t *ret_resume)
{
    uint8_t insn[sizeof syscall_insn];

    switch (vcpu->route) {
    case SCONCE_X86_ROUTE_UD:
        *ret_resume = frame->rip + sizeof insn;
        return vcpu->trap_vector == SCONCE_X86_VECTOR_UD &&
               sconce_plugin_mappings_read(memory, frame->rip, insn, sizeof insn,
                                           SCONCE_PROT_EXEC) &&
               memcmp(insn, syscall_insn, sizeof insn) == 0;
    case SCONCE_X86_ROUTE_PF:
        *ret_resume = rcx;
        return vcpu->trap_vector == SCONCE_X86_VECTOR_PF &&
               frame->error == PF_FETCH_FROM_SUPERVISOR &&
               frame->rip == memory->gpa_max + SCONCE_X86_LSTAR_OFFSET;
    case SCONCE_X86_ROUTE_UNKNOWN:
    default:
        return false;
    }
}

enum sconce_x86_trap sconce_x86_trap(struct sconce_x86_vcpu *vcpu,
                                     const struct sconce_plugin_mappings *memory,
                                     const uint8_t *own, uint64_t rip, uint64_t rcx,
                                     struct sconce_x86_exception *ret_exception,
                                     enum sconce_vcpu_state *state, struct sconce_exit *ret_exit)
{
    struct sconce_x86_frame frame;
    uint64_t resume;

    if (!sconce_x86_shim_vector(memory->gpa_max, rip, &vcpu->trap_vector)) {
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_PLUGIN, 1,
                         "the shim's port was written by something else");
        *state = SCONCE_VCPU_DEAD;
        return SCONCE_X86_TRAP_OVER;
    }
    vcpu->place = SCONCE_X86_IN_SHIM;
    vcpu->trap_untold = false;
    sconce_x86_frame_read(own, vcpu->trap_vector, &frame);
    if ((frame.cs & 3) != 3) {
        /* The shim itself was interrupted: its frame may be gone, and with it the guest. */
        ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
        *state = SCONCE_VCPU_STOPPED;
        return SCONCE_X86_TRAP_OVER;
    }
    *ret_exception = (struct sconce_x86_exception){.vector = vcpu->trap_vector,
                                                   .error = (uint32_t)frame.error,
                                                   .rip = frame.rip,
                                                   .rsp = frame.rsp};
    if (!is_syscall(vcpu, memory, &frame, rcx, &resume))
        return SCONCE_X86_TRAP_FAULT;
    if (sconce_x86_user_address(resume)) {
        vcpu->syscall_resume = resume;
        return SCONCE_X86_TRAP_SYSCALL;
    }
    /* Nowhere to go back to: what the return would have raised. */
    *ret_exception = (struct sconce_x86_exception){.vector = SCONCE_X86_VECTOR_GP, .rip = resume};
    return SCONCE_X86_TRAP_FAULT;
}

/* The shim returns to the guest with the frame that is written here, so nothing may be in it that
 * IRETQ refuses in ring 0 (SDM vol 2A, IRET): RIP was checked when the call was decoded, selectors
 * and flags are put right, any RSP is taken. */
void sconce_x86_answer(const struct sconce_x86_vcpu *vcpu, uint8_t *own,
                       struct sconce_x86_frame *ret_frame)
{
    sconce_x86_frame_read(own, vcpu->trap_vector, ret_frame);
    ret_frame->rip = vcpu->syscall_resume;
    ret_frame->cs = SCONCE_X86_USER_CS;
    ret_frame->ss = SCONCE_X86_USER_SS;
    ret_frame->rflags = sconce_x86_user_rflags(ret_frame->rflags);
    sconce_x86_frame_write(own, vcpu->trap_vector, ret_frame);
}

/* ---- The guest's registers of a vCPU that may stand in the shim ------------------------------ */

bool sconce_x86_look(struct sconce_x86_vcpu *vcpu, uint64_t gpa_max, bool user, uint64_t rip)
{
    if (user) {
        vcpu->place = SCONCE_X86_IN_GUEST;
        return true;
    }
    if (!sconce_x86_shim_vector(gpa_max, rip, &vcpu->trap_vector))
        return false;
    vcpu->place = SCONCE_X86_IN_SHIM;
    vcpu->trap_untold = rip == sconce_x86_shim_report(gpa_max, vcpu->trap_vector);
    return true;
}

void sconce_x86_show_standard(const struct sconce_x86_vcpu *vcpu, const uint8_t *own,
                              struct sconce_x86_standard *regs)
{
    struct sconce_x86_frame frame;

    if (vcpu->place != SCONCE_X86_IN_SHIM)
        return;
    sconce_x86_frame_read(own, vcpu->trap_vector, &frame);
    regs->rip = frame.rip;
    regs->rsp = frame.rsp;
    regs->rflags = frame.rflags;
}

/* An exception that is still to be told goes with the PC that it was taken at. A guest that is sent
 * elsewhere has left it behind: told later, it would be the old vector with the new registers. So
 * the shim goes on as if it had been told. Returns where it goes on, which stands at @rip. */
static uint64_t drop_exception_elsewhere(struct sconce_x86_vcpu *vcpu, const uint8_t *own,
                                         uint64_t gpa_max, uint64_t rip, uint64_t to)
{
    struct sconce_x86_frame now;

    sconce_x86_frame_read(own, vcpu->trap_vector, &now);
    if (!vcpu->trap_untold || now.rip == to)
        return rip;
    vcpu->trap_untold = false;
    return sconce_x86_shim_return(gpa_max, vcpu->trap_vector);
}

void sconce_x86_put_standard(struct sconce_x86_vcpu *vcpu, uint8_t *own, uint64_t gpa_max,
                             const struct sconce_x86_standard *now,
                             struct sconce_x86_standard *regs)
{
    struct sconce_x86_frame frame = {
        .rip = regs->rip,
        .cs = SCONCE_X86_USER_CS,
        .rflags = sconce_x86_user_rflags(regs->rflags),
        .rsp = regs->rsp,
        .ss = SCONCE_X86_USER_SS,
    };

    regs->rflags = frame.rflags;
    if (vcpu->place != SCONCE_X86_IN_SHIM)
        return;
    regs->rip = drop_exception_elsewhere(vcpu, own, gpa_max, now->rip, frame.rip);
    regs->rsp = now->rsp;
    regs->rflags = now->rflags;
    sconce_x86_frame_write(own, vcpu->trap_vector, &frame);
    vcpu->syscall_resume = frame.rip;
}

void sconce_x86_show_special(const struct sconce_x86_vcpu *vcpu, const uint8_t *own,
                             struct sconce_x86_special *regs)
{
    struct sconce_x86_frame frame;

    if (vcpu->place != SCONCE_X86_IN_SHIM)
        return;
    sconce_x86_frame_read(own, vcpu->trap_vector, &frame);
    regs->cs = frame.cs & 0xffff;
    regs->ss = frame.ss & 0xffff;
}

const char *sconce_x86_special_problem(const struct sconce_x86_special *now,
                                       const struct sconce_x86_special *wanted)
{
    struct sconce_x86_special same = *now;

    same.fs_base = wanted->fs_base;
    same.gs_base = wanted->gs_base;
    if (memcmp(&same, wanted, sizeof same) != 0)
        return "of the special ones only FS and GS base can be set";
    if (!sconce_x86_canonical(wanted->fs_base) || !sconce_x86_canonical(wanted->gs_base))
        return "FS or GS base is not canonical";
    return NULL;
}
