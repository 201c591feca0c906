/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM, its memory and its tables. After the first entry none of it changes. */
#include <stdlib.h>

#include "common/cleanup.h"
#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

static void cleanup_vm(struct sconce_plugin_vm **vm)
{
    mshv_a64_vm_destroy(*vm);
}

int32_t mshv_a64_vm_create_with(const struct mshv_a64_facts *facts,
                                const struct sconce_vm_config *given,
                                struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(cleanup_vm) struct sconce_plugin_vm *vm = NULL;
    SCONCE_CLEANUP(sconce_cleanup_fd) int device_fd = -1;
    struct sconce_vm_config config;
    int32_t r = sconce_given_space(given, SCONCE_A64_PAGE, SCONCE_A64_PHYSICAL_BITS, &config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm = calloc(1, sizeof *vm);
    if (!vm)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a VM");
    sconce_mshv_vm_init(&vm->mshv, &config);
    sconce_a64_vcpu_init(&vm->a64, &mshv_a64_access, vm, &vm->mshv.memory, &vm->mshv.state,
                         &facts->features);
    mshv_a64_reset_keep(vm, facts);
    r = sconce_mshv_open(facts->device, &device_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_mshv_machine_init(
            &vm->mshv.machine, facts->device, device_fd, &mshv_a64_features,
            facts->has_masks ? SCONCE_MSHV_MASKS_ALL : SCONCE_MSHV_MASKS_NONE, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    *ret_vm = SCONCE_STEAL(vm);
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_a64_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                           struct sconce_plugin_error *err)
{
    struct mshv_a64_facts facts;
    int32_t r = mshv_a64_facts(&facts, err);

    return r == SCONCE_PLUGIN_OK ? mshv_a64_vm_create_with(&facts, config, ret_vm, err) : r;
}

void mshv_a64_vm_destroy(struct sconce_plugin_vm *vm)
{
    if (!vm)
        return;
    sconce_mshv_vm_fini(&vm->mshv);
    free(vm);
}

int32_t mshv_a64_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                         const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_add(&vm->mshv.memory, memory, mapping, err);
}

int32_t mshv_a64_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                           struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_remove(&vm->mshv.memory, gpa, bytes, err);
}

/* Nothing says that kernel or hypervisor maintain caches when memory is shown. */
int32_t mshv_a64_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                               struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_sync_code(&vm->mshv.memory, gpa, bytes, true, err);
}

/* The save area, the vectors, the tables: neither processor nor hypervisor ever writes to these,
 * having no access flag to manage. */
static int32_t show(struct sconce_plugin_vm *vm, uint64_t used, struct sconce_plugin_error *err)
{
    const struct sconce_mshv_own_part parts[] = {
        {SCONCE_A64_SAVE_OFFSET, SCONCE_A64_VECTORS_OFFSET, SCONCE_PROT_READ | SCONCE_PROT_WRITE},
        {SCONCE_A64_VECTORS_OFFSET, SCONCE_A64_TABLES_OFFSET, SCONCE_PROT_READ | SCONCE_PROT_EXEC},
        {SCONCE_A64_TABLES_OFFSET, SCONCE_A64_OWN_OFFSET + used, SCONCE_PROT_READ},
    };
    char *code = (char *)vm->mshv.own + (SCONCE_A64_VECTORS_OFFSET - SCONCE_A64_OWN_OFFSET);

    __builtin___clear_cache(code, code + SCONCE_A64_PAGE);
    return sconce_mshv_show(&vm->mshv, SCONCE_A64_OWN_OFFSET, parts, sizeof parts / sizeof parts[0],
                            err);
}

int32_t mshv_a64_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t bytes = sconce_a64_own_bytes(&vm->a64), used = 0;
    int32_t r = sconce_mshv_own_map(&vm->mshv, SCONCE_A64_OWN_OFFSET, bytes, err);

    vm->mshv.sealed = vm->mshv.memory.fixed = true;
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_a64_own_build(&vm->a64, vm->mshv.own, bytes, &used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = show(vm, used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_a64_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->mshv.state = SCONCE_VCPU_DEAD;
    return r;
}
