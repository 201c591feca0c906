/* SPDX-License-Identifier: Apache-2.0 */
/* Entering, running, answering, kicking and scrubbing the vCPU. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/prctl.h>

#include "arch/x86_64/regs.h"
#include "common/attributes.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/kvm/run.h"
#include "plugins/shared/plugin-error.h"

/* ---- Scrubbing ---------------------------------------------------------------------------- */

static int32_t set(struct sconce_plugin_vm *vm, unsigned long request, const void *argument,
                   const char *what, struct sconce_plugin_error *err)
{
    if (sconce_kvm_ioctl(vm->kvm.machine.vcpu_fd, request, argument) >= 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                              "cannot reset the vCPU's %s", what);
}

/* x87, SSE, AVX, AVX-512. MXCSR is in it too: KVM_SET_FPU would not take it. */
static int32_t scrub_xsave(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    struct kvm_xsave xsave;

    sconce_x86_xsave_init(&xsave, sizeof xsave);
    return set(vm, KVM_SET_XSAVE, &xsave, "floating-point and SIMD registers", err);
}

static int32_t scrub_xcr0(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    const struct kvm_xcrs xcrs = {.nr_xcrs = 1,
                                  .xcrs = {{.xcr = 0, .value = vm->x86.control.xcr0}}};

    if (!vm->x86.control.xcr0)
        return SCONCE_PLUGIN_OK;
    return set(vm, KVM_SET_XCRS, &xcrs, "extended control register", err);
}

static int32_t scrub_debug(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    const struct kvm_debugregs debug = {.dr6 = SCONCE_X86_DR6_INIT, .dr7 = SCONCE_X86_DR7_INIT};

    return set(vm, KVM_SET_DEBUGREGS, &debug, "debug registers", err);
}

static int32_t scrub_msrs(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    _Alignas(struct kvm_msrs) uint8_t
        room[sizeof(struct kvm_msrs) + SCONCE_X86_MSR_COUNT * sizeof(struct kvm_msr_entry)] = {0};
    struct kvm_msrs *list = (struct kvm_msrs *)(void *)room;
    int done;

    list->nmsrs = vm->x86.msr_count;
    for (uint32_t i = 0; i < vm->x86.msr_count; i++)
        list->entries[i] =
            (struct kvm_msr_entry){.index = vm->x86.msrs[i].index, .data = vm->x86.msrs[i].value};
    done = sconce_kvm_ioctl(vm->kvm.machine.vcpu_fd, KVM_SET_MSRS, list);
    if (done == (int)vm->x86.msr_count)
        return SCONCE_PLUGIN_OK;
    if (done < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot reset the vCPU's MSRs");
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_NONE, 0, NULL,
                              "KVM refuses to set MSR 0x%" PRIx32, vm->x86.msrs[done].index);
}

/* What only ring 0 writes: by the shim, after an exception, or by sconce.regs/1. */
static int32_t scrub_privileged(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = scrub_xcr0(vm, err);

    if (r == SCONCE_PLUGIN_OK)
        r = scrub_debug(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = scrub_msrs(vm, err);
    /* Frames of the guest's exceptions are on the stacks. */
    if (r == SCONCE_PLUGIN_OK)
        sconce_x86_supervisor_build(vm->kvm.own, vm->kvm.memory.gpa_max);
    return r;
}

/* General and special registers and pending events, with the next KVM_RUN. */
static void load_sync(struct sconce_plugin_vm *vm)
{
    vm->kvm.machine.run->kvm_dirty_regs =
        KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
}

static void scrub_sync(struct sconce_plugin_vm *vm)
{
    struct kvm_sync_regs *sync = kvm_x86_sync(vm);

    memset(sync, 0, sizeof *sync);
    sync->regs.rflags = SCONCE_X86_RFLAGS_INIT;
    sync->sregs = vm->sregs;
    sync->events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
    load_sync(vm);
}

/* At a doorbell, and only_rang. */
static bool rings(const struct sconce_plugin_vm *vm)
{
    return vm->only_rang && vm->x86.place == SCONCE_X86_AT_IO;
}

int32_t kvm_x86_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    bool ringing = rings(vm);
    int32_t r = scrub_xsave(vm, err);

    if (r == SCONCE_PLUGIN_OK && !ringing)
        r = scrub_privileged(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm->rung_at = ringing ? kvm_x86_sync(vm)->regs.rip : 0;
    vm->only_rang = true;
    scrub_sync(vm);
    sconce_kvm_forget_kick(&vm->kvm.machine);
    vm->x86.place = SCONCE_X86_IN_GUEST;
    vm->kvm.state = SCONCE_VCPU_FRESH;
    return SCONCE_PLUGIN_OK;
}

/* An OUT of one byte that the guest is no longer at needs no finishing: KVM goes on at the RIP that
 * it is given, and skips the instruction only where that is still its own (arch/x86/kvm/x86.c,
 * complete_fast_pio_out). */
int32_t kvm_x86_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = sconce_kvm_vcpu_reset(&vm->kvm, !rings(vm), err);

    if (r != SCONCE_PLUGIN_OK || !vm->kvm.sealed)
        return r;
    r = kvm_x86_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->kvm.state = SCONCE_VCPU_DEAD;
    return r;
}

