/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM's life and memory, and the two lists of rules that the core must keep: what may be called
 * when, and what may be mapped how. Each rule has its own text; nothing is repaired.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/overflow.h"
#include "plugins/stub/plugin.h"
#include "plugins/stub/stub.h"

/* ---- what may be called when ---- */

/* Why an op may not be called in a state; NULL where it may. */
static const char *const forbidden[STUB_OPS][STUB_STATES] = {
    [STUB_OP_MAP] = {[STUB_STOPPED] = NULL, [STUB_DEAD] = "the VM can only be destroyed"},
    [STUB_OP_RESET] = {[STUB_DEAD] = "the VM can only be destroyed"},
    [STUB_OP_ENTER] = {[STUB_ENTERED] = "the guest is running already; vcpu_reset comes first",
                       [STUB_TRAPPED] = "a system call waits; vcpu_reset comes first",
                       [STUB_STOPPED] = "the guest has ended; vcpu_reset comes first",
                       [STUB_DEAD] = "the VM can only be destroyed"},
    [STUB_OP_RUN] = {[STUB_FRESH] = "vcpu_enter comes first, after vm_create and every vcpu_reset",
                     [STUB_TRAPPED] = "a system call waits for vcpu_complete",
                     [STUB_STOPPED] = "the last exit was terminal; vcpu_reset comes first",
                     [STUB_DEAD] = "the VM can only be destroyed"},
    [STUB_OP_COMPLETE] = {[STUB_FRESH] = "there is no system call to complete",
                          [STUB_ENTERED] = "there is no system call to complete",
                          [STUB_STOPPED] = "there is no system call to complete",
                          [STUB_DEAD] = "the VM can only be destroyed"},
    [STUB_OP_SET_TLS] = {[STUB_FRESH] = "vcpu_enter, which comes next, sets it",
                         [STUB_STOPPED] = "the guest has ended",
                         [STUB_DEAD] = "the VM can only be destroyed"},
};

static const char *const op_names[STUB_OPS] = {
    [STUB_OP_MAP] = "mem_map",
    [STUB_OP_RESET] = "vcpu_reset",
    [STUB_OP_ENTER] = "vcpu_enter",
    [STUB_OP_RUN] = "vcpu_run",
    [STUB_OP_COMPLETE] = "vcpu_complete",
    [STUB_OP_SET_TLS] = "vcpu_set_tls",
};

int32_t stub_allowed(const struct sconce_plugin_vm *vm, enum stub_op op,
                     struct sconce_plugin_error *err)
{
    const char *reason = forbidden[op][vm->state];

    if (!reason)
        return SCONCE_PLUGIN_OK;
    return stub_fail(err, vm->state == STUB_DEAD ? SCONCE_PLUGIN_E_DEAD : SCONCE_PLUGIN_E_INVALID,
                     "%s out of order: %s", op_names[op], reason);
}

/* ---- life ---- */

static int32_t check_config(const struct sconce_vm_config *config, struct sconce_plugin_error *err)
{
    uint64_t reserved_end;

    if (config->flags & ~SCONCE_VM_DEBUGGABLE)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "unknown VM flags 0x%x", config->flags);
    if (config->gpa_min >= config->gpa_max)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "the guest's range [0x%" PRIx64 ", 0x%" PRIx64 ") is empty",
                         config->gpa_min, config->gpa_max);
    if ((config->gpa_min | config->gpa_max | config->reserved_bytes) % SCONCE_MEM_GRANULE != 0)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "gpa_min 0x%" PRIx64 ", gpa_max 0x%" PRIx64
                         " and reserved_bytes 0x%" PRIx64 " must be multiples of the granule",
                         config->gpa_min, config->gpa_max, config->reserved_bytes);
    if (!sconce_add_u64(config->gpa_max, config->reserved_bytes, &reserved_end))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "the reserved range wraps around");
    return SCONCE_PLUGIN_OK;
}

