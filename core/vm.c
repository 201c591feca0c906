/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vm.h"

#include <string.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/lock.h"
#include "sconce-guest-abi.h"

static void lock(const struct sconce_vm *vm)
{
    if (vm->backend->thread_model == SCONCE_THREADS_ONE)
        sconce_lock_take(vm->backend->one_lock);
}

static void unlock(const struct sconce_vm *vm)
{
    if (vm->backend->thread_model == SCONCE_THREADS_ONE)
        sconce_lock_give(vm->backend->one_lock);
}

/* Runs one op between the locks and turns its failure into ours. */
#define CALL_OP(vm, err, name, ...)                                                                \
    __extension__({                                                                                \
        SCONCE_UNINITIALIZED struct sconce_plugin_error from_;                                     \
        int32_t status_;                                                                           \
                                                                                                   \
        from_.size = sizeof from_;                                                                 \
        from_.domain = SCONCE_DOMAIN_NONE;                                                         \
        from_.code = 0;                                                                            \
        from_.text[0] = from_.hint[0] = '\0';                                                      \
        lock(vm);                                                                                  \
        status_ = (vm)->backend->ops.name(__VA_ARGS__, &from_);                                    \
        unlock(vm);                                                                                \
        status_ == SCONCE_PLUGIN_OK ? 0                                                            \
                                    : sconce_backend_error((vm)->backend, status_, &from_, err);   \
    })

int sconce_vm_failed(int result, struct sconce_error *err)
{
    if (result >= 0)
        return result;
    if (err)
        err->code = SCONCE_E_BACKEND;
    return SCONCE_E_BACKEND;
}

int sconce_vm_create(struct sconce_vm *vm, struct sconce_backend *backend, struct sconce_error *err)
{
    const struct sconce_vm_config config = {
        .size = sizeof config,
        .gpa_min = SCONCE_GPA_MIN,
        .gpa_max = SCONCE_GPA_MAX,
        .reserved_bytes = SCONCE_GPA_RESERVED,
    };

    vm->backend = backend;
    vm->handle = NULL;
    return CALL_OP(vm, err, vm_create, &config, &vm->handle);
}

void sconce_vm_destroy(struct sconce_vm *vm)
{
    if (!vm->handle)
        return;
    lock(vm);
    vm->backend->ops.vm_destroy(vm->handle);
    unlock(vm);
    vm->handle = NULL;
}

int sconce_vm_map(struct sconce_vm *vm, const struct sconce_memory *memory,
                  const struct sconce_mapping *mapping, struct sconce_error *err)
{
    return CALL_OP(vm, err, mem_map, vm->handle, memory, mapping);
}

int sconce_vm_sync_code(struct sconce_vm *vm, uint64_t gpa, uint64_t bytes,
                        struct sconce_error *err)
{
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status = vm->backend->ops.mem_sync_code(vm->handle, gpa, bytes, &from);
    unlock(vm);
    if (status == SCONCE_PLUGIN_OK || status == SCONCE_PLUGIN_E_NOT_SUPPORTED)
        return 0;
    return sconce_backend_error(vm->backend, status, &from, err);
}

int sconce_vm_reset(struct sconce_vm *vm, struct sconce_error *err)
{
    return CALL_OP(vm, err, vcpu_reset, vm->handle);
}

bool sconce_vm_track(struct sconce_vm *vm)
{
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    if (!vm->backend->dirty.size)
        return false;
    lock(vm);
    status = vm->backend->dirty.begin(vm->handle, &from);
    unlock(vm);
    return status == SCONCE_PLUGIN_OK;
}

SCONCE_HOT bool sconce_vm_written(struct sconce_vm *vm,
                                  void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx)
{
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status = vm->backend->dirty.collect(vm->handle, wrote, ctx, &from);
    unlock(vm);
    return status == SCONCE_PLUGIN_OK;
}

/* Values that came from a guest: INVALID is its doing. */
static int guest_gave(const struct sconce_vm *vm, int32_t status,
                      const struct sconce_plugin_error *from, struct sconce_error *err)
{
    int r;

    if (status == SCONCE_PLUGIN_OK)
        return 0;
    r = sconce_backend_error(vm->backend, status, from, err);
    if (status == SCONCE_PLUGIN_E_INVALID)
        r = SCONCE_E_GUEST_PROTOCOL;
    if (err)
        err->code = r;
    return r;
}

int sconce_vm_enter(struct sconce_vm *vm, const struct sconce_entry *entry,
                    struct sconce_error *err)
{
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status = vm->backend->ops.vcpu_enter(vm->handle, entry, &from);
    unlock(vm);
    return guest_gave(vm, status, &from, err);
}

SCONCE_HOT int sconce_vm_run(struct sconce_vm *vm, struct sconce_exit *ret_exit,
                             struct sconce_error *err)
{
    ret_exit->size = sizeof *ret_exit;
    return CALL_OP(vm, err, vcpu_run, vm->handle, ret_exit);
}

int sconce_vm_complete(struct sconce_vm *vm, int64_t result, struct sconce_error *err)
{
    return CALL_OP(vm, err, vcpu_complete, vm->handle, result);
}

int sconce_vm_set_tls(struct sconce_vm *vm, uint64_t tls, struct sconce_error *err)
{
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status = vm->backend->ops.vcpu_set_tls(vm->handle, tls, &from);
    unlock(vm);
    if (status == SCONCE_PLUGIN_OK)
        return 0;
    if (status == SCONCE_PLUGIN_E_INVALID)
        return 1;
    return sconce_backend_error(vm->backend, status, &from, err);
}

int sconce_vm_fault_resume(struct sconce_vm *vm, struct sconce_error *err)
{
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status = vm->backend->fault.resume(vm->handle, &from);
    unlock(vm);
    if (status == SCONCE_PLUGIN_OK)
        return 1;
    if (status == SCONCE_PLUGIN_E_NOT_SUPPORTED)
        return 0;
    return sconce_backend_error(vm->backend, status, &from, err);
}

int sconce_vm_standard_get(struct sconce_vm *vm, void *ret_regs, struct sconce_error *err)
{
    const struct sconce_backend *backend = vm->backend;
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status = backend->regs.get(vm->handle, SCONCE_REGS_STANDARD, ret_regs,
                               backend->fault.regs_bytes, &from);
    unlock(vm);
    return status == SCONCE_PLUGIN_OK ? 0 : sconce_backend_error(backend, status, &from, err);
}

int sconce_vm_standard_set(struct sconce_vm *vm, const void *regs, struct sconce_error *err)
{
    const struct sconce_backend *backend = vm->backend;
    struct sconce_plugin_error from = {.size = sizeof from};
    int32_t status;

    lock(vm);
    status =
        backend->regs.set(vm->handle, SCONCE_REGS_STANDARD, regs, backend->fault.regs_bytes, &from);
    unlock(vm);
    return guest_gave(vm, status, &from, err);
}