/* ---- Entering ------------------------------------------------------------------------------ */

static int32_t check_entry(const struct sconce_entry *entry, struct sconce_plugin_error *err)
{
    uint64_t value;
    const char *problem = sconce_x86_entry_problem(entry, &value);

    return sconce_given_entry_holds(problem, value, err);
}

int32_t kvm_x86_leave_doorbell(struct sconce_plugin_vm *vm, uint64_t pc,
                               struct sconce_plugin_error *err)
{
    struct kvm_regs *regs = &kvm_x86_sync(vm)->regs;
    const uint64_t rip = regs->rip;
    int32_t r;

    if (!vm->rung_at || vm->rung_at != pc)
        return SCONCE_PLUGIN_OK;
    regs->rip = 0; /* no doorbell is there */
    r = sconce_kvm_drain(&vm->kvm.machine, err);
    regs->rip = rip;
    load_sync(vm);
    vm->rung_at = 0;
    if (r != SCONCE_PLUGIN_OK)
        vm->kvm.state = SCONCE_VCPU_DEAD;
    return r;
}

int32_t kvm_x86_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                           struct sconce_plugin_error *err)
{
    struct kvm_sync_regs *sync = kvm_x86_sync(vm);
    struct sconce_entry entry;
    int32_t r;

    if (vm->kvm.state != SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(vm->kvm.state, "enter the guest", err);
    r = sconce_given_entry(given, &entry, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_entry(&entry, err);
    if (r == SCONCE_PLUGIN_OK && !vm->kvm.sealed)
        r = kvm_x86_seal(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_leave_doorbell(vm, entry.pc, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sync->regs.rip = entry.pc;
    sync->regs.rsp = entry.sp;
    sync->regs.rdi = entry.args[0];
    sync->regs.rsi = entry.args[1];
    sync->sregs.fs.base = entry.tls;
    vm->kvm.state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                             struct sconce_plugin_error *err)
{
    int32_t r;

    if (vm->kvm.state == SCONCE_VCPU_DEAD || vm->kvm.state == SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(vm->kvm.state, "set the thread pointer", err);
    if (!sconce_x86_canonical(tls))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot set the thread pointer: 0x%" PRIx64 " is not canonical",
                                  tls);
    r = kvm_x86_fetch_sregs(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    kvm_x86_sync(vm)->sregs.fs.base = tls;
    vm->kvm.machine.run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
    return SCONCE_PLUGIN_OK;
}

/* ---- Running ------------------------------------------------------------------------------- */

/* ARCH_SET_FS and ARCH_SET_GS set the base and clear the selector; a null selector that was loaded
 * here would clear the base on some processors, and with it the thread's own pointer. */
static void clear_selector_of_base(int get, int set)
{
    unsigned long base;

    if (syscall(SYS_arch_prctl, get, &base) == 0)
        syscall(SYS_arch_prctl, set, base);
}

/*
 * DS, ES, FS and GS of a Linux thread are null. A KVM that does not switch them (KVM-PVM) lets the
 * thread go on with those that the guest has loaded, and the next guest would start with them.
 * Looking is four instructions; only a guest that has set FS or GS costs system calls.
 */
static void take_back_selectors(void)
{
    uint16_t ds, es, fs, gs;

    __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    if (!(ds | es | fs | gs))
        return;
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(0));
    if (fs)
        clear_selector_of_base(ARCH_GET_FS, ARCH_SET_FS);
    if (gs)
        clear_selector_of_base(ARCH_GET_GS, ARCH_SET_GS);
}

SCONCE_HOT int32_t kvm_x86_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                                    struct sconce_plugin_error *err)
{
    int outcome;
    int32_t r = sconce_kvm_vcpu_run(&vm->kvm, ret_exit, &outcome, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    take_back_selectors();
    if (outcome == SCONCE_KVM_EXITED)
        kvm_x86_decode(vm, ret_exit);
    else if (outcome == SCONCE_KVM_CANCELLED)
        vm->x86.place = SCONCE_X86_ANYWHERE;
    vm->only_rang &= ret_exit->kind == SCONCE_EXIT_DOORBELL;
    vm->rung_at = 0;
    return SCONCE_PLUGIN_OK;
}

void kvm_x86_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    sconce_kvm_kick(&vm->kvm.machine);
}

/* RCX and R11 are what SYSCALL leaves in them. */
int32_t kvm_x86_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                              struct sconce_plugin_error *err)
{
    struct kvm_regs *regs = &kvm_x86_sync(vm)->regs;
    struct sconce_x86_frame frame;

    if (vm->kvm.state != SCONCE_VCPU_SYSCALL)
        return sconce_vcpu_refuse(vm->kvm.state, "answer a system call", err);
    sconce_x86_answer(&vm->x86, vm->kvm.own, &frame);
    regs->rax = (uint64_t)result;
    regs->rcx = frame.rip;
    regs->r11 = frame.rflags;
    vm->kvm.machine.run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    vm->kvm.state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}
