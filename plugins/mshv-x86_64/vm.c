/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM, its memory and its tables. After the first entry none of it changes. */
#include <stdlib.h>

#include "arch/x86_64/paging.h"
#include "common/cleanup.h"
#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

static void cleanup_vm(struct sconce_plugin_vm **vm)
{
    mshv_x86_vm_destroy(*vm);
}

static int32_t make_machine(struct sconce_plugin_vm *vm, const struct mshv_x86_facts *facts,
                            struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int device_fd = -1;
    struct sconce_mshv_machine *machine = &vm->mshv.machine;
    int32_t r = sconce_mshv_open(facts->device, &device_fd, err);

    if (r == SCONCE_PLUGIN_OK)
        r = sconce_mshv_machine_init(
            machine, facts->device, device_fd, &mshv_x86_features,
            facts->has_masks ? SCONCE_MSHV_MASKS_ALL : SCONCE_MSHV_MASKS_NONE, err);
    if (r == SCONCE_PLUGIN_OK && facts->has_overrides)
        r = mshv_x86_cpuid_set(machine->vp_fd, facts, err);
    return r;
}

int32_t mshv_x86_vm_create_with(const struct mshv_x86_facts *facts,
                                const struct sconce_vm_config *given,
                                struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(cleanup_vm) struct sconce_plugin_vm *vm = NULL;
    struct sconce_vm_config config;
    int32_t r = sconce_given_space(given, SCONCE_X86_PAGE, SCONCE_X86_PHYSICAL_BITS, &config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm = calloc(1, sizeof *vm);
    if (!vm)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a VM");
    sconce_mshv_vm_init(&vm->mshv, &config);
    sconce_x86_vcpu_init(&vm->x86, facts->found.route, &facts->control, facts->cpuid,
                         facts->cpuid_count, config.gpa_max);
    r = make_machine(vm, facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_msrs_keep(vm, facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_float_prepare(vm, facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    *ret_vm = SCONCE_STEAL(vm);
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_x86_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                           struct sconce_plugin_error *err)
{
    struct mshv_x86_facts facts;
    int32_t r = mshv_x86_facts(&facts, err);

    return r == SCONCE_PLUGIN_OK ? mshv_x86_vm_create_with(&facts, config, ret_vm, err) : r;
}

void mshv_x86_vm_destroy(struct sconce_plugin_vm *vm)
{
    if (!vm)
        return;
    sconce_mshv_vm_fini(&vm->mshv);
    sconce_mshv_state_fini(&vm->xsave);
    free(vm);
}

int32_t mshv_x86_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                         const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_add(&vm->mshv.memory, memory, mapping, err);
}

int32_t mshv_x86_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                           struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_remove(&vm->mshv.memory, gpa, bytes, err);
}

/* GDT and IDT; the shim; its stacks and the tables. A processor that keeps accessed bits in its
 * second-level tables reads page tables as if it wrote them (SDM vol 3C 28.3.5), so these are
 * writable. */
static int32_t show(struct sconce_plugin_vm *vm, uint64_t used, struct sconce_plugin_error *err)
{
    const struct sconce_mshv_own_part parts[] = {
        {SCONCE_X86_GDT_OFFSET, SCONCE_X86_SHIM_OFFSET, SCONCE_PROT_READ},
        {SCONCE_X86_SHIM_OFFSET, SCONCE_X86_STACKS_OFFSET, SCONCE_PROT_READ | SCONCE_PROT_EXEC},
        {SCONCE_X86_STACKS_OFFSET, used, SCONCE_PROT_READ | SCONCE_PROT_WRITE},
    };

    return sconce_mshv_show(&vm->mshv, 0, parts, sizeof parts / sizeof parts[0], err);
}

int32_t mshv_x86_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t bytes = sconce_x86_own_bytes(&vm->mshv.memory), used = 0;
    int32_t r = sconce_mshv_own_map(&vm->mshv, 0, bytes, err);

    vm->mshv.sealed = vm->mshv.memory.fixed = true;
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_x86_own_build(&vm->mshv.memory, vm->mshv.own, bytes, &used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = show(vm, used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->mshv.state = SCONCE_VCPU_DEAD;
    return r;
}
