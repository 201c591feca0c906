/* SPDX-License-Identifier: Apache-2.0 */
/* From kvm_run and the save area to the contract's exits. All that is read here may come from the
 * guest. */
#include <stddef.h>

#include "arch/aarch64/fault.h"
#include "common/untrusted.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/kvm/exit.h"
#include "sconce-guest-abi.h"

static void fault_exit(struct sconce_plugin_vm *vm, const struct sconce_a64_exception *exception,
                       struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAULT;
    sconce_a64_fault(exception, &ret_exit->u.fault);
    vm->kvm.state = SCONCE_VCPU_STOPPED;
}

static void shutdown_exit(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
    vm->place = KVM_A64_ANYWHERE;
    vm->kvm.state = SCONCE_VCPU_STOPPED;
}

static void fail_exit(struct sconce_plugin_vm *vm, const char *text, struct sconce_exit *ret_exit)
{
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_PLUGIN, 1, "%s", text);
    vm->kvm.state = SCONCE_VCPU_DEAD;
}

/* A number that a doorbell cannot have stays one. */
static uint32_t doorbell_number(uint64_t x0)
{
    return x0 > UINT32_MAX ? UINT32_MAX : (uint32_t)x0;
}

static void supervisor_call(struct sconce_plugin_vm *vm, const struct sconce_a64_save *save,
                            struct sconce_exit *ret_exit)
{
    if (SCONCE_A64_ISS_IMM16(SCONCE_A64_ESR_ISS(save->esr)) == SCONCE_DOORBELL_SVC_AARCH64) {
        ret_exit->kind = SCONCE_EXIT_DOORBELL;
        ret_exit->u.doorbell.number = doorbell_number(save->x[0]);
        return;
    }
    /* The Linux convention: syscall(2). */
    ret_exit->kind = SCONCE_EXIT_SYSCALL;
    ret_exit->u.syscall = (struct sconce_exit_syscall){
        .id = SCONCE_SYS_UNKNOWN,
        .raw_nr = save->x8,
        .args = {save->x[0], save->x[1], save->x[2], save->x[3], save->x[4], save->x[5]},
    };
    vm->kvm.state = SCONCE_VCPU_SYSCALL;
}

/* The shim tells of an exception. */
static void decode_trap(struct sconce_plugin_vm *vm, unsigned vector, struct sconce_exit *ret_exit)
{
    struct sconce_a64_exception exception;
    struct sconce_a64_save save;

    if (vector != SCONCE_A64_VECTOR_EL0_SYNC && vector != SCONCE_A64_VECTOR_EL0_SERROR) {
        /* The shim itself was interrupted, or there is an interrupt or AArch32, which there cannot
         * be: the guest is lost. */
        shutdown_exit(vm, ret_exit);
        return;
    }
    sconce_copy_untrusted(&save, kvm_a64_save(vm), sizeof save);
    if (save.taken != 0) {
        fail_exit(vm, "the shim's report page was written by something else", ret_exit);
        return;
    }
    kvm_a64_save(vm)->taken = SCONCE_A64_SAVE_TAKEN;
    vm->place = KVM_A64_AT_REPORT;
    if (vector == SCONCE_A64_VECTOR_EL0_SYNC && SCONCE_A64_ESR_EC(save.esr) == SCONCE_A64_EC_SVC) {
        supervisor_call(vm, &save, ret_exit);
        return;
    }
    exception = (struct sconce_a64_exception){
        .esr = save.esr, .far = save.far, .pc = save.elr, .sp = save.sp};
    if (SCONCE_A64_ESR_EC(save.esr) == SCONCE_A64_EC_UNKNOWN &&
        !sconce_plugin_mappings_read(&vm->kvm.memory, save.elr, &exception.insn,
                                     sizeof exception.insn, SCONCE_PROT_EXEC))
        exception.insn = 0;
    fault_exit(vm, &exception, ret_exit);
}

/* An access that got past the page tables, which lead nowhere but to memory and to the report page:
 * as if they had stopped it. */
static void stray_access(struct sconce_plugin_vm *vm, uint64_t address, bool is_write,
                         struct sconce_exit *ret_exit)
{
    struct sconce_a64_exception exception = {
        .esr = (uint64_t)SCONCE_A64_EC_DATA_ABORT << SCONCE_A64_ESR_EC_SHIFT | SCONCE_A64_ESR_IL |
               SCONCE_A64_FSC_TRANSLATION | 3 | (is_write ? SCONCE_A64_ISS_WNR : 0),
        .far = address,
    };

    vm->place = KVM_A64_ANYWHERE;
    if (kvm_a64_get(vm->kvm.machine.vcpu_fd, KVM_A64_PC, &exception.pc, NULL) == SCONCE_PLUGIN_OK)
        fault_exit(vm, &exception, ret_exit);
    else
        fail_exit(vm, "cannot read where the guest stopped", ret_exit);
}

static void decode_mmio(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_run *run = vm->kvm.machine.run;
    uint64_t address = run->mmio.phys_addr;
    uint64_t report = vm->kvm.memory.gpa_max + SCONCE_A64_REPORT_OFFSET;
    unsigned vector;

    if (run->mmio.is_write && run->mmio.len == sizeof(uint64_t) &&
        sconce_a64_report_vector(vm->kvm.memory.gpa_max, address, &vector))
        decode_trap(vm, vector, ret_exit);
    else if (address - report < SCONCE_A64_PAGE)
        fail_exit(vm, "the shim's report page was used by something else", ret_exit);
    else
        stray_access(vm, address, run->mmio.is_write, ret_exit);
}

/*
 * KVM has no syndrome to tell what an access was. It says so of cache maintenance, too, when the
 * page is in a read-only slot and the guest has not touched it yet (arch/arm64/kvm/mmu.c,
 * kvm_handle_guest_abort: maintenance counts as a write). What the guest has not touched it has
 * nothing in caches of, and KVM cleans what it shows to be executed: the instruction is done.
 */
static bool decode_nisv(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_run *run = vm->kvm.machine.run;
    uint32_t iss = SCONCE_A64_ESR_ISS(run->arm_nisv.esr_iss);
    uint64_t pc;

    if (!(iss & SCONCE_A64_ISS_CM)) {
        stray_access(vm, run->arm_nisv.fault_ipa, iss & SCONCE_A64_ISS_WNR, ret_exit);
        return true;
    }
    if (kvm_a64_get(vm->kvm.machine.vcpu_fd, KVM_A64_PC, &pc, NULL) == SCONCE_PLUGIN_OK &&
        kvm_a64_set_u64(vm->kvm.machine.vcpu_fd, KVM_A64_PC, pc + 4, NULL) == SCONCE_PLUGIN_OK)
        return false;
    fail_exit(vm, "cannot step over the guest's cache maintenance", ret_exit);
    return true;
}

bool kvm_a64_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    switch (vm->kvm.machine.run->exit_reason) {
    case KVM_EXIT_MMIO:
        decode_mmio(vm, ret_exit);
        return true;
    case KVM_EXIT_ARM_NISV:
        return decode_nisv(vm, ret_exit);
    case KVM_EXIT_SYSTEM_EVENT: /* PSCI is off, and EL0 has no HVC: it cannot come */
        shutdown_exit(vm, ret_exit);
        return true;
    default:
        sconce_kvm_exit_other(vm->kvm.machine.run, ret_exit);
        vm->place = KVM_A64_ANYWHERE;
        vm->kvm.state =
            ret_exit->kind == SCONCE_EXIT_SHUTDOWN ? SCONCE_VCPU_STOPPED : SCONCE_VCPU_DEAD;
        return true;
    }
}
