/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM, its memory and its tables. After the first entry none of it changes. */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

#define MAX_RANGES (SCONCE_PLUGIN_MAX_MAPPINGS + SCONCE_A64_SUPERVISOR_RANGES)

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
    vm->features = facts->features;

    r = kvm_a64_open(facts->device, &device_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_kvm_machine_init(&vm->kvm.machine, device_fd, facts->vm_type, err);
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

/* The guest's mappings and the supervisor's pages; the tables themselves are mapped nowhere. */
static size_t list_ranges(const struct sconce_plugin_vm *vm,
                          struct sconce_a64_range ranges[MAX_RANGES])
{
    size_t count = vm->kvm.memory.count;

    for (size_t i = 0; i < count; i++) {
        const struct sconce_plugin_range *range = &vm->kvm.memory.ranges[i];

        ranges[i] = (struct sconce_a64_range){range->gpa, range->bytes, range->prot, true, false};
    }
    sconce_a64_supervisor_ranges(vm->kvm.memory.gpa_max, &ranges[count]);
    return count + SCONCE_A64_SUPERVISOR_RANGES;
}

static uint64_t whole_granules(uint64_t bytes)
{
    return (bytes + SCONCE_MEM_GRANULE - 1) / SCONCE_MEM_GRANULE * SCONCE_MEM_GRANULE;
}

/* Our own memory: the supervisor's pages, then the tables. */
static int32_t build_own(struct sconce_plugin_vm *vm, uint64_t *ret_used,
                         struct sconce_plugin_error *err)
{
    struct sconce_a64_range ranges[MAX_RANGES];
    size_t count = list_ranges(vm, ranges);
    uint64_t table_bytes = sconce_a64_paging_bytes(ranges, count);
    uint64_t tables_gpa = vm->kvm.memory.gpa_max + SCONCE_A64_TABLES_OFFSET;
    uint64_t used;
    int r = sconce_kvm_own_map(&vm->kvm, SCONCE_A64_OWN_OFFSET,
                               whole_granules(SCONCE_A64_SUPERVISOR_BYTES + table_bytes), err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_a64_supervisor_build(vm->kvm.own);
    r = sconce_a64_paging_build(ranges, count, vm->kvm.own + SCONCE_A64_SUPERVISOR_BYTES,
                                table_bytes, tables_gpa, &used);
    if (r != SCONCE_A64_PAGING_OK)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_PLUGIN, r, NULL,
                                  "cannot build the guest's page tables");
    sconce_a64_sysregs(&vm->features, tables_gpa, sconce_a64_vector_gpa(vm->kvm.memory.gpa_max, 0),
                       vm->sysregs);
    *ret_used = whole_granules(SCONCE_A64_SUPERVISOR_BYTES + used);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_a64_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t own_gpa = vm->kvm.memory.gpa_max + SCONCE_A64_OWN_OFFSET;
    uint64_t own_used = 0;
    int32_t r = build_own(vm, &own_used, err);

    vm->kvm.sealed = vm->kvm.memory.fixed = true;
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_kvm_slots_add(&vm->kvm, own_gpa, own_used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->kvm.state = SCONCE_VCPU_DEAD;
    return r;
}
