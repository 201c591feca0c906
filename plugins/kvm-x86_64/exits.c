/* SPDX-License-Identifier: Apache-2.0 */
/* From kvm_run to the contract's exits. All that is read here may come from the guest. */
#include <errno.h>
#include <string.h>

#include "arch/x86_64/fault.h"
#include "arch/x86_64/regs.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/kvm/exit.h"
#include "sconce-guest-abi.h"

/* A fetch in ring 3 from a page that is there, but the supervisor's. */
#define PF_FETCH_FROM_SUPERVISOR (SCONCE_X86_PF_PRESENT | SCONCE_X86_PF_USER | SCONCE_X86_PF_FETCH)

static const uint8_t syscall_insn[2] = {0x0f, 0x05};

static void fault_exit(struct sconce_plugin_vm *vm, const struct sconce_x86_exception *exception,
                       struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAULT;
    sconce_x86_fault(exception, &ret_exit->u.fault);
    vm->kvm.state = SCONCE_VCPU_STOPPED;
}

static void syscall_exit(struct sconce_plugin_vm *vm, uint64_t resume, struct sconce_exit *ret_exit)
{
    const struct kvm_regs *regs = &kvm_x86_sync(vm)->regs;

    /* The Linux convention: x86-64 psABI A.2.1. */
    ret_exit->kind = SCONCE_EXIT_SYSCALL;
    ret_exit->u.syscall = (struct sconce_exit_syscall){
        .id = SCONCE_SYS_UNKNOWN,
        .raw_nr = regs->rax,
        .args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
    };
    vm->syscall_resume = resume;
    vm->kvm.state = SCONCE_VCPU_SYSCALL;
}

/* Is the exception what a SYSCALL looks like here? Then @ret_resume is behind the instruction. */
static bool is_syscall(const struct sconce_plugin_vm *vm, uint8_t vector,
                       const struct sconce_x86_frame *frame, uint64_t rcx, uint64_t *ret_resume)
{
    uint8_t insn[sizeof syscall_insn];

    switch (vm->route) {
    case KVM_X86_ROUTE_UD:
        *ret_resume = frame->rip + sizeof insn;
        return vector == SCONCE_X86_VECTOR_UD &&
               sconce_plugin_mappings_read(&vm->kvm.memory, frame->rip, insn, sizeof insn,
                                           SCONCE_PROT_EXEC) &&
               memcmp(insn, syscall_insn, sizeof insn) == 0;
    case KVM_X86_ROUTE_PF:
        *ret_resume = rcx;
        return vector == SCONCE_X86_VECTOR_PF && frame->error == PF_FETCH_FROM_SUPERVISOR &&
               frame->rip == vm->kvm.memory.gpa_max + SCONCE_X86_LSTAR_OFFSET;
    case KVM_X86_ROUTE_UNKNOWN:
    default:
        return false;
    }
}

/* CR2 is not among the synchronized registers of every exit: it is worth an ioctl only here. */
static bool read_cr2(const struct sconce_plugin_vm *vm, uint64_t *ret_cr2)
{
    struct kvm_sregs sregs;

    if (sconce_kvm_ioctl(vm->kvm.machine.vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
        return false;
    *ret_cr2 = sregs.cr2;
    return true;
}

/* The shim tells of an exception. */
static void decode_trap(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_regs *regs = &kvm_x86_sync(vm)->regs;
    struct sconce_x86_exception exception;
    struct sconce_x86_frame frame;
    uint64_t resume;
    uint8_t vector;

    if (!sconce_x86_shim_vector(vm->kvm.memory.gpa_max, regs->rip, &vector)) {
        sconce_kvm_exit_fail(ret_exit, SCONCE_DOMAIN_PLUGIN, 1,
                             "the shim's port was written by something else");
        vm->kvm.state = SCONCE_VCPU_DEAD;
        return;
    }
    vm->place = KVM_X86_IN_SHIM;
    vm->trap_vector = vector;
    vm->trap_untold = false;
    sconce_x86_frame_read(vm->kvm.own, vector, &frame);
    if ((frame.cs & 3) != 3) {
        /* The shim itself was interrupted: its frame may be gone, and with it the guest. */
        ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
        vm->kvm.state = SCONCE_VCPU_STOPPED;
        return;
    }
    exception = (struct sconce_x86_exception){
        .vector = vector, .error = (uint32_t)frame.error, .rip = frame.rip, .rsp = frame.rsp};
    if (is_syscall(vm, vector, &frame, regs->rcx, &resume)) {
        if (sconce_x86_user_address(resume)) {
            syscall_exit(vm, resume, ret_exit);
            return;
        }
        /* Nowhere to go back to: what the return would have raised. */
        exception = (struct sconce_x86_exception){.vector = SCONCE_X86_VECTOR_GP, .rip = resume};
    } else if (vector == SCONCE_X86_VECTOR_PF && !read_cr2(vm, &exception.cr2)) {
        sconce_kvm_exit_fail(ret_exit, SCONCE_DOMAIN_ERRNO, errno,
                             "cannot read the address of a page fault");
        vm->kvm.state = SCONCE_VCPU_DEAD;
        return;
    }
    fault_exit(vm, &exception, ret_exit);
}

/* A port access that no guest of ours can make unseen: as if the bitmap had denied it. */
static void deny_port(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct sconce_x86_exception exception = {
        .vector = SCONCE_X86_VECTOR_GP,
        .rip = kvm_x86_sync(vm)->regs.rip,
    };

    fault_exit(vm, &exception, ret_exit);
}

static void decode_io(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_run *run = vm->kvm.machine.run;
    bool one_byte_out =
        run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 1 && run->io.count == 1;

    vm->place = KVM_X86_AT_IO;
    if (one_byte_out && run->io.port == SCONCE_DOORBELL_PORT_X86_64) {
        ret_exit->kind = SCONCE_EXIT_DOORBELL;
        ret_exit->u.doorbell.number = ((const uint8_t *)run)[run->io.data_offset];
    } else if (one_byte_out && run->io.port == SCONCE_X86_SHIM_PORT) {
        decode_trap(vm, ret_exit);
    } else {
        deny_port(vm, ret_exit);
    }
}

/* The page tables lead nowhere but to memory; should an access get past them, it is a fault. */
static void decode_mmio(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_run *run = vm->kvm.machine.run;
    const struct sconce_x86_exception exception = {
        .vector = SCONCE_X86_VECTOR_PF,
        .error = SCONCE_X86_PF_USER | (run->mmio.is_write ? SCONCE_X86_PF_WRITE : 0),
        .rip = kvm_x86_sync(vm)->regs.rip,
        .cr2 = run->mmio.phys_addr,
    };

    vm->place = KVM_X86_AT_IO;
    fault_exit(vm, &exception, ret_exit);
}

void kvm_x86_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    switch (vm->kvm.machine.run->exit_reason) {
    case KVM_EXIT_IO:
        decode_io(vm, ret_exit);
        break;
    case KVM_EXIT_MMIO:
        decode_mmio(vm, ret_exit);
        break;
    default:
        sconce_kvm_exit_other(vm->kvm.machine.run, ret_exit);
        vm->place = KVM_X86_ANYWHERE;
        vm->kvm.state =
            ret_exit->kind == SCONCE_EXIT_SHUTDOWN ? SCONCE_VCPU_STOPPED : SCONCE_VCPU_DEAD;
        break;
    }
}
