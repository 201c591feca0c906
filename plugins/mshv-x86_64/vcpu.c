/* SPDX-License-Identifier: Apache-2.0 */
/* Entering, running, answering, kicking and scrubbing the VP. */
#include <inttypes.h>
#include <string.h>

#include "arch/x86_64/regs.h"
#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"

/* ---- Scrubbing ---------------------------------------------------------------------------- */

#define SYSTEM_REGISTERS 32u

static struct mshv_register segment(uint32_t name, uint64_t base, uint32_t limit, uint16_t selector,
                                    uint16_t rights)
{
    const struct hv_segment value = {base, limit, selector, rights};
    struct mshv_register to = {.name = name};

    memcpy(&to.value, &value, sizeof value);
    return to;
}

static struct mshv_register table(uint32_t name, uint64_t base, uint16_t limit)
{
    const struct hv_table value = {.limit = limit, .base = base};
    struct mshv_register to = {.name = name};

    memcpy(&to.value, &value, sizeof value);
    return to;
}

/* In ring 3, with our tables; nothing pending, no breakpoint. */
static uint16_t list_system(const struct sconce_plugin_vm *vm,
                            struct mshv_register to[SYSTEM_REGISTERS])
{
    static const uint32_t zero[] = {
        HV_CR2,
        HV_CR8,
        HV_DR0,
        HV_DR0 + 1,
        HV_DR0 + 2,
        HV_DR0 + 3,
        HV_INTERNAL_ACTIVITY_STATE,
        HV_PENDING_INTERRUPTION,
        HV_INTERRUPT_STATE,
        HV_PENDING_EVENT0,
        HV_PENDING_EVENT1,
    };
    const struct sconce_x86_control *control = &vm->x86.control;
    uint64_t base = vm->mshv.memory.gpa_max;
    uint16_t n = 0;

    to[n++] = segment(HV_CS, 0, ~0u, SCONCE_X86_USER_CS, SCONCE_X86_AR_USER_CODE);
    to[n++] = segment(HV_SS, 0, ~0u, SCONCE_X86_USER_SS, SCONCE_X86_AR_USER_DATA);
    to[n++] = segment(HV_DS, 0, 0, 0, 0);
    to[n++] = segment(HV_ES, 0, 0, 0, 0);
    to[n++] = segment(HV_FS, 0, 0, 0, 0);
    to[n++] = segment(HV_GS, 0, 0, 0, 0);
    to[n++] = segment(HV_LDTR, 0, 0, 0, 0);
    to[n++] = segment(HV_TR, base + SCONCE_X86_TSS_OFFSET, SCONCE_X86_TSS_BYTES - 1, SCONCE_X86_TSS,
                      SCONCE_X86_AR_TSS_BUSY);
    to[n++] = table(HV_GDTR, base + SCONCE_X86_GDT_OFFSET, SCONCE_X86_GDT_BYTES - 1);
    to[n++] = table(HV_IDTR, base + SCONCE_X86_IDT_OFFSET, SCONCE_X86_IDT_BYTES - 1);
    to[n++] = mshv_x86_register(HV_CR0, control->cr0);
    to[n++] = mshv_x86_register(HV_CR3, base + SCONCE_X86_SUPERVISOR_BYTES);
    to[n++] = mshv_x86_register(HV_CR4, control->cr4);
    to[n++] = mshv_x86_register(HV_EFER, control->efer);
    if (control->xcr0)
        to[n++] = mshv_x86_register(HV_XFEM, control->xcr0);
    to[n++] = mshv_x86_register(HV_DR6, SCONCE_X86_DR6_INIT);
    to[n++] = mshv_x86_register(HV_DR7, SCONCE_X86_DR7_INIT);
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++)
        to[n++] = mshv_x86_register(zero[i], 0);
    return n;
}

