/* SPDX-License-Identifier: Apache-2.0 */
/* From kvm_run to the contract's exits. All that is read here may come from the guest. */
#include "arch/aarch64/fault.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/kvm/exit.h"

static void decode_mmio(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct kvm_run *run = vm->kvm.machine.run;

    sconce_a64_memory_exit(&vm->a64, run->mmio.phys_addr,
                           run->mmio.is_write ? SCONCE_ACCESS_WRITE : SCONCE_ACCESS_READ,
                           run->mmio.len, ret_exit);
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
        sconce_a64_memory_exit(&vm->a64, run->arm_nisv.fault_ipa,
                               iss & SCONCE_A64_ISS_WNR ? SCONCE_ACCESS_WRITE : SCONCE_ACCESS_READ,
                               0, ret_exit);
        return true;
    }
    if (kvm_a64_get(vm->kvm.machine.vcpu_fd, KVM_A64_PC, &pc, NULL) == SCONCE_PLUGIN_OK &&
        kvm_a64_set_u64(vm->kvm.machine.vcpu_fd, KVM_A64_PC, pc + 4, NULL) == SCONCE_PLUGIN_OK)
        return false;
    sconce_a64_fail_exit(&vm->a64, "cannot step over the guest's cache maintenance", ret_exit);
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
        sconce_a64_shutdown_exit(&vm->a64, ret_exit);
        return true;
    default:
        sconce_kvm_exit_other(vm->kvm.machine.run, ret_exit);
        vm->a64.place = SCONCE_A64_ANYWHERE;
        vm->kvm.state =
            ret_exit->kind == SCONCE_EXIT_SHUTDOWN ? SCONCE_VCPU_STOPPED : SCONCE_VCPU_DEAD;
        return true;
    }
}