int32_t stub_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                       struct sconce_plugin_error *err)
{
    struct sconce_plugin_vm *vm;
    struct sconce_vm_config own;
    int32_t status;

    if (!sconce_plugin_copy_in(&own, sizeof own, config,
                               SCONCE_BYTES_TO(sconce_vm_config, reserved_bytes)))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "vm_create without a whole vm_config");
    status = check_config(&own, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;

    vm = calloc(1, sizeof *vm);
    if (!vm)
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for a VM");
    vm->config = own;
    vm->kick_fd = -1;
    stub_regs_reset(&vm->regs);
    status = stub_script_current(&vm->script, err);
    if (status != SCONCE_PLUGIN_OK) {
        stub_vm_destroy(vm);
        return status;
    }
    vm->repeats = calloc(vm->script->step_count + 1, sizeof *vm->repeats);
    vm->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!vm->repeats || vm->kick_fd < 0) {
        status = sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                    "cannot create a VM");
        stub_vm_destroy(vm);
        return status;
    }
    *ret_vm = vm;
    return SCONCE_PLUGIN_OK;
}

void stub_vm_destroy(struct sconce_plugin_vm *vm)
{
    if (!vm)
        return;
    if (vm->kick_fd >= 0)
        close(vm->kick_fd);
    free(vm->repeats);
    stub_script_free(vm->script);
    free(vm);
}

/* ---- memory ---- */

static bool is_granular(uint64_t value)
{
    return value % SCONCE_MEM_GRANULE == 0;
}

static int32_t check_handle(const struct sconce_memory *memory, struct sconce_plugin_error *err)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
    int seals;

    if (memory->handle_kind == SCONCE_HANDLE_NONE)
        return SCONCE_PLUGIN_OK;
    if (memory->handle_kind != SCONCE_HANDLE_LINUX_FD || memory->handle > INT32_MAX)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "handle kind %u, handle %" PRIu64 " is none of this system's",
                         memory->handle_kind, memory->handle);
    seals = fcntl((int)memory->handle, F_GET_SEALS);
    if (seals < 0 || (seals & wanted) != wanted)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "handle %" PRIu64 " is not a memfd that is sealed against resizing",
                         memory->handle);
    return SCONCE_PLUGIN_OK;
}

static int32_t check_memory(const struct sconce_memory *memory, struct sconce_plugin_error *err)
{
    if (memory->reserved0 != 0)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "reserved0 of sconce_memory is not zero");
    if (memory->role < SCONCE_MEM_IMAGE || memory->role > SCONCE_MEM_WINDOW)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%u is no role of memory", memory->role);
    if (memory->bytes == 0 || !is_granular(memory->bytes) || !is_granular(memory->offset))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "memory of 0x%" PRIx64 " bytes at offset 0x%" PRIx64
                         " is not made of whole granules",
                         memory->bytes, memory->offset);
    if (!memory->host_addr)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "memory without a host view");
    return check_handle(memory, err);
}

static int32_t check_prot(uint32_t role, uint32_t prot, struct sconce_plugin_error *err)
{
    const uint32_t known = SCONCE_PROT_READ | SCONCE_PROT_WRITE | SCONCE_PROT_EXEC;
    const uint32_t write_exec = SCONCE_PROT_WRITE | SCONCE_PROT_EXEC;

    if (prot == 0 || (prot & ~known))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "protection 0x%x is no use of memory", prot);
    if ((prot & write_exec) == write_exec)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "a mapping is written or executed, never both");
    if (role == SCONCE_MEM_IMAGE && (prot & SCONCE_PROT_WRITE))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "IMAGE memory is never written by a guest");
    if (role == SCONCE_MEM_BOOT && prot != SCONCE_PROT_READ)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "BOOT memory can only be read by a guest");
    if (role == SCONCE_MEM_IO && (prot & SCONCE_PROT_EXEC))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "IO memory is never executed by a guest");
    return SCONCE_PLUGIN_OK;
}

/* Is the mapping's range one that this VM can have, and free? */
static int32_t check_range(const struct sconce_plugin_vm *vm, const struct sconce_mapping *mapping,
                           struct sconce_plugin_error *err)
{
    uint64_t end;

