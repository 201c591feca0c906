/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM, its memory and its tables. After the first entry none of it changes. */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

/* An access that KVM cannot put into a kvm_run.mmio is an exit of its own instead of an error. */
static int32_t ask_for_nisv(int vm_fd, struct sconce_plugin_error *err)
{
    const struct kvm_enable_cap cap = {.cap = KVM_CAP_ARM_NISV_TO_USER};

    if (sconce_kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap) < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno,
                                  SCONCE_KVM_HINT_KERNEL, "cannot enable KVM_CAP_ARM_NISV_TO_USER");
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_a64_target(int vm_fd, struct kvm_vcpu_init *ret_init, struct sconce_plugin_error *err)
{
    struct kvm_vcpu_init init = {0};

    if (sconce_kvm_ioctl(vm_fd, KVM_ARM_PREFERRED_TARGET, &init) < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                                  KVM_A64_HINT_OLD,
                                  "KVM knows no processor for guests on this one");
    *ret_init = init;
    return SCONCE_PLUGIN_OK;
}

static void cleanup_vm(struct sconce_plugin_vm **vm)
{
    kvm_a64_vm_destroy(*vm);
}

int32_t kvm_a64_vm_create_with(const struct kvm_a64_facts *facts,
                               const struct sconce_vm_config *given,
                               struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(cleanup_vm) struct sconce_plugin_vm *vm = NULL;
    SCONCE_CLEANUP(sconce_cleanup_fd) int device_fd = -1;
    struct sconce_vm_config config;
    /* Slots are multiples of the host's page, which may have 64 KiB. */
    int32_t r =
        sconce_given_space(given, SCONCE_MEM_GRANULE, SCONCE_A64_PHYSICAL_BITS, &config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm = calloc(1, sizeof *vm);
    if (!vm)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a VM");
    sconce_kvm_vm_init(&vm->kvm, &config, facts->read_only_slots);
    vm->init_clears_all = facts->init_clears_all;
    sconce_a64_vcpu_init(&vm->a64, &kvm_a64_access, vm, &vm->kvm.memory, &vm->kvm.state,
                         &facts->features);

    r = kvm_a64_open(facts->device, &device_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        /* No ring: it came to this architecture after the kernels that were tried (Linux 6.3). */
        r = sconce_kvm_machine_init(&vm->kvm.machine, device_fd, facts->vm_type, false, err);
    if (r == SCONCE_PLUGIN_OK)
        r = ask_for_nisv(vm->kvm.machine.vm_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_target(vm->kvm.machine.vm_fd, &vm->init, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    *ret_vm = SCONCE_STEAL(vm);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_a64_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                          struct sconce_plugin_error *err)
{
    struct kvm_a64_facts facts;
    int32_t r = kvm_a64_facts(&facts, err);

    return r == SCONCE_PLUGIN_OK ? kvm_a64_vm_create_with(&facts, config, ret_vm, err) : r;
}

void kvm_a64_vm_destroy(struct sconce_plugin_vm *vm)
{
    if (!vm)
        return;
    sconce_kvm_vm_fini(&vm->kvm);
    free(vm);
}

int32_t kvm_a64_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                        const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_add(&vm->kvm.memory, memory, mapping, err);
}

int32_t kvm_a64_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                          struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_remove(&vm->kvm.memory, gpa, bytes, err);
}

/* Before the first entry KVM has shown the guest nothing; it cleans what it shows to be executed
 * (arch/arm64/kvm/mmu.c, user_mem_abort). */
int32_t kvm_a64_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                              struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_sync_code(&vm->kvm.memory, gpa, bytes, vm->kvm.sealed, err);
}

int32_t kvm_a64_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t own_gpa = vm->kvm.memory.gpa_max + SCONCE_A64_OWN_OFFSET;
    uint64_t bytes = sconce_a64_own_bytes(&vm->a64), used = 0;
    int32_t r = sconce_kvm_own_map(&vm->kvm, SCONCE_A64_OWN_OFFSET, bytes, err);

    vm->kvm.sealed = vm->kvm.memory.fixed = true;
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_a64_own_build(&vm->a64, vm->kvm.own, bytes, &used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_kvm_slots_add(&vm->kvm, own_gpa, used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->kvm.state = SCONCE_VCPU_DEAD;
    return r;
}
