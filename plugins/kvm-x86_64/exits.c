/* SPDX-License-Identifier: Apache-2.0 */
/* From kvm_run to the contract's exits. All that is read here may come from the guest. */
#include <errno.h>

#include "arch/x86_64/fault.h"
#include "arch/x86_64/regs.h"
#include "common/attributes.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/kvm/exit.h"
#include "sconce-guest-abi.h"

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
    struct sconce_x86_standard standard;

    switch (sconce_x86_trap(&vm->x86, &vm->kvm.memory, vm->kvm.own, regs->rip, regs->rcx,
                            &exception, &vm->kvm.state, ret_exit)) {
    case SCONCE_X86_TRAP_SYSCALL:
        kvm_x86_read_standard(vm, &standard, NULL);
        sconce_x86_syscall_exit(&standard, &vm->kvm.state, ret_exit);
        break;
    case SCONCE_X86_TRAP_FAULT:
        if (exception.vector != SCONCE_X86_VECTOR_PF || read_cr2(vm, &exception.cr2)) {
            sconce_x86_fault_exit(&exception, &vm->kvm.state, ret_exit);
            break;
        }
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_ERRNO, errno,
                         "cannot read the address of a page fault");
        vm->kvm.state = SCONCE_VCPU_DEAD;
        break;
    case SCONCE_X86_TRAP_OVER:
    default:
        break;
    }
}

/* A port access that no guest of ours can make unseen: as if the bitmap had denied it. */
static void deny_port(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct sconce_x86_exception exception = {
        .vector = SCONCE_X86_VECTOR_GP,
        .rip = kvm_x86_sync(vm)->regs.rip,
    };

    sconce_x86_fault_exit(&exception, &vm->kvm.state, ret_exit);
    vm->kvm.state = SCONCE_VCPU_STOPPED; /* the access would be over on the next run */
}

SCONCE_HOT static void decode_io(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_run *run = vm->kvm.machine.run;
    bool one_byte_out =
        run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 1 && run->io.count == 1;

    vm->x86.place = SCONCE_X86_AT_IO;
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

    vm->x86.place = SCONCE_X86_AT_IO;
    sconce_x86_fault_exit(&exception, &vm->kvm.state, ret_exit);
    vm->kvm.state = SCONCE_VCPU_STOPPED; /* as above */
}

SCONCE_HOT void kvm_x86_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
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
        vm->x86.place = SCONCE_X86_ANYWHERE;
        vm->kvm.state =
            ret_exit->kind == SCONCE_EXIT_SHUTDOWN ? SCONCE_VCPU_STOPPED : SCONCE_VCPU_DEAD;
        break;
    }
}
