/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a VM's life that are the same on every architecture. */
#include "plugins/shared/mshv/vm.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "plugins/shared/exit.h"
#include "plugins/shared/mshv/exit.h"
#include "plugins/shared/mshv/hypercall.h"
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

int32_t sconce_mshv_own_map(struct sconce_mshv_vm *vm, uint64_t reserved, uint64_t bytes,
                            struct sconce_plugin_error *err)
{
    int32_t r = sconce_plugin_own_map(reserved, bytes, vm->own_limit, MAP_SHARED, &vm->own, err);

    if (r == SCONCE_PLUGIN_OK)
        vm->own_bytes = bytes;
    return r;
}

int32_t sconce_mshv_show(struct sconce_mshv_vm *vm, uint64_t reserved,
                         const struct sconce_mshv_own_part *parts, size_t count,
                         struct sconce_plugin_error *err)
{
    int fd = vm->machine.partition_fd;
    int32_t r = sconce_mshv_regions_add(&vm->regions, fd, &vm->memory, err);

    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < count; i++) {
        const struct sconce_mshv_region region = {
            .gpa = vm->memory.gpa_max + parts[i].at,
            .bytes = parts[i].end - parts[i].at,
            .host = vm->own + (parts[i].at - reserved),
            .prot = parts[i].prot,
        };

        r = sconce_mshv_region_add(&vm->regions, fd, &region, err);
    }
    return r;
}

static bool is_past(uint64_t deadline_ns)
{
    struct timespec now;

    if (!deadline_ns)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec >= deadline_ns;
}

/* RUN_VP, at least once, until a message or a kick. Registers are flushed before each, as what the
 * VP has not taken of the last flush may be nowhere else. Signals may come as often as they like;
 * to come back without one and without a message may not: nobody kicks a guest that only seems to
 * run. Returns an outcome, or a negative errno with @why. */
static int run(struct sconce_plugin_vm *plugin_vm, struct sconce_mshv_vm *vm,
               int32_t (*flush)(struct sconce_plugin_vm *, struct sconce_plugin_error *),
               struct sconce_plugin_error *why)
{
    unsigned idle = 0;

    do {
        int r;

        if (flush && flush(plugin_vm, why) != SCONCE_PLUGIN_OK)
            return -EIO;
        r = sconce_mshv_run(vm->machine.vp_fd, &vm->message);
        if (r != SCONCE_MSHV_INTERRUPTED && r != SCONCE_MSHV_IDLE)
            return r;
        idle += r == SCONCE_MSHV_IDLE;
        if (sconce_mshv_take_kick(&vm->kick) || is_past(vm->deadline_ns))
            return SCONCE_MSHV_CANCELLED;
    } while (idle < SCONCE_MSHV_MAX_IDLE);
    return -EAGAIN;
}

/* How a run failed: in the words of the flush before it, or by its own errno. */
static void fail_run(struct sconce_mshv_vm *vm, int errnum, const struct sconce_plugin_error *why,
                     struct sconce_exit *ret_exit)
{
    if (why->text[0])
        sconce_exit_fail(ret_exit, why->domain, why->code, "%.*s",
                         (int)sizeof ret_exit->u.fail.text - 1, why->text);
    else
        sconce_mshv_exit_run_failed(ret_exit, errnum);
    vm->state = SCONCE_VCPU_DEAD;
}

int32_t sconce_mshv_vcpu_run(struct sconce_plugin_vm *plugin_vm, struct sconce_mshv_vm *vm,
                             int32_t (*flush)(struct sconce_plugin_vm *,
                                              struct sconce_plugin_error *),
                             struct sconce_exit *ret_exit, int *ret_outcome, bool *ret_entered,
                             struct sconce_plugin_error *err)
{
    struct sconce_plugin_error why = {.size = sizeof why};
    int r = SCONCE_MSHV_CANCELLED;

    if (vm->state != SCONCE_VCPU_RUNNABLE)
        return sconce_vcpu_refuse(vm->state, "run the guest", err);
    if (!SCONCE_HAS(sconce_exit, ret_exit, u))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot run the guest: no room for the exit");
    sconce_exit_clear(ret_exit);
    *ret_entered = !sconce_mshv_take_kick(&vm->kick);
    if (*ret_entered)
        r = run(plugin_vm, vm, flush, &why);
    if (r == SCONCE_MSHV_CANCELLED)
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
    else if (r < 0)
        fail_run(vm, -r, &why, ret_exit);
    *ret_outcome = r;
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_mshv_vcpu_reset(struct sconce_plugin_vm *plugin_vm, struct sconce_mshv_vm *vm,
                               int32_t (*scrub)(struct sconce_plugin_vm *,
                                                struct sconce_plugin_error *),
                               struct sconce_plugin_error *err)
{
    int32_t r;

    if (vm->state == SCONCE_VCPU_DEAD)
        return sconce_vcpu_refuse(vm->state, "reset the vCPU", err);
    sconce_mshv_forget_kick(&vm->kick);
    if (!vm->sealed)
        return SCONCE_PLUGIN_OK;
    r = scrub(plugin_vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->state = SCONCE_VCPU_DEAD;
    return r;
}