int32_t mshv_x86_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    static const struct sconce_x86_standard initial = {.rflags = SCONCE_X86_RFLAGS_INIT};
    struct mshv_register system[SYSTEM_REGISTERS];
    uint16_t count = list_system(vm, system);
    int32_t r = sconce_mshv_set_registers(vm->mshv.machine.vp_fd, system, count,
                                          "reset the VP's system registers", err);

    if (r == SCONCE_PLUGIN_OK)
        r = sconce_mshv_set_registers(vm->mshv.machine.vp_fd, vm->msrs, (uint16_t)vm->msr_count,
                                      "reset the VP's MSRs", err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_float_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    mshv_x86_write_standard(vm, &initial); /* with the next run */

    /* Frames of the guest's exceptions are on the stacks. */
    sconce_x86_supervisor_build(vm->mshv.own, vm->mshv.memory.gpa_max);
    sconce_mshv_forget_kick(&vm->mshv.kick);
    vm->x86.place = SCONCE_X86_IN_GUEST;
    vm->mshv.state = SCONCE_VCPU_FRESH;
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_x86_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_mshv_vcpu_reset(vm, &vm->mshv, mshv_x86_scrub, err);
}

/* ---- Entering ------------------------------------------------------------------------------ */

static int32_t check_entry(const struct sconce_entry *entry, struct sconce_plugin_error *err)
{
    uint64_t value;
    const char *problem = sconce_x86_entry_problem(entry, &value);

    return sconce_given_entry_holds(problem, value, err);
}

int32_t mshv_x86_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                            struct sconce_plugin_error *err)
{
    struct sconce_x86_standard regs = {.rflags = SCONCE_X86_RFLAGS_INIT};
    struct sconce_entry entry;
    int32_t r;

    if (vm->mshv.state != SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(vm->mshv.state, "enter the guest", err);
    r = sconce_given_entry(given, &entry, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_entry(&entry, err);
    if (r == SCONCE_PLUGIN_OK && !vm->mshv.sealed)
        r = mshv_x86_seal(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_set_fs_base(vm, entry.tls, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    regs.rip = entry.pc;
    regs.rsp = entry.sp;
    regs.rdi = entry.args[0];
    regs.rsi = entry.args[1];
    mshv_x86_write_standard(vm, &regs);
    vm->mshv.state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_x86_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                              struct sconce_plugin_error *err)
{
    if (vm->mshv.state == SCONCE_VCPU_DEAD || vm->mshv.state == SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(vm->mshv.state, "set the thread pointer", err);
    if (!sconce_x86_canonical(tls))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot set the thread pointer: 0x%" PRIx64 " is not canonical",
                                  tls);
    return mshv_x86_set_fs_base(vm, tls, err);
}

/* ---- Running ------------------------------------------------------------------------------- */

int32_t mshv_x86_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                          struct sconce_plugin_error *err)
{
    bool entered = false;
    int outcome;
    int32_t r = sconce_mshv_vcpu_run(vm, &vm->mshv, mshv_x86_general_flush, ret_exit, &outcome,
                                     &entered, err);

    if (r != SCONCE_PLUGIN_OK || !entered)
        return r;
    vm->general_known = false;
    vm->page_fresh = outcome == SCONCE_MSHV_EXITED;
    if (outcome == SCONCE_MSHV_EXITED) {
        mshv_x86_general_taken(vm);
        mshv_x86_decode(vm, ret_exit);
    } else if (outcome == SCONCE_MSHV_CANCELLED) {
        mshv_x86_general_take_back(vm);
        vm->x86.place = SCONCE_X86_ANYWHERE;
    }
    return SCONCE_PLUGIN_OK;
}

void mshv_x86_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    sconce_mshv_kick(&vm->mshv.kick);
}

/* RCX and R11 are what SYSCALL leaves in them. The registers were read for the exit. */
int32_t mshv_x86_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                               struct sconce_plugin_error *err)
{
    struct sconce_x86_frame frame;
    int32_t r;

    if (vm->mshv.state != SCONCE_VCPU_SYSCALL)
        return sconce_vcpu_refuse(vm->mshv.state, "answer a system call", err);
    r = mshv_x86_general_fetch(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_x86_answer(&vm->x86, vm->mshv.own, &frame);
    vm->general.gp[MSHV_RAX] = (uint64_t)result;
    vm->general.gp[MSHV_RCX] = frame.rip;
    vm->general.gp[MSHV_R8 + 3] = frame.rflags;
    vm->dirty |= HV_DIRTY_GENERAL;
    vm->mshv.state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}
