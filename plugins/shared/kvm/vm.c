/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a VM's life that are the same on every architecture. */
#include "plugins/shared/kvm/vm.h"

#include <sys/mman.h>

#include "common/attributes.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/kvm/exit.h"
#include "plugins/shared/kvm/run.h"
#include "plugins/shared/kvm/slots.h"
#include "plugins/shared/own-memory.h"
#include "plugins/shared/plugin-error.h"

/* ---- Making --------------------------------------------------------------------------------- */

void sconce_kvm_vm_init(struct sconce_kvm_vm *vm, const struct sconce_vm_config *config,
                        bool read_only_slots)
{
    *vm = (struct sconce_kvm_vm){
        .machine = SCONCE_KVM_MACHINE_EMPTY,
        .memory = {.gpa_min = config->gpa_min, .gpa_max = config->gpa_max},
        .read_only_slots = read_only_slots,
        .own_limit = config->reserved_bytes,
    };
}

void sconce_kvm_vm_fini(struct sconce_kvm_vm *vm)
{
    sconce_kvm_machine_fini(&vm->machine);
    sconce_kvm_dirty_fini(&vm->dirty);
    if (vm->own)
        munmap(vm->own, vm->own_bytes);
    vm->own = NULL;
}

int32_t sconce_kvm_own_map(struct sconce_kvm_vm *vm, uint64_t reserved, uint64_t bytes,
                           struct sconce_plugin_error *err)
{
    int32_t r = sconce_plugin_own_map(reserved, bytes, vm->own_limit, MAP_PRIVATE, &vm->own, err);

    if (r == SCONCE_PLUGIN_OK)
        vm->own_bytes = bytes;
    return r;
}

int32_t sconce_kvm_slots_add(struct sconce_kvm_vm *vm, uint64_t own_gpa, uint64_t own_used,
                             struct sconce_plugin_error *err)
{
    struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS + 1];
    uint32_t count = sconce_kvm_slots_plan(&vm->memory, slots);
    int32_t r = SCONCE_PLUGIN_OK;

    slots[count++] = (struct sconce_kvm_slot){own_gpa, own_used, vm->own, true};
    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < count; i++) {
        slots[i].writable |= !vm->read_only_slots; /* then the page tables alone keep it */
        r = sconce_kvm_slot_set(vm->machine.vm_fd, i, &slots[i], 0, err);
    }
    return r;
}

/* ---- Running -------------------------------------------------------------------------------- */

/* The guest goes on when its ring was full. */
SCONCE_HOT static int run(struct sconce_kvm_vm *vm)
{
    int r;

    do
        r = sconce_kvm_run(&vm->machine);
    while (r == SCONCE_KVM_EXITED && vm->machine.run->exit_reason == KVM_EXIT_DIRTY_RING_FULL &&
           sconce_kvm_dirty_make_room(vm, NULL) == SCONCE_PLUGIN_OK);
    return r;
}

SCONCE_HOT int32_t sconce_kvm_vcpu_run(struct sconce_kvm_vm *vm, struct sconce_exit *ret_exit,
                                       int *ret_outcome, struct sconce_plugin_error *err)
{
    int r;

    if (vm->state != SCONCE_VCPU_RUNNABLE)
        return sconce_vcpu_refuse(vm->state, "run the guest", err);
    if (!SCONCE_HAS(sconce_exit, ret_exit, u))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot run the guest: no room for the exit");
    sconce_exit_clear(ret_exit);
    r = run(vm);
    if (r == SCONCE_KVM_CANCELLED) {
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
    } else if (r < 0) {
        sconce_kvm_exit_run_failed(ret_exit, -r);
        vm->state = SCONCE_VCPU_DEAD;
    }
    *ret_outcome = r;
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_kvm_vcpu_reset(struct sconce_kvm_vm *vm, bool pending,
                              struct sconce_plugin_error *err)
{
    int32_t r;

    if (vm->state == SCONCE_VCPU_DEAD)
        return sconce_vcpu_refuse(vm->state, "reset the vCPU", err);
    if (!vm->sealed) {
        sconce_kvm_forget_kick(&vm->machine);
        return SCONCE_PLUGIN_OK;
    }
    if (!pending)
        return SCONCE_PLUGIN_OK;
    r = sconce_kvm_drain(&vm->machine, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->state = SCONCE_VCPU_DEAD;
    return r;
}
