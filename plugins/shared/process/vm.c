/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM and recording its memory. The process comes with the first entry, when all of its
 * memory is known. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/overflow.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/backend.h"

#define PAGE 4096u

static int32_t check_config(const struct sconce_vm_config *given, struct sconce_vm_config *config,
                            struct sconce_plugin_error *err)
{
    uint64_t end;
    int32_t r = sconce_given_config(given, config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (config->gpa_min >= config->gpa_max || config->gpa_max % PAGE ||
        !sconce_add_u64(config->gpa_max, config->reserved_bytes, &end) ||
        config->gpa_max > SCONCE_STUB_AT || end < SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES)
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
            "cannot create a VM: guest addresses 0x%" PRIx64 " to 0x%" PRIx64 " and %" PRIu64
            " reserved bytes have no room for the stub at 0x%" PRIx64,
            config->gpa_min, config->gpa_max, config->reserved_bytes, (uint64_t)SCONCE_STUB_AT);
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_process_vm_make(const struct sconce_vm_config *given,
                               struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    struct sconce_plugin_vm *vm;
    struct sconce_vm_config config;
    int32_t r = check_config(given, &config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm = calloc(1, sconce_process_backend.vm_bytes);
    if (!vm)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a VM");
    vm->memory.gpa_min = config.gpa_min;
    vm->memory.gpa_max = config.gpa_max;
    vm->memory.by_descriptor = true;
    vm->child = (struct sconce_child)SCONCE_CHILD_EMPTY;
    atomic_init(&vm->kicked, false);
    atomic_init(&vm->running, false);
    sconce_patience_begin(&vm->patience, 0, 0);
    *ret_vm = vm;
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_process_vm_create(const struct sconce_vm_config *config,
                                 struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    struct sconce_plugin_vm *vm;
    int32_t r = sconce_process_get_ready(NULL, err);

    if (r == SCONCE_PLUGIN_OK)
        r = sconce_process_vm_make(config, &vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    r = sconce_process_get_ready(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_vm = vm;
    else
        sconce_process_vm_destroy(vm);
    return r;
}

void sconce_process_vm_destroy(struct sconce_plugin_vm *vm)
{
    if (!vm)
        return;
    sconce_child_end(&vm->child);
    free(vm);
}

int32_t sconce_process_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                               const struct sconce_mapping *mapping,
                               struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_add(&vm->memory, memory, mapping, err);
}

int32_t sconce_process_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                                 struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_remove(&vm->memory, gpa, bytes, err);
}
