/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.regs/1 and sconce.fault/1: register files of a stopped vCPU, as the guest sees them. While
 * the vCPU stands in the shim, the guest's PC, SP and flags are those of the interrupt frame.
 */
#include <errno.h>
#include <string.h>

#include "arch/x86_64/regs.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/kvm/regs.h"
#include "plugins/shared/kvm/run.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/regs.h"
#include "sconce-regs-x86_64.h"

int32_t kvm_x86_fetch_sregs(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    struct kvm_sregs *sregs = &kvm_x86_sync(vm)->sregs;
    int32_t r;

    if (vm->kvm.machine.run->kvm_dirty_regs & KVM_SYNC_X86_SREGS)
        return SCONCE_PLUGIN_OK;
    r = sconce_kvm_regs_ioctl(&vm->kvm, KVM_GET_SREGS, sregs, "read special registers", err);
    if (r == SCONCE_PLUGIN_OK)
        sregs->tr = vm->sregs.tr; /* never changes, and KVM does not read back all that was set */
    return r;
}

/* A kick stopped the vCPU. */
static int32_t look_where(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = kvm_x86_fetch_sregs(vm, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (sconce_x86_look(&vm->x86, vm->kvm.memory.gpa_max, kvm_x86_sync(vm)->sregs.ss.dpl == 3,
                        kvm_x86_sync(vm)->regs.rip))
        return SCONCE_PLUGIN_OK;
    return sconce_regs_invalid(err, "the vCPU stopped where it has none");
}

/* After this the vCPU is at one of two known places: IN_GUEST or IN_SHIM. */
static int32_t settle(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r;

    if (vm->x86.place == SCONCE_X86_AT_IO) {
        r = sconce_kvm_drain(&vm->kvm.machine, err);
        if (r != SCONCE_PLUGIN_OK)
            return r;
        vm->x86.place = SCONCE_X86_IN_GUEST;
    }
    return vm->x86.place == SCONCE_X86_ANYWHERE ? look_where(vm, err) : SCONCE_PLUGIN_OK;
}

/* ---- Standard ------------------------------------------------------------------------------ */

int32_t kvm_x86_read_standard(struct sconce_plugin_vm *vm, struct sconce_x86_standard *ret_regs,
                              struct sconce_plugin_error *err)
{
    const struct kvm_regs *r = &kvm_x86_sync(vm)->regs;

    *ret_regs = (struct sconce_x86_standard){
        r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
        r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip, r->rflags,
    };
    (void)err;
    return SCONCE_PLUGIN_OK;
}

static int32_t get_standard(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    int32_t r = kvm_x86_read_standard(vm, buf, err);

    sconce_x86_show_standard(&vm->x86, vm->kvm.own, buf);
    return r;
}

static int32_t set_standard(struct sconce_plugin_vm *vm, const void *buf,
                            struct sconce_plugin_error *err)
{
    struct sconce_x86_standard now, to = *(const struct sconce_x86_standard *)buf;

    int32_t r;

    if (!sconce_x86_standard_valid(&to))
        return sconce_regs_invalid(err, "PC or flags are none that a guest could have");
    r = kvm_x86_leave_doorbell(vm, to.rip, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    kvm_x86_read_standard(vm, &now, err);
    sconce_x86_put_standard(&vm->x86, vm->kvm.own, vm->kvm.memory.gpa_max, &now, &to);
    kvm_x86_sync(vm)->regs = (struct kvm_regs){
        to.rax, to.rbx, to.rcx, to.rdx, to.rsi, to.rdi, to.rsp, to.rbp, to.r8,
        to.r9,  to.r10, to.r11, to.r12, to.r13, to.r14, to.r15, to.rip, to.rflags,
    };
    vm->kvm.machine.run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    return SCONCE_PLUGIN_OK;
}

/* ---- Special ------------------------------------------------------------------------------- */

static int32_t read_kernel_gs_base(struct sconce_plugin_vm *vm, uint64_t *ret_base,
                                   struct sconce_plugin_error *err)
{
    _Alignas(struct kvm_msrs)
        uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = {0};
    struct kvm_msrs *list = (struct kvm_msrs *)(void *)room;
    int32_t r;

    list->nmsrs = 1;
    list->entries[0].index = SCONCE_X86_MSR_KERNEL_GS_BASE;
    r = sconce_kvm_regs_ioctl(&vm->kvm, KVM_GET_MSRS, list, "read an MSR", err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_base = list->entries[0].data;
    return r;
}

static int32_t get_special(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_x86_special *to = buf;
    const struct kvm_sregs *s = &kvm_x86_sync(vm)->sregs;
    struct kvm_xcrs xcrs = {0};
    int32_t r = kvm_x86_fetch_sregs(vm, err);

    if (r == SCONCE_PLUGIN_OK && vm->x86.control.xcr0)
        r = sconce_kvm_regs_ioctl(&vm->kvm, KVM_GET_XCRS, &xcrs, "read XCR0", err);
    memset(to, 0, sizeof *to);
    if (r == SCONCE_PLUGIN_OK)
        r = read_kernel_gs_base(vm, &to->kernel_gs_base, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    to->fs_base = s->fs.base;
    to->gs_base = s->gs.base;
    to->cr0 = s->cr0;
    to->cr2 = s->cr2;
    to->cr3 = s->cr3;
    to->cr4 = s->cr4;
    to->efer = s->efer;
    to->xcr0 = xcrs.nr_xcrs ? xcrs.xcrs[0].value : 0;
    to->cs = s->cs.selector;
    to->ss = s->ss.selector;
    to->ds = s->ds.selector;
    to->es = s->es.selector;
    to->fs = s->fs.selector;
    to->gs = s->gs.selector;
    sconce_x86_show_special(&vm->x86, vm->kvm.own, to);
    return SCONCE_PLUGIN_OK;
}

static int32_t set_special(struct sconce_plugin_vm *vm, const void *buf,
                           struct sconce_plugin_error *err)
{
    const struct sconce_x86_special *from = buf;
    struct sconce_x86_special now;
    const char *problem;
    int32_t r = get_special(vm, &now, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    problem = sconce_x86_special_problem(&now, from);
    if (problem)
        return sconce_regs_invalid(err, problem);
    kvm_x86_sync(vm)->sregs.fs.base = from->fs_base;
    kvm_x86_sync(vm)->sregs.gs.base = from->gs_base;
    vm->kvm.machine.run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
    return SCONCE_PLUGIN_OK;
}

/* ---- Float and debug ----------------------------------------------------------------------- */

static int32_t get_float(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_x86_float *to = buf;
    struct kvm_xsave xsave = {0};
    int32_t r = sconce_kvm_regs_ioctl(&vm->kvm, KVM_GET_XSAVE, &xsave,
                                      "read floating-point and SIMD registers", err);

    if (r == SCONCE_PLUGIN_OK)
        sconce_x86_xsave_unpack(&vm->x86.xsave, &xsave, to);
    return r;
}

static int32_t set_float(struct sconce_plugin_vm *vm, const void *buf,
                         struct sconce_plugin_error *err)
{
    const struct sconce_x86_float *from = buf;
    struct kvm_xsave xsave;

    if (!sconce_x86_xsave_pack(&vm->x86.xsave, from, &xsave, sizeof xsave))
        return sconce_regs_invalid(
            err, "the floating-point and SIMD ones are none that a guest could have");
    return sconce_kvm_regs_ioctl(&vm->kvm, KVM_SET_XSAVE, &xsave,
                                 "set floating-point and SIMD registers", err);
}

static int32_t get_debug(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    struct sconce_x86_debug *to = buf;
    struct kvm_debugregs debug = {0};
    int32_t r =
        sconce_kvm_regs_ioctl(&vm->kvm, KVM_GET_DEBUGREGS, &debug, "read debug registers", err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    for (int i = 0; i < 4; i++)
        to->dr[i] = debug.db[i];
    to->dr6 = debug.dr6;
    to->dr7 = debug.dr7;
    return SCONCE_PLUGIN_OK;
}

static int32_t set_debug(struct sconce_plugin_vm *vm, const void *buf,
                         struct sconce_plugin_error *err)
{
    const struct sconce_x86_debug *from = buf;
    struct kvm_debugregs debug = {.dr6 = from->dr6, .dr7 = from->dr7};

    if (!sconce_x86_debug_valid(from))
        return sconce_regs_invalid(
            err, "the debug ones have reserved bits, or an address beyond the guest");
    vm->only_rang = false;
    for (int i = 0; i < 4; i++)
        debug.db[i] = from->dr[i];
    return sconce_kvm_regs_ioctl(&vm->kvm, KVM_SET_DEBUGREGS, &debug, "set debug registers", err);
}

/* ---- The extension ------------------------------------------------------------------------- */

static const struct sconce_regs_file files[] = {
    [SCONCE_REGS_STANDARD] = {get_standard, set_standard},
    [SCONCE_REGS_SPECIAL] = {get_special, set_special},
    [SCONCE_REGS_FLOAT] = {get_float, set_float},
    [SCONCE_REGS_DEBUG] = {get_debug, set_debug},
};

static int32_t prepare(struct sconce_plugin_vm *vm, uint32_t file, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t r = sconce_regs_check(vm->kvm.state, vm->kvm.sealed, file, sconce_x86_file_bytes(file),
                                  bytes, err);

    return r == SCONCE_PLUGIN_OK ? settle(vm, err) : r;
}

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    int32_t r = prepare(vm, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].get(vm, buf, err) : r;
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    int32_t r = prepare(vm, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].set(vm, buf, err) : r;
}

const struct sconce_ext_regs kvm_x86_regs = {
    .size = sizeof kvm_x86_regs,
    .get = get,
    .set = set,
};

static int32_t resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_vcpu_resume(&vm->kvm.state, err);
}

const struct sconce_ext_fault kvm_x86_fault = {
    .size = sizeof kvm_x86_fault,
    SCONCE_X86_FAULT_PLACES,
    .resume = resume,
};