    if (mapping->bytes == 0 || !is_granular(mapping->gpa) || !is_granular(mapping->bytes) ||
        !is_granular(mapping->object_offset))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "a mapping of 0x%" PRIx64 " bytes at 0x%" PRIx64 " from offset 0x%" PRIx64
                         " is not made of whole granules",
                         mapping->bytes, mapping->gpa, mapping->object_offset);
    if (!sconce_add_u64(mapping->gpa, mapping->bytes, &end) || mapping->gpa < vm->config.gpa_min ||
        end > vm->config.gpa_max)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "a mapping of 0x%" PRIx64 " bytes at 0x%" PRIx64
                         " leaves the guest's range [0x%" PRIx64 ", 0x%" PRIx64 ")",
                         mapping->bytes, mapping->gpa, vm->config.gpa_min, vm->config.gpa_max);
    for (uint32_t i = 0; i < vm->mapping_count; i++) {
        const struct sconce_mapping *other = &vm->mappings[i].at;

        if (mapping->gpa < other->gpa + other->bytes && other->gpa < end)
            return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                             "a mapping of 0x%" PRIx64 " bytes at 0x%" PRIx64
                             " overlaps the one of 0x%" PRIx64 " bytes at 0x%" PRIx64,
                             mapping->bytes, mapping->gpa, other->bytes, other->gpa);
    }
    return SCONCE_PLUGIN_OK;
}

int32_t stub_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                     const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    struct sconce_memory from;
    struct sconce_mapping at;
    int32_t status = stub_allowed(vm, STUB_OP_MAP, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!sconce_plugin_copy_in(&from, sizeof from, memory,
                               SCONCE_BYTES_TO(sconce_memory, reserved0)) ||
        !sconce_plugin_copy_in(&at, sizeof at, mapping,
                               SCONCE_BYTES_TO(sconce_mapping, object_offset)))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "mem_map without a whole sconce_memory and sconce_mapping");
    if (vm->was_entered)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "mem_map after the first vcpu_enter, which this backend's capabilities "
                         "do not offer");
    status = check_memory(&from, err);
    if (status == SCONCE_PLUGIN_OK)
        status = check_prot(from.role, at.prot, err);
    if (status == SCONCE_PLUGIN_OK)
        status = check_range(vm, &at, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!sconce_range_within(at.object_offset, at.bytes, from.bytes))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "a mapping of 0x%" PRIx64 " bytes from offset 0x%" PRIx64
                         " leaves its memory of 0x%" PRIx64 " bytes",
                         at.bytes, at.object_offset, from.bytes);
    if (vm->mapping_count == STUB_MAX_MAPPINGS)
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "more than %u mappings",
                         STUB_MAX_MAPPINGS);
    vm->mappings[vm->mapping_count++] = (struct stub_mapping){
        .at = at, .role = from.role, .host = (uint8_t *)from.host_addr + at.object_offset};
    return SCONCE_PLUGIN_OK;
}

int32_t stub_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t status = stub_allowed(vm, STUB_OP_MAP, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (vm->was_entered)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "mem_unmap after the first vcpu_enter, which this backend's capabilities "
                         "do not offer");
    for (uint32_t i = 0; i < vm->mapping_count; i++) {
        if (vm->mappings[i].at.gpa != gpa || vm->mappings[i].at.bytes != bytes)
            continue;
        vm->mappings[i] = vm->mappings[--vm->mapping_count];
        return SCONCE_PLUGIN_OK;
    }
    return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                     "mem_unmap of 0x%" PRIx64 " bytes at 0x%" PRIx64
                     ", which is not exactly a range that was mapped",
                     bytes, gpa);
}

int32_t stub_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                           struct sconce_plugin_error *err)
{
    int32_t status = stub_allowed(vm, STUB_OP_MAP, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (!stub_host(vm, gpa, bytes, SCONCE_PROT_EXEC))
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "mem_sync_code of 0x%" PRIx64 " bytes at 0x%" PRIx64
                         ", which is not within an executable mapping",
                         bytes, gpa);
    return SCONCE_PLUGIN_OK;
}

uint8_t *stub_host(const struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
    for (uint32_t i = 0; i < vm->mapping_count; i++) {
        const struct stub_mapping *mapping = &vm->mappings[i];

        if (gpa >= mapping->at.gpa && (mapping->at.prot & prot) == prot &&
            sconce_range_within(gpa - mapping->at.gpa, bytes, mapping->at.bytes))
            return mapping->host + (gpa - mapping->at.gpa);
    }
    return NULL;
}

const struct stub_mapping *stub_mapping_of(const struct sconce_plugin_vm *vm, uint32_t role)
{
    for (uint32_t i = 0; i < vm->mapping_count; i++) {
        if (vm->mappings[i].role == role)
            return &vm->mappings[i];
    }
    return NULL;
}
