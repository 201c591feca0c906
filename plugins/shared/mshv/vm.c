/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a VM's life that are the same on every architecture. */
#include "plugins/shared/mshv/vm.h"

#include <sys/mman.h>

#include "plugins/shared/exit.h"
#include "plugins/shared/mshv/exit.h"
#include "plugins/shared/own-memory.h"
#include "plugins/shared/plugin-error.h"

void sconce_mshv_vm_init(struct sconce_mshv_vm *vm, const struct sconce_vm_config *config)
{
    *vm = (struct sconce_mshv_vm){
        .machine = SCONCE_MSHV_MACHINE_EMPTY,
        .memory = {.gpa_min = config->gpa_min, .gpa_max = config->gpa_max},
        .own_limit = config->reserved_bytes,
    };
}

/* The partition ends with its last descriptor, and a forked child of the host's may have one: so
 * the memory that was lent is taken away first. */
void sconce_mshv_vm_fini(struct sconce_mshv_vm *vm)
{
    sconce_mshv_regions_remove(&vm->regions, vm->machine.partition_fd);
    sconce_mshv_machine_fini(&vm->machine);
    if (vm->own)
        munmap(vm->own, vm->own_bytes);
    vm->own = NULL;
}

int32_t sconce_mshv_own_map(struct sconce_mshv_vm *vm, uint64_t bytes,
                            struct sconce_plugin_error *err)
{
    int32_t r = sconce_plugin_own_map(0, bytes, vm->own_limit, MAP_SHARED, &vm->own, err);

    if (r == SCONCE_PLUGIN_OK)
        vm->own_bytes = bytes;
    return r;
}

int32_t sconce_mshv_vcpu_run(struct sconce_plugin_vm *plugin_vm, struct sconce_mshv_vm *vm,
                             int32_t (*flush)(struct sconce_plugin_vm *,
                                              struct sconce_plugin_error *),
                             struct sconce_exit *ret_exit, int *ret_outcome, bool *ret_entered,
                             struct sconce_plugin_error *err)
{
    int r = SCONCE_MSHV_CANCELLED;

    if (vm->state != SCONCE_VCPU_RUNNABLE)
        return sconce_vcpu_refuse(vm->state, "run the guest", err);
    if (ret_exit->size < sizeof *ret_exit)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot run the guest: no room for the exit");
    sconce_exit_clear(ret_exit);
    *ret_entered = !sconce_mshv_take_kick(&vm->kick);
    if (*ret_entered) {
        int32_t status = flush(plugin_vm, err);

        if (status != SCONCE_PLUGIN_OK) {
            vm->state = SCONCE_VCPU_DEAD;
            return SCONCE_PLUGIN_E_DEAD;
        }
        r = sconce_mshv_run(vm->machine.vp_fd, &vm->kick, &vm->message);
    }
    if (r == SCONCE_MSHV_CANCELLED) {
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
    } else if (r < 0) {
        sconce_mshv_exit_run_failed(ret_exit, -r);
        vm->state = SCONCE_VCPU_DEAD;
    }
    *ret_outcome = r;
    return SCONCE_PLUGIN_OK;
}
